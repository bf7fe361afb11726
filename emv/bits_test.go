package emv_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// TestTranscriptsTouchEverything: the outcomes of the transcripts together have
// each bit of TVR and TSI that a contact kernel sets, and none that it does not;
// and a cardholder verification that ended with each method and condition.
func TestTranscriptsTouchEverything(t *testing.T) {
	var tvr [5]byte
	var tsi [2]byte
	methods, conditions, last := map[byte]bool{}, map[byte]bool{}, map[byte]bool{}
	for _, s := range playStories(t) {
		or(tvr[:], s.record[tlv.TVR])
		or(tsi[:], s.record[tlv.TSI])
		if results := s.record[tlv.CVMResults]; len(results) == 3 {
			methods[results[0]&0x3F], last[results[2]] = true, true
			if results[0] != 0x3F {
				conditions[results[1]] = true
			}
		}
	}
	// EMV 4.4 Book 3, Annex C5: without biometrics that are performed, and a
	// default TDOL, which that version has no more.
	if want := [5]byte{0xFF, 0xF8, 0xFC, 0xFB, 0x76}; tvr != want {
		t.Errorf("TVR bits %X, want %X", tvr, want)
	}
	if want := [2]byte{0xFC, 0x00}; tsi != want { // Annex C6
		t.Errorf("TSI bits %X, want %X", tsi, want)
	}
	for _, m := range []byte{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x1E, 0x1F, 0x3F} {
		if !methods[m] {
			t.Errorf("no 9F34 with method %02X", m)
		}
	}
	for c := byte(0x00); c <= 0x09; c++ { // Annex C3
		if !conditions[c] {
			t.Errorf("no 9F34 with condition %02X", c)
		}
	}
	if !last[0] || !last[1] || !last[2] || len(last) != 3 {
		t.Errorf("9F34 ends with %v, want unknown, failed and successful", last)
	}
}

// TestTranscriptsPassRulesOver: there are rules of each kind of method, and of
// each condition but "always", that were not the last to be performed: they
// were not met, not supported or not successful. EMV 4.4 Book 3, Annex C3.
func TestTranscriptsPassRulesOver(t *testing.T) {
	kinds := []struct {
		name        string
		first, last byte
	}{
		{"plain PIN", 0x01, 0x01}, {"online PIN", 0x02, 0x02}, {"plain PIN and signature", 0x03, 0x03},
		{"enciphered PIN", 0x04, 0x04}, {"enciphered PIN and signature", 0x05, 0x05}, {"biometric", 0x06, 0x0F},
		{"reserved", 0x10, 0x1D}, {"signature", 0x1E, 0x1E}, {"none", 0x1F, 0x1F}, {"of payment systems", 0x20, 0x2F},
		{"of issuers", 0x30, 0x3E}, {"not available", 0x3F, 0x3F},
	}
	methods, conditions := map[byte]bool{}, map[byte]bool{}
	for _, s := range playStories(t) {
		for _, rule := range passedOver(t, s) {
			methods[rule[0]&0x3F], conditions[rule[1]] = true, true
		}
	}
	for _, kind := range kinds {
		found := false
		for m := kind.first; m <= kind.last; m++ {
			found = found || methods[m]
		}
		if !found {
			t.Errorf("no rule of method %s is passed over", kind.name)
		}
	}
	for c := byte(0x01); c <= 0x0A; c++ { // 0A is the first that is reserved
		if !conditions[c] {
			t.Errorf("no rule of condition %02X is passed over", c)
		}
	}
	if !conditions[0x80] {
		t.Error("no rule of a condition of payment systems is passed over")
	}
}

var cvmListIn = regexp.MustCompile(`8E\[([0-9A-F ]*)\]`)

// passedOver are the rules of a story's list before the one that 9F34 names, or
// all of them if it names none.
func passedOver(t *testing.T, s story) [][2]byte {
	t.Helper()
	const amounts = 8
	list := cvmListIn.FindStringSubmatch(s.text)
	results := s.record[tlv.CVMResults]
	if list == nil || !s.waited["waiting for the first cryptogram"] || s.record[tlv.TSI][0]&0x40 == 0 {
		return nil
	}
	var rules [][2]byte
	for rest := unhex(t, list[1])[amounts:]; len(rest) > 0 && !bytes.Equal(rest[:2], results[:2]); rest = rest[2:] {
		rules = append(rules, [2]byte(rest))
	}
	return rules
}

// TestTranscriptsReachEverything: each state is waited in, and each reason ends
// a story.
func TestTranscriptsReachEverything(t *testing.T) {
	states, reasons := map[string]bool{}, map[emv.Reason]bool{}
	for _, s := range playStories(t) {
		for state := range s.waited {
			states[state] = true
		}
		reasons[s.outcome.Reason] = true
	}
	for _, state := range emv.States() {
		if !states[state] {
			t.Errorf("no transcript waits while %s", state)
		}
	}
	list := declaredReasons(t)
	for _, reason := range list {
		if !reasons[reason] {
			t.Errorf("no transcript ends with %q", reason)
		}
	}
	if len(list) < 10 {
		t.Errorf("only %d reasons are declared: are they elsewhere?", len(list))
	}
}

// declaredReasons reads them from the source.
func declaredReasons(t *testing.T) []emv.Reason {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var list []emv.Reason
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, emv.Reason(text))
		}
		return true
	})
	return list
}

func or(into, from []byte) {
	for i := range min(len(into), len(from)) {
		into[i] |= from[i]
	}
}
