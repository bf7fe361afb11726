package emv_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// citedFolders are the packages of which the kernels are made, from here.
var citedFolders = []string{
	".", "apdu", "oda", "records", "script", "tlv",
	"contactless", "contactless/database", "contactless/kernel2", "contactless/kernel3", "contactless/kernel7", "contactless/quick",
}

// place is a declaration: file and name.
type place struct{ file, name string }

// codeBySection finds the declarations that cite each section, in comments and
// in what they tell of a card's mistakes.
func codeBySection(t *testing.T) map[*section][]place {
	t.Helper()
	found := map[*section][]place{}
	for _, file := range goFiles(t, false) {
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		cite := func(text string, at token.Pos) {
			list, err := findCitations(strings.Join(strings.Fields(text), " "))
			if err != nil {
				t.Errorf("%v: %v", set.Position(at), err)
			}
			for _, c := range list {
				s, err := sectionOf(c)
				if err != nil {
					t.Errorf("%v: %v", set.Position(at), err)
					continue
				}
				if p := (place{file, declarationAt(tree, at)}); !slices.Contains(found[s], p) {
					found[s] = append(found[s], p)
				}
			}
		}
		for _, group := range tree.Comments {
			cite(group.Text(), group.Pos())
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				cite(literal.Value, literal.Pos())
			}
			return true
		})
	}
	return found
}

// goFiles lists the sources of the kernels, or their tests.
func goFiles(t *testing.T, tests bool) []string {
	t.Helper()
	var list []string
	for _, folder := range citedFolders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in %s: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") == tests {
				list = append(list, file)
			}
		}
	}
	return list
}

// declarationAt names the declaration at a position, or whose comment is there.
func declarationAt(tree *ast.File, at token.Pos) string {
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if from(d, d.Doc) <= at && at < d.End() {
				return d.Name.Name
			}
		case *ast.GenDecl:
			if from(d, d.Doc) > at || at >= max(d.End(), specEnd(d.Specs[len(d.Specs)-1])) {
				continue
			}
			i := slices.IndexFunc(d.Specs, func(spec ast.Spec) bool { return at < specEnd(spec) })
			return specName(d.Specs[max(i, 0)])
		}
	}
	return "package " + tree.Name.Name
}

// from is where a declaration begins, its comment included.
func from(d ast.Node, doc *ast.CommentGroup) token.Pos {
	if doc != nil {
		return doc.Pos()
	}
	return d.Pos()
}

// specEnd is where a line of a declaration ends, the comment behind it included.
func specEnd(spec ast.Spec) token.Pos {
	var comment *ast.CommentGroup
	switch s := spec.(type) {
	case *ast.ValueSpec:
		comment = s.Comment
	case *ast.TypeSpec:
		comment = s.Comment
	case *ast.ImportSpec:
		comment = s.Comment
	}
	if comment != nil {
		return comment.End()
	}
	return spec.End()
}

func specName(spec ast.Spec) string {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		return s.Names[0].Name
	case *ast.TypeSpec:
		return s.Name.Name
	}
	return "imports"
}

// testsOfKernel are the names of all tests, as package.Name.
func testsOfKernel(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range goFiles(t, true) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[strings.TrimSuffix(tree.Name.Name, "_test")+"."+f.Name.Name] = true
			}
		}
	}
	return names
}
