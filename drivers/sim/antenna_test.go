package sim

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// antennaTest speaks to an antenna message by message, in virtual time.
type antennaTest struct {
	t    *testing.T
	a    *antenna
	wire wire
	log  []string
	came []string
}

func newAntennaTest(t *testing.T) *antennaTest {
	at := &antennaTest{t: t}
	at.a = &antenna{
		out:  at.wire.out,
		note: func(card string, command, _ []byte) { at.log = append(at.log, fmt.Sprintf("%s %X", card, command[:2])) },
		came: func(p issuer.Profile, visits bool) { at.came = append(at.came, fmt.Sprint(p.Name, " ", visits)) },
	}
	return at
}

// say sends a message and lets time pass; what came back is returned without
// echo and frames: "m" for a card that came, "g" for one that went, and the
// bodies of answers.
func (at *antennaTest) say(message string, wait time.Duration) string {
	at.t.Helper()
	f := frame(at.t, message)
	at.a.receive(f)
	time.Sleep(wait)
	synctest.Wait()
	return at.heard(f)
}

// heard is what was sent since, apart from the echo.
func (at *antennaTest) heard(echo []byte) string {
	at.t.Helper()
	at.a.mu.Lock()
	defer at.a.mu.Unlock()
	var words []string
	for _, o := range at.wire.sent {
		switch b := o.bytes; {
		case string(b) == string(echo) && o.kind == aside:
			words = append(words, "echo")
		case string(b) == "\x50\x03" && o.kind == aside:
			words = append(words, "came")
		case string(b) == "\x50\x02" && o.kind == aside:
			words = append(words, "gone")
		case len(b) > 3 && b[0] == 3 && b[1] == 6 && xor(b) == 0 && o.kind == answer:
			words = append(words, fmt.Sprintf("%X", b[2:len(b)-1]))
		default:
			words = append(words, fmt.Sprintf("?%X", b))
		}
	}
	at.wire.sent = nil
	return strings.Join(words, " ")
}

// expect says something, and wants "echo" and then this.
func (at *antennaTest) expect(message, want string) {
	at.t.Helper()
	at.expectAfter(message, 0, want)
}

func (at *antennaTest) expectAfter(message string, wait time.Duration, want string) {
	at.t.Helper()
	if got := at.say(message, wait); got != strings.TrimSpace("echo "+want) {
		at.t.Fatalf("%s\n got %s\nwant echo %s", message, got, want)
	}
}

// told wants this to have come by itself.
func (at *antennaTest) told(want string) {
	at.t.Helper()
	if got := at.heard(nil); got != want {
		at.t.Fatalf("by itself\n got %s\nwant %s", got, want)
	}
}

// with does something with the antenna.
func (at *antennaTest) with(do func(*antenna)) {
	at.a.mu.Lock()
	defer at.a.mu.Unlock()
	do(at.a)
}

const (
	antennaOn     = "62 00000000 00 00 00 0000"
	antennaOff    = "63 00000000 00 01 00 0000"
	antennaStatus = "65 00000000 00 02 00 0000"
	antennaPSE    = "6F 14000000 00 03 00 0000 00A404000E 315041592E5359532E4444463031 00"
	antennaRecord = "6F 05000000 00 03 00 0000 00B2010C00"

	saysATR     = "80050000000000000000" + "3B80800101"
	saysCrowd   = "8000000000000041C000"
	saysActive  = "81000000000002000000"
	saysThere   = "81000000000002010000"
	saysEmpty   = "81000000000002020000"
	saysOff     = "81000000000001010000"
	saysOffGone = "81000000000001020000"
	saysNoPSE   = "80020000000003000000" + "6A82"
	saysLeft    = "8000000000000342FE00"
)

