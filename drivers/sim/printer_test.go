package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type printerTest struct {
	t    *testing.T
	p    *printer
	wire wire
}

func newPrinterTest(t *testing.T) *printerTest {
	pt := &printerTest{t: t}
	pt.p = newPrinter(pt.wire.out)
	return pt
}

// send takes text with the escapes of Go and returns what came back, as hex.
func (pt *printerTest) send(s string) string {
	pt.p.receive([]byte(s))
	return pt.wire.take()
}

func (pt *printerTest) expect(s, want string) {
	pt.t.Helper()
	if got := pt.send(s); got != want {
		pt.t.Errorf("%q is answered by %q, want %q", s, got, want)
	}
}

// lines joins the lines of a slip, and tells how it ended.
func lines(s Slip) string {
	end := " broken"
	if s.Complete {
		end = " complete"
	}
	return strings.Join(s.Lines, "|") + end
}

func (pt *printerTest) paper(want ...string) {
	pt.t.Helper()
	var got []string
	for _, s := range pt.p.paper() {
		got = append(got, lines(s))
	}
	if !slices.Equal(got, want) {
		pt.t.Errorf("paper\n got %q\nwant %q", got, want)
	}
}

func TestPrinterText(t *testing.T) {
	pt := newPrinterTest(t)
	pt.send("\x1b@\x1ba\x01CLOUDPOS\n\x1ba\x00left\x1ba\x02\nright\n\x1ba\x00\x1bE\x01bold\x1bE\x00\n")
	pt.send("\x1d!\x11\x1ba\x01WIDE\n\x1d!\x00\x1ba\x00a\x1b$\xe0\x01b\n\x1bt\x13\xd5 1.00\n")
	pt.send("\x1c&\xc4\xe3\xba\xc3\xa3\xa4\x81\x40\x1c.\n" + strings.Repeat("x", 50) + "\n\x1bd\x02end\n\x1dVA\x00")
	wide := strings.Repeat(" ", 20) + "WIDE"
	pt.paper(strings.Repeat(" ", 20) + "CLOUDPOS|" + strings.Repeat(" ", 44) + "left|" + strings.Repeat(" ", 43) + "right|bold|" +
		wide + "|a" + strings.Repeat(" ", 39) + "b|€ 1.00|你好￥□|" + strings.Repeat("x", 48) + "|xx|||end complete")
	if pt.p.unknown != 0 {
		t.Errorf("%d commands were not understood", pt.p.unknown)
	}
}

func TestPrinterGraphics(t *testing.T) {
	pt := newPrinterTest(t)
	pt.send("\x1b@\x1dv0\x00\x02\x00\x03\x00\x01\x02\x03\x04\x05\x06")
	pt.send("\x1d(k\x04\x001A2\x00\x1d(k\x06\x001P0abc\x1d(k\x03\x001Q0")
	pt.send("\x1dk\x49\x05{B123\x1dk\x04123\x00\x1b*\x21\x02\x00\x01\x02\x03\x04\x05\x06\n\x1dV\x00")
	pt.paper("[image 16x3]|[QR abc]|[bar code 73]|[bar code 4]|[image 2x24] complete")
}

func TestPrinterStatus(t *testing.T) {
	pt := newPrinterTest(t)
	const ask = "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04"
	pt.expect(ask, "12 12 12 12")
	pt.p.load(0)
	pt.expect(ask, "1A 32 12 7E")
	pt.p.load(-1)
	pt.p.set(func(p *printer) { p.cover = true })
	pt.expect(ask, "1A 16 12 12")
	pt.p.set(func(p *printer) { p.cover, p.near = false, true })
	pt.expect(ask, "12 12 12 1E")
	pt.p.set(func(p *printer) { p.near, p.jammed = false, true })
	pt.expect(ask, "1A 52 1A 12")
	pt.expect("\x10\x05\x01\x10\x04\x01", "12")
}

func TestPrinterMarkers(t *testing.T) {
	pt := newPrinterTest(t)
	pt.expect("x\n\x1dr\x01", "00")
	pt.expect("\x1d(H\x06\x0000abcd", "37226162636400")
	pt.expect("\x1dI\x43", "5F53494D2D383000")
	pt.expect("\x1br\x00", "") // colour, not a status
	pt.p.set(func(p *printer) { p.cover = true })
	pt.expect("y\n\x1dr\x01", "") // waits behind the line
	pt.p.set(func(p *printer) { p.cover = false })
	if got := pt.wire.take(); got != "00" {
		t.Errorf("after the cover was closed came %q, want the marker", got)
	}
}

func TestPrinterTellsChanges(t *testing.T) {
	pt := newPrinterTest(t)
	pt.expect("\x1da\xff", "1000000F")
	pt.p.set(func(p *printer) { p.cover = true })
	pt.p.set(func(p *printer) { p.cover = true })
	if got := pt.wire.take(); got != "3800000F" {
		t.Errorf("cover opened: %s, want one 3800000F", got)
	}
	pt.p.set(func(p *printer) { p.cover = false })
	pt.p.load(0)
	if got := pt.wire.take(); got != "1000000F 18000F0F" {
		t.Errorf("cover closed, paper out: %s", got)
	}
}

