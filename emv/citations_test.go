package emv_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// citation is "Book 3, 10.5.1" as it is found somewhere.
type citation struct{ book, number string }

// bookMentioned finds where a book is spoken of, and referencesAfter what must
// follow: sections, or annexes, in a row.
var (
	bookMentioned   = regexp.MustCompile(`\bBook ([1-4])\b`)
	referencesAfter = regexp.MustCompile(`^, ` + reference + `(?:(?:,| and| to) ` + reference + `)*`)
	referenceAlone  = regexp.MustCompile(reference)
)

const reference = `(?:Annex [A-G]\d*|[A-G]?\d+(?:\.\d+)*)`

// findCitations reads text in which lines were joined by spaces.
func findCitations(text string) ([]citation, error) {
	var found []citation
	for _, at := range bookMentioned.FindAllStringSubmatchIndex(text, -1) {
		list := referencesAfter.FindString(text[at[1]:])
		if list == "" {
			return nil, fmt.Errorf("%q is followed by no section", text[at[0]:at[1]])
		}
		for _, r := range referenceAlone.FindAllString(list, -1) {
			found = append(found, citation{text[at[2]:at[3]], strings.TrimPrefix(r, "Annex ")})
		}
	}
	return found, nil
}

// TestFindCitations: what a citation looks like.
func TestFindCitations(t *testing.T) {
	for text, want := range map[string]string{
		"nothing":                               "[]",
		"EMV 4.4 Book 3, 10.5.1.":               "[{3 10.5.1}]",
		"(Book 3, 10.1 and Book 4, 11.3)":       "[{3 10.1} {4 11.3}]",
		"Book 3, 10.1, 10.2 and 6.5.8; more":    "[{3 10.1} {3 10.2} {3 6.5.8}]",
		"Book 1, 12.3.3, step 5":                "[{1 12.3.3}]",
		"Book 2, 12.2 to 12.4":                  "[{2 12.2} {2 12.4}]",
		"Book 3, 7.5 and Annex A. Book 4, A6.":  "[{3 7.5} {3 A} {4 A6}]",
		"Book 2, A2.1.3 and what follows; C 4":  "[{2 A2.1.3}]",
		"Books 1 to 4, and EMV Contactless too": "[]",
	} {
		got, err := findCitations(text)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("findCitations(%q) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"Book 3", "Book 2, tables 6 and 14", "Book 3 and Book 4, A1"} {
		if got, err := findCitations(text); err == nil {
			t.Errorf("findCitations(%q) = %v, want an error", text, got)
		}
	}
}

// TestClaimsAreChecked: a story that claims what it does not come by is found.
func TestClaimsAreChecked(t *testing.T) {
	story := playStory(t, "testdata/approve-online.txt")
	for c, want := range map[citation]bool{
		{"3", "10.9"}: true, {"3", "6.5.5.4"}: true, {"3", "10.5.1"}: false, {"2", "6.5.2"}: false,
		{"4", "6.5.3"}: false, {"3", "6.3.5"}: false, {"4", "A6"}: false,
	} {
		s, err := sectionOf(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.shown(story); got != want {
			t.Errorf("%s shows book %s, %s: %v, want %v", story.name, c.book, c.number, got, want)
		}
	}
	for _, c := range []citation{{"3", "10.12"}, {"2", "10.9"}, {"3", "6.5.5.6"}, {"3", "10.5.1.1"}} {
		if s, err := sectionOf(c); err == nil {
			t.Errorf("sectionOf(%v) = %s, want an error", c, s.title)
		}
	}
}

// sectionOf finds the row that a citation belongs to.
func sectionOf(c citation) (*section, error) {
	for i := range sections {
		s := &sections[i]
		part, below := strings.CutPrefix(c.number, s.number+".")
		if s.book == c.book && (s.number == c.number || below && len(part) == 1 && part >= "1" && int(part[0]-'0') <= s.parts) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("book %s, %s is not among the sections in emv/sections_test.go", c.book, c.number)
}

// citedFolders are the packages of which the kernel is made, from here.
var citedFolders = []string{".", "apdu", "oda", "records", "script", "tlv"}

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

// goFiles lists the sources of the kernel, or its tests.
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

// storiesBySection finds the transcripts that claim each section, those that
// name it first before the others, and checks the claims.
func storiesBySection(t *testing.T) map[*section][]string {
	t.Helper()
	first, others := map[*section][]string{}, map[*section][]string{}
	for _, story := range playStories(t) {
		list, err := findCitations(strings.Join(strings.Fields(story.head), " "))
		if err == nil && len(list) == 0 {
			err = fmt.Errorf("names no section of the books on its top, as in \"# Book 3, 10.5.1.\"")
		}
		if err != nil {
			t.Errorf("testdata/%s.txt: %v", story.name, err)
			continue
		}
		for i, c := range list {
			s, err := sectionOf(c)
			switch {
			case err != nil:
				t.Errorf("testdata/%s.txt: %v", story.name, err)
			case !s.shown(story):
				t.Errorf("testdata/%s.txt: claims book %s, %s, and does not come by it", story.name, c.book, c.number)
			case i == 0:
				first[s] = append(first[s], story.name)
			case !slices.Contains(first[s], story.name) && !slices.Contains(others[s], story.name):
				others[s] = append(others[s], story.name)
			}
		}
	}
	for s, list := range others {
		first[s] = append(first[s], list...)
	}
	return first
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

const (
	documentFile  = "../docs/emv.md"
	documentBegin = "<!-- The table is written by go test ./emv -run TestSections -update -->\n"
	documentEnd   = "<!-- end of the table -->\n"
	storiesShown  = 4 // of one section, in the table
)

// TestSections: each section that is listed has code that cites it and stories
// that show it, or tests of their own; nothing cites what is not listed; and
// docs/emv.md has the table of it.
func TestSections(t *testing.T) {
	code, stories, tests := codeBySection(t), storiesBySection(t), testsOfKernel(t)
	var table strings.Builder
	table.WriteString("| section | what it is about | code | shown by |\n|---|---|---|---|\n")
	for i := range sections {
		s := &sections[i]
		if len(code[s]) == 0 {
			t.Errorf("book %s, %s: no code cites it", s.book, s.number)
		}
		if len(stories[s]) == 0 && len(s.tests) == 0 {
			t.Errorf("book %s, %s: no transcript names it", s.book, s.number)
		}
		for _, name := range s.tests {
			if !tests[name] {
				t.Errorf("book %s, %s: there is no %s", s.book, s.number, name)
			}
		}
		fmt.Fprintf(&table, "| Book %s, %s | %s | %s | %s |\n", s.book, s.number, s.title, codeCell(code[s]), storiesCell(stories[s], s.tests))
	}
	text, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(text), documentBegin)
	_, tail, ends := strings.Cut(rest, documentEnd)
	if !begins || !ends {
		t.Fatalf("%s lacks a line %s or %s", documentFile, documentBegin, documentEnd)
	}
	want := head + documentBegin + table.String() + documentEnd + tail
	switch {
	case want == string(text):
	case *update && !t.Failed():
		if err := os.WriteFile(documentFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test ./emv -run TestSections -update", documentFile)
	}
}

// codeCell lists declarations, file by file.
func codeCell(places []place) string {
	var parts []string
	last := ""
	for _, p := range places {
		if p.file != last {
			parts = append(parts, fmt.Sprintf("[%s](../emv/%s): %s", p.file, filepath.ToSlash(p.file), p.name))
			last = p.file
			continue
		}
		parts[len(parts)-1] += ", " + p.name
	}
	return strings.Join(parts, "; ")
}

// storiesCell names some transcripts, and the tests.
func storiesCell(stories, tests []string) string {
	var parts []string
	for _, name := range stories[:min(storiesShown, len(stories))] {
		parts = append(parts, fmt.Sprintf("[%s](../emv/testdata/%s.txt)", name, name))
	}
	if len(stories) > storiesShown {
		parts = append(parts, "…")
	}
	for _, name := range tests {
		parts = append(parts, "`"+name+"`")
	}
	return strings.Join(parts, ", ")
}