// The reader answers what it is asked, and tells what is wrong by its place.
func TestAntennaAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		at.expect(antennaStatus, saysEmpty)
		at.expect(antennaOn, "8000000000000042FE00")
		at.expect("6B 01000000 00 04 00 0000 02", fmt.Sprintf("83%02X00000000040200"+"00%X", len(antennaFirmware), antennaFirmware))
		at.expect("6B 01000000 00 04 00 0000 03", "83000000000004420000")
		at.expect("61 05000000 00 04 00 0000 1100000A00", "81000000000004420000")
		at.expect("65 00000000 01 02 00 0000", "81000000000102420500")
		at.with(func(a *antenna) { a.tap(newTapped(t, "tap-3")) })
		at.told("came")
		at.expect(antennaStatus, saysThere)
		at.expect(antennaPSE, "8000000000000341FE00")
		at.expect("62 00000000 00 00 01 0000", "8000000000000041"+"0700")
		at.expect(antennaOn, saysATR)
		at.expect(antennaStatus, saysActive)
		at.expect("6F 01000000 00 03 00 0000 00", "8000000000000340"+"0100")
		at.expect("6F 05000000 00 03 00 0100 00B2010C00", "8000000000000340"+"0800")
		at.expect("6F 05000000 00 03 01 0000 00B2010C00", "8000000000000340"+"0700")
		at.expectAfter(antennaPSE, answerTime, saysNoPSE)
		at.expect(antennaOff, saysOff)
		if got := fmt.Sprint(at.log, at.came); got != "[tap-3 00A4] [tap-3 false]" {
			t.Errorf("noted %s", got)
		}
		at.with((*antenna).lift)
		at.told("gone")
	})
}

// An answer comes when the chip has had its time, not before; what is said
// meanwhile is done after it.
func TestAntennaTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		at.with(func(a *antenna) { a.tap(newTapped(t, "tap-3").Variant(TapVariant{Delay: 20 * time.Millisecond})) })
		at.told("came")
		at.expect(antennaOn, saysATR)
		at.expectAfter(antennaPSE, answerTime+20*time.Millisecond-time.Nanosecond, "")
		status := frame(t, antennaStatus)
		at.a.receive(status)
		at.told("")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got, want := at.heard(status), saysNoPSE+" echo "+saysActive; got != want {
			t.Errorf("when it has thought\n got %s\nwant %s", got, want)
		}
		at.a.receive(unhex(t, "03 15 16"))
		at.told(saysActive)
	})
}

// A card that leaves while it is asked is told at once, and so is what was asked
// meanwhile; one that gives no answer has left.
func TestAntennaLosesItsCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		at.with(func(a *antenna) { a.tap(newTapped(t, "tap-3")) })
		at.told("came")
		at.expect(antennaOn, saysATR)
		at.expectAfter(antennaPSE, time.Millisecond, "")
		at.with((*antenna).lift)
		at.told("gone " + saysLeft)
		time.Sleep(time.Second) // The chip's time is over; nothing more comes.
		synctest.Wait()
		at.told("")
		at.expect(antennaPSE, saysLeft)

		silent := func(int) Shim { return func([]byte, func([]byte) []byte) []byte { return nil } }
		at.with(func(a *antenna) { a.tap(newTapped(t, "tap-3").Variant(TapVariant{Shim: silent})) })
		at.told("came")
		at.expect(antennaOn, saysATR)
		at.expectAfter(antennaRecord, answerTime, "gone "+saysLeft)
	})
}

// A cable that is pulled takes the field's power and forgets what was asked.
func TestAntennaUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		at.with(func(a *antenna) { a.tap(newTapped(t, "tap-3")) })
		at.told("came")
		at.expect(antennaOn, saysATR)
		at.expectAfter(antennaPSE, 0, "")
		at.a.powerDown()
		time.Sleep(time.Second)
		synctest.Wait()
		at.told("")
		at.expect(antennaStatus, saysThere)
	})
}

// Two cards are a crowd, and so is one that is beside another.
func TestAntennaCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		first, second := newTapped(t, "tap-3"), newTapped(t, "tap-2")
		at.with(func(a *antenna) { a.tap(first); a.tap(second) })
		at.told("came")
		at.expect(antennaOn, saysCrowd)
		at.expect(antennaStatus, saysThere)
		at.with(func(a *antenna) { a.tap(second) }) // again: they were taken away
		at.told("gone came")
		at.expect(antennaOn, saysATR)
		at.with((*antenna).lift)
		at.told("gone")

		at.with(func(a *antenna) { a.tap(first.Variant(TapVariant{Beside: 1})) })
		at.told("came")
		at.expect(antennaOn, saysCrowd)
		at.expect(antennaOn, saysATR)
	})
}

