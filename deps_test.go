// Package cloudpos_test keeps the shape of the tree: who may import whom, where
// each third-party module lives, and that every package says what it is.
package cloudpos_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cloudpos/cloudpos"

// anyPackage in a row allows all packages of the tree, but those of e2e.
const anyPackage = "*"

// leaves import nothing of the tree and may be imported by everyone.
var leaves = []string{"durable", "money", "secret"}

// allowed is the import table: what a package may import of this tree, besides
// the leaves. It binds all files but tests. A package that is not in it fails
// the test, so adding a package means adding a row. Two rules show in it:
// adapters never import each other, and a machine imports no adapter.
var allowed = map[string][]string{
	"durable": {},
	"money":   {},
	"secret":  {},
	"config":  {},

	// What each class of hardware can do, and how each device speaks.
	"drivers":            {},
	"drivers/port":       {"drivers"},
	"drivers/none":       {"drivers"},
	"drivers/t0":         {"drivers"},
	"drivers/ccid":       {"drivers", "drivers/t0"},
	"drivers/pn532":      {"drivers"},
	"drivers/neo":        {"drivers", "drivers/t0"},
	"drivers/pcsc":       {"drivers", "drivers/t0"},
	"drivers/stripe":     {"drivers"},
	"drivers/visapad":    {"drivers"},
	"drivers/newland":    {"drivers"},
	"drivers/escpos":     {"drivers"},
	"drivers/panel":      {"drivers"},
	"drivers/scanner":    {"drivers"},
	"drivers/cd5220":     {"drivers"},
	"drivers/sim":        {"drivers", "emv/tlv", "emv/oda", "emv/issuer", "keys"},
	"drivers/sim/cards":  {"drivers/sim", "emv/tlv", "emv/issuer"},
	"drivers/drivertest": {"drivers"},

	// The card.
	"emv/tlv":                         {},
	"emv/tlv/tlvtest":                 {"emv/tlv"},
	"emv/apdu":                        {},
	"emv/script":                      {"emv/tlv"},
	"emv/records":                     {"emv/apdu", "emv/tlv"},
	"emv/oda":                         {"emv/tlv"},
	"emv/oda/odatest":                 {},
	"emv/benchtest":                   {},
	"emv/oda/curvetest":               {"emv/oda"},
	"emv":                             {"emv/apdu", "emv/records", "emv/script", "emv/tlv", "emv/oda"},
	"emv/contactless":                 {"emv", "emv/apdu", "emv/tlv"},
	"emv/contactless/database":        {"emv", "emv/tlv"},
	"emv/contactless/kernel2":         {"emv", "emv/apdu", "emv/contactless", "emv/contactless/database", "emv/oda", "emv/records", "emv/tlv"},
	"emv/contactless/quick":           {"emv", "emv/apdu", "emv/contactless", "emv/contactless/database", "emv/oda", "emv/records", "emv/tlv"},
	"emv/contactless/kernel3":         {"emv", "emv/apdu", "emv/contactless", "emv/contactless/quick", "emv/oda", "emv/script", "emv/tlv"},
	"emv/contactless/kernel7":         {"emv", "emv/contactless", "emv/contactless/quick", "emv/tlv"},
	"emv/contactless/taptest":         {"emv", "emv/oda", "emv/tlv", "emv/tlv/tlvtest"},
	"emv/contactless/quick/quicktest": {"emv", "emv/contactless", "emv/contactless/taptest", "emv/issuer", "emv/oda", "emv/tlv", "emv/tlv/tlvtest"},
	"emv/explain":                     {"emv/tlv"},
	"emv/issuer":                      {"emv/tlv"},

	// The sale.
	"keys":        {},
	"keys/smtest": {"keys"},
	"params":      {},
	"payment":     {"drivers", "emv", "emv/contactless", "emv/contactless/kernel2", "emv/contactless/kernel3", "emv/contactless/kernel7", "emv/contactless/quick", "emv/tlv", "emv/oda", "keys", "params"},
	"receipt":     {"drivers"},
	"offline":     {"payment"},

	// The screen: what is on it, and how it comes to a panel without a window
	// system.
	"font":            {},
	"ui":              {"drivers", "font", "payment", "receipt"},
	"ui/locale":       {},
	"ui/screen":       {"ui/locale"},
	"ui/screen/paint": {},
	"ui/screen/fb":    {},
	"ui/screen/evdev": {"ui/screen"},
	"ui/screen/web":   {"ui/screen"},
	"ui/window":       {},
	"world":           {"drivers/sim"},

	// The way to the cloud, and all that both ends share.
	"sync/wire": {},
	"sync":      {"payment", "sync/wire"},

	// The reference cloud. Around ingest, which does no I/O, stand adapters.
	"cloud/ingest":  {"sync/wire"},
	"cloud/ledger":  {"sync/wire", "cloud/ingest"},
	"cloud/store":   {},
	"cloud/broker":  {"sync/wire"},
	"cloud/hostsim": {"sync/wire", "cloud/ingest", "keys", "emv/issuer", "emv/tlv"},
	"cloud/pki":     {},
	"cloud/devset":  {"sync/wire", "keys", "params", "emv/issuer", "cloud/hostsim", "cloud/pki"},

	// Parts lists.
	"cmd/terminal": {anyPackage},
	"cmd/cloud":    {anyPackage},
}

