package sim

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// frame puts a CCID message into the serial frame, written apart from ccid.go.
func frame(t testing.TB, message string) []byte {
	t.Helper()
	b := append([]byte{0x03, 0x06}, unhex(t, message)...)
	sum := byte(0)
	for _, x := range b {
		sum ^= x
	}
	return append(b, sum)
}

type readerTest struct {
	t      *testing.T
	r      *reader
	wire   wire
	log    []string
	served []string
}

func newReaderTest(t *testing.T) *readerTest {
	rt := &readerTest{t: t}
	rt.r = &reader{
		out:      rt.wire.out,
		note:     func(card string, command, _ []byte) { rt.log = append(rt.log, fmt.Sprintf("%s %X", card, command[:2])) },
		inserted: func(p issuer.Profile, _ bool) { rt.served = append(rt.served, p.Name) },
	}
	return rt
}

// do sends a message and returns the answer's message without its frame; the
// echo is checked here.
func (rt *readerTest) do(message string) string {
	rt.t.Helper()
	f := frame(rt.t, message)
	rt.r.receive(f)
	sent := rt.wire.sent
	rt.wire.sent = nil
	for len(sent) > 0 && sent[0].bytes[0] == 0x50 { // a card moved before
		sent = sent[1:]
	}
	if len(sent) < 2 || !bytes.Equal(sent[0].bytes, f) || sent[0].kind != aside {
		rt.t.Fatalf("to % X came %v, want an echo first", f, sent)
	}
	last := sent[len(sent)-1]
	if last.kind != answer || xor(last.bytes) != 0 || !bytes.HasPrefix(last.bytes, []byte{3, 6}) {
		rt.t.Fatalf("answer % X is no frame", last.bytes)
	}
	return fmt.Sprintf("%X", last.bytes[2:len(last.bytes)-1])
}

func (rt *readerTest) expect(message, want string) {
	rt.t.Helper()
	if got, want := rt.do(message), fmt.Sprintf("%X", unhex(rt.t, want)); got != want {
		rt.t.Fatalf("%s\n got %s\nwant %s", message, got, want)
	}
}

const (
	powerOn5V  = "62 00000000 00 00 01 0000"
	powerOff   = "63 00000000 00 01 00 0000"
	slotStatus = "65 00000000 00 02 00 0000"
	slotActive = "81 00000000 00 02 00 00 00"
	slotThere  = "81 00000000 00 02 01 00 01"
	slotEmpty  = "81 00000000 00 02 02 00 01"
)

// The vectors of the manual's reading: frames with their checksums.
func TestReaderFrames(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.receive(unhex(t, "03 06 62 00 00 00 00 00 00 01 00 00 66"))
	if got, want := rt.wire.take(), "03066200000000000001000066 03068000000000000042FE0039"; got != want {
		t.Errorf("PowerOn without a card: %s, want %s", got, want)
	}
	rt.r.receive(unhex(t, "03 06 6B 03 00 00 00 00 01 00 00 00 01 01 01 6D"))
	if got, want := rt.wire.take(), "03066B0300000000010000000101016D 03068300000000000102000085"; got != want {
		t.Errorf("Escape 01 01 01: %s, want %s", got, want)
	}
	rt.r.receive(unhex(t, "03 06 65 00 00 00 00 00 01 00 00 00 62"))
	if got, want := rt.wire.take(), "031516"; got != want {
		t.Errorf("wrong checksum: %s, want %s", got, want)
	}
	rt.r.receive(unhex(t, "03 15 16"))
	if got, want := rt.wire.take(), "03068300000000000102000085"; got != want {
		t.Errorf("NAK: %s, want the last answer %s", got, want)
	}
}

func TestReaderFindsFramesInAnyCut(t *testing.T) {
	stream := append([]byte{0xFF, 0x03, 0x00}, frame(t, slotStatus)...)
	stream = append(append(stream, 0x55), frame(t, powerOff)...)
	for cut := range len(stream) {
		rt := newReaderTest(t)
		rt.r.receive(stream[:cut])
		rt.r.receive(stream[cut:])
		if len(rt.wire.sent) != 4 {
			t.Errorf("cut at %d: %s", cut, rt.wire.take())
		}
	}
}

func TestReaderHalfFrameTimesOut(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.receive(frame(t, slotStatus)[:8])
	rt.r.quiet()
	rt.expect(slotStatus, slotEmpty)
	rt.r.receive(unhex(t, "03 06 6F FF FF 00 00"))
	rt.r.receive(make([]byte, 10))
	if got := rt.wire.take(); got != "031516" {
		t.Errorf("a message longer than any: %s, want NAK", got)
	}
}

