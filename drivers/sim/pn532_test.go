package sim

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/pn532"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// chipTest speaks to a chip in virtual time.
type chipTest struct {
	t    *testing.T
	c    *nfcChip
	wire wire
}

// newChipTest gives a chip that is awake, whose looks for cards end.
func newChipTest(t *testing.T) *chipTest {
	ct := &chipTest{t: t}
	ct.c = &nfcChip{out: ct.wire.out}
	ct.c.powerDown()
	ct.c.receive(unhex(t, "55 55 00 00 00"))
	ct.want("14 01", 0, "15")
	ct.want("32 05 FF 01 02", 0, "33")
	return ct
}

// chipFrame frames a command.
func chipFrame(t *testing.T, command string) []byte {
	data := append([]byte{hsuHost}, unhex(t, command)...)
	n := byte(len(data))
	return append(append([]byte{0, 0, 0xFF, n, -n}, data...), -total(data), 0)
}

// want sends a command, lets time pass, and compares the payload of the answer
// behind the acknowledgement; "" is none yet.
func (ct *chipTest) want(command string, wait time.Duration, want string) {
	ct.t.Helper()
	ct.c.receive(chipFrame(ct.t, command))
	if got := ct.heard(); !strings.HasPrefix(got, "ack") {
		ct.t.Fatalf("%s: %q, want an acknowledgement", command, got)
	} else if wait == 0 {
		ct.compare(command, strings.TrimPrefix(got, "ack"), want)
		return
	}
	time.Sleep(wait - time.Millisecond)
	synctest.Wait()
	ct.compare(command+", early", ct.heard(), "")
	time.Sleep(time.Millisecond)
	synctest.Wait()
	ct.compare(command, ct.heard(), want)
}

func (ct *chipTest) compare(what, got, want string) {
	ct.t.Helper()
	if want = strings.ReplaceAll(want, " ", ""); got != want {
		ct.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// heard is what was sent since: "ack", and payloads behind TFI.
func (ct *chipTest) heard() string {
	ct.c.mu.Lock()
	defer ct.c.mu.Unlock()
	var words strings.Builder
	for word := range strings.FieldsSeq(ct.wire.take()) {
		switch {
		case word == "0000FF00FF00":
			word = "ack"
		case word == "0000FF01FF7F81":
			word = "error"
		case word == "00": // a postamble
			word = ""
		default:
			word = word[12 : len(word)-2] // without start, length, TFI and sum
		}
		words.WriteString(word)
	}
	return words.String()
}

// A chip that sleeps hears the wake-up only, and then SAMConfiguration only.
func TestNFCChipWakes(t *testing.T) {
	ct := &chipTest{t: t}
	ct.c = &nfcChip{out: ct.wire.out}
	ct.c.powerDown()
	for _, frame := range []string{"02", "14 01"} {
		ct.c.receive(chipFrame(t, frame))
		ct.compare("asleep", ct.heard(), "")
	}
	ct.c.receive(unhex(t, "55 55 00 00"))
	ct.c.receive(chipFrame(t, "02"))
	ct.compare("deaf", ct.heard(), "")
	ct.want("14 01", 0, "15")
	ct.want("02", 0, "0332010607")
	ct.c.receive(unhex(t, "00 00 FF FF 00 00"))
	ct.compare("again", ct.heard(), "0332010607")
	ct.want("00 00 41 42", 0, "01004142")
	for _, unknown := range []string{"42 00", "14 02", "32 01", "32 0A 00", "4A 03 00", "4A 00 00", "4A 01 03", "12", "40", "00 07"} {
		ct.want(unknown, 0, "error")
	}
	ct.c.powerDown()
	ct.c.receive(chipFrame(t, "02"))
	ct.compare("without power meanwhile", ct.heard(), "")
}

const (
	foundA = "4B 01 01 00 04 20 04 08 11 22 01 06 75 77 81 02 80"
	foundB = "4B 01 01 50 08 11 22 01 00 00 00 00 00 81 81 01 00"
)

func TestNFCChipFindsCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ct := newChipTest(t)
		ct.want("4A 02 00", 3*seekTime, "4B 00")
		ct.c.hold(newTapped(t, "tap-3"), TapA)
		ct.want("4A 02 03 00", 3*seekTime, "4B 00")
		ct.want("4A 02 00", activateTime, foundA)
		ct.want("4A 02 00", 3*seekTime, "4B 00") // It is active, and silent.
		ct.want("32 01 00", 0, "33")
		ct.want("32 01 01", 0, "33")
		ct.want("12 00", 0, "13")
		ct.want("4A 01 00", activateTime, foundA[:len("4B 01 01 00 04 20 04 08 11 22 01")])
		ct.want("12 14", 0, "13")
		ct.c.lift()
		ct.c.hold(newTapped(t, "tap-3"), TapB)
		ct.want("4A 02 03 00", activateTime, foundB)
		ct.c.hold(newTapped(t, "tap-2"), TapB)
		ct.want("32 01 00", 0, "33")
		ct.want("4A 01 03 00", activateTime, foundB) // One of two, in silence.
		ct.c.lift()
		ct.c.hold(newTapped(t, "tap-3").Variant(TapVariant{Beside: 1}), TapA)
		ct.want("4A 02 00", activateTime, strings.Replace(foundA, "4B 01", "4B 02", 1)+"02 00 04 20 04 08 11 22 02")
	})
}

