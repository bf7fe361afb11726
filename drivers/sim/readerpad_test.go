package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// newPadReader is a reader with keys, and a card in it that waits for its PIN.
func newPadReader(t *testing.T, script ...string) *readerTest {
	rt := newReaderTest(t)
	rt.r.hand = &hand{}
	rt.r.inserted = func(issuer.Profile, bool) {}
	if err := rt.r.hand.press(script); err != nil {
		t.Fatal(err)
	}
	rt.r.insert(newCard(t, "pin"))
	rt.do("6B 03000000 00 01 00 0000 010101")
	rt.do(powerOn5V)
	upTo(t, rt.r.card, selectAID, gpo)
	return rt
}

// secureFields is what a terminal asks for: bytes 10 to 24 of the message.
const secureFields = "00 1E 89 47 04 0C 04 02 01 0904 00 000000"

// verifies is PC_to_RDR_Secure for a plaintext PIN.
func verifies(fields string) string {
	return "69 1C000000 00 09 000000" + fields + "00200080 08 20FFFFFFFFFFFFFF"
}

// begins sends a message that is answered later, and returns what comes at once
// behind its echo.
func (rt *readerTest) begins(message string) string {
	rt.t.Helper()
	f := frame(rt.t, message)
	rt.r.receive(f)
	return strings.TrimSpace(strings.TrimPrefix(rt.wire.take(), fmt.Sprintf("%X", f)))
}

// framed is a message in its frame, as hex.
func framed(t *testing.T, message string) string { return fmt.Sprintf("%X", frame(t, message)) }

const (
	moreTime  = "80 00000000 00 09 80 01 00"
	cancelled = "80 00000000 00 09 40 EF 00"
)

func TestReaderVerifiesPIN(t *testing.T) {
	for _, tc := range []struct{ name, keys, want string }{
		{"right", "1234", "80 02000000 00 09 00 00 00 9000"},
		{"wrong", "4321", "80 02000000 00 09 00 00 00 63C2"},
		{"twelve digits", "123456789012", "80 02000000 00 09 00 00 00 63C2"},
		{"cancelled", KeyCancel, cancelled},
		{"enter alone has no meaning", KeyBypass + " 1234", "80 02000000 00 09 00 00 00 9000"},
	} {
		rt := newPadReader(t, strings.Fields(tc.keys)...)
		if got, want := rt.begins(verifies(secureFields)), framed(t, moreTime)+" "+framed(t, tc.want); got != want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, want)
		}
	}
}

// What is typed goes into the card's block only, and a reader with its hands
// full says so.
func TestReaderWaitsForPIN(t *testing.T) {
	rt := newPadReader(t)
	if got := rt.begins(verifies(secureFields)); got != framed(t, moreTime) {
		t.Fatalf("asked: %s", got)
	}
	if got := fmt.Sprint(rt.r.display); got != "[ENTER PIN]" {
		t.Errorf("the customer reads %s", got)
	}
	rt.expect(slotStatus, "81 00000000 00 02 40 E0 00")
	rt.expect("6B 01000000 00 01 000000 02", "83 00000000 00 01 40 E0 00")
	rt.expect("6F 05000000 00 05 000000 00B2010C00", "80 00000000 00 05 40 E0 00")
	rt.expect("6C 00000000 00 03 000000", "82 05000000 00 03 40 E0 00 1100000A00")
	for _, key := range []string{"1", "2", "3", KeyEnter, "4"} {
		if err := rt.r.hand.stroke([]string{key}); err != nil {
			t.Fatal(err)
		}
	}
	if got := rt.wire.take(); got != "" {
		t.Errorf("before enter: %s", got)
	}
	if err := rt.r.hand.stroke([]string{KeyEnter}); err != nil {
		t.Fatal(err)
	}
	if got := rt.wire.take(); got != framed(t, "80 02000000 00 09 00 00 00 9000") {
		t.Errorf("entered: %s", got)
	}
	if len(rt.r.display) != 0 {
		t.Errorf("the customer still reads %v", rt.r.display)
	}
	rt.expect(slotStatus, slotActive)
}