// A guest comes when the terminal looks for a card, leaves when it has asked him
// something and takes the field away, and comes again when it looks again.
func TestAntennaGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		guest := newTapped(t, "tap-3")
		at.with(func(a *antenna) { a.serve(guest) })
		for range 2 {
			at.expect(antennaStatus, "came "+saysThere)
			at.expect(antennaOn, saysATR)
			at.expect(antennaOff, saysOff) // asked nothing, he stays
			at.expect(antennaOn, saysATR)
			at.expectAfter(antennaPSE, answerTime, saysNoPSE)
			at.expect(antennaOff, "gone "+saysOffGone)
			at.expect(antennaStatus, saysEmpty) // who looks whether he has gone finds that he has
		}
		at.expect(antennaStatus, "came "+saysThere)
		at.expect(antennaStatus, saysThere)
		at.expect(antennaStatus, saysThere)
		at.expect(antennaStatus, "gone "+saysEmpty) // nobody wants him

		visitor := newTapped(t, "tap-2").Variant(TapVariant{Name: "visitor", Beside: 1})
		at.with(func(a *antenna) { a.visit(visitor, 7) })
		at.expect(antennaStatus, "came "+saysThere)
		at.expect(antennaOn, saysCrowd)
		at.expect(antennaOff, "gone "+saysOffGone) // he takes it out of his wallet
		at.expect(antennaStatus, saysEmpty)
		at.expect(antennaStatus, "came "+saysThere)
		at.expect(antennaOn, saysATR)
		at.with(func(a *antenna) { a.visit(nil, 0) })
		at.told("gone")
		at.expect(antennaStatus, "came "+saysThere)
		at.with(func(a *antenna) { a.serve(nil) })
		at.told("gone")
		for range 5 {
			at.expect(antennaStatus, saysEmpty)
		}
		if got := strings.Join(at.came, ", "); got != "tap-3 false, tap-3 false, tap-3 false, tap-2 true, tap-2 true, tap-3 false" {
			t.Errorf("at the counter were %s", got)
		}
	})
}

// A card that another person holds there keeps the guest away.
func TestAntennaGuestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := newAntennaTest(t)
		at.with(func(a *antenna) { a.serve(newTapped(t, "tap-3")); a.tap(newTapped(t, "tap-2")) })
		at.told("came")
		for range 5 {
			at.expect(antennaStatus, saysThere)
		}
		at.expect(antennaOn, saysATR)
		at.expectAfter(antennaPSE, answerTime, saysNoPSE)
		at.expect(antennaOff, saysOff) // it is held there until it is taken away
		at.with((*antenna).lift)
		at.told("gone")
		at.expect(antennaStatus, saysEmpty)
		at.expect(antennaStatus, "came "+saysThere)
	})
}

// FuzzAntenna: whatever the host sends, answers are frames, and little is kept.
func FuzzAntenna(f *testing.F) {
	for _, s := range []string{antennaOff, antennaStatus, antennaPSE, antennaRecord, "6F 05000000 00 03 00 0100 00B2010C00"} {
		f.Add(append(frame(f, antennaOn), frame(f, s)...))
	}
	f.Add(unhex(f, "031516 03 06 6F FFFFFFFF"))
	made := newTapped(f, "tap-3")
	f.Fuzz(func(t *testing.T, stream []byte) {
		var w wire
		a := &antenna{out: w.out, note: func(string, []byte, []byte) {}, came: func(issuer.Profile, bool) {}}
		a.tap(made.Variant(TapVariant{Name: "fuzzed"}))
		a.receive(stream)
		a.mu.Lock()
		if len(a.frames.buf) > 2+ccidHead+ccidMax+1 || len(a.waiting) > commandsMax {
			t.Errorf("%d bytes and %d commands are kept", len(a.frames.buf), len(a.waiting))
		}
		a.mu.Unlock()
		a.powerDown()
		for _, o := range w.sent {
			if o.kind == answer && xor(o.bytes) != 0 {
				t.Errorf("answer % X has a wrong checksum", o.bytes)
			}
		}
	})
}
