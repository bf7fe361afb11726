package kernel7_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

// stages are what code and transcripts cite of this kernel's books, in the order
// of a tap, with the files that have the rules: those that are kernel 3's too,
// and this kernel's own.
var stages = []struct {
	name, title string
	files       []string
}{
	{"initiation", "What the card is told, and its answer or its refusal", []string{"../quick/options.go", "options.go"}},
	{"reading", "Records, and what must be in them", []string{"../quick/tap.go", "data.go"}},
	{"cryptogram", "What the card has decided", []string{"../quick/cryptogram.go", "data.go"}},
	{"restrictions", "Expiry, effective date, exception file", []string{"../quick/restrictions.go", "restrictions.go"}},
	{"data authentication", "fDDA, and what follows without it", []string{"../quick/authentication.go", "authentication.go"}},
	{"cardholder verification", "PIN, device, signature, or nothing for small amounts", []string{"../quick/cvm.go", "cvm.go"}},
	{"electronic cash", "What may still be spent", []string{"data.go"}},
	{"outcome", "Approval, decline, the issuer; a card that leaves", []string{"../quick/outcome.go", "data.go"}},
	{"data record", "What issuer and journal are told", []string{"../quick/outcome.go", "data.go"}},
}

// TestStages: each stage has code that cites it and transcripts that show it, no
// transcript is of another one, and docs/contactless.md has the table of it.
func TestStages(t *testing.T) {
	stories := storiesOf(t)
	var table strings.Builder
	table.WriteString("| stage | what it is about | code | shown by |\n|---|---|---|---|\n")
	for _, s := range stages {
		var places []string
		for _, file := range s.files {
			checkCites(t, file, s.name)
			path := filepath.ToSlash(filepath.Join("emv/contactless/kernel7", file))
			places = append(places, fmt.Sprintf("[%s](../%s)", strings.TrimPrefix(path, "emv/contactless/"), path))
		}
		list := stories[s.name]
		if len(list) == 0 {
			t.Errorf("no transcript shows %q", s.name)
		}
		delete(stories, s.name)
		const shown = 4
		if len(list) > shown {
			list = append(list[:shown:shown], "…")
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", s.name, s.title, strings.Join(places, ", "), strings.Join(list, ", "))
	}
	for name, where := range stories {
		t.Errorf("%q is no stage, but %v show it", name, where)
	}
	taptest.Table(t, "./emv/contactless/kernel7 -run TestStages", table.String(), *update)
}

// storiesOf are the transcripts by the stage on their top.
func storiesOf(t *testing.T) map[string][]string {
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
		head, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# Book C-7, "), ".")
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		found[head] = append(found[head], fmt.Sprintf("[%s](../emv/contactless/kernel7/%s)", name, filepath.ToSlash(file)))
	}
	return found
}

// checkCites: a file of this kernel names the stage, one of both kernels the
// book.
func checkCites(t *testing.T, file, stage string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := stage
	if strings.HasPrefix(file, "..") {
		want = "C-7"
	}
	joined := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "//", " ")), " ")
	if !strings.Contains(joined, want) {
		t.Errorf("%s does not cite %q", file, want)
	}
}
