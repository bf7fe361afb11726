package screen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
)

// ErrNoFolder says that the options name no folder for documents.
var ErrNoFolder = errors.New("screen: no folder for documents")

// documents keep files in a folder of their own.
type documents struct{ dir string }

var _ fyne.Storage = documents{}

func newDocuments(dir string) documents {
	if dir == "" {
		return documents{}
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return documents{filepath.Join(dir, "documents")}
}

// RootURI is the folder; without one it is the root of the file system, where
// nothing of ours is.
func (d documents) RootURI() fyne.URI {
	if d.dir == "" {
		return storage.NewFileURI(string(filepath.Separator))
	}
	return storage.NewFileURI(d.dir)
}

// file is a document's place. A name is one element of a path and nothing else.
func (d documents) file(name string) (string, error) {
	if d.dir == "" {
		return "", ErrNoFolder
	}
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return "", fmt.Errorf("screen: document %q: not a name: %w", name, fs.ErrInvalid)
	}
	return filepath.Join(d.dir, name), nil
}

func (d documents) Create(name string) (fyne.URIWriteCloser, error) {
	path, err := d.file(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, fmt.Errorf("screen: document: %w", err)
	}
	return openDocument(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

func (d documents) Open(name string) (fyne.URIReadCloser, error) {
	path, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return openDocument(path, os.O_RDONLY)
}

func (d documents) Save(name string) (fyne.URIWriteCloser, error) {
	path, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return openDocument(path, os.O_WRONLY|os.O_TRUNC)
}

func (d documents) Remove(name string) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("screen: document: %w", translate(err))
	}
	return nil
}

func (d documents) List() []string {
	if d.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil // no document was made yet
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// document is an open one.
type document struct {
	*os.File
	uri fyne.URI
}

func (d document) URI() fyne.URI { return d.uri }

// readWriteCloser is what Fyne's two halves of a document make together. An
// interface, so that a failure is a nil one.
type readWriteCloser interface {
	fyne.URIReadCloser
	fyne.URIWriteCloser
}

func openDocument(path string, flag int) (readWriteCloser, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, fmt.Errorf("screen: document: %w", translate(err))
	}
	return &document{f, storage.NewFileURI(path)}, nil
}

// translate adds the words by which Fyne's callers tell errors apart.
func translate(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.Join(storage.ErrNotExists, err)
	case errors.Is(err, fs.ErrExist):
		return errors.Join(storage.ErrAlreadyExists, err)
	}
	return err
}
