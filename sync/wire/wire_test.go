package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func key(leg string) wire.Key {
	return wire.Key{Terminal: "dev:t1", Epoch: 1, Seq: 42, Leg: leg, Attempt: 1}
}

func authorise() wire.Request {
	return wire.Request{
		V: 1, Key: key(wire.LegAuthorise), Version: 1, At: at, ClockTrusted: true, Kind: "sale",
		AmountMinor: 1250, Currency: "CNY", Exponent: 2, Receipt: 7, STAN: 9, Entry: "05", CVM: "online-pin",
		Merchant: "898110153110001", AcquirerTID: "10000001", Software: "0.1.0", Params: 3,
		Devices: wire.Devices{Capabilities: "E060C8", KeyScheme: "dukpt-tdes", Reader: "ccid:/dev/ttyS1", PINPad: "visapad:/dev/ttyS3", Printer: "none:"},
		Card: wire.Card{
			Masked: "999901******0017", Token: "5d41402abc4b2a76", AID: "F043504F530101", Label: "CLOUDPOS TEST", SealKey: "dev-1",
			Account: []byte("sealed account"), Track: []byte("sealed track"), Chip: []byte("sealed chip"), PIN: []byte("sealed block"),
		},
		PIN: &wire.PIN{Scheme: "dukpt-tdes", Format: 0, KSN: []byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x01}},
	}
}

// swiped is a request whose card has no chip, from a terminal that names its
// reader of stripes.
func swiped() wire.Request {
	r := authorise()
	r.Entry, r.Devices.Stripe = wire.EntryStripe, "stripe:/dev/ttyUSB0"
	r.Card.AID, r.Card.Label, r.Card.Chip = "", "", nil
	return r
}

// tapped is a request whose card was held to the antenna of a terminal that
// names it.
func tapped() wire.Request {
	r := authorise()
	r.Entry, r.CVM, r.Devices.Antenna = wire.EntryTap, "device", "ccid:/dev/pos/antenna"
	r.PIN, r.Card.PIN = nil, nil
	return r
}

func complete() wire.Request {
	r := authorise()
	r.Key.Leg, r.Version, r.PIN = wire.LegComplete, 2, nil
	r.Card.Track, r.Card.PIN = nil, nil
	r.Ending = &wire.Ending{
		Reason: "approved", Detail: "2nd GENERATE AC: TC", Code: "00", ARC: "00", AuthCode: "123456", HostRef: "000000000009", CVM: "online-pin",
		Chip: &wire.Chip{AC: "0102030405060708", CID: "40", ATC: "0001", TVR: "0000008000", TSI: "E800", CVM: "020300"},
	}
	return r
}

func answer() wire.Answer {
	return wire.Answer{V: 1, Key: key(wire.LegAuthorise), Verdict: wire.VerdictApproved, Code: "00", AuthCode: "123456",
		HostRef: "000000000009", IssuerAuth: []byte{1, 2, 3, 4, 5, 6, 7, 8, 0x30, 0x30}, Scripts: []byte{0x72, 0x00}}
}

func hello() wire.Hello {
	return wire.Hello{V: 1, Terminal: "dev:t1", Epoch: 1, Seq: 42, Software: "0.1.0", Params: 3}
}

func welcome() wire.Welcome { return wire.Welcome{V: 1, Epoch: 1, Seq: 42, Now: at} }

// sample is a message of a released version and how it is read and written.
type sample struct {
	file string
	want any
	read func([]byte) (any, error)
}

func anyOf[T any](decode func([]byte) (T, error)) func([]byte) (any, error) {
	return func(data []byte) (any, error) { return decode(data) }
}

var samples = []sample{
	{"request-authorise.json", authorise(), anyOf(wire.DecodeRequest)},
	{"request-authorise-swiped.json", swiped(), anyOf(wire.DecodeRequest)},
	{"request-authorise-tapped.json", tapped(), anyOf(wire.DecodeRequest)},
	{"request-complete.json", complete(), anyOf(wire.DecodeRequest)},
	{"answer.json", answer(), anyOf(wire.DecodeAnswer)},
	{"hello.json", hello(), anyOf(wire.DecodeHello)},
	{"welcome.json", welcome(), anyOf(wire.DecodeWelcome)},
}

func write(t testing.TB, m any) []byte {
	t.Helper()
	var data []byte
	var err error
	switch m := m.(type) {
	case wire.Request:
		data, err = wire.EncodeRequest(m)
	case wire.Answer:
		data, err = wire.EncodeAnswer(m)
	case wire.Hello:
		data, err = wire.EncodeHello(m)
	case wire.Welcome:
		data, err = wire.EncodeWelcome(m)
	default:
		t.Fatalf("no encoder for %T", m)
	}
	if err != nil {
		t.Fatalf("encode %T: %v", m, err)
	}
	return data
}