// By power-on values a look for a card ends with one, or with the host's word.
func TestNFCChipSeeksForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ct := newChipTest(t)
		ct.want("32 05 FF 01 FF", 0, "33")
		ct.want("4A 02 00", time.Hour, "")
		ct.c.hold(newTapped(t, "tap-3"), TapA)
		time.Sleep(activateTime)
		synctest.Wait()
		ct.compare("a card came", ct.heard(), foundA)
		ct.c.lift()
		ct.want("4A 02 00", time.Hour, "")
		ct.c.receive(hsuAck)
		ct.c.hold(newTapped(t, "tap-3"), TapA)
		time.Sleep(time.Hour)
		synctest.Wait()
		ct.compare("nobody asks any more", ct.heard(), "")
	})
}

func TestNFCChipExchanges(t *testing.T) {
	long := func(int) Shim {
		return func([]byte, func([]byte) []byte) []byte { return make([]byte, 300) }
	}
	synctest.Test(t, func(t *testing.T) {
		ct := newChipTest(t)
		ct.want("40 01 00 B2 01 0C 00", 0, "41 27")
		ct.c.hold(newTapped(t, "tap-3"), TapA)
		ct.want("00 06", silenceTime, "01 01")
		ct.want("4A 02 00", activateTime, foundA)
		ct.want("00 06", answerTime, "01 00")
		ct.want("40 01 00 A4 04 00 01 41 00", answerTime, "41 00 6A 82")
		ct.want("40 41 00 A4 04", 0, "41 00")
		ct.want("40 01 00 01 41 00", answerTime, "41 00 6A 82")
		ct.want("40 02 00 B2 01 0C 00", 0, "41 27")
		ct.c.receive(chipFrame(t, "40 01 00 A4 04 00 01 41 00"))
		ct.c.receive(hsuAck)
		time.Sleep(time.Hour)
		synctest.Wait()
		ct.compare("ended by the host", ct.heard(), "ack")
		ct.c.receive(chipFrame(t, "40 01 00 A4 04 00 01 41 00"))
		ct.c.lift()
		ct.compare("taken away meanwhile", ct.heard(), "ack4101")
		ct.want("40 01 00 A4 04 00 01 41 00", silenceTime, "41 01")
		ct.want("00 06", silenceTime, "01 01")
		ct.c.hold(newTapped(t, "tap-3").Variant(TapVariant{Shim: long}), TapA)
		ct.want("40 01 00 A4 04 00 01 41 00", silenceTime, "41 01") // Another card, not activated.
		ct.want("4A 02 00", activateTime, foundA)
		ct.c.receive(chipFrame(t, "40 01 00 A4 04 00 01 41 00"))
		time.Sleep(answerTime)
		synctest.Wait()
		_ = ct.heard()
		ct.want("40 01", 0, "41 00"+strings.Repeat("00", 300-pieceMax))
	})
}

// newVirtualBoard is a simulated PN532 in virtual time, under the true driver.
func newVirtualBoard(t testing.TB) (*nfcChip, *pn532.Dev) {
	line := &virtualLine{}
	c := &nfcChip{out: line.send}
	c.powerDown()
	line.dev = c
	d := pn532.New(drivertest.NewPlug(t, line.serve).Dial, pn532.Opts{})
	t.Cleanup(func() { _ = d.Close() })
	return c, d
}

// The race is measured to the very time that the chip takes for it: with both
// types, and without a line in between.
func TestPN532MeasuresTheRace(t *testing.T) {
	for name, kind := range map[string]TapType{"A": TapA, "B": TapB} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chip, d := newVirtualBoard(t)
				chip.hold(newTapped(t, "tap-2-race"), kind)
				card, err := d.Await(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, command := range []string{selectTap2, optionsTap2, raceTap2} {
					r, err := card.Exchange(t.Context(), unhex(t, command))
					if err != nil || r.Data[len(r.Data)-2] != 0x90 {
						t.Fatalf("%s: % X, %v", command, r.Data, err)
					}
					want := answerTime
					if command == raceTap2 {
						want = raceWay + 35*raceUnit
					}
					if r.Elapsed != want {
						t.Errorf("%s took %v, want %v", command, r.Elapsed, want)
					}
				}
			})
		})
	}
}

