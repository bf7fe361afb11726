package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// window is how many bytes of each form are looked up at once. No form is
// shorter.
const window = 6

// canary is one form of a secret.
type canary struct {
	what string // "PAN of approve"
	home string // the one file of the installation that may hold it, or ""
	form []byte
}

// canaries find secrets in whatever a program may have written.
type canaries struct {
	all    map[[window]byte][]canary
	begins []bool // whether any form begins with these three bytes: it is quick to ask
}

func newCanaries() *canaries { return &canaries{map[[window]byte][]canary{}, make([]bool, 1<<24)} }

func head(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// digits adds a secret of decimal digits: as text, and packed two to a byte in
// either order, as on a card and in a SIM.
func (c *canaries) digits(what, home, digits string) {
	c.bytes(what, home, []byte(digits))
	if len(digits)%2 != 0 {
		digits += "F"
	}
	packed, err := hex.DecodeString(digits)
	if err != nil {
		panic(err) // the test's own mistake
	}
	c.bytes(what, home, packed)
	for i := range packed {
		packed[i] = packed[i]<<4 | packed[i]>>4
	}
	c.bytes(what, home, packed)
}

// bytes adds a secret in each form in which a program could print or store it.
func (c *canaries) bytes(what, home string, raw []byte) {
	c.add(what, home, raw)
	small, large := hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw))
	for _, text := range []string{small, large, fmt.Sprintf("% x", raw), fmt.Sprintf("% X", raw)} {
		c.add(what, home, []byte(text))
		c.base64(what, home, []byte(text))
	}
	c.base64(what, home, raw)
	decimal := strings.Trim(fmt.Sprint(raw), "[]")
	for _, between := range []string{" ", ",", ", "} {
		c.add(what, home, []byte(strings.ReplaceAll(decimal, " ", between)))
	}
}

// base64 adds what raw looks like within base64, whatever stands before and
// behind it.
func (c *canaries) base64(what, home string, raw []byte) {
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 { // where in a group of three bytes it begins
			text := encoding.EncodeToString(append(make([]byte, shift), raw...))
			text = text[[]int{0, 2, 3}[shift]:] // what it shares with the bytes before
			if (shift+len(raw))%3 != 0 {
				text = text[:len(text)-1] // and with those behind
			}
			c.add(what, home, []byte(text))
		}
	}
}

func (c *canaries) add(what, home string, form []byte) {
	if len(form) < window {
		panic(fmt.Sprintf("%s: a form of %d bytes is found by chance", what, len(form)))
	}
	key := [window]byte(form)
	if !slices.ContainsFunc(c.all[key], func(o canary) bool { return bytes.Equal(o.form, form) && o.what == what }) {
		c.begins[head(form)] = true
		c.all[key] = append(c.all[key], canary{what, home, bytes.Clone(form)})
	}
}

// find names the secrets that a text holds, but those whose home it is.
func (c *canaries) find(text []byte, home string) (found []string) {
	for i := range len(text) - window + 1 {
		if !c.begins[head(text[i:])] {
			continue
		}
		for _, k := range c.all[[window]byte(text[i:])] {
			if (k.home == "" || k.home != home) && bytes.HasPrefix(text[i:], k.form) && !slices.Contains(found, k.what) {
				found = append(found, k.what)
			}
		}
	}
	slices.Sort(found)
	return found
}

// TestCanariesAreFound: the search for secrets bites.
func TestCanariesAreFound(t *testing.T) {
	t.Parallel()
	const pan, odd = "9999010000000011", "99990100000000110"
	key := []byte{0xA1, 0x07, 0xFF, 0x3E, 0x00, 0x80, 0xBB, 0x62, 0x19, 0x5C, 0xD0, 0x41, 0x9A, 0xE3, 0x78, 0x2F}
	c := newCanaries()
	c.digits("PAN", "cards.json", pan)
	c.bytes("key", "", key)
	packed, err := hex.DecodeString(pan)
	must(t, err)
	swapped := []byte{0x99, 0x99, 0x10, 0, 0, 0, 0, 0x11}
	base := func(raw ...[]byte) string { return base64.StdEncoding.EncodeToString(slices.Concat(raw...)) }
	for name, text := range map[string]string{
		"text":            "card " + pan + " read",
		"longer":          odd,
		"JSON":            `{"pan":"` + pan + `"}`,
		"track":           pan + "D31122010000",
		"packed":          "\x57\x13" + string(packed) + "\xD3",
		"swapped":         "\x00" + string(swapped),
		"hex of text":     hex.EncodeToString([]byte(pan)),
		"HEX of text":     strings.ToUpper(hex.EncodeToString([]byte("x" + pan))),
		"spaced":          fmt.Sprintf("% X", packed),
		"bytes":           fmt.Sprint(packed),
		"JSON numbers":    strings.ReplaceAll(fmt.Sprint(packed), " ", ","),
		"base64 0":        base([]byte(pan)),
		"base64 1":        base([]byte("1"), []byte(pan), []byte("=")),
		"base64 2":        base([]byte("12"), []byte(pan), []byte("==")),
		"base64 raw":      base([]byte{0x57}, packed, []byte{0xD3}),
		"base64 hex":      base([]byte("5A08"), []byte(pan)),
		"base64 url":      base64.URLEncoding.EncodeToString(append([]byte{1}, packed...)),
		"key":             string(key),
		"key in hex":      hex.EncodeToString(key),
		"key in HEX":      strings.ToUpper(hex.EncodeToString(key)),
		"key in base64":   base([]byte{1, 2}, key, []byte{9}),
		"key as numbers":  fmt.Sprintf("%v", key),
		"key as %#v":      strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%d", key), "["), "]"),
		"key url base64":  base64.RawURLEncoding.EncodeToString(key),
		"key spaced hex":  fmt.Sprintf("% x", key),
		"key JSON number": strings.ReplaceAll(strings.Trim(fmt.Sprint(key), "[]"), " ", ", "),
	} {
		want := []string{"PAN"}
		if strings.HasPrefix(name, "key") {
			want = []string{"key"}
		}
		if found := c.find([]byte(text), "log"); !slices.Equal(found, want) {
			t.Errorf("%s: found %v, want %v", name, found, want)
		}
	}
	for name, text := range map[string]string{
		"masked":  "card 999901******0011",
		"another": "9999010000000029",
		"part":    pan[:15],
		"empty":   "",
	} {
		if found := c.find([]byte(text), "log"); len(found) != 0 {
			t.Errorf("%s: found %v, want nothing", name, found)
		}
	}
	if found := c.find([]byte(pan), "cards.json"); len(found) != 0 {
		t.Errorf("at home: found %v, want nothing", found)
	}
}