// The samples of a released version are added, never edited.
func TestReadsEachReleasedVersion(t *testing.T) {
	for _, s := range samples {
		data, err := os.ReadFile(filepath.Join("testdata", "v1", s.file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.read(data)
		if err != nil {
			t.Errorf("%s: %v", s.file, err)
			continue
		}
		if got, want := write(t, got), write(t, s.want); !bytes.Equal(got, want) {
			t.Errorf("%s reads as\n%s\nwant\n%s", s.file, got, want)
		}
	}
}

func TestWritesWhatItReads(t *testing.T) {
	for _, s := range samples {
		first := write(t, s.want)
		got, err := s.read(first)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if again := write(t, got); !bytes.Equal(first, again) {
			t.Errorf("wrote %s, read it and wrote %s", first, again)
		}
	}
}

func TestEncodersSetTheVersion(t *testing.T) {
	h := hello()
	h.V = 99
	got, err := wire.DecodeHello(write(t, h))
	if err != nil || got.V != wire.Version {
		t.Errorf("v = %d, %v, want %d", got.V, err, wire.Version)
	}
}

// edit changes one field of a message as a careless peer might; an empty value
// takes it away.
func edit(t *testing.T, message []byte, path, value string) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(message, &root); err != nil {
		t.Fatal(err)
	}
	at, steps := root, strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		at = at[step].(map[string]any)
	}
	last := steps[len(steps)-1]
	delete(at, last)
	if value != "" {
		at[last] = json.RawMessage(value)
	}
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func quoted(n int) string { return `"` + strings.Repeat("A", n) + `"` }

func TestRefusedFields(t *testing.T) {
	for _, c := range []struct {
		message     any
		path, value string
		want        error
	}{
		{authorise(), "v", "2", wire.ErrVersion},
		{authorise(), "v", "", wire.ErrVersion},
		{authorise(), "key.terminal", `"t1"`, wire.ErrField},
		{authorise(), "key.leg", `"charge"`, wire.ErrField},
		{authorise(), "key.attempt", "0", wire.ErrField},
		{authorise(), "key.attempt", "256", wire.ErrField},
		{authorise(), "key.epoch", "4294967296", wire.ErrField},
		{authorise(), "key.seq", "-1", wire.ErrField},
		{authorise(), "version", "0", wire.ErrField},
		{authorise(), "kind", "", wire.ErrField},
		{authorise(), "kind", quoted(33), wire.ErrField},
		{authorise(), "amount_minor", "-1", wire.ErrField},
		{authorise(), "amount_minor", "1000000000000", wire.ErrField},
		{authorise(), "amount_minor", "12.5", wire.ErrField},
		{authorise(), "currency", `"CN"`, wire.ErrField},
		{authorise(), "currency", `"cny"`, wire.ErrField},
		{authorise(), "exponent", "5", wire.ErrField},
		{authorise(), "software", `"a\nb"`, wire.ErrField},
		{authorise(), "entry", `"7"`, wire.ErrField},
		{authorise(), "entry", `"7A"`, wire.ErrField},
		{authorise(), "merchant", quoted(65), wire.ErrField},
		{authorise(), "devices.reader", quoted(65), wire.ErrField},
		{authorise(), "card.label", quoted(65), wire.ErrField},
		{authorise(), "card.account", quoted(1024), wire.ErrField},
		{authorise(), "card.chip", quoted(12 << 10), wire.ErrField},
		{authorise(), "pin.ksn", quoted(24), wire.ErrField},
		{complete(), "ending.detail", quoted(257), wire.ErrField},
		{complete(), "ending.chip.ac", quoted(33), wire.ErrField},
		{answer(), "v", "7", wire.ErrVersion},
		{answer(), "verdict", `"maybe"`, wire.ErrField},
		{answer(), "key.terminal", "", wire.ErrField},
		{answer(), "issuer_auth", quoted(128), wire.ErrField},
		{answer(), "scripts", quoted(8 << 10), wire.ErrField},
		{hello(), "v", "0", wire.ErrVersion},
		{hello(), "terminal", `"dev:t1/#"`, wire.ErrField},
		{hello(), "software", quoted(65), wire.ErrField},
		{welcome(), "v", "-1", wire.ErrVersion},
		{welcome(), "now", "", wire.ErrField},
	} {
		data := edit(t, write(t, c.message), c.path, c.value)
		_, err := reader(c.message)(data)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%T with %s = %s: %v, want %v that names the field", c.message, c.path, c.value, err, c.want)
		}
	}
}

