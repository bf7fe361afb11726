package escpos_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/escpos"
)

// printer is a printer with its paper: small, but by the book, so that the
// driver can be put through the suite of its class.
type printer struct {
	*drivertest.Plug

	mu     sync.Mutex
	out    io.Writer
	paper  bool
	cover  bool // open
	after  int  // lines that the paper is still good for; less than 0: all
	wide   bool
	row    []byte // of the line that is being set
	queue  []byte // what waits for paper
	onRoll []string
}

func newPrinter(t *testing.T) *printer {
	p := &printer{paper: true, after: -1}
	p.Plug = drivertest.NewPlug(t, p.serve)
	return p
}

func (p *printer) serve(line io.ReadWriter) {
	p.mu.Lock()
	p.out, p.queue, p.row = line, nil, nil
	p.mu.Unlock()
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		// Real-time commands come whole here: the driver writes them at once.
		in := buf[:n]
		for {
			i := bytes.Index(in, []byte{0x10, 0x04})
			if i < 0 || i+2 >= len(in) {
				break
			}
			p.queue = append(p.queue, in[:i]...)
			p.say(p.state(in[i+2]))
			in = in[i+3:]
		}
		p.queue = append(p.queue, in...)
		p.work()
		p.mu.Unlock()
	}
}

func (p *printer) say(b byte) { _, _ = p.out.Write([]byte{b}) }

// state answers DLE EOT n.
func (p *printer) state(n byte) byte {
	b := byte(0x12)
	switch {
	case n == 1 && (p.cover || !p.paper):
		b |= 0x08
	case n == 2:
		if p.cover {
			b |= 0x04
		}
		if !p.paper {
			b |= 0x20
		}
	case n == 4 && !p.paper:
		b |= 0x6C
	}
	return b
}

// lengths of the commands that the driver uses, behind their first two bytes.
var lengths = map[string]int{
	"\x1B@": 0, "\x1Ba": 1, "\x1BE": 1, "\x1D!": 1, "\x1C!": 1, "\x1C&": 0, "\x1C.": 0,
	"\x1DV": 2, "\x1Dr": 1, "\x10\x05": 1,
}

// work prints as long as there is paper.
func (p *printer) work() {
	for len(p.queue) > 0 && p.paper && !p.cover {
		b := p.queue[0]
		if !strings.ContainsRune("\x10\x1B\x1C\x1D", rune(b)) || p.wide && b >= 0x80 {
			p.queue = p.queue[1:]
			p.set(b)
			continue
		}
		if len(p.queue) < 2 {
			return
		}
		cmd := string(p.queue[:2])
		n := 2 + lengths[cmd]
		if len(p.queue) < n {
			return
		}
		p.queue = p.queue[n:]
		switch cmd {
		case "\x1C&", "\x1C.":
			p.wide = cmd == "\x1C&"
		case "\x1DV":
			p.onRoll = append(p.onRoll, drivertest.CutMark)
		case "\x1Dr":
			p.say(0)
		}
	}
}

// set sets a character, and prints the line at its end.
func (p *printer) set(b byte) {
	if b != '\n' {
		p.row = append(p.row, b)
		return
	}
	text, _ := simplifiedchinese.GBK.NewDecoder().Bytes(p.row)
	p.row = nil
	p.onRoll = append(p.onRoll, strings.TrimRight(string(text), " "))
	if p.after--; p.after == 0 {
		p.paper = false
	}
}

func (p *printer) do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.work()
}

func (p *printer) PaperOut()           { p.do(func() { p.paper = false }) }
func (p *printer) PaperIn()            { p.do(func() { p.paper, p.after = true, -1 }) }
func (p *printer) OpenCover()          { p.do(func() { p.cover = true }) }
func (p *printer) CloseCover()         { p.do(func() { p.cover = false }) }
func (p *printer) PaperOutAfter(n int) { p.do(func() { p.after = n }) }

func (p *printer) Printed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.onRoll)
}

func TestPrinterSuite(t *testing.T) {
	for _, columns := range []int{32, 48} {
		drivertest.TestPrinter(t, func(t *testing.T) (drivers.Printer, drivertest.PrinterWorld) {
			p := newPrinter(t)
			return escpos.New(p.Dial, escpos.Opts{Columns: columns}), p
		})
	}
}

// A printer that kept what it had buffered prints the rest of a broken slip
// when the paper is back. That piece is marked void, and cut off.
func TestBrokenPieceIsVoid(t *testing.T) {
	p := newPrinter(t)
	d := escpos.New(p.Dial, escpos.Opts{})
	t.Cleanup(func() { _ = d.Close() })
	p.PaperOutAfter(1)
	doc := drivers.Document{{Text: "one"}, {Text: "two"}}
	if err := d.Print(t.Context(), doc); err == nil {
		t.Fatal("Print went through without paper")
	}
	p.PaperIn()
	if err := d.Print(t.Context(), doc); err != nil {
		t.Fatalf("Print: %v", err)
	}
	want := []string{"one", "two", drivertest.CutMark, "", "*** VOID 作废 ***", drivertest.CutMark, "one", "two", drivertest.CutMark}
	if got := p.Printed(); !slices.Equal(got, want) {
		t.Errorf("on paper:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
