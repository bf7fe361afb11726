package drivers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The tracks of a card that nobody has.
const (
	good1 = "%B9999010000000011^CARD/TEST^31122010000000000?"
	good2 = ";9999010000000011=31122010000000000?"
	good3 = "+019999010000000011==1560?"
)

// withLRC appends each track's check character, computed bit by bit: column
// parity over the characters as they stand on the stripe.
func withLRC(tracks ...string) string {
	var b strings.Builder
	for _, t := range tracks {
		base, width := byte('0'), 4
		if t[0] == '%' {
			base, width = ' ', 6
		}
		var check byte
		for bit := range width {
			ones := 0
			for _, c := range []byte(t) {
				if c == '+' && base == '0' {
					c = ';'
				}
				ones += int((c-base)>>bit) & 1
			}
			check |= byte(ones%2) << bit
		}
		b.WriteString(t)
		b.WriteByte(base + check)
	}
	return b.String()
}

func TestParseSwipe(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		lrc  bool
	}{
		"track 2 alone":              {good2, false},
		"three tracks in one line":   {good1 + good2 + good3 + "\r", false},
		"a line for each track":      {good1 + "\r\n" + good2 + "\r\n" + good3 + "\r\n", false},
		"track 3 with a semicolon":   {good2 + ";019999010000000011==1560?\r", false},
		"track 2 first":              {good2 + good1, false},
		"track 1 partial":            {"%E?" + good2, false},
		"track 1 partial, with LRC":  {"%E?" + withLRC(good2), true},
		"track 1 of another format":  {"%A12?" + good2, false},
		"track 3 partial":            {good2 + "+E?", false},
		"noise before":               {"\x00\xFFabc" + good2, false},
		"LRC":                        {withLRC(good1, good2, good3) + "\r", true},
		"a separator in the end":     {";9999010000000011=3112201000=1?", false},
		"nothing after the services": {";9999010000000011=3112201?", false},
	} {
		s, err := ParseSwipe([]byte(c.text), c.lrc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(s.PAN) != "9999010000000011" || s.Expiry != "3112" || s.Service != "201" || !s.Chip() {
			t.Errorf("%s: %v, expiry %s, service %s, chip %t", name, s.PAN, s.Expiry, s.Service, s.Chip())
		}
		if !strings.HasPrefix(string(s.Track2), "9999010000000011=3112201") {
			t.Errorf("%s: another track 2", name)
		}
	}
}

func TestParseSwipeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		lrc  bool
	}{
		"nothing":                   {"", false},
		"noise":                     {"\x00\xFFabc\r", false},
		"track 1 alone":             {good1, false},
		"half a line":               {good2[:20], false},
		"track 2 partial":           {good1 + ";E?", false},
		"no separator":              {";9999010000000011?", false},
		"check digit":               {";9999010000000016=3112201?", false},
		"number of 7":               {";1234566=3112201?", false},
		"number of 20":              {";99990100000000000003=3112201?", false},
		"letter in the number":      {";99990100000000A5=3112201?", false},
		"month 13":                  {";9999010000000011=3113201?", false},
		"month 0":                   {";9999010000000011=3100201?", false},
		"no expiry":                 {";9999010000000011==201000000?", false},
		"no service code":           {";9999010000000011=3112=00000?", false},
		"too long":                  {";9999010000000011=311220100000000000000?", false},
		"letter at the end":         {";9999010000000011=3112201A0?", false},
		"tracks of different cards": {"%B9999010000000029^CARD/TEST^3112201?" + good2, false},
		"LRC missing":               {good2, true},
		"LRC wrong":                 {withLRC(good2)[:len(good2)] + "0", true},
		"longer than any":           {strings.Repeat(good2, 20), false},
	} {
		if s, err := ParseSwipe([]byte(c.text), c.lrc); !errors.Is(err, ErrUnread) {
			t.Errorf("%s: %v, %v, want ErrUnread", name, s, err)
		} else if strings.Contains(err.Error(), "999901") {
			t.Errorf("%s: the error quotes the card: %v", name, err)
		}
	}
}

// What is printed of a swipe by accident shows no number, and none is left
// after Release.
func TestSwipeIsSecret(t *testing.T) {
	s, err := ParseSwipe([]byte(good2), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(format, *s); strings.Contains(text, "0000000011") || strings.Contains(text, "30303030303131") {
			t.Errorf("%s shows %s", format, text)
		}
	}
	if _, err := s.Exchange(t.Context(), []byte{0, 0xA4, 4, 0}); !errors.Is(err, ErrRefused) {
		t.Errorf("Exchange = %v, want ErrRefused", err)
	}
	if s.ATR() != nil || s.Gone(t.Context()) != nil {
		t.Error("a stripe has an ATR, or stays")
	}
	for range 2 {
		if err := s.Release(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Trim(string(s.PAN)+string(s.Track2), "\x00") != "" {
		t.Error("Release left something")
	}
}

func TestServiceCode(t *testing.T) {
	for code, chip := range map[string]bool{"101": false, "120": false, "201": true, "220": true, "520": false, "601": true, "": false} {
		if got := (&Swipe{Service: code}).Chip(); got != chip {
			t.Errorf("service code %q: chip %t, want %t", code, got, chip)
		}
	}
}

// FuzzParseSwipe: whatever a reader sends is a sound swipe or ErrUnread.
func FuzzParseSwipe(f *testing.F) {
	for _, text := range []string{good2, good1 + good2 + good3, "%E?;E?+E?", good2[:9]} {
		f.Add([]byte(text), false)
		f.Add([]byte(withLRC(good2)+text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, lrc bool) {
		before := string(text)
		s, err := ParseSwipe(text, lrc)
		switch {
		case string(text) != before:
			t.Fatal("the input was changed")
		case err != nil && !errors.Is(err, ErrUnread):
			t.Fatalf("%v, want ErrUnread", err)
		case err == nil && (len(s.PAN) < panMin || len(s.PAN) > panMax || len(s.Expiry) != 4 || len(s.Service) != 3 || len(s.Track2) > track2Max):
			t.Fatalf("%v with %d digits, expiry %q, service %q, track of %d", s.PAN, len(s.PAN), s.Expiry, s.Service, len(s.Track2))
		}
	})
}
