// Package durable makes files that survive a power cut.
//
// A file system may write a file's name before its bytes, and both long after
// the call that made them. So there is one order: the bytes go into a file of
// another name, are synced, the file gets its name, and the folder that holds
// the name is synced. After a cut at any place there is the old file or the new
// one, and never a part; after a call that returned nil there is the new one.
// An error of a sync is final: what the disk then holds is unknown, and a
// second sync would hide it.
//
//	err := durable.Replace("var/t1/epoch", data, 0o600)
//
// One process at a time writes a file.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// temporary is added to a file's name until it is whole.
const temporary = ".new"

// Replace writes a file, over the old one if there is one. What a cut has left
// of an earlier try is removed first, so that neither its mode nor, if it is a
// link, its target matters.
func Replace(path string, data []byte, mode fs.FileMode) error {
	fresh := path + temporary
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := Create(fresh, data, mode); err != nil {
		return err
	}
	if err := Rename(fresh, path); err != nil {
		_ = os.Remove(fresh) // the first error counts
		return err
	}
	return nil
}

// Create writes a new file, and fails with fs.ErrExist if there is one. Its
// bytes are on disk afterwards, its name is not before SyncDir: one of those
// serves for all files of a folder.
func Create(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path) // the first error counts
	}
	return err
}

// Rename gives a file or folder, which is on disk already, another name in the
// same folder, over the file that has it.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(filepath.Clean(to)))
}

// SyncDir waits until the names in a folder are on disk.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// MkdirAll makes a folder, and those above it that are missing. What is there
// is left as it is.
func MkdirAll(dir string, mode fs.FileMode) error {
	dir = filepath.Clean(dir)
	there, err := isDir(dir)
	if there || err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return fmt.Errorf("%s: %w", dir, fs.ErrNotExist) // a working folder that was removed
	}
	if err := MkdirAll(parent, mode); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if there, _ := isDir(dir); !there { // made by somebody else meanwhile
			return err
		}
	}
	return SyncDir(parent)
}

// isDir tells whether a folder is there; what is there and no folder is an
// error.
func isDir(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !info.IsDir():
		return false, fmt.Errorf("%s: %w", path, syscall.ENOTDIR)
	}
	return true, nil
}