func TestPrinterPaperOut(t *testing.T) {
	pt := newPrinterTest(t)
	pt.p.load(2)
	pt.expect("\x1b@one\ntwo\nthree\n\x1dV\x00\x1dr\x01", "")
	pt.paper("one|two broken")
	pt.expect("\x10\x04\x04", "7E")
	pt.p.load(-1)
	if got := pt.wire.take(); got != "00" {
		t.Errorf("with new paper came %q, want the marker", got)
	}
	pt.paper("one|two broken", "three broken") // the rest of it on the new roll
	pt.send("\x1b@one\ntwo\nthree\n\x1dV\x00")
	pt.paper("one|two broken", "three broken", "one|two|three complete")
}

func TestPrinterClearsItsBuffer(t *testing.T) {
	for name, clear := range map[string]struct{ send, want string }{
		"DLE ENQ 2": {"\x10\x05\x02", ""},
		"DLE DC4 8": {"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", "372500"},
	} {
		t.Run(name, func(t *testing.T) {
			pt := newPrinterTest(t)
			pt.p.load(1)
			pt.send("\x1b@one\ntwo\n")
			pt.expect(clear.send, clear.want)
			pt.p.load(-1)
			pt.send("\x1b@new\n\x1dV\x00")
			pt.paper("one broken", "new complete")
		})
	}
}

// A cut that waits for paper must not make the slip before it complete.
func TestPrinterCutWaitsForPaper(t *testing.T) {
	pt := newPrinterTest(t)
	pt.p.load(1)
	pt.send("\x1b@only\n\x1dV\x00")
	pt.paper("only broken")
	pt.p.load(0)
	pt.p.load(2)
	pt.send("\x1b@a\nb\x1dV\x00")
	pt.paper("only broken", "a|b broken")
}

// A job that was left and begun anew is two slips, one of them broken.
func TestPrinterInterruptedJob(t *testing.T) {
	pt := newPrinterTest(t)
	pt.send("\x1b@first\nsec")
	pt.p.powerDown()
	pt.send("\x1b@first\nsecond\n\x1dV\x00")
	pt.paper("first broken", "first|second complete")
	if raw := pt.p.paper()[1].Raw; !bytes.HasPrefix(raw, []byte("\x1b@first\n")) {
		t.Errorf("raw bytes begin % X", raw)
	}
}

func TestPrinterRealTimeInAnyCut(t *testing.T) {
	const stream = "ab\x10\x04\x04cd\n\x10\x14\x01\x00\x02ef\x10\x99\n\x1dV\x00\x10\x04\x01"
	for cut := range len(stream) {
		pt := newPrinterTest(t)
		pt.p.receive([]byte(stream[:cut]))
		pt.p.receive([]byte(stream[cut:]))
		if got := pt.wire.take(); got != "12 12" {
			t.Errorf("cut at %d: %s, want two status bytes", cut, got)
		}
		if got := fmt.Sprint(pt.p.paper()[0].Lines); got != "[abcd efÖ]" || pt.p.kicks != 1 {
			t.Errorf("cut at %d: paper %s, %d kicks", cut, got, pt.p.kicks)
		}
	}
}

func TestPrinterSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pt := newPrinterTest(t)
		pt.p.set(func(p *printer) { p.pause = time.Second })
		pt.send("one\ntwo\nthree\n\x1dr\x01")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		pt.paper("one|two broken")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		pt.paper("one|two|three broken")
		if got := pt.wire.take(); got != "00" {
			t.Errorf("marker: %q", got)
		}
	})
}

func TestPrinterBufferIsBounded(t *testing.T) {
	pt := newPrinterTest(t)
	pt.p.set(func(p *printer) { p.cover = true })
	pt.p.receive(make([]byte, bufferMax+10))
	if pt.p.lost != 10 || len(pt.p.buf) != bufferMax {
		t.Errorf("%d lost, %d kept", pt.p.lost, len(pt.p.buf))
	}
}

func FuzzESCPOS(f *testing.F) {
	for _, s := range []string{
		"\x1b@text\n\x1dV\x00", "\x10\x04\x01", "\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", "\x1dv0\x00\x01\x00\x01\x00\xff",
		"\x1d8L\xff\xff\xff\xff0p", "\x1dv0\x00\xff\xff\xff\xff", "\x1d(k\x03\x001Q0", "\x1b*\x21\xff\xff", "\x1c&\xc4\xe3",
	} {
		f.Add([]byte(s), 1, 5)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut, roll int) {
		var cutWire, wholeWire wire
		a, b := newPrinter(cutWire.out), newPrinter(wholeWire.out)
		if roll %= 100; roll > 0 {
			a.roll, b.roll = roll, roll
		}
		cut = max(0, min(cut, len(stream)))
		a.receive(stream[:cut])
		a.receive(stream[cut:])
		b.receive(stream)
		if x, y := fmt.Sprint(a.paper()), fmt.Sprint(b.paper()); x != y && a.kicks == b.kicks && !bytes.Contains(stream, []byte{dle}) {
			t.Errorf("cut at %d of %q: paper %s, whole: %s", cut, stream, x, y)
		}
	})
}
