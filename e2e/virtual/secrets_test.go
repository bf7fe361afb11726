package virtual

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

// canaries are the secrets of the deck, in the forms in which they could slip
// out: as text, packed as in track 2, and either within base64. A track begins
// with its PAN.
var canaries = sync.OnceValue(func() map[string][][]byte {
	all := map[string][][]byte{}
	add := func(what, digits string) {
		forms := [][]byte{[]byte(digits)}
		if packed, err := hex.DecodeString(digits); err == nil {
			forms = append(forms, packed)
		}
		for _, raw := range slices.Clone(forms) {
			for shift := range 3 { // where in a group of three bytes it begins
				text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), raw...))
				text = text[[]int{0, 2, 3}[shift]:] // what the bytes before share in
				text = strings.TrimRight(text, "=")
				forms = append(forms, []byte(text[:len(text)-1])) // and those behind
			}
		}
		all[what] = forms
	}
	for name, p := range shared.deck {
		add("PAN of "+name, p.PAN)
	}
	add("right PIN", rightPIN)
	add("wrong PIN", wrongPIN)
	return all
})

// leaks names the canaries that a text holds.
func leaks(text []byte) (found []string) {
	for what, forms := range canaries() {
		for _, form := range forms {
			if bytes.Contains(text, form) {
				found = append(found, what)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// checkSecrets searches everything that was written anywhere.
func (w *world) checkSecrets() {
	w.Helper()
	b, err := w.read()
	if err != nil {
		w.Fatal(err)
	}
	journal, err := json.Marshal(b.journal)
	if err != nil {
		w.Fatal(err)
	}
	cloud, err := json.Marshal([]any{b.ledger, b.host})
	if err != nil {
		w.Fatal(err)
	}
	var paper []byte
	for _, slips := range b.paper {
		paper = append(paper, strings.Join(slips, "\n")...)
	}
	for where, text := range map[string][]byte{
		"log": w.logged.Bytes(), "network": bytes.Join(w.net.payloads, []byte("\n")),
		"journal": journal, "cloud": cloud, "paper": paper,
	} {
		if found := leaks(text); len(found) > 0 {
			w.Errorf("the %s shows: %v", where, found)
		}
	}
}

// TestLeaksAreFound shows that the search finds what it looks for.
func TestLeaksAreFound(t *testing.T) {
	pan := shared.deck["approve"].PAN
	packed, err := hex.DecodeString(pan)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"text":       []byte("card " + pan + " read"),
		"hex":        []byte("57 " + pan + "D3112"),
		"raw track":  append([]byte{0x57, 0x13}, packed...),
		"JSON":       []byte(`{"pan":"` + pan + `"}`),
		"PIN":        []byte("typed " + rightPIN),
		"base64 0":   []byte(base64.StdEncoding.EncodeToString([]byte(pan + "="))),
		"base64 1":   []byte(base64.StdEncoding.EncodeToString([]byte("1" + pan + "D"))),
		"base64 2":   []byte(base64.StdEncoding.EncodeToString([]byte("12" + pan))),
		"base64 raw": []byte(base64.StdEncoding.EncodeToString(append([]byte{0x57}, packed...))),
	} {
		if found := leaks(text); len(found) == 0 { // several cards may share the digits that base64 leaves
			t.Errorf("%s: found nothing", name)
		}
	}
	if found := leaks([]byte("card " + pan[:6] + "******" + pan[12:])); len(found) != 0 {
		t.Errorf("a masked number is taken for %v", found)
	}
}