// Two cards of one type, of both types, and in one wallet; a card that only a
// field which comes anew finds; one that takes its time to leave.
func TestPN532Crowds(t *testing.T) {
	for name, hold := range map[string]func(c *nfcChip, a, b *Tapped){
		"A":       func(c *nfcChip, x, y *Tapped) { c.hold(x, TapA); c.hold(y, TapA) },
		"B":       func(c *nfcChip, x, y *Tapped) { c.hold(x, TapB); c.hold(y, TapB) },
		"A and B": func(c *nfcChip, x, y *Tapped) { c.hold(x, TapA); c.hold(y, TapB) },
		"wallet":  func(c *nfcChip, x, _ *Tapped) { c.hold(x.Variant(TapVariant{Beside: 1}), TapB) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chip, d := newVirtualBoard(t)
				one := newTapped(t, "tap-3")
				hold(chip, one, newTapped(t, "tap-2"))
				if _, err := d.Await(t.Context()); !errors.Is(err, drivers.ErrCollision) {
					t.Fatalf("Await = %v, want ErrCollision", err)
				}
				if chip.on {
					t.Error("the field is still on")
				}
				chip.lift()
				if err := d.Clear(t.Context()); err != nil {
					t.Fatal(err)
				}
				chip.hold(one, TapA)
				if _, err := d.Await(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A long response of a card comes in pieces, and is whole.
func TestPN532LongResponse(t *testing.T) {
	data := make([]byte, 1000)
	for i := range data {
		data[i] = byte(i)
	}
	shim := func(int) Shim { return func([]byte, func([]byte) []byte) []byte { return append(data, 0x90, 0x00) } }
	synctest.Test(t, func(t *testing.T) {
		chip, d := newVirtualBoard(t)
		chip.hold(newTapped(t, "tap-3").Variant(TapVariant{Shim: shim}), TapA)
		card, err := d.Await(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, err := card.Exchange(t.Context(), unhex(t, "00B2010C000000"))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "response", r.Data, append(data, 0x90, 0x00))
	})
}

// asked counts the commands that reach a card.
func asked(n *int) func(int) Shim {
	return func(int) Shim {
		return func(command []byte, chip func([]byte) []byte) []byte {
			*n++
			return chip(command)
		}
	}
}

// Whatever becomes of an answer, the card is asked once.
func TestPN532SpoiledLine(t *testing.T) {
	for fault, want := range map[FaultKind]error{
		WrongChecksum: nil, HalfFrame: nil, Garbage: nil, Silence: drivers.ErrTimeout,
	} {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				chip, d := newVirtualBoard(t)
				clean := chip.out
				chip.hold(newTapped(t, "tap-3").Variant(TapVariant{Shim: asked(&n)}), TapA)
				card, err := d.Await(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				left := 1
				chip.out = func(bytes []byte, k kind) {
					if k == answer && left > 0 {
						left--
						bytes = Fault{Kind: fault}.spoil(bytes)
					}
					clean(bytes, k)
				}
				r, err := card.Exchange(t.Context(), unhex(t, selectTap3))
				if !errors.Is(err, want) || (err == nil) != (want == nil) {
					t.Fatalf("Exchange = % X, %v, want %v", r.Data, err, want)
				}
				if n != 1 {
					t.Errorf("the card was asked %d times", n)
				}
				if err := card.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				card, err = d.Await(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := card.Exchange(t.Context(), unhex(t, selectTap3)); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// mutedTap is a card that is found and does not come up.
func mutedTap(t *testing.T) *Tapped {
	p := newTapped(t, "tap-3").chip.p
	p.Behaviour = issuer.Mute
	mute, err := NewTapped(p, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return mute
}

// The board is plugged and unplugged on a true line, loses its power on one that
// stays, and answers nonsense for a while: each time the next wait finds the
// card, or the one after that.
func TestPN532OnALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "antenna")
	board, err := NewPN532(path)
	if err != nil {
		t.Fatal(err)
	}
	d := pn532.New(port.Serial(path, port.Mode{}), pn532.Opts{Name: "antenna 1"})
	defer func() {
		if err := errors.Join(d.Close(), board.Close(), board.Close()); err != nil {
			t.Error(err)
		}
	}()
	tap := func(what string, want error) {
		t.Helper()
		card, err := d.Await(t.Context())
		if want != nil {
			if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "antenna 1: ") {
				t.Fatalf("%s: Await = %v, want %v of antenna 1", what, err, want)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s: Await: %v", what, err)
		}
		if _, err := card.Exchange(t.Context(), unhex(t, selectTap3)); err != nil {
			t.Fatalf("%s: Exchange: %v", what, err)
		}
		if err := card.Release(t.Context()); err != nil {
			t.Fatalf("%s: Release: %v", what, err)
		}
	}
	board.Hold(newTapped(t, "tap-3"), TapA)
	tap("first", nil)
	board.Reset()
	tap("after its power had failed", nil)
	if err := errors.Join(board.Unplug(), board.Replug()); err != nil {
		t.Fatal(err)
	}
	tap("plugged in again", nil)
	if err := board.Spoil(Fault{Kind: WrongChecksum, Count: 2}); err != nil {
		t.Fatal(err)
	}
	tap("two answers with wrong sums", nil)
	if err := board.Spoil(Fault{Kind: WrongChecksum}); err != nil {
		t.Fatal(err)
	}
	tap("all answers with wrong sums", drivers.ErrProtocol)
	if err := board.Spoil(Fault{Kind: FaultNone}); err != nil {
		t.Fatal(err)
	}
	tap("well again", nil)
	board.Lift()
	board.Hold(mutedTap(t), TapA)
	tap("a mute card", drivers.ErrCardMute)
}
