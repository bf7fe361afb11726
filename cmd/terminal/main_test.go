package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/devset"
)

// command runs one command as main does.
func command(t *testing.T, args ...string) (stdout, stderr string, status int, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	status, err = run(t.Context(), args, &out, &errs)
	return out.String(), errs.String(), status, err
}

// madeOnce is a development set, which takes a moment to make.
var madeOnce string

// TestMain is also the child that checks a journal: the program calls itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == checkCommand {
		main()
	}
	os.Exit(makeAndRun(m))
}

func makeAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cloudpos-terminal-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	madeOnce = filepath.Join(dir, "var")
	if err := devset.Make(madeOnce, devset.Opts{Now: time.Now(), MQTTPort: 1}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// installation copies the development set, alters texts of its configuration,
// and returns the terminal's configuration file.
func installation(t *testing.T, change ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "var")
	if err := os.CopyFS(dir, os.DirFS(madeOnce)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "t1", "terminal.toml")
	edit(t, file, change...)
	return file
}

// edit replaces texts of a file, each of which must be there.
func edit(t *testing.T, file string, pairs ...string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in %s", pairs[i], file)
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}, {"sale", "-h"}, {"run", "--help"}, {"journal", "list", "-h"}, {"sim", "-h"}, {"version", "-h"}} {
		stdout, stderr, status, err := command(t, args...)
		if err != nil || status != exitApproved || stdout != usage || stderr != "" {
			t.Errorf("%q: status %d, %v, %q %q; want the help on standard output", args, status, err, stdout, stderr)
		}
	}
	stdout, _, status, err := command(t, "version")
	if err != nil || status != exitApproved || stdout != version+"\n" {
		t.Errorf("version: %q, status %d, %v", stdout, status, err)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "which command?"},
		{"sell", `no command "sell"`},
		{"run now", `"now" is not understood`},
		{"run -x", "flag provided but not defined: -x"},
		{"version 2", `"2" is not understood`},
		{"sale", "--amount is missing"},
		{"sale --amount 1 --reader x", `--reader: not a device address: "x"`},
		{"sale --amount 1 --printer usb:1", `--printer: not a device address: no driver "usb"`},
		{"sim", "--dir is missing"},
		{"journal", "journal list [--limit 1 to 1000] or journal show ID"},
		{"journal list --limit 0", "journal list [--limit 1 to 1000] or journal show ID"},
		{"journal show", "journal list [--limit 1 to 1000] or journal show ID"},
		{"journal show 42", "write it like dev:t1/1/42"},
		{"check-journal", "one path is wanted"},
	} {
		stdout, stderr, status, err := command(t, strings.Fields(c.args)...)
		if status != exitUsage || err == nil || !strings.Contains(err.Error(), c.want) || stdout+stderr != "" {
			t.Errorf("%q: status %d, %v, %q; want %q", c.args, status, err, stdout+stderr, c.want)
		}
	}
}

func TestOneLine(t *testing.T) {
	err := fmt.Errorf("close: %w", errors.Join(errors.New("a"), errors.New("b")))
	if got := oneLine(err); got != "close: a; b" {
		t.Errorf("oneLine = %q", got)
	}
}
