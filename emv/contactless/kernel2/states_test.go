package kernel2_test

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

	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

// states are what code and transcripts may cite of Book C-2, and must: states,
// what several of them share (S), and procedures. The sense is in our words.
var states = []struct{ name, title string }{
	{"1", "The FCI, and what the terminal says of itself"},
	{"2", "What the card wants to be told"},
	{"3", "GET PROCESSING OPTIONS: which mode, which files, which limits"},
	{"R1", "Relay resistance"},
	{"4", "Reading the records"},
	{"S456", "What must be in them; limits, keys, restrictions, risk, action analysis"},
	{"7.5", "Procedure: cardholder verification"},
	{"16", "The balance before the cryptogram"},
	{"7.6", "Procedure: GENERATE AC, what is asked for"},
	{"9", "The answer to GENERATE AC, or none"},
	{"10", "Recovering a cryptogram that was cut off"},
	{"11", "The answer to GENERATE AC when nothing could be recovered"},
	{"S910", "What a cryptogram must hold, its signature, and what follows"},
	{"17", "The balance after the cryptogram"},
	{"15", "The card may go"},
	{"7", "Magnetic stripe mode: reading the records"},
	{"S78", "Magnetic stripe mode: what must be in them, limits, verification"},
	{"13", "Magnetic stripe mode: the checksum, and the track that it goes to"},
	{"14", "Magnetic stripe mode: the same after a verification by the phone"},
}

const stateList = `((?:states? |procedures? )?` + oneState + `(?:(?:, |,? and | to )(?:states? |procedures? )?` + oneState + `)*)`

const oneState = `(?:S\d+|R1|\d+(?:\.\d+)?)(?: \(S\d+\))?`

var (
	bookC2    = regexp.MustCompile(`Book C-2, ` + stateList)
	storyHead = regexp.MustCompile(`(?i)^# (?:states?|procedures?) ` + stateList)
	stateName = regexp.MustCompile(`S\d+|R1|\d+(?:\.\d+)?`)
)

// citedByCode finds the declarations that cite each state.
func citedByCode(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			name, from := declared(d)
			if name == "" {
				continue
			}
			part := string(text[set.Position(from).Offset:set.Position(d.End()).Offset])
			part = strings.Join(strings.Fields(strings.ReplaceAll(part, "//", " ")), " ")
			for _, m := range bookC2.FindAllStringSubmatch(part, -1) {
				for _, state := range stateName.FindAllString(m[1], -1) {
					place := fmt.Sprintf("[%s](../emv/contactless/kernel2/%s): %s", file, file, name)
					if !slices.Contains(found[state], place) {
						found[state] = append(found[state], place)
					}
				}
			}
		}
	}
	return found
}

// declared is a declaration's name, and where it begins with its comment.
func declared(d ast.Decl) (name string, from token.Pos) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc != nil {
			return d.Name.Name, d.Doc.Pos()
		}
		return d.Name.Name, d.Pos()
	case *ast.GenDecl:
		if d.Doc == nil || d.Tok == token.IMPORT {
			return "", 0
		}
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return spec.Name.Name, d.Doc.Pos()
		case *ast.ValueSpec:
			return spec.Names[0].Name, d.Doc.Pos()
		}
	}
	return "", 0
}

// citedByStories finds the transcripts that name each state on top.
func citedByStories(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, named := strings.Split(string(text), "\n"), false
		for _, line := range head {
			m := storyHead.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			named = true
			for _, state := range stateName.FindAllString(m[1], -1) {
				name := strings.TrimSuffix(filepath.Base(file), ".txt")
				found[state] = append(found[state], fmt.Sprintf("[%s](../emv/contactless/kernel2/%s)", name, file))
			}
		}
		if !named {
			t.Errorf("%s names no state of Book C-2", file)
		}
	}
	return found
}

// TestStates: each state that is cited is known, has code and has transcripts,
// and the table in docs/contactless.md says which.
func TestStates(t *testing.T) {
	code, stories := citedByCode(t), citedByStories(t)
	known := map[string]bool{}
	var table strings.Builder
	table.WriteString("| Book C-2 | what it is about | code | shown by |\n|---|---|---|---|\n")
	for _, s := range states {
		known[s.name] = true
		if len(code[s.name]) == 0 || len(stories[s.name]) == 0 {
			t.Errorf("%s: %d places of code, %d transcripts", s.name, len(code[s.name]), len(stories[s.name]))
		}
		const shown = 4
		list := stories[s.name]
		if len(list) > shown {
			list = append(slices.Clone(list[:shown]), "…")
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", s.name, s.title, strings.Join(code[s.name], "; "), strings.Join(list, ", "))
	}
	for _, cited := range []map[string][]string{code, stories} {
		for state, where := range cited {
			if !known[state] {
				t.Errorf("%s is not among the states, but cited by %v", state, where)
			}
		}
	}
	taptest.Table(t, "./emv/contactless/kernel2 -run TestStates", table.String(), *update)
}