// homes are the packages in which a third-party module, or a part of one that
// has a row of its own, may be imported. There is one for each; a second one is
// a decision and is explained.
var homes = map[string][]string{
	"go.bug.st/serial":                    {"drivers/port"},
	"periph.io/x/conn/v3":                 {"drivers/port"},
	"periph.io/x/host/v3":                 {"drivers/port"},
	"github.com/creack/pty":               {"drivers/sim"},
	"golang.org/x/text":                   {"drivers/escpos"},
	"go.etcd.io/bbolt":                    {"offline"},
	"github.com/eclipse/paho.mqtt.golang": {"sync"},
	"github.com/nats-io/nats-server/v2":   {"cloud/broker"},
	"github.com/nats-io/nats.go":          {"cloud/broker"},
	"modernc.org/sqlite":                  {"cloud/store"},
	"github.com/BurntSushi/toml":          {"config"},
	// System calls that syscall lacks; closer to a standard library.
	"golang.org/x/sys": {"drivers/port", "ui/screen/fb"},
	// The toolkit is what ui and the driver under it are about.
	"fyne.io/fyne/v2": {"ui", "ui/screen", "ui/screen/paint", "ui/screen/evdev", "ui/screen/web", "ui/window"},
	// Its own driver wants cgo, OpenGL and X11: behind a tag, and nowhere else.
	"fyne.io/fyne/v2/app":            {"ui/window"},
	"github.com/go-text/typesetting": {"font"},
	"golang.org/x/image":             {"font", "ui/screen/paint"},
	"github.com/gorilla/websocket":   {"ui/screen/web"},
}

// endToEnd tells whether a package is support for tests of the whole system.
// Such a one may import everything, and no other package may import it.
func endToEnd(pkg string) bool { return pkg == "e2e" || strings.HasPrefix(pkg, "e2e/") }

// source is one Go file that is no test.
type source struct {
	pkg  string // folder from the root: "emv/tlv"
	name string // the file, from the root
	file *ast.File
}

// sources reads the heads of all Go files of the module, whatever system or
// tag they are for. It asks no go command, so GOFLAGS and the like do not
// matter.
func sources(t *testing.T, mode parser.Mode) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") ||
				base == "testdata" || name == "bin" || name == "var") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, mode)
		if err != nil {
			return err
		}
		all = append(all, source{path.Dir(name), name, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go files found")
	}
	return all
}

func TestImports(t *testing.T) {
	for _, s := range sources(t, parser.ImportsOnly) {
		if _, listed := allowed[s.pkg]; !listed && !endToEnd(s.pkg) {
			t.Errorf("%s: package %s is not in the import table", s.name, s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if err := check(s.pkg, imported); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
	}
}

// check tells why pkg may not import a path.
func check(pkg, imported string) error {
	if imported == "C" {
		return fmt.Errorf("cgo: the programs are pure Go")
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return nil // standard library
	}
	if imported == module || strings.HasPrefix(imported, module+"/") {
		return checkOurs(pkg, strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"))
	}
	return checkThirdParty(pkg, imported)
}

func checkOurs(pkg, imported string) error {
	row := allowed[pkg]
	switch {
	case endToEnd(pkg), slices.Contains(leaves, imported):
		return nil
	case endToEnd(imported):
		return fmt.Errorf("%s imports %s, which is for tests", pkg, imported)
	case slices.Contains(row, imported), slices.Contains(row, anyPackage):
		return nil
	}
	return fmt.Errorf("the import table does not let %s import %s", pkg, imported)
}

func checkThirdParty(pkg, imported string) error {
	part := imported
	for ; homes[part] == nil; part = path.Dir(part) {
		if part == "." {
			return fmt.Errorf("%s imports %s, which has no home", pkg, imported)
		}
	}
	if home := homes[part]; !endToEnd(pkg) && !slices.Contains(home, pkg) {
		return fmt.Errorf("%s imports %s, whose home is %s", pkg, imported, strings.Join(home, " and "))
	}
	return nil
}

// TestCheck shows that the test above can fail.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"payment", "context", true},
		{"payment", module + "/drivers", true},
		{"payment", module + "/secret", true},
		{"payment", module + "/drivers/ccid", false},
		{"drivers/ccid", module + "/drivers/visapad", false},
		{"secret", module + "/emv", false},
		{"cmd/terminal", module + "/drivers/ccid", true},
		{"cmd/terminal", module + "/e2e/killer", false},
		{"e2e/bench", module + "/e2e/killer", true},
		{"offline", "go.etcd.io/bbolt", true},
		{"offline", "go.etcd.io/bbolt/errors", true},
		{"payment", "go.etcd.io/bbolt", false},
		{"cmd/terminal", "go.etcd.io/bbolt", false},
		{"offline", "go.etcd.io/bboltx", false},
		{"ui", "fyne.io/fyne/v2/widget", true},
		{"ui", "fyne.io/fyne/v2/app", false},
		{"ui/window", "fyne.io/fyne/v2/app", true},
		{"drivers/port", "C", false},
	} {
		if err := check(c.pkg, c.imported); (err == nil) != c.ok {
			t.Errorf("check(%q, %q) = %v, want ok: %v", c.pkg, c.imported, err, c.ok)
		}
	}
}

// TestPackageComments: every package says what it is, in the usual words.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t, parser.PackageClauseOnly|parser.ParseComments) {
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command " + path.Base(s.pkg) + " "
		}
		if s.file.Doc != nil && !strings.HasPrefix(s.file.Doc.Text(), want) {
			t.Errorf("%s: the package comment does not begin with %q", s.name, want)
		}
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}
