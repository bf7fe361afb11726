package payment

import (
	"errors"
	"testing"
	"time"
)

func opened(to State) Entry {
	e := Entry{ID: ID{"dev:t1", 1, 1}, To: to, Opening: &Opening{Kind: Sale, STAN: 5}}
	if to == Authorising {
		e.Attempt = &Attempt{Number: 1, STAN: 5, Card: CardData{Masked: "m", Account: []byte("a")}}
	} else {
		e.Ending = &Ending{}
	}
	return e
}

func next(to State) Entry {
	e := Entry{ID: ID{"dev:t1", 1, 1}, To: to}
	if to != Reversed {
		e.Ending = &Ending{Code: "00", ChipData: []byte("c")}
	}
	return e
}

// signs ends with a customer who has to sign.
var signs = Entry{ID: ID{"dev:t1", 1, 1}, To: Approved, Ending: &Ending{Code: "00", CVM: cvmSignature}}

func mark(m Mark) Entry { return Entry{ID: ID{"dev:t1", 1, 1}, Mark: m} }

func TestFold(t *testing.T) {
	for name, c := range map[string]struct {
		entries  []Entry
		state    State
		pending  Leg
		toPrint  bool
		unsettle bool
	}{
		"sent":          {[]Entry{opened(Authorising)}, Authorising, "", false, true},
		"approved":      {[]Entry{opened(Authorising), next(Approved)}, Approved, Complete, true, false},
		"printed":       {[]Entry{opened(Authorising), next(Approved), mark(Printed)}, Approved, Complete, false, false},
		"to be signed":  {[]Entry{opened(Authorising), signs}, Approved, Complete, true, false},
		"signed copy":   {[]Entry{opened(Authorising), signs, mark(SignedCopy)}, Approved, Complete, true, false},
		"both slips":    {[]Entry{opened(Authorising), signs, mark(SignedCopy), mark(Acknowledged), mark(Printed)}, Approved, "", false, false},
		"acknowledged":  {[]Entry{opened(Authorising), next(Approved), mark(Acknowledged), mark(Printed)}, Approved, "", false, false},
		"in doubt":      {[]Entry{opened(Authorising), next(Reversing)}, Reversing, Reverse, false, false},
		"reversed":      {[]Entry{opened(Authorising), next(Reversing), next(Reversed)}, Reversed, "", false, false},
		"never sent":    {[]Entry{opened(Cancelled)}, Cancelled, "", false, false},
		"declined":      {[]Entry{opened(Authorising), next(Declined)}, Declined, "", false, false},
		"offline alone": {[]Entry{{ID: ID{"dev:t1", 1, 1}, To: Approved, Opening: &Opening{}, Ending: &Ending{Offline: true}}}, Approved, Advise, true, false},
	} {
		r, err := Fold(c.entries)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.State != c.state || r.Pending() != c.pending || r.ToPrint() != c.toPrint || r.Unfinished() != c.unsettle || r.Version != len(c.entries) {
			t.Errorf("%s: state %q pending %q print %t unfinished %t version %d", name, r.State, r.Pending(), r.ToPrint(), r.Unfinished(), r.Version)
		}
	}
}

