package emv_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// citation is "Book 3, 10.5.1" as it is found somewhere.
type citation struct{ book, number string }

// bookMentioned finds where a book is spoken of, and referencesAfter what must
// follow: sections, annexes, states or stages, in a row.
var (
	bookMentioned   = regexp.MustCompile(`\bBook ([1-4]|[AB]|C-[237])\b`)
	referencesAfter = regexp.MustCompile(`^, ` + reference + `(?:(?:,| and| to) ` + reference + `)*`)
	referenceAlone  = regexp.MustCompile(`( to )?(?:Annex )?(` + digits + `|` + stage + `)`)
)

const (
	digits    = `(?:[A-GRS]?\d+(?:\.\d+)*|\b[A-G]\b)`
	stage     = `(?:initiation|reading|cryptogram|restrictions|data authentication|cardholder verification|electronic cash|outcome|data record)`
	reference = `(?:(?:Annex |states? |procedures? )?` + digits + `(?: \(S\d+\))?|` + stage + `)`
)

// findCitations reads text in which lines were joined by spaces.
func findCitations(text string) ([]citation, error) {
	var found []citation
	for _, at := range bookMentioned.FindAllStringSubmatchIndex(text, -1) {
		list := referencesAfter.FindString(text[at[1]:])
		if list == "" {
			return nil, fmt.Errorf("%q is followed by no section", text[at[0]:at[1]])
		}
		for _, r := range referenceAlone.FindAllStringSubmatch(list, -1) {
			if n := len(found); r[1] != "" && n > 0 {
				found = append(found, between(found[n-1], r[2])...)
			}
			found = append(found, citation{text[at[2]:at[3]], r[2]})
		}
	}
	return found, nil
}

// between lists what lies between the ends of a range, if they are numbers of
// the same section.
func between(from citation, to string) []citation {
	at := strings.LastIndex(from.number, ".") + 1
	above := from.number[:at]
	first, err := strconv.Atoi(from.number[at:])
	last, found := strings.CutPrefix(to, above)
	if err != nil || !found {
		return nil
	}
	end, err := strconv.Atoi(last)
	if err != nil {
		return nil
	}
	var list []citation
	for n := first + 1; n < end; n++ {
		list = append(list, citation{from.book, above + strconv.Itoa(n)})
	}
	return list
}

// TestFindCitations: what a citation looks like.
func TestFindCitations(t *testing.T) {
	for text, want := range map[string]string{
		"nothing":                                      "[]",
		"EMV 4.4 Book 3, 10.5.1.":                      "[{3 10.5.1}]",
		"(Book 3, 10.1 and Book 4, 11.3)":              "[{3 10.1} {4 11.3}]",
		"Book 3, 10.1, 10.2 and 6.5.8; more":           "[{3 10.1} {3 10.2} {3 6.5.8}]",
		"Book 1, 12.3.3, step 5":                       "[{1 12.3.3}]",
		"Book 2, 12.2 to 12.4":                         "[{2 12.2} {2 12.3} {2 12.4}]",
		"Book 3, 7.5 and Annex A. Book 4, A6.":         "[{3 7.5} {3 A} {4 A6}]",
		"Book 2, A2.1.3 and what follows; C 4":         "[{2 A2.1.3}]",
		"Books 1 to 4, and EMV Contactless too":        "[]",
		"Book A, 5.7, and Book C-3, Annex A.":          "[{A 5.7} {C-3 A}]",
		"Book B, 3.3.2.3 to 3.3.2.5 and 3.3.3.2":       "[{B 3.3.2.3} {B 3.3.2.4} {B 3.3.2.5} {B 3.3.3.2}]",
		"(Book C-2, state 4 (S456) and procedure 7.6)": "[{C-2 4} {C-2 S456} {C-2 7.6}]",
		"Book C-2, states 9 to 11, R1.":                "[{C-2 9} {C-2 10} {C-2 11} {C-2 R1}]",
		"Book C-7, data authentication, and JR/T":      "[{C-7 data authentication}]",
	} {
		got, err := findCitations(text)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("findCitations(%q) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"Book 3", "Book 2, tables 6 and 14", "Book 3 and Book 4, A1", "Book A's", "Book C-2 and C-3, 5.2"} {
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

// allSections are those of contact and contactless kernels.
var allSections = slices.Concat(sections, tapSections)

// sectionOf finds the row that a citation belongs to.
func sectionOf(c citation) (*section, error) {
	for i := range allSections {
		s := &allSections[i]
		part, below := strings.CutPrefix(c.number, s.number+".")
		if s.book == c.book && (s.number == c.number || below && len(part) == 1 && part >= "1" && int(part[0]-'0') <= s.parts) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("book %s, %s is not among the sections in emv/sections_test.go and emv/tapsections_test.go", c.book, c.number)
}