func reader(m any) func([]byte) (any, error) {
	switch m.(type) {
	case wire.Answer:
		return anyOf(wire.DecodeAnswer)
	case wire.Hello:
		return anyOf(wire.DecodeHello)
	case wire.Welcome:
		return anyOf(wire.DecodeWelcome)
	}
	return anyOf(wire.DecodeRequest)
}

func TestRefusedTexts(t *testing.T) {
	for in, want := range map[string]error{
		"":                            wire.ErrSyntax,
		"[]":                          wire.ErrSyntax,
		"null":                        wire.ErrVersion,
		`{"v":1}{"v":1}`:              wire.ErrSyntax,
		`{"v":1,"now":"yesterday"}`:   wire.ErrField,
		`{"v":"1"}`:                   wire.ErrField,
		strings.Repeat(" ", 32<<10+1): wire.ErrTooLarge,
		strings.Repeat("[", 32<<10):   wire.ErrSyntax,
	} {
		if _, err := wire.DecodeWelcome([]byte(in)); !errors.Is(err, want) {
			t.Errorf("DecodeWelcome(%.20q) = %v, want %v", in, err, want)
		}
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	for _, m := range []any{authorise(), answer(), hello(), welcome()} {
		if _, err := reader(m)(edit(t, write(t, m), "from_the_future", `{"a":[1]}`)); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	const canary = "6234567890120123"
	for _, c := range []struct{ path, value string }{
		{"key.epoch", canary}, {"at", `"` + canary + `"`}, {"card.account", `"` + canary + `!"`},
		{"key.terminal", `"` + canary + `"`}, {"kind", `"` + strings.Repeat(canary, 3) + `"`}, {"currency", `"` + canary + `"`},
	} {
		_, err := wire.DecodeRequest(edit(t, write(t, authorise()), c.path, c.value))
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want an error without the value", c.path, err)
		}
	}
}

func TestEncodersRefuseWhatDecodersWould(t *testing.T) {
	r := authorise()
	r.Card.Label = "\xff"
	if _, err := wire.EncodeRequest(r); !errors.Is(err, wire.ErrField) || !strings.Contains(err.Error(), "card.label") {
		t.Errorf("EncodeRequest = %v, want ErrField of card.label", err)
	}
	h := hello()
	h.Terminal = ""
	if _, err := wire.EncodeHello(h); !errors.Is(err, wire.ErrField) {
		t.Errorf("EncodeHello = %v, want ErrField", err)
	}
	w := welcome()
	w.Now = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := wire.EncodeWelcome(w); !errors.Is(err, wire.ErrField) {
		t.Errorf("EncodeWelcome = %v, want ErrField", err)
	}
}

// The largest message that the field bounds allow fits MessageMax, even when
// JSON escapes each character of each text.
func TestFieldBoundsFitTheMessageBound(t *testing.T) {
	r := complete()
	word, text := strings.Repeat("<", wire.WordMax), strings.Repeat("<", wire.TextMax)
	r.Kind, r.CVM, r.Merchant, r.AcquirerTID, r.Software = word, word, text, text, text
	r.Devices = wire.Devices{Capabilities: word, KeyScheme: word, Reader: text, Antenna: text, Stripe: text, PINPad: text, Printer: text}
	r.Card = wire.Card{Masked: word, Token: text, AID: word, Label: text, SealKey: text,
		Account: make([]byte, 512), Track: make([]byte, 256), Chip: make([]byte, 8<<10), PIN: make([]byte, 256)}
	r.PIN = &wire.PIN{Scheme: word, KSN: make([]byte, 16)}
	r.Ending = &wire.Ending{Reason: text, Detail: strings.Repeat("<", wire.DetailMax), Code: word, ARC: word, AuthCode: word, HostRef: text, CVM: word,
		Chip: &wire.Chip{AC: word, CID: word, ATC: word, TVR: word, TSI: word, CVM: word}}
	data := write(t, r)
	if _, err := wire.DecodeRequest(data); err != nil {
		t.Errorf("the largest request, %d bytes: %v", len(data), err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range samples {
		f.Add(write(f, s.want))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, decode := range []func([]byte) (any, error){
			anyOf(wire.DecodeRequest), anyOf(wire.DecodeAnswer), anyOf(wire.DecodeHello), anyOf(wire.DecodeWelcome),
		} {
			m, err := decode(data)
			if err != nil {
				continue
			}
			first := write(t, m)
			again, err := decode(first)
			if err != nil || !bytes.Equal(first, write(t, again)) {
				t.Errorf("%s is read, written as %s, then: %v", data, first, err)
			}
		}
	})
}