func TestReaderPINEndsOtherwise(t *testing.T) {
	rt := newPadReader(t)
	rt.begins(verifies(secureFields))
	rt.r.pull()
	if got, want := rt.wire.take(), "5002 "+framed(t, "80 00000000 00 09 42 FE 00"); got != want {
		t.Errorf("pulled: %s, want %s", got, want)
	}
	if err := rt.r.hand.press([]string{"1234"}); err != nil {
		t.Fatal(err)
	}
	if got := rt.wire.take(); got != "" {
		t.Errorf("typed too late: %s", got)
	}

	rt = newPadReader(t)
	rt.begins(verifies(secureFields))
	abort := "72 00000000 00 0A 000000"
	if got, want := rt.begins(abort), framed(t, "80 00000000 00 09 40 FF 00")+" "+framed(t, "81 00000000 00 0A 00 00 00"); got != want {
		t.Errorf("aborted: %s, want %s", got, want)
	}
	rt.expect("72 00000000 00 0B 000000", "81 00000000 00 0B 00 00 00") // nothing to abort

	rt = newPadReader(t, "1234")
	rt.r.pullAt = 1
	if got, want := rt.begins(verifies(secureFields)), framed(t, moreTime)+" 5002 "+framed(t, "80 00000000 00 09 42 FE 00"); got != want {
		t.Errorf("pulled before VERIFY: %s, want %s", got, want)
	}
}

// TestReaderRefusesPINFormats: what the reader cannot do is named by its place
// in the message.
func TestReaderRefusesPINFormats(t *testing.T) {
	for place, fields := range map[int]string{
		0x0A: "01 1E 89 47 04 0C 04 02 01 0904 00 000000",
		0x0B: "00 00 89 47 04 0C 04 02 01 0904 00 000000",
		0x0C: "00 1E 8A 47 04 0C 04 02 01 0904 00 000000", // ASCII
		0x0D: "00 1E 89 48 04 0C 04 02 01 0904 00 000000", // beyond the block
		0x0E: "00 1E 89 47 1F 0C 04 02 01 0904 00 000000",
		0x0F: "00 1E 89 47 04 0E 04 02 01 0904 00 000000",
		0x11: "00 1E 89 47 04 0C 04 01 01 0904 00 000000",
		0x12: "00 1E 89 47 04 0C 04 02 00 0904 00 000000",
	} {
		newPadReader(t).expect(verifies(fields), fmt.Sprintf("80 00000000 00 09 40 %02X 00", place))
	}
	rt := newPadReader(t)
	rt.expect("69 0F000000 00 09 000000"+secureFields, "80 00000000 00 09 40 01 00")
	rt.expect("6B 04000000 00 09 000000 43504B00", "83 00000000 00 09 40 01 00")
	rt.expect("6B 03000000 00 09 000000 435056", "83 00000000 00 09 40 01 00")
	noKey := "6B 15000000 00 09 000000 435056 1E 04 0C 000000 00200088 0102030405060708"
	rt.expect(noKey, "83 00000000 00 09 40 0A 00")
	rt.do(powerOff)
	rt.expect(verifies(secureFields), "80 00000000 00 09 41 FE 00")
	rt.expect(noKey, "83 00000000 00 09 41 FE 00")
}

// TestPINTriesSurvive: a chip remembers wrong PINs, whoever runs the shop.
func TestPINTriesSurvive(t *testing.T) {
	dir := t.TempDir()
	tries := func(script ...string) int {
		shop, err := Open(dir, testDeck(t), PadKeys{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := shop.Close(); err != nil {
				t.Error(err)
			}
		}()
		var w wire
		r := shop.reader
		r.out = w.out
		if err := shop.Keys(script...); err != nil {
			t.Fatal(err)
		}
		if err := shop.Insert("pin"); err != nil {
			t.Fatal(err)
		}
		r.receive(frame(t, powerOn5V))
		for _, tpdu := range []string{selectAID[:len(selectAID)-2], gpo[:len(gpo)-2]} {
			r.receive(frame(t, fmt.Sprintf("6F %02X000000 00 05 000000 %s", len(tpdu)/2, tpdu)))
		}
		for range script {
			r.receive(frame(t, verifies(secureFields)))
		}
		return shop.cards["pin"].Counters().PINTries
	}
	for i, want := range []struct {
		script []string
		left   int
	}{{[]string{"9999", "9999"}, 1}, {nil, 1}, {[]string{"9999"}, 0}, {[]string{"1234"}, 0}} {
		if got := tries(want.script...); got != want.left {
			t.Errorf("visit %d: %d tries are left, want %d", i+1, got, want.left)
		}
	}
}
