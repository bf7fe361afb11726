package emv_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// story is a transcript that was played: what it claims, and what happened.
type story struct {
	name     string
	file     string
	head     string   // the comment on top
	settings []string // its "with" lines, without the word
	text     string   // without comments and settings
	waited   map[string]bool
	outcome  emv.Outcome
	record   map[tlv.Tag][]byte // of the outcome
}

// playStories plays all transcripts.
func playStories(t *testing.T) []story {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	all := make([]story, len(files))
	for i, file := range files {
		all[i] = playStory(t, file)
	}
	return all
}

func playStory(t *testing.T, file string) story {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	played, m := play(t, string(text))
	if m == nil || !m.done {
		t.Fatalf("%s does not come to an outcome", file)
	}
	s := story{
		name:   strings.TrimSuffix(filepath.Base(file), ".txt"),
		file:   filepath.ToSlash(file),
		waited: m.waited, outcome: m.outcome, record: map[tlv.Tag][]byte{},
	}
	objects, err := tlv.Parse(m.outcome.Record)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, o := range objects {
		s.record[o.Tag] = o.Value
	}
	s.read(played)
	return s
}

// tapFolders have the transcripts of taps.
var tapFolders = []string{"contactless", "contactless/kernel2", "contactless/kernel3", "contactless/kernel7"}

// tapStories reads the transcripts of taps. They are played where they are: what
// stands in them is what happened.
func tapStories(t *testing.T) []story {
	t.Helper()
	var all []story
	for _, folder := range tapFolders {
		files, err := filepath.Glob(filepath.Join(folder, "testdata", "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no transcripts in %s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(filepath.Base(file), ".txt")
			s := story{name: filepath.Base(folder) + "/" + name, file: filepath.ToSlash(file)}
			s.read(string(text))
			all = append(all, s)
		}
	}
	return all
}

// is tells whether two are the same story.
func (s story) is(other story) bool { return s.file == other.file }

// read takes a transcript apart: what is on top, its settings, and the rest.
func (s *story) read(transcript string) {
	inHead := true
	for line := range strings.Lines(transcript) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "#" && inHead:
			s.head += rest + "\n"
			continue
		case word == "with":
			s.settings = append(s.settings, rest)
		case word != "#":
			s.text += line
		}
		inHead = false
	}
}

// evidence tells whether a story shows what it claims to.
type evidence func(story) bool

// waits: the kernel waited for one of these.
func waits(states ...string) evidence {
	return func(s story) bool {
		return slices.ContainsFunc(states, func(state string) bool { return s.waited[state] })
	}
}

// says: one of these stands in the story.
func says(parts ...string) evidence {
	return func(s story) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(s.text, part) })
	}
}

// setting: the story has one of these settings.
func setting(names ...string) evidence {
	return func(s story) bool {
		return slices.ContainsFunc(s.settings, func(line string) bool {
			name, _, _ := strings.Cut(line, " ")
			return slices.Contains(names, name)
		})
	}
}

// ends: the outcome has this reason.
func ends(reason emv.Reason) evidence {
	return func(s story) bool { return s.outcome.Reason == reason }
}

// tvrHas: one of these bits is set in a byte of the TVR, counted from 1.
func tvrHas(number int, bits byte) evidence {
	return func(s story) bool { return s.record[tlv.TVR][number-1]&bits != 0 }
}

// tsiHas: one of these bits is set in the first byte of the TSI.
func tsiHas(bits byte) evidence {
	return func(s story) bool { return s.record[tlv.TSI][0]&bits != 0 }
}

// holds: the outcome's record has this object, and something in it.
func holds(tag tlv.Tag) evidence {
	return func(s story) bool { return slices.ContainsFunc(s.record[tag], func(b byte) bool { return b != 0 }) }
}

// either: one of these.
func either(list ...evidence) evidence {
	return func(s story) bool { return slices.ContainsFunc(list, func(e evidence) bool { return e(s) }) }
}

// both: all of these.
func both(list ...evidence) evidence {
	return func(s story) bool { return !slices.ContainsFunc(list, func(e evidence) bool { return !e(s) }) }
}