func TestReaderT0Session(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.insert(newCard(t, "pin"))
	rt.expect(slotStatus, slotThere)
	rt.expect(powerOn5V, "80 04000000 00 00 00 00 00 3B600000")
	rt.expect(slotStatus, slotActive)
	rt.expect("6C 00000000 00 03 000000", "82 05000000 00 03 00 00 00 1100000A00")
	rt.expect("61 05000000 00 04 00 0000 1100000A00", "82 05000000 00 04 00 00 00 1100000A00")
	rt.expect("6F 13000000 00 05 00 0000 00A404000E315041592E5359532E4444463031", "80 02000000 00 05 00 00 00 611E")
	rt.expect("6F 05000000 00 06 00 0000 00C0000002", "80 04000000 00 06 00 00 00 6F1C 611C")
	rt.expect(powerOff, "81 00000000 00 01 01 00 01")
	rt.expect("6F 05000000 00 06 00 0000 00C0000002", "80 00000000 00 06 41 FE 00")
	if got := fmt.Sprint(rt.log); got != "[pin 00A4]" {
		t.Errorf("log %v", got)
	}
}

func TestReaderT1Session(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.insert(newCard(t, "t1"))
	rt.expect(powerOn5V, "80 09000000 00 00 00 00 00 3BE000008131FE45 EB")
	rt.expect("6F 05000000 00 05 00 0000 00C101FE3E", "80 00000000 00 05 40 F6 00") // still T=0
	rt.expect("61 05000000 00 04 00 0000 1100000A00", "82 05000000 00 04 40 07 00 1100000A00")
	rt.expect("61 07000000 00 04 01 0000 1110004500FE00", "82 07000000 00 04 00 00 01 1110004500FE00")
	rt.expect("6F 05000000 00 05 00 0000 00C101FE3E", "80 05000000 00 05 00 00 00 00E101FE1E")
	rt.expect("6F 18000000 00 06 00 0000 00001400A404000E315041592E5359532E444446303100DD",
		"80 24000000 00 06 00 00 00 000020 6F1C840E315041592E5359532E4444463031A50A8801015F2D047A68656E9000"+
			fmt.Sprintf("%02X", 0x20^xor(unhex(t, selectInfo))))
}

func TestReaderRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ card, message, want string }{
		"automatic voltage":    {"pin", "62 00000000 00 00 00 0000", "80 00000000 00 00 41 07 00"},
		"1.8 V":                {"pin", "62 00000000 00 00 03 0000", "80 00000000 00 00 41 FE 00"},
		"mute card":            {"mute", powerOn5V, "80 00000000 00 00 41 FE 00"},
		"other slot":           {"pin", "65 00000000 01 00 00 0000", "81 00000000 01 00 42 05 00"},
		"unknown message":      {"pin", "71 00000000 00 00 00 0000", "81 00000000 00 00 41 00 01"},
		"a PIN, without keys":  {"pin", "69 00000000 00 00 00 0000", "80 00000000 00 00 41 00 00"},
		"unknown escape":       {"pin", "6B 01000000 00 00 00 0000 77", "83 00000000 00 00 41 00 00"},
		"parameters too early": {"pin", "61 05000000 00 04 00 0000 1100000A00", "82 00000000 00 04 41 FE 00"},
	} {
		t.Run(name, func(t *testing.T) {
			rt := newReaderTest(t)
			rt.r.insert(newCard(t, tc.card))
			rt.expect(tc.message, tc.want)
		})
	}
	rt := newReaderTest(t)
	rt.r.insert(newCard(t, "pin"))
	rt.do(powerOn5V)
	rt.expect("61 05000000 00 04 00 0000 9400000A00", "82 05000000 00 04 40 0A 00 1100000A00")
	rt.expect("61 04000000 00 04 00 0000 1100000A", "82 05000000 00 04 40 01 00 1100000A00")
	// An APDU where a TPDU belongs.
	rt.expect("6F 06000000 00 05 00 0000 00A404000100", "80 02000000 00 05 00 00 00 6A82")
	rt.expect("6F 07000000 00 05 00 0000 00A40400010000", "80 00000000 00 05 40 BE 00")
}

func TestReaderTellsMoves(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.insert(newCard(t, "pin"))
	rt.r.pull()
	if got := rt.wire.take(); got != "5003 5002" {
		t.Errorf("moves before the terminal asked for silence: %s", got)
	}
	rt.do("6B 03000000 00 01 00 0000 010101")
	rt.r.insert(newCard(t, "pin"))
	if got := rt.wire.take(); got != "" {
		t.Errorf("moves are told outside of commands: %s", got)
	}
	f := frame(t, slotStatus)
	rt.r.receive(f)
	if got, want := rt.wire.take(), fmt.Sprintf("%X 5003 %X", f, frame(t, slotThere)); got != want {
		t.Errorf("move within a command: %s, want %s", got, want)
	}
}

