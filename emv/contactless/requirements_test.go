package contactless_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requirements are those of EMV Contactless Book B that code and transcripts
// cite, and must, in our words.
var requirements = []struct{ number, title string }{
	{"3.1.1.1", "Each combination's indicators begin at zero"},
	{"3.1.1.2", "The TTQ that the card is told"},
	{"3.1.1.3", "One unit of the currency is a status check"},
	{"3.1.1.4", "An amount of zero"},
	{"3.1.1.5", "The transaction limit"},
	{"3.1.1.6", "The reader's floor limit"},
	{"3.1.1.7", "The terminal's floor limit in its place"},
	{"3.1.1.8", "The CVM limit"},
	{"3.1.1.9", "TTQ: above the floor limit"},
	{"3.1.1.10", "TTQ: a status check"},
	{"3.1.1.11", "TTQ: an amount of zero"},
	{"3.1.1.12", "TTQ: at the CVM limit"},
	{"3.1.1.13", "No combination is allowed"},
	{"3.2.1", "Protocol activation: field, polling, several cards"},
	{"3.2.1.1", "A reader that runs by itself"},
	{"3.2.1.2", "What the cardholder is told first"},
	{"3.3.2.1", "The issuer's answer goes to the same application"},
	{"3.3.2.2", "SELECT of the directory"},
	{"3.3.2.3", "The directory's status word"},
	{"3.3.2.4", "A directory without entries"},
	{"3.3.2.5", "Which entries fit which combinations; kernel identifiers"},
	{"3.3.2.6", "Candidates are left"},
	{"3.3.2.7", "No candidate is left"},
	{"3.3.3.1", "One candidate"},
	{"3.3.3.2", "Several candidates: priority and order"},
	{"3.3.3.3", "Extended selection"},
	{"3.3.3.4", "SELECT of the application"},
	{"3.3.3.5", "An application that cannot be selected"},
	{"3.3.3.6", "Visa cards that are older than kernel 3"},
	{"3.3.3.7", "The card leaves during selection"},
	{"3.4.1.1", "The kernel is activated"},
	{"3.4.1.2", "It is told the indicators"},
	{"3.4.1.3", "It is told the FCI"},
	{"3.5.1.1", "Message of an outcome"},
	{"3.5.1.2", "Field off"},
	{"3.5.1.3", "Try Again"},
	{"3.5.1.4", "Select Next, and outcomes that are final"},
}

// cited is a list of requirements, as comments and headings write it: "3.1.1.3",
// "3.3.3.5 and 3.3.3.6", "3.1.1.1 to 3.1.1.12".
const cited = `3\.\d(?:\.\d+)+(?:(?:,| and| to|,\s) ?3\.\d(?:\.\d+)+)*`

var (
	citedInCode  = regexp.MustCompile(`Book B,\s+(` + cited + `)`)
	citedInStory = regexp.MustCompile(`\((?:Book B, )?(` + cited + `)\)`)
	number       = regexp.MustCompile(`3\.\d(?:\.\d+)+`)
)

// numbersIn lists what is cited, with what lies between the ends of a range.
func numbersIn(text string, found *regexp.Regexp) []string {
	var list []string
	for _, match := range found.FindAllStringSubmatch(text, -1) {
		for _, part := range regexp.MustCompile(`,|\band\b`).Split(match[1], -1) {
			ends := number.FindAllString(part, -1)
			list = append(list, ends...)
			if len(ends) == 2 {
				list = append(list, between(ends[0], ends[1])...)
			}
		}
	}
	return list
}

func between(from, to string) []string {
	at := strings.LastIndex(from, ".") + 1
	first, _ := strconv.Atoi(from[at:])
	last, _ := strconv.Atoi(to[strings.LastIndex(to, ".")+1:])
	var list []string
	for n := first + 1; n < last; n++ {
		list = append(list, from[:at]+strconv.Itoa(n))
	}
	return list
}

func TestNumbersIn(t *testing.T) {
	for text, want := range map[string]string{
		"EMV Contactless Book B, 3.3.3.5 and 3.3.3.6.": "[3.3.3.5 3.3.3.6]",
		"Book B, 3.3.2.3 to 3.3.2.5 and 3.3.3.2":       "[3.3.2.3 3.3.2.5 3.3.2.4 3.3.3.2]",
		"Book B, 3.1.1.9, 3.1.1.13":                    "[3.1.1.9 3.1.1.13]",
		"Book A, 5.1; Book B, 3":                       "[]",
	} {
		if got := fmt.Sprint(numbersIn(text, citedInCode)); got != want {
			t.Errorf("numbersIn(%q) = %s, want %s", text, got, want)
		}
	}
}

const (
	document      = "../../docs/contactless.md"
	documentBegin = "<!-- The table is written by go test ./emv/contactless -run TestRequirements -update -->\n"
	documentEnd   = "<!-- end of the table -->\n"
	storiesShown  = 4 // of one requirement, in the table
)

// TestRequirements: each requirement has code that cites it and a transcript
// that shows it, nothing cites another one, and docs/contactless.md has the
// table of it.
func TestRequirements(t *testing.T) {
	code := citations(t, "*.go", func(name, text string) []string {
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return numbersIn(regexp.MustCompile(`\n\s*//`).ReplaceAllString(text, ""), citedInCode)
	})
	stories := citations(t, "testdata/*.txt", func(_, text string) []string {
		head, _, _ := strings.Cut(text, "\n")
		return numbersIn(head, citedInStory)
	})
	var table strings.Builder
	table.WriteString("| requirement | what it is about | code | transcripts |\n|---|---|---|---|\n")
	for _, r := range requirements {
		if len(code[r.number]) == 0 || len(stories[r.number]) == 0 {
			t.Errorf("Book B, %s: code %v, transcripts %v", r.number, code[r.number], stories[r.number])
		}
		shown := stories[r.number]
		more := ""
		if len(shown) > storiesShown {
			more = fmt.Sprintf(" and %d more", len(shown)-storiesShown)
			shown = shown[:storiesShown]
		}
		fmt.Fprintf(&table, "| %s | %s | `%s` | %s%s |\n", r.number, r.title,
			strings.Join(code[r.number], "` `"), strings.Join(shown, ", "), more)
		delete(code, r.number)
		delete(stories, r.number)
	}
	if len(code) > 0 || len(stories) > 0 {
		t.Errorf("what is cited and not listed: code %v, transcripts %v", code, stories)
	}
	compareTable(t, table.String())
}

// citations are the files that cite each requirement, by their names without
// the ending.
func citations(t *testing.T, pattern string, find func(name, text string) []string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	found := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		for _, n := range find(name, string(text)) {
			if !slices.Contains(found[n], name) {
				found[n] = append(found[n], name)
			}
		}
	}
	return found
}

// compareTable looks whether the document has the table, or writes it.
func compareTable(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), documentBegin)
	_, after, ends := strings.Cut(rest, documentEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", document)
	}
	want := before + documentBegin + table + documentEnd + after
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test ./emv/contactless -run TestRequirements -update", document)
	}
}
