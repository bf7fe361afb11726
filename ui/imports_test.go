package ui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is all that the screens need: nothing in it reads, writes, dials
// or sleeps.
var mayImport = []string{
	"bytes", "embed", "errors", "fmt", "image/color", "slices", "strconv", "strings", "sync", "time", "unicode",
	"fyne.io/fyne/v2", "fyne.io/fyne/v2/canvas", "fyne.io/fyne/v2/container", "fyne.io/fyne/v2/theme",
	"fyne.io/fyne/v2/widget", "fyne.io/fyne/v2/driver/mobile", "fyne.io/fyne/v2/driver/desktop",
	"github.com/cloudpos/cloudpos/drivers", "github.com/cloudpos/cloudpos/font", "github.com/cloudpos/cloudpos/money",
	"github.com/cloudpos/cloudpos/payment", "github.com/cloudpos/cloudpos/receipt",
}

// mayNotUse are names that block, and Fyne's that look for fonts of the system
// (25 MB and 40 ms each).
var mayNotUse = []string{"Sleep", "Lock", "RLock", "Wait", "NewSelect", "Select", "Truncation", "TextTruncateEllipsis", "TextTruncateClip"}

// The package does no I/O, and waits in one place only: the goroutine that
// talks to the shop.
func TestNoIO(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range complaints(t, name, src) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

func complaints(t *testing.T, name string, src []byte) (all []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err != nil || !slices.Contains(mayImport, path) {
			all = append(all, "imports "+spec.Path.Value)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
			if name != "shop.go" {
				all = append(all, "goroutines and channels belong into shop.go")
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				all = append(all, "receives from a channel")
			}
		case *ast.SelectorExpr:
			if slices.Contains(mayNotUse, n.Sel.Name) {
				all = append(all, "uses "+n.Sel.Name)
			}
		}
		return true
	})
	return all
}

// The test above can fail.
func TestComplaints(t *testing.T) {
	for _, c := range []struct {
		body string
		want int
	}{
		{`import "time"; func f() { time.AfterFunc(1, nil) }`, 0},
		{`import "os"`, 1},
		{`import "time"; func f() { time.Sleep(1) }`, 1},
		{`func f(c chan int) { <-c }`, 2},
		{`import "fyne.io/fyne/v2/widget"; var s = widget.NewSelect(nil, nil)`, 1},
	} {
		if got := complaints(t, "x.go", []byte("package ui; "+c.body)); len(got) != c.want {
			t.Errorf("%s: got %q, want %d", c.body, got, c.want)
		}
	}
}