func TestReaderPullsBeforeTheNthAPDU(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.pullAt = 2
	rt.r.insert(newCard(t, "pin"))
	rt.do(powerOn5V)
	rt.expect("6F 13000000 00 05 00 0000 00A404000E315041592E5359532E4444463031", "80 02000000 00 05 00 00 00 611E")
	rt.expect("6F 05000000 00 06 00 0000 00C000001E", "80 20000000 00 06 00 00 00"+selectInfo)
	rt.expect("6F 05000000 00 07 00 0000 00B2010C00", "80 00000000 00 07 42 FE 00")
	rt.expect(slotStatus, slotEmpty)
	rt.r.insert(newCard(t, "pin"))
	rt.do(powerOn5V)
	rt.do("6F 05000000 00 07 00 0000 00B2010C00")
	rt.do("6F 05000000 00 07 00 0000 00B2010C00")
	rt.expect(slotStatus, slotActive) // it holds once
}

func TestCustomerComesAndGoes(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.serve(newCard(t, "pin"))
	rt.expect(slotStatus, slotThere)
	rt.expect(powerOff, "81 00000000 00 01 01 00 01") // not used yet: it stays
	rt.do(powerOn5V)
	rt.do("6F 05000000 00 07 00 0000 00B2010C00")
	rt.expect(powerOff, "81 00000000 00 01 02 00 01")
	rt.expect(slotStatus, slotEmpty) // whoever waits for the removal sees it
	rt.expect(slotStatus, slotThere)
	rt.r.serve(newCard(t, "approve")) // the one before takes his card
	rt.expect(slotStatus, slotThere)
	rt.r.serve(nil)
	rt.expect(slotStatus, slotEmpty)
	rt.expect(slotStatus, slotEmpty)
	if got := fmt.Sprint(rt.served); got != "[pin pin approve]" {
		t.Errorf("customers at the counter: %s", got)
	}
}

func TestCustomerTakesAMuteCard(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.serve(newCard(t, "mute"))
	rt.do(slotStatus)
	rt.expect(powerOn5V, "80 00000000 00 00 41 FE 00")
	rt.expect(powerOff, "81 00000000 00 01 01 00 01")
	rt.expect(powerOn5V, "80 00000000 00 00 41 FE 00")
	rt.expect(slotStatus, slotThere)
	rt.expect(slotStatus, slotThere)
	rt.expect(slotStatus, slotEmpty)
}

func TestCustomerTakesAFinishedCard(t *testing.T) {
	rt := newReaderTest(t)
	rt.r.serve(newCard(t, "approve"))
	rt.do(slotStatus)
	rt.do(powerOn5V)
	upTo(t, rt.r.card, selectAID, gpo, gac1)
	for range 10 {
		rt.expect(slotStatus, slotActive) // it is still needed
	}
	upTo(t, rt.r.card, gac2)
	rt.do(slotStatus)
	rt.do(slotStatus)
	rt.expect(slotStatus, slotEmpty)
}

func FuzzCCID(f *testing.F) {
	p := profile(f, "pin")
	for _, s := range []string{powerOn5V, powerOff, slotStatus, "6F 05000000 00 07 00 0000 00B2010C00", "61 05000000 00 04 00 0000 1100000A00"} {
		f.Add(append(frame(f, powerOn5V), frame(f, s)...))
	}
	f.Add(unhex(f, "031516 03 06 6F FFFFFFFF"))
	f.Add(append(frame(f, powerOn5V), frame(f, verifies(secureFields))...))
	escapes := append(frame(f, powerOn5V), frame(f, "6B 44000000 00 09 000000 43504B 01 03"+strings.Repeat("B7", 63)+"01")...)
	f.Add(append(escapes, frame(f, "6B 15000000 00 09 000000 435056 1E 04 0C 000000 00200088 0102030405060708")...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		c, err := NewCard(p, zeros{})
		if err != nil {
			t.Fatal(err)
		}
		var w wire
		r := &reader{out: w.out, note: func(string, []byte, []byte) {}, inserted: func(issuer.Profile, bool) {}, hand: &hand{}}
		r.hand.serve("pin", []string{"1234", "0000", KeyBypass, KeyCancel}, false)
		defer r.powerDown()
		r.insert(c)
		r.receive(stream)
		for _, o := range w.sent {
			if o.kind == answer && xor(o.bytes) != 0 {
				t.Errorf("answer % X has a wrong checksum", o.bytes)
			}
		}
		if len(r.frames.buf) > 2+ccidHead+ccidMax+1 {
			t.Errorf("%d bytes are kept", len(r.frames.buf))
		}
	})
}
