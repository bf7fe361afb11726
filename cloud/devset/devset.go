// Package devset makes, once, all that a development set needs: certificates,
// keys, signed parameters, test cards and the two programs' configuration.
//
//	err := devset.Make("var", devset.Opts{Now: time.Now(), MQTTPort: 8883, StatusPort: 8081})
//
//	var/cloud   cloud.toml, TLS, CA key, acquirer key, issuer, key that signs parameters
//	var/t1      terminal.toml, TLS, signed parameters and the key that checks them
//	var/sim     the deck of cards, and what is loaded into the simulated PIN pad
//
// The set is made in a folder beside and renamed when it is whole, so it is
// either there or not. No key is ever overwritten: it may have sealed something.
// Every file that holds a secret has mode 0600. The card schemes' CA keys are
// not kept at all. AddTaps brings a set of before up to date.
//
// It is for development: test cards have a RID and a BIN like no scheme's, and
// the parameters say "development".
package devset

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/durable"
)

// Terminal is the id of the set's one terminal.
const Terminal = "dev:t1"

// ErrExists is a folder that holds something already.
var ErrExists = errors.New("exists and is not empty; a development set is made once, remove it or name another folder")

// Opts says what may differ between sets. A port of 0 lets the cloud take a
// free one.
type Opts struct {
	Now        time.Time
	MQTTPort   uint16
	StatusPort uint16
	Screen     string // where the terminal's screen is shown to browsers; "" has none
}

// The modes of files.
const (
	secretMode fs.FileMode = 0o600
	publicMode fs.FileMode = 0o644
)

// file is one file of a set, by its path in it.
type file struct {
	path   string
	data   []byte
	public bool
}

// Make makes a set in dir.
func Make(dir string, o Opts) (err error) {
	if err := checkEmpty(dir); err != nil {
		return fmt.Errorf("devset: %w", err)
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("devset: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, ".dev-init-")
	if err != nil {
		return fmt.Errorf("devset: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	files, err := contents(o)
	if err != nil {
		return fmt.Errorf("devset: %w", err)
	}
	if err := write(tmp, files); err != nil {
		return fmt.Errorf("devset: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one
		return fmt.Errorf("devset: %w", err)
	}
	if err := durable.Rename(tmp, dir); err != nil {
		return fmt.Errorf("devset: %w", err)
	}
	return nil
}

// checkEmpty lets pass what is not there, and an empty folder.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s %w", dir, ErrExists)
	}
	return nil
}

// contents makes everything, in memory.
func contents(o Opts) ([]file, error) {
	c, err := newCardKeys(rand.Reader, o.Now)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, part := range []func() ([]file, error){
		func() ([]file, error) { return certificates(o.Now) },
		func() ([]file, error) { return parameters(o.Now, c) },
		c.files,
		func() ([]file, error) { return configurations(o), nil },
	} {
		more, err := part()
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return files, nil
}

// write puts the files into dir and returns when they are on disk.
func write(dir string, files []file) error {
	folders := []string{dir}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		mode := secretMode
		if f.public {
			mode = publicMode
		}
		if err := durable.Create(path, f.data, mode); err != nil {
			return err
		}
		for folder := filepath.Dir(path); strings.HasPrefix(folder, dir) && !slices.Contains(folders, folder); folder = filepath.Dir(folder) {
			folders = append(folders, folder)
		}
	}
	for _, folder := range folders {
		if err := durable.SyncDir(folder); err != nil {
			return err
		}
	}
	return nil
}
