package taptest

import (
	"os"
	"strings"
	"testing"
)

// page documents the kernels.
const page = "../../../docs/contactless.md"

// Table compares the table behind a test's marker in docs/contactless.md, up to
// an empty line, or writes it. which is how go test is told of that test.
func Table(t *testing.T, which, table string, update bool) {
	t.Helper()
	marker := "<!-- The table is written by go test " + which + " -update -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), marker)
	if !ok {
		t.Fatalf("%s has no place for the table", page)
	}
	_, after, _ := strings.Cut(rest, "\n\n")
	want := before + marker + table + "\n" + after
	switch {
	case want == string(text):
	case update:
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test %s -update", page, which)
	}
}
