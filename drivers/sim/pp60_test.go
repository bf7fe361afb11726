package sim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

// binaryTest speaks to a pad with the keys of the manual's example and of X9.24-1,
// annex A.4.
type binaryTest struct {
	t    *testing.T
	p    *binaryPad
	wire wire
}

func newBinaryTest(t *testing.T) *binaryTest {
	bt := &binaryTest{t: t}
	given := PP60Keys{
		Pad: PadKeys{
			IPEK: [16]byte(unhex(t, "6AC292FAA1315B4D858AB3A3D7D5933A")),
			KSN:  [10]byte(unhex(t, "FFFF9876543210E00000")),
		},
		Random: 0xA5,
		UID:    [16]byte(unhex(t, "88888888888888881111111111111111")),
		Auth:   [16]byte(unhex(t, "0123456789ABCDEFFEDCBA9876543210")),
	}
	store, err := openKeyFile(t.TempDir(), given.Pad)
	if err != nil {
		t.Fatal(err)
	}
	bt.p = &binaryPad{
		out: bt.wire.out, hand: &hand{}, given: given, keys: store,
		draw: func() [8]byte { return [8]byte{1, 2, 3, 4, 5, 6, 7, 8} },
	}
	return bt
}

// want sends bytes and compares all that comes.
func (bt *binaryTest) want(what, send, want string) {
	bt.t.Helper()
	bt.p.receive(unhex(bt.t, send))
	if got := bt.wire.take(); got != fmt.Sprintf("%X", unhex(bt.t, want)) {
		bt.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

const (
	binaryReset  = "D5 00 D5"
	binaryEnter  = "83 12 04 0C 30 30 30 30 34 30 31 32 33 34 35 36 37 38 39 30 9C"
	binaryChoose = "82 0C 00 86 00 00 80 96 16 5B C9 5A 89 BD F4"
)

// chosen has the pad ready to ask for a PIN, under the key of this number.
func (bt *binaryTest) chosen(ksn string) {
	bt.t.Helper()
	bt.want("reset", binaryReset, binaryReset)
	bt.want("directory", "D6 01 01 D6", "D6 00 D6")
	bt.want("key serial number", "97 00 97", ksn)
	bt.want("random number", "A5 00 A5", "A5 08 01 02 03 04 05 06 07 08 A5")
	bt.want("key", binaryChoose, "82 08 FD 51 40 47 80 C3 77 1B 0E")
}

// The manual's example, 4.6.1.
func TestBinaryPadCode(t *testing.T) {
	bt := newBinaryTest(t)
	if got := bt.p.code(unhex(t, "008201 0102030405060708")); got != [8]byte(unhex(t, "B5107E8EB4656BC8")) {
		t.Errorf("code = %X", got)
	}
}

func TestBinaryPadEnciphersByTheStandard(t *testing.T) {
	bt := newBinaryTest(t)
	if err := bt.p.hand.press([]string{"1234", KeyCancel, "1234"}); err != nil {
		t.Fatal(err)
	}
	const second = "97 0A FF FF 98 76 54 32 10 E0 00 02 E7"
	bt.chosen("97 0A FF FF 98 76 54 32 10 E0 00 01 E4")
	bt.want("first PIN", binaryEnter, "83 08 1B 9C 18 45 EB 99 3A 7A 63")
	bt.want("without a new choice", binaryEnter, "03 01 71 73")
	bt.chosen(second)
	bt.want("cancel key", binaryEnter, "03 01 77 75")
	bt.chosen(second) // The key was not used.
	bt.want("second PIN", binaryEnter, "83 08 10 A0 1C 8D 02 C6 91 07 F8")
	bt.chosen("97 0A FF FF 98 76 54 32 10 E0 00 03 E6")
}

func TestBinaryPadCustomer(t *testing.T) {
	bt := newBinaryTest(t)
	const first = "97 0A FF FF 98 76 54 32 10 E0 00 01 E4"
	bt.chosen(first)
	bt.want("nobody is there", binaryEnter, "")
	bt.want("anything but a reset", "97 00 97", "")
	bt.want("reset", binaryReset, binaryReset)
	if err := bt.p.hand.press([]string{"1234"}); err != nil {
		t.Fatal(err)
	}
	if got := bt.wire.take(); got != "" {
		t.Errorf("a PIN that nobody asks for gives %s", got)
	}
	bt.chosen(first)
	bt.want("the PIN of before", binaryEnter, "83 08 1B 9C 18 45 EB 99 3A 7A 63")
	bt.chosen("97 0A FF FF 98 76 54 32 10 E0 00 02 E7")
	bt.want("six digits at least", "83 12 06 0C 30 30 30 30 34 30 31 32 33 34 35 36 37 38 39 30 9E", "")
	for _, script := range [][]string{{"1234"}, {"12345"}, {KeyBypass}} {
		if err := bt.p.hand.press(script); err != nil {
			t.Fatal(err)
		}
	}
	if got := bt.wire.take(); got != "830083" {
		t.Errorf("two that are too short and the enter key give %s", got)
	}
}

func TestBinaryPadErrors(t *testing.T) {
	for name, tc := range map[string]struct{ send, want string }{
		"wrong check byte":        {"D5 00 D4", "55 01 0D 59"},
		"length":                  {"D5 01 00 D4", "55 01 01 55"},
		"directory 5":             {"D6 01 05 D2", "56 01 31 66"},
		"head":                    {"C0 00 C0", "40 01 FF BE"},
		"no key in the root":      {"97 00 97", "17 01 E3 F5"},
		"code without a random":   {binaryChoose, "02 01 08 0B"},
		"PIN without a key":       {binaryEnter, "03 01 71 73"},
		"commands in one piece":   {binaryReset + "D6 01 01 D6", "D5 00 D5 D6 00 D6"},
		"the next one after half": {"D5 00 D4" + binaryReset, "55 01 0D 59 D5 00 D5"},
	} {
		t.Run(name, func(t *testing.T) {
			bt := newBinaryTest(t)
			bt.p.receive(unhex(t, tc.send))
			var got string
			for _, o := range bt.wire.sent {
				got += hex.EncodeToString(o.bytes)
			}
			if want := hex.EncodeToString(unhex(t, tc.want)); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		})
	}
	bt := newBinaryTest(t)
	bt.chosen("97 0A FF FF 98 76 54 32 10 E0 00 01 E4")
	bt.want("three digits", "83 12 03 0C 30 30 30 30 34 30 31 32 33 34 35 36 37 38 39 30 9B", "03 01 74 76")
	bt.want("letters", "83 12 04 0C 30 30 30 30 41 30 31 32 33 34 35 36 37 38 39 30 E9", "")
	if err := bt.p.hand.press([]string{"1234"}); err != nil || bt.wire.take() != "030192"+"90" {
		t.Errorf("letters in the card number, %v", err)
	}
	bt.p.keys, bt.p.key = brokenStore{errors.New("disk full")}, nil
	bt.want("reset", binaryReset, binaryReset)
	bt.want("directory", "D6 01 01 D6", "D6 00 D6")
	bt.want("state not stored", "97 00 97", "17 01 E3 F5")
	bt.want("random number", "A5 00 A5", "A5 08 01 02 03 04 05 06 07 08 A5")
	bt.want("no key to choose", binaryChoose, "02 01 61 62")
}

// Three wrong codes lock the pad until its power is cut.
func TestBinaryPadLocks(t *testing.T) {
	bt := newBinaryTest(t)
	wrong := "82 0C 00 86 00 00 00 00 00 00 00 00 00 00 08"
	for range 3 {
		bt.want("random number", "A5 00 A5", "A5 08 01 02 03 04 05 06 07 08 A5")
		bt.want("wrong code", wrong, "02 01 08 0B")
	}
	bt.want("random number", "A5 00 A5", "A5 08 01 02 03 04 05 06 07 08 A5")
	bt.want("right code, too late", binaryChoose, "02 01 0B 08")
	bt.p.powerDown()
	bt.chosen("97 0A FF FF 98 76 54 32 10 E0 00 01 E4")
	bt.want("random number", "A5 00 A5", "A5 08 01 02 03 04 05 06 07 08 A5")
	bt.want("right code, other mode", "82 0C 00 81 00 00 23 C0 80 91 32 6F 3F 9B 04", "02 01 72 71")
}

func FuzzBinaryPad(f *testing.F) {
	for _, s := range []string{binaryReset, "D6 01 01 D6", "97 00 97", binaryChoose, binaryEnter, "D5 FF 00"} {
		f.Add(unhex(f, s), 3)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var cuts, whole wire
		zeros := func() (n [8]byte) { return n }
		p := &binaryPad{out: cuts.out, hand: &hand{}, draw: zeros}
		cut = max(0, min(cut, len(stream)))
		p.receive(stream[:cut])
		p.receive(stream[cut:])
		if len(p.buf) > 3+255 {
			t.Errorf("%d bytes are kept", len(p.buf))
		}
		q := &binaryPad{out: whole.out, hand: &hand{}, draw: zeros}
		q.receive(stream)
		if a, b := cuts.take(), whole.take(); a != b {
			t.Errorf("cut at %d of %x: %s, whole: %s", cut, stream, a, b)
		}
	})
}
