package params_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
)

// The number of a test card and how it is written under this key, as computed
// by: printf 9999010000000018 | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY
const (
	exceptionKey  = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	exceptionCard = "518064E20F33F734A7B507D6ABD3B8EF"
)

// TestExceptions: a card is found by its whole number alone, also after the
// document was written and read again.
func TestExceptions(t *testing.T) {
	doc, err := params.Parse(set(t, "exceptions", map[string]any{"key": exceptionKey, "cards": []string{exceptionCard, strings.Repeat("00", 16)}}))
	if err != nil {
		t.Fatal(err)
	}
	data, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := params.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Exceptions.Key, doc.Exceptions.Key) || !slices.Equal(again.Exceptions.Cards, doc.Exceptions.Cards) {
		t.Errorf("encoded and read again: %X, want %X", again.Exceptions.Cards, doc.Exceptions.Cards)
	}
	for pan, want := range map[string]bool{
		"9999010000000018": true, "9999010000000019": false, "999901000000001": false, "99990100000000180": false, "": false,
	} {
		if got := again.Exceptions.Lists(secret.PAN(pan)); got != want {
			t.Errorf("lists %q: %v, want %v", pan, got, want)
		}
	}
}

// TestExceptionsChange: a list that is made, and cards that come and go.
func TestExceptionsChange(t *testing.T) {
	list, err := params.NewExceptions(strings.NewReader(strings.Repeat("k", 32)))
	if err != nil || len(list.Key) != 32 || len(list.Cards) != 0 {
		t.Fatalf("a new list: %+v, %v", list, err)
	}
	if _, err := params.NewExceptions(strings.NewReader("too little")); err == nil {
		t.Error("a list with half a key")
	}
	pan, other := secret.PAN("9999010000000018"), secret.PAN("9999010000000026")
	for i, got := range []bool{list.Add(pan), !list.Add(pan), list.Add(other), list.Remove(pan), !list.Remove(pan), !list.Lists(pan), list.Lists(other)} {
		if !got {
			t.Errorf("step %d does not do what it should", i+1)
		}
	}
	if len(list.Cards) != 1 {
		t.Errorf("%d cards are listed, want 1", len(list.Cards))
	}
}

// TestExceptionsAreChecked as every other field is, once they are there.
func TestExceptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{[]any{}, "exceptions: want an object, got a list"},
		{map[string]any{"cards": []any{}}, "exceptions.key: is missing"},
		{map[string]any{"key": exceptionKey}, "exceptions.cards: is missing"},
		{map[string]any{"key": exceptionKey, "cards": []any{}, "psn": 1}, "exceptions.psn: unknown field"},
		{map[string]any{"key": "00", "cards": []any{}}, "exceptions.key: want 64 hex digits, got 2"},
		{map[string]any{"key": exceptionKey, "cards": []any{exceptionCard, "9999010000000018"}}, `exceptions.cards[1]: want 32 hex digits`},
		{map[string]any{"key": exceptionKey, "cards": []any{7}}, `exceptions.cards[0]: want 32 hex digits`},
		{map[string]any{"key": exceptionKey, "cards": make([]string, 2001)}, "exceptions.cards: want 0 to 2000 entries, got 2001"},
	} {
		if _, err := params.Parse(set(t, "exceptions", c.value)); err == nil || err.Error() != "params: "+c.want {
			t.Errorf("%v: %v, want %s", c.want, err, c.want)
		}
	}
}
