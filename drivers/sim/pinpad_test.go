package sim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/keys"
)

const testPAN = "4012345678909"

type padTest struct {
	t    *testing.T
	p    *pinpad
	wire wire
}

// newPadTest is a pad with the key of X9.24-1, annex A.4.
func newPadTest(t *testing.T) *padTest {
	pt := &padTest{t: t}
	k := PadKeys{
		IPEK: [16]byte(unhex(t, "6AC292FAA1315B4D858AB3A3D7D5933A")),
		KSN:  [10]byte(unhex(t, "FFFF9876543210E00000")),
	}
	store, err := openKeyFile(t.TempDir(), k)
	if err != nil {
		t.Fatal(err)
	}
	pt.p = &pinpad{out: pt.wire.out, keys: store, hand: &hand{}}
	return pt
}

// packet frames a body, written apart from visa.go.
func packet(start, end byte, body string) []byte {
	b := append([]byte{start}, body...)
	b = append(b, end)
	sum := byte(0)
	for _, x := range b[1:] {
		sum ^= x
	}
	return append(b, sum)
}

// do sends a transaction packet and returns all that comes, as hex.
func (pt *padTest) do(body string) string {
	pt.t.Helper()
	pt.p.receive(packet(0x02, 0x03, body))
	return pt.wire.take()
}

func (pt *padTest) expect(what, got, want string) {
	pt.t.Helper()
	if got != want {
		pt.t.Fatalf("%s: %s, want %s", what, got, want)
	}
}

// reply is ACK and an answer packet, as hex.
func reply(body string) string { return fmt.Sprintf("06 %X", packet(0x02, 0x03, body)) }

const pinRequest = "70" + testPAN + "\x1cD12.50"

func TestPadVectors(t *testing.T) {
	pt := newPadTest(t)
	for _, tc := range []struct{ name, send, want string }{
		{"connection test", "0F 31 31 0E 0E", "06"},
		{"select key 0", "0F 30 38 30 0E 36", "06"},
		{"cancel", "02 37 32 03 06", "06"},
		{"display", "02 5A 32 1A 48 45 4C 4C 4F 03 33", "06"},
		{"wrong checksum", "02 5A 32 1A 48 45 4C 4C 4F 03 34", "15"},
		{"diagnostics", "0F 30 31 30 37 0E 08", "06 04"},
		{"no such packet", "02 51 51 03 03", "06 04"},
		{"noise between packets", "55 AA 0F 31 31 0E 0E 7F", "06"},
	} {
		pt.p.receive(unhex(t, tc.send))
		pt.expect(tc.name, pt.wire.take(), tc.want)
	}
	if got := fmt.Sprint(pt.p.display); got != "[HELLO]" {
		t.Errorf("display shows %v", got)
	}
}

