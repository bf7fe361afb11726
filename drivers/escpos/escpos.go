// Package escpos drives receipt printers that speak ESC/POS: Epson's and most
// others.
//
// A slip counts as printed only when the printer has said so: its status is
// asked before (DLE EOT), GS r 1 marks the end of the job and is answered when
// everything before it is on paper, and the status is asked again. A slip that
// broke off is printed anew by the caller; the broken piece is first marked
// void and cut off.
//
//	p := escpos.New(port.File("/dev/usb/lp0"), escpos.Opts{Columns: 48})
//	err := p.Print(ctx, drivers.Document{{Text: "TOTAL\t12.50", Bold: true}})
//
// Text is ASCII and the two-byte part of GB18030. Other letters print without
// their accents, other characters as question marks.
package escpos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Opts tells what differs between printers.
type Opts struct {
	Name    string // in errors; "escpos" when empty
	Columns int    // 32 for 58 mm paper, 48 for 80 mm; 32 when 0
	Void    string // marks a slip that broke off; "*** VOID 作废 ***" when empty
}

const (
	columnsDefault = 32
	columnsMin     = 16
	columnsMax     = 96
	voidDefault    = "*** VOID 作废 ***"

	chunkMax   = 256              // bytes for each write
	writeTime  = 5 * time.Second  // for a chunk: a printer stops reading while its buffer is full
	answerTime = time.Second      // for a real-time status
	askAgain   = time.Second      // between looks at a printer that is at work
	jobTime    = 60 * time.Second // from the last byte of a slip to its mark
	quietTime  = 30 * time.Millisecond
	tryMax     = 3
)

// Dev is a printer.
type Dev struct {
	opts Opts
	link *drivers.Link

	// Owned by the call that is being served.
	in     decoder
	broken bool // a slip broke off: its piece is in the printer
}

var _ drivers.Printer = (*Dev)(nil)

// New gives a printer that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "escpos"
	}
	if opts.Columns == 0 {
		opts.Columns = columnsDefault
	}
	opts.Columns = min(max(opts.Columns, columnsMin), columnsMax)
	if opts.Void == "" {
		opts.Void = voidDefault
	}
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial)}
}

// Columns is the number of characters in a line of plain text.
func (d *Dev) Columns() int { return d.opts.Columns }

// Close hangs up.
func (d *Dev) Close() error { return d.link.Close() }

// Status asks for paper, cover and faults. It is answered while the printer is
// offline too.
func (d *Dev) Status(ctx context.Context) (drivers.PrinterStatus, error) {
	if err := d.link.Begin(ctx); err != nil {
		return drivers.PrinterStatus{}, err
	}
	defer d.link.End()
	return d.reach()
}

// Print prints a document and cuts it off.
func (d *Dev) Print(ctx context.Context, doc drivers.Document) error {
	job, err := render(doc, d.opts.Columns)
	if err != nil {
		return d.wrap(err)
	}
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()

	s, err := d.reach()
	if err != nil {
		return err
	}
	if err := trouble(s); err != nil {
		return d.wrap(err)
	}
	if d.broken {
		if err := d.clearAway(); err != nil {
			return err
		}
	}
	d.broken = true
	maybe, err := d.job(append(append([]byte{}, cmdInit...), job...))
	if err != nil && maybe {
		return fmt.Errorf("%w: %w", drivers.ErrMaybePrinted, err)
	}
	d.broken = err != nil
	return err
}

// clearAway ends the piece of a slip that broke off: what the printer still
// buffers is dropped or printed, as the model likes, then comes the word that
// voids it, and a cut. The answers to marks of that slip come before the
// answer to this one's, or right behind it, and are gone when the line is
// quiet.
func (d *Dev) clearAway() error {
	void, err := render(drivers.Document{
		{}, {Text: d.opts.Void, Align: drivers.Centre, Bold: true},
	}, d.opts.Columns)
	if err != nil {
		return d.wrap(err)
	}
	out := append(append([]byte{}, cmdClear...), cmdInit...)
	if _, err := d.job(append(out, void...)); err != nil {
		return err
	}
	return d.settle()
}

// job sends what is to be printed, waits until it is, and looks once more: the
// paper may have ended under the last line. After an error, maybe tells that
// all of it may be on paper, or may yet get there: the cut is out, and the
// printer did not run out of paper before it came to its mark.
func (d *Dev) job(b []byte) (maybe bool, err error) {
	b = append(b, cmdMark...)
	sent := 0
	for chunk := range chunks(b) {
		sent += len(chunk)
		if err := d.link.Send(chunk, writeTime); err != nil {
			return sent == len(b), d.whyFull(err)
		}
	}
	if err := d.marked(); err != nil {
		return !errors.Is(err, drivers.ErrPaperOut), err
	}
	s, err := d.status()
	if err != nil {
		return true, err
	}
	if err := trouble(s); err != nil {
		return true, d.wrap(err)
	}
	return false, nil
}

// whyFull finds out why a printer takes no more: over USB and sockets it stops
// reading when it is out of paper.
func (d *Dev) whyFull(cause error) error {
	if !errors.Is(cause, drivers.ErrSilent) {
		return cause
	}
	if s, err := d.reach(); err == nil {
		if err := trouble(s); err != nil {
			return d.wrap(err)
		}
	}
	return d.wrap(fmt.Errorf("%w: the printer takes no more", drivers.ErrTimeout))
}

// chunks cuts b into pieces of at most chunkMax bytes.
func chunks(b []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), chunkMax)
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// marked waits for the answer to GS r 1. A printer that has stopped does not
// give it, so it is asked in between why.
func (d *Dev) marked() error {
	for by := time.Now().Add(jobTime); time.Now().Before(by); {
		k, _, err := d.next(time.Now().Add(askAgain))
		switch {
		case err == nil && k == buffered:
			return nil
		case err == nil && k == asb:
			if err := trouble(automatic(d.in.asb)); err != nil {
				return d.wrap(err)
			}
		case err == nil:
			// The late answer to a real-time status.
		case errors.Is(err, drivers.ErrSilent):
			s, done, err := d.ask()
			if err != nil {
				return err
			}
			if done {
				return nil
			}
			if err := trouble(s); err != nil {
				return d.wrap(err)
			}
		default:
			return err
		}
	}
	return d.wrap(fmt.Errorf("%w: the printer does not finish", drivers.ErrTimeout))
}

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.opts.Name, err) }
