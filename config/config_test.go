package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/config"
)

type device struct {
	URI  string        `toml:"uri"`
	Baud int8          `toml:"baud"`
	Wait time.Duration `toml:"wait"`
}

type file struct {
	Name    string   `toml:"name"`
	Reader  device   `toml:"reader"`
	Printer []device `toml:"printer"`
}

func load(t *testing.T, text string) (file, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "terminal.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := file{Name: "default"}
	err := config.Load(path, &f)
	if err != nil {
		err = &shortened{err, strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "")}
	}
	return f, err
}

// shortened is an error without the folder of the test.
type shortened struct {
	err  error
	text string
}

func (s *shortened) Error() string { return s.text }
func (s *shortened) Unwrap() error { return s.err }

func TestLoad(t *testing.T) {
	f, err := load(t, "[reader]\nuri = 'ccid:/dev/ttyS1'\nwait = '2s'\n[[printer]]\nbaud = 9\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(f), "{default {ccid:/dev/ttyS1 0 2s} [{ 9 0s}]}"; got != want {
		t.Errorf("Load = %s, want %s", got, want)
	}
}

func TestErrorsNameFileLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"nam = 'x'": "config: terminal.toml:1: nam: unknown key",
		"# nam = 1\nname = 'x'\n[reader]\nbuad = 1":          "config: terminal.toml:4: reader.buad: unknown key",
		"[[printer]]\nbaud = 1\n[[printer]]\n  'buad' = 2":   "config: terminal.toml:4: printer.buad: unknown key",
		"\n[raeder] # here\nuri = ''":                        "config: terminal.toml:2: raeder: unknown key",
		"\nreader = { uri = '', buad = 1 }":                  "config: terminal.toml:2: reader.buad: unknown key",
		"\nreader.uri = ''\nreader.\"buad\" = 1":             "config: terminal.toml:3: reader.buad: unknown key",
		"name = 1":                                           "config: terminal.toml:1: name: want string, got int64",
		"[reader]\nbaud = '9600'":                            "config: terminal.toml:2: reader.baud: want integer, got string",
		"[reader]\nbaud = 9600":                              "config: terminal.toml:2: reader.baud: 9600 is out of range for int8",
		"[reader]\nwait = '5 parsecs'":                       "config: terminal.toml:2: reader.wait: invalid duration: \"5 parsecs\"",
		"reader = 7":                                         "config: terminal.toml:1: reader: type mismatch for config_test.device: expected table but found int64",
		"name = 'a'\nname = 'b'":                             "config: terminal.toml:2: name: Key 'name' has already been defined.",
		"name = 'a'\n\nreader baud":                          "config: terminal.toml:3: expected '.' or '=', but got 'b' instead",
		"\x00":                                               "config: terminal.toml:1: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8",
		"name = 'x'\n" + strings.Repeat("#", 1<<20):          "config: terminal.toml: more than 1048576 bytes",
		"name = 'a'\nreader.uri = 'x'\nreader.uri.extra = 1": "config: terminal.toml:3: reader.uri.extra: Key 'reader.uri' has already been defined.",
	} {
		_, err := load(t, text)
		if err == nil {
			t.Errorf("%.60q was accepted", text)
			continue
		}
		if err.Error() != want {
			t.Errorf("%.60q:\n got %s\nwant %s", text, err, want)
		}
		if !strings.HasSuffix(want, "bytes") && !errors.Is(err, config.ErrConfig) {
			t.Errorf("%.60q: %v is no ErrConfig", text, err)
		}
	}
}

func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.toml")
	err := config.Load(path, &file{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("missing file: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("name = 'x'\n[reader]\nbuad = 1")
	f.Add("a.'b c'.\"d\" = [ { x = 1 } ]")
	f.Add("[[printer]]\n[printer.x]\n")
	path := filepath.Join(f.TempDir(), "fuzz.toml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := config.Load(path, &file{}); err != nil && (!strings.HasPrefix(err.Error(), "config: ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
