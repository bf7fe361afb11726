package emv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// storiesBySection finds the transcripts that claim each section, those that
// name it first before the others, and checks the claims.
func storiesBySection(t *testing.T) map[*section][]story {
	t.Helper()
	first, others := map[*section][]story{}, map[*section][]story{}
	for _, story := range slices.Concat(playStories(t), tapStories(t)) {
		list, err := findCitations(strings.Join(strings.Fields(story.head), " "))
		if err == nil && len(list) == 0 {
			err = fmt.Errorf("names no section of the books on its top, as in \"# Book 3, 10.5.1.\"")
		}
		if err != nil {
			t.Errorf("%s: %v", story.file, err)
			continue
		}
		for i, c := range list {
			s, err := sectionOf(c)
			switch {
			case err != nil:
				t.Errorf("%s: %v", story.file, err)
			case !s.shown(story):
				t.Errorf("%s: claims book %s, %s, and does not come by it", story.file, c.book, c.number)
			case i == 0:
				first[s] = append(first[s], story)
			case !slices.ContainsFunc(slices.Concat(first[s], others[s]), story.is):
				others[s] = append(others[s], story)
			}
		}
	}
	for s, list := range others {
		first[s] = append(first[s], list...)
	}
	return first
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
	for i := range allSections {
		s := &allSections[i]
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
func storiesCell(stories []story, tests []string) string {
	var parts []string
	for _, s := range stories[:min(storiesShown, len(stories))] {
		parts = append(parts, fmt.Sprintf("[%s](../emv/%s)", s.name, s.file))
	}
	if len(stories) > storiesShown {
		parts = append(parts, "…")
	}
	for _, name := range tests {
		parts = append(parts, "`"+name+"`")
	}
	return strings.Join(parts, ", ")
}