// TestOwed: a slip to sign comes before the customer's, and each is owed until
// it has its mark.
func TestOwed(t *testing.T) {
	for name, c := range map[string]struct {
		entries []Entry
		owed    []Mark
		slips   int
	}{
		"no signature": {[]Entry{opened(Authorising), next(Approved)}, []Mark{Printed}, 1},
		"signature":    {[]Entry{opened(Authorising), signs}, []Mark{SignedCopy, Printed}, 2},
		"in between":   {[]Entry{opened(Authorising), signs, mark(SignedCopy)}, []Mark{Printed}, 2},
		"declined":     {[]Entry{opened(Authorising), next(Declined)}, nil, 1},
	} {
		r, err := Fold(c.entries)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := len(r.Slips()); got != c.slips {
			t.Errorf("%s: %d slips, want %d", name, got, c.slips)
		}
		for _, want := range c.owed {
			if got := r.Owed(); got != want || !r.ToPrint() {
				t.Errorf("%s: %q is owed, want %q", name, got, want)
			}
			if err := r.Apply(mark(want)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := r.Owed(); got != "" || r.ToPrint() {
			t.Errorf("%s: %q is owed at the end", name, got)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	foreign := next(Approved)
	foreign.ID.Seq = 2
	second := opened(Authorising)
	second.Opening = nil
	both := next(Approved)
	both.Mark = Printed
	for name, entries := range map[string][]Entry{
		"no entries":                   {},
		"no opening":                   {next(Approved)},
		"two openings":                 {opened(Authorising), opened(Authorising)},
		"same attempt again":           {opened(Authorising), second},
		"approved after declined":      {opened(Declined), next(Approved)},
		"approved after reversal":      {opened(Authorising), next(Reversing), next(Approved)},
		"reversed at once":             {opened(Authorising), next(Reversed)},
		"printed before approved":      {opened(Authorising), mark(Printed)},
		"signed copy, nobody signs":    {opened(Approved), mark(SignedCopy)},
		"signed copy twice":            {opened(Authorising), signs, mark(SignedCopy), mark(SignedCopy)},
		"signed copy after the other":  {opened(Authorising), signs, mark(Printed)},
		"signed copy after a reversal": {opened(Authorising), next(Reversing), mark(SignedCopy)},
		"printed twice":                {opened(Approved), mark(Printed), mark(Printed)},
		"unknown mark":                 {opened(Approved), mark("eaten")},
		"another's entry":              {opened(Authorising), foreign},
		"state and mark":               {opened(Authorising), both},
		"ending missing":               {opened(Authorising), {ID: ID{"dev:t1", 1, 1}, To: Approved}},
	} {
		if r, err := Fold(entries); !errors.Is(err, ErrTransition) {
			t.Errorf("%s: state %q, %v, want ErrTransition", name, r.State, err)
		}
	}
}

// A refused entry leaves the record as it was.
func TestApplyIsAllOrNothing(t *testing.T) {
	r, err := Fold([]Entry{opened(Authorising), next(Reversing)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(next(Approved)); !errors.Is(err, ErrTransition) || r.State != Reversing || r.Version != 2 {
		t.Errorf("Apply = %v, state %q, version %d", err, r.State, r.Version)
	}
}

func TestRecover(t *testing.T) {
	r, err := Fold([]Entry{opened(Authorising)})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1, 0)
	entries, err := Recover(func(yield func(Record, error) bool) { yield(r, nil) }, at, true)
	if err != nil || len(entries) != 1 || entries[0].To != Reversing || entries[0].ID != r.ID || !entries[0].At.Equal(at) {
		t.Errorf("Recover = %+v, %v", entries, err)
	}
	r.State = Approved
	if _, err := Recover(func(yield func(Record, error) bool) { yield(r, nil) }, at, true); err == nil {
		t.Error("Recover took a finished record")
	}
	broken := errors.New("checksum")
	if _, err := Recover(func(yield func(Record, error) bool) { yield(Record{}, broken) }, at, true); !errors.Is(err, broken) {
		t.Errorf("Recover = %v, want the journal's error", err)
	}
}

func TestMessage(t *testing.T) {
	r, err := Fold([]Entry{opened(Authorising), next(Approved)})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Message(Complete)
	if m.Key.String() != "dev:t1/1/1/complete/1" || m.STAN != 5 || m.Version != 2 ||
		string(m.Card.Account) != "a" || string(m.Card.Chip) != "c" || m.Ending == nil || m.Ending.ChipData != nil {
		t.Errorf("Message = %+v", m)
	}
}

func TestParseID(t *testing.T) {
	id := ID{"dev:t1", 3, 42}
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Errorf("ParseID(%q) = %v, %v", id, got, err)
	}
	for _, bad := range []string{"", "dev:t1", "dev:t1/1", "/1/2", "dev:t1/x/2", "dev:t1/1/-2", "dev:t1/5000000000/1", "dev:t1/1/2/3"} {
		if got, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) = %v, want an error", bad, got)
		}
	}
}

func TestSTANWraps(t *testing.T) {
	n := Numbers{STAN: 999_998}
	for attempt, want := range map[uint8]uint32{1: 999_998, 2: 999_999, 3: 1} {
		if got := n.STANOf(attempt); got != want {
			t.Errorf("STANOf(%d) = %d, want %d", attempt, got, want)
		}
	}
}

// TestEntryOffline: a card that no issuer was asked about has its entry mode in
// the ending, and what the cloud hears of it has it too.
func TestEntryOffline(t *testing.T) {
	r := Record{State: Approved, Ending: Ending{Offline: true, Entry: EntryTap, Card: &CardData{}}}
	if m := r.Message(Advise); m.Entry != EntryTap || m.Ending.Entry != "" {
		t.Errorf("entry mode %q, and %q in the ending; want %q once", m.Entry, m.Ending.Entry, EntryTap)
	}
	r.Attempts = []Attempt{{Number: 1, Entry: EntryChip, CVM: "online-pin", Card: CardData{Token: "first"}}}
	if m := r.Message(Advise); m.Entry != EntryTap || m.CVM != "" || m.Card.Token != "" {
		t.Errorf("entry mode %q, CVM %q, card %q: of the attempt, want those of the ending", m.Entry, m.CVM, m.Card.Token)
	}
	r.Ending.Entry, r.Ending.Card = "", nil
	if m := r.Message(Advise); m.Entry != EntryChip || m.CVM != "online-pin" || m.Card.Token != "first" {
		t.Errorf("entry mode %q, CVM %q, card %q, want those of the attempt", m.Entry, m.CVM, m.Card.Token)
	}
}