func TestPadEnciphersByTheStandard(t *testing.T) {
	pt := newPadTest(t)
	if err := pt.p.hand.press([]string{"1234", "1234", "1234"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"7109876543210E000011B9C1845EB993A7A", "7109876543210E0000210A01C8D02C69107", "7109876543210E0000318DC07B94797B466",
	} {
		pt.expect("PIN request", pt.do(pinRequest), reply(want))
		pt.p.receive([]byte{0x06})
	}
}

func TestPadCustomer(t *testing.T) {
	pt := newPadTest(t)
	if err := pt.p.hand.press([]string{KeyCancel, KeyBypass, KeyNothing, "1234"}); err != nil {
		t.Fatal(err)
	}
	pt.expect("cancel key", pt.do(pinRequest), "06 04")
	pt.expect("bypass", pt.do(pinRequest), reply("7109876543210E00001"))
	pt.p.receive([]byte{0x06})
	pt.expect("nothing", pt.do(pinRequest), "06")
	pt.expect("the host gives up", pt.do("72"), "06")
	pt.expect("next request", pt.do(pinRequest), reply("7109876543210E0000210A01C8D02C69107"))
	pt.p.receive([]byte{0x06})
	pt.expect("script used up", pt.do(pinRequest), "06")
	if err := pt.p.hand.press([]string{"1234"}); err != nil {
		t.Fatal(err)
	}
	pt.expect("typed while the pad waits", "06 "+pt.wire.take(), reply("7109876543210E0000318DC07B94797B466"))
	if pt.p.entries != 5 {
		t.Errorf("%d PIN requests counted, want 5", pt.p.entries)
	}
}

func TestPadRepeatsOnNAK(t *testing.T) {
	pt := newPadTest(t)
	if err := pt.p.hand.press([]string{"1234"}); err != nil {
		t.Fatal(err)
	}
	first := pt.do(pinRequest)
	for range 3 {
		pt.p.receive([]byte{0x15})
		pt.expect("repetition", "06 "+pt.wire.take(), first)
	}
	pt.p.receive([]byte{0x15})
	pt.expect("fourth NAK", pt.wire.take(), "04")
	pt.p.receive([]byte{0x15})
	pt.expect("NAK to nothing", pt.wire.take(), "")
}

func TestPadErrors(t *testing.T) {
	for name, tc := range map[string]struct{ body, code string }{
		"no account":        {"70\x1cD12.50", "0"},
		"short account":     {"701234567\x1cD12.50", "2"},
		"long account":      {"70" + strings.Repeat("1", 20) + "\x1cD12.50", "3"},
		"letters":           {"7012345678A\x1cD12.50", "4"},
		"no debit mark":     {"70" + testPAN + "\x1c12.50", "5"},
		"letters in amount": {"70" + testPAN + "\x1cD12.5x", "8"},
		"no amount":         {"70" + testPAN + "\x1cD", "8"},
		"master key":        {"70." + testPAN + "\x1c" + strings.Repeat("0", 32), "A"},
		"Z60, no account":   {"Z60.\x1c" + strings.Repeat("0", 32), "0"},
	} {
		t.Run(name, func(t *testing.T) {
			pt := newPadTest(t)
			pt.expect(name, pt.do(tc.body), reply("71"+tc.code))
		})
	}
	pt := newPadTest(t)
	pt.p.keys = nil
	pt.expect("pad without a key", pt.do(pinRequest), reply("71A"))
	pt.p.keys = brokenStore{keys.ErrExhausted}
	pt.p.hand.script = []string{"1234", "1234"}
	pt.expect("keys used up", pt.do(pinRequest), reply("71F"))
	pt.p.keys = brokenStore{errors.New("disk full")}
	pt.expect("state not stored", pt.do(pinRequest), reply("71B"))
}

type brokenStore struct{ err error }

func (b brokenStore) next() (key [16]byte, ksn [10]byte, err error) { return key, ksn, b.err }

func TestPadPromptsOfItsOwn(t *testing.T) {
	pt := newPadTest(t)
	if err := pt.p.hand.press([]string{"1234"}); err != nil {
		t.Fatal(err)
	}
	pt.expect("Z62", pt.do("Z62."+testPAN+"\x1c"+strings.Repeat("0", 32)+"0412NENTER PIN\x1c\x1c"),
		reply("7109876543210E000011B9C1845EB993A7A"))
}

// A card's owner types what his profile says; an explicit script comes first,
// and a second insertion of the same card goes on where he was.
func TestPadOwners(t *testing.T) {
	pt := newPadTest(t)
	habit := []string{"0000", "1234"}
	pt.p.hand.serve("wrongpin", habit, false)
	pt.do(pinRequest)
	pt.p.hand.serve("wrongpin", habit, false)
	if got := fmt.Sprint(len(pt.p.hand.script)); got != "1" {
		t.Errorf("after one of two PINs and a second insertion %s are left, want 1", got)
	}
	pt.p.hand.serve("pin", []string{"1234"}, false)
	if len(pt.p.hand.script) != 1 || pt.p.hand.script[0] != "1234" {
		t.Error("another owner does not type his own PIN")
	}
	if err := pt.p.hand.press([]string{KeyCancel}); err != nil {
		t.Fatal(err)
	}
	pt.p.hand.serve("wrongpin", habit, false)
	if len(pt.p.hand.script) != 1 || pt.p.hand.script[0] != KeyCancel {
		t.Error("an insertion replaces an explicit script")
	}
}

func TestKeyFileRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	k := PadKeys{IPEK: [16]byte{1}, KSN: [10]byte{0xFF, 0xFF, 1}}
	f, err := openKeyFile(dir, k)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.next(); err != nil {
		t.Fatal(err)
	}
	if err := replace(f.path, []byte("half a stat"), false); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyFile(dir, k); !errors.Is(err, keys.ErrState) {
		t.Errorf("a damaged state gives %v, want ErrState", err)
	}
	other, err := openKeyFile(dir, PadKeys{IPEK: [16]byte{2}, KSN: k.KSN})
	if err != nil || other.path == f.path {
		t.Errorf("another key does not begin another file: %v", err)
	}
}

func TestKeyFileGivesNoKeyThatItCannotStore(t *testing.T) {
	f, err := openKeyFile(t.TempDir(), PadKeys{IPEK: [16]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	f.path += "/nowhere/state"
	if key, _, err := f.next(); err == nil || key != [16]byte{} {
		t.Errorf("a key came without its state on disk: %v", err)
	}
}

func TestPadKeysJSON(t *testing.T) {
	var k PadKeys
	const text = `{"ipek":"6ac292faa1315b4d858ab3a3d7d5933a","ksn":"ffff9876543210e00000"}`
	if err := k.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	back, err := k.MarshalJSON()
	if err != nil || string(back) != text {
		t.Errorf("%s, %v, want %s", back, err, text)
	}
	for _, bad := range []string{`{}`, `[]`, `{"ipek":"00","ksn":"ffff9876543210e00000"}`, `{"ipek":"xx"}`} {
		if err := k.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func FuzzVISA(f *testing.F) {
	for _, s := range []string{"0F31310E0E", "0237320306", "025A321A48454C4C4F0333", "02030303", "0F0E0E", "15 06 04"} {
		f.Add(unhex(f, s), 3)
	}
	f.Add(packet(2, 3, pinRequest), 5)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var w wire
		p := &pinpad{out: w.out, hand: &hand{}}
		cut = max(0, min(cut, len(stream)))
		p.receive(stream[:cut])
		p.receive(stream[cut:])
		if len(p.packets.buf) > packetMax {
			t.Errorf("%d bytes are kept", len(p.packets.buf))
		}
		var whole wire
		q := &pinpad{out: whole.out, hand: &hand{}}
		q.receive(stream)
		if a, b := w.take(), whole.take(); a != b {
			t.Errorf("cut at %d of %s: %s, whole: %s", cut, hex.EncodeToString(stream), a, b)
		}
	})
}
