package escpos_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/escpos"
)

func lines(s ...string) string { return strings.Join(s, "\n") }

// status is a round of questions and its answers.
func status(a, b, c, d byte) string {
	var out []string
	for i, x := range []byte{a, b, c, d} {
		out = append(out, fmt.Sprintf("> 10 04 %02X", i+1), fmt.Sprintf("< %02X", x))
	}
	return lines(out...)
}

var (
	well  = status(0x12, 0x12, 0x12, 0x12)
	empty = status(0x1A, 0x32, 0x12, 0x7E)
	open  = status(0x1A, 0x16, 0x12, 0x12)
)

// The slip "x" and what surrounds it.
const (
	job   = `> 1B 40 1C 2E "x" 0A 1D 56 42 00 1D 72 01`
	clear = `> 10 05 02 1B 40 1C 2E 0A 1B 61 01 1B 45 01 "VOID" 0A 1B 61 00 1B 45 00 1D 56 42 00 1D 72 01`
	done  = "< 00"
)

var slip = drivers.Document{{Text: "x"}}

// mayBeWhole are the stories in which all of the slip may be on paper although
// Print fails.
var mayBeWhole = map[string]bool{
	"paper ends under the last line": true, "cover opened on the way": true, "hang-up on the way": true,
}

func TestPrintOnTheWire(t *testing.T) {
	for _, c := range []struct {
		name  string
		wires []string
		want  []error // of each Print
	}{
		{"slow: it is looked after", []string{lines(well, job, well, well, done, well)}, []error{nil}},
		{"done at once", []string{lines(well, job, done, well)}, []error{nil}},
		{"automatic status in between", []string{lines(
			"< 14 00 00 0F", well, job, "< 14 00 03", "< 0F", done, well)}, []error{nil}},
		{"the mark is answered among the status", []string{lines(
			well, job, "> 10 04 01", "< 00 12", "> 10 04 02", "< 12", "> 10 04 03", "< 12", "> 10 04 04", "< 12", well)}, []error{nil}},
		{"no paper before", []string{empty}, []error{drivers.ErrPaperOut}},
		{"cover open before", []string{open}, []error{drivers.ErrCoverOpen}},
		{"cutter jammed", []string{status(0x1A, 0x52, 0x1A, 0x12)}, []error{drivers.ErrHardware}},
		{"paper ends on the way, said by itself, then anew", []string{lines(
			well, job, "< 1C 00 0C 0F",
			well, clear, done, well, job, done, well)}, []error{drivers.ErrPaperOut, nil}},
		{"paper ends on the way, said when asked", []string{lines(
			well, job, empty, well, clear, done, done, well, job, done, well)}, []error{drivers.ErrPaperOut, nil}},
		{"the mark of the broken slip is answered late", []string{lines(
			well, job, empty, well, clear, done, well, "~ 10ms", done, job, well, done, well)}, []error{drivers.ErrPaperOut, nil}},
		{"paper ends under the last line", []string{lines(
			well, job, done, empty, empty)}, []error{drivers.ErrPaperOut, drivers.ErrPaperOut}},
		{"cover opened on the way", []string{lines(well, job, "< 34 00 00 0F")}, []error{drivers.ErrCoverOpen}},
		{"an answer is lost, and late", []string{lines(
			"> 10 04 01", "> 10 04 01", "< 12 16", // The second is late: not for query 2.
			"> 10 04 02", "< 12", "> 10 04 03", "< 12", "> 10 04 04", "< 12",
			job, done, well)}, []error{nil}},
		{"silent", []string{lines("> 10 04 01", "> 10 04 01", "> 10 04 01")}, []error{drivers.ErrNoDevice}},
		{"garbage for answers", []string{lines("> 10 04 01", "< FF 81", "> 10 04 01", "< 90", "> 10 04 01", "< C0")}, []error{drivers.ErrNoDevice}},
		{"hang-up on the way", []string{lines(well, job, "! hang up"),
			lines(well, clear, done, well, job, done, well)}, []error{drivers.ErrNoDevice, nil}},
		{"hang-up between two", []string{lines(well, job, done, well, "! hang up"),
			lines(well, job, done, well)}, []error{nil, nil}},
		{"nothing to dial", nil, []error{drivers.ErrNoDevice}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := escpos.New(drivertest.NewPlayback(t, c.wires...), escpos.Opts{Void: "VOID"})
				for i, want := range c.want {
					err := d.Print(t.Context(), slip)
					if !errors.Is(err, want) {
						t.Errorf("Print %d = %v, want %v", i+1, err, want)
					}
					if got, want := errors.Is(err, drivers.ErrMaybePrinted), i == 0 && mayBeWhole[c.name]; got != want {
						t.Errorf("Print %d = %v: it may be printed: %t, want %t", i+1, err, got, want)
					}
				}
			})
		})
	}
}

func TestPrintThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rounds := make([]string, 0, 64)
		for range 60 {
			rounds = append(rounds, well)
		}
		d := escpos.New(drivertest.NewPlayback(t, lines(well, job, lines(rounds...))), escpos.Opts{})
		begin := time.Now()
		if err := d.Print(t.Context(), slip); !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Print = %v, want ErrTimeout", err)
		}
		if took := time.Since(begin); took > 62*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestPrintCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := escpos.New(drivertest.NewPlayback(t, lines(well, job, well, well)), escpos.Opts{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		if err := d.Print(ctx, slip); !errors.Is(err, drivers.ErrCancelled) {
			t.Errorf("Print = %v, want ErrCancelled", err)
		}
	})
}
