package drivertest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestPrinter tests what drivers.Printer promises. The printer begins plugged
// in, closed and with paper.
func TestPrinter(t *testing.T, factory func(t *testing.T) (drivers.Printer, PrinterWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.Printer, PrinterWorld){
		"slip":                    printerSlip,
		"status":                  printerStatus,
		"no paper":                printerNoPaper,
		"paper ends on the way":   printerPaperEnds,
		"cover open":              printerCoverOpen,
		"unplugged and replugged": printerReplugged,
		"cancelled":               printerCancelled,
		"closed":                  printerClosed,
	} {
		t.Run(name, func(t *testing.T) {
			p, w := factory(t)
			t.Cleanup(func() { _ = p.Close() })
			test(t, p, w)
		})
	}
}

var slip = drivers.Document{
	{Text: "CLOUDPOS", Align: drivers.Centre},
	{Text: "TOTAL\tCNY 12.50"},
	{Text: "银联\t合计"},
	{},
	{Text: "THANK YOU", Align: drivers.Right},
}

// printedSlip is what stands on paper of n columns; alignment that the printer
// does by itself is not compared.
func printedSlip(n int) []string {
	apart := func(left, right string, columns int) string {
		return left + strings.Repeat(" ", n-columns) + right
	}
	return []string{"CLOUDPOS", apart("TOTAL", "CNY 12.50", 14), boxed(apart("银联", "合计", 8)), "", "THANK YOU", CutMark}
}

// boxed turns what is not ASCII into boxes: a world need not know the signs.
func boxed(s string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '□'
		}
		return r
	}, s)
}

// wantPrinted fails unless the paper ends with the slip.
func wantPrinted(t *testing.T, p drivers.Printer, w PrinterWorld) {
	t.Helper()
	got, want := w.Printed(), printedSlip(p.Columns())
	tail := slices.Clone(got[max(0, len(got)-len(want)):])
	for i, line := range tail {
		tail[i] = boxed(line)
		if i == 0 || i == 4 {
			tail[i] = strings.TrimSpace(line)
		}
	}
	if !slices.Equal(tail, want) {
		t.Fatalf("the paper ends with\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func printerSlip(t *testing.T, p drivers.Printer, w PrinterWorld) {
	must(t, "Print", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
	if got, want := len(w.Printed()), len(printedSlip(p.Columns())); got != want {
		t.Errorf("one slip is %d lines on paper, want %d", got, want)
	}
	must(t, "second Print", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
}

func printerStatus(t *testing.T, p drivers.Printer, w PrinterWorld) {
	check := func(when string, out, open bool) {
		t.Helper()
		s, err := p.Status(within(t, patience))
		must(t, "Status", err)
		if s.PaperOut != out || s.CoverOpen != open || s.Fault {
			t.Errorf("%s: Status = %+v, want paper out %v, cover open %v, no fault", when, s, out, open)
		}
	}
	check("at first", false, false)
	w.PaperOut()
	check("without paper", true, false)
	w.PaperIn()
	w.OpenCover()
	s, err := p.Status(within(t, patience))
	must(t, "Status", err)
	if !s.CoverOpen {
		t.Errorf("Status with open cover = %+v", s)
	}
	w.CloseCover()
	check("at last", false, false)
}

func printerNoPaper(t *testing.T, p drivers.Printer, w PrinterWorld) {
	w.PaperOut()
	wantError(t, "Print without paper", p.Print(within(t, patience), slip), drivers.ErrPaperOut)
	if got := w.Printed(); len(got) != 0 {
		t.Errorf("without paper there is %q on it", got)
	}
	w.PaperIn()
	must(t, "Print", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
}

func printerPaperEnds(t *testing.T, p drivers.Printer, w PrinterWorld) {
	w.PaperOutAfter(2)
	wantError(t, "Print while the paper ends", p.Print(within(t, patience), slip), drivers.ErrPaperOut)
	w.PaperIn()
	must(t, "Print", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
}

func printerCoverOpen(t *testing.T, p drivers.Printer, w PrinterWorld) {
	w.OpenCover()
	wantError(t, "Print with open cover", p.Print(within(t, patience), slip), drivers.ErrCoverOpen)
	w.CloseCover()
	must(t, "Print", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
}

func printerReplugged(t *testing.T, p drivers.Printer, w PrinterWorld) {
	must(t, "Print", p.Print(within(t, patience), slip))
	w.Unplug()
	wantError(t, "Print, unplugged", p.Print(within(t, patience), slip), drivers.ErrNoDevice)
	_, err := p.Status(within(t, patience))
	wantError(t, "Status, unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	must(t, "Print, replugged", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
}

func printerCancelled(t *testing.T, p drivers.Printer, w PrinterWorld) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, "Print, cancelled before", p.Print(ctx, slip), drivers.ErrCancelled)
	must(t, "Print", p.Print(within(t, patience), slip))
	wantPrinted(t, p, w)
}

func printerClosed(t *testing.T, p drivers.Printer, _ PrinterWorld) {
	must(t, "Close", p.Close())
	must(t, "second Close", p.Close())
	wantError(t, "Print after Close", p.Print(within(t, patience), slip), drivers.ErrNoDevice)
}
