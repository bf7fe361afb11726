// Package scanner drives scanners of bar codes and two-dimensional codes on a
// serial line, or on a USB port that looks like one. They send what they read as
// a line of text and hear nothing:
//
//	[prefix][]Q1]137777777777777777<CR>
//
//	s := scanner.New(port.Serial("/dev/pos/scanner", port.Mode{Baud: 9600}), scanner.Opts{})
//	code, err := s.Await(ctx)
//	defer code.Clear()
//	if code.Wallet() == drivers.WeChatPay { ...
//
// The scanner must be set to end each code, with CR, LF, both or a tab: without
// an end nobody can tell a code from the first half of one. It may be set to put
// a prefix and the AIM identifier of ISO/IEC 15424 before it. A line has no check
// sum; a character that was altered on the way is noticed only where it makes the
// text no text.
//
// A scanner that can only be a keyboard is read as one, from its device file,
// which it must be grabbed from: codes would else be typed into whatever listens
// to keyboards. It must type the American layout, and what is not in that, such
// as Chinese, Ctrl for GS or a caps lock, is drivers.ErrProtocol.
//
//	s := scanner.NewKeyboard(port.Input("/dev/input/by-id/usb-…-event-kbd"), scanner.Opts{})
//
// It was tested against the simulator only, on no real scanner.
package scanner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// Opts tells what differs between scanners.
type Opts struct {
	Name   string // in errors; "scanner" when empty
	Prefix string // before each code, as the scanner is set; at most 16 bytes
	AIM    bool   // an AIM identifier stands before each code
}

const (
	// staleTime is how long a line must be quiet before a code counts.
	staleTime = 50 * time.Millisecond
	// gapTime ends a code that breaks off: a scanner sends one without a break.
	gapTime = 250 * time.Millisecond
	// idleTime is only how often a quiet line is read again.
	idleTime = time.Minute
	// heldTime is how long a payment code must be out of sight before it counts
	// again: scanners on a stand read it over and over.
	heldTime = 3 * time.Second

	prefixMax = 16
	aimSize   = 3
	aimFlag   = ']'
	gs        = 0x1D // between the fields of a GS1 code
	lineMax   = prefixMax + aimSize + drivers.CodeMax
)

// Dev is a scanner.
type Dev struct {
	opts Opts
	link *drivers.Link
	keys *keyboard // nil: a serial line

	// Owned by the call that is being served. Of the last payment code a keyed
	// hash is kept, not the code.
	seed maphash.Seed
	last uint64
	seen time.Time
}

var _ drivers.Scanner = (*Dev)(nil)

// New gives a scanner that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "scanner"
	}
	opts.Prefix = opts.Prefix[:min(len(opts.Prefix), prefixMax)]
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial), seed: maphash.MakeSeed()}
}

// NewKeyboard gives a scanner that is a keyboard: its line brings input events.
func NewKeyboard(dial drivers.Dial, opts Opts) *Dev {
	d := New(dial, opts)
	d.keys = newKeyboard()
	return d
}

// Close hangs up.
func (d *Dev) Close() error { return d.link.Close() }

// Await waits for a code to be scanned.
func (d *Dev) Await(ctx context.Context) (drivers.Code, error) {
	if err := d.link.Begin(ctx); err != nil {
		return drivers.Code{}, err
	}
	defer d.link.End()
	defer d.link.Forget()
	line := make(secret.Bytes, 0, lineMax)
	defer func() { line[:cap(line)].Clear() }()
	const dialMax = 2
	for try := 1; ; try++ {
		if _, err := d.link.Open(); err != nil {
			return drivers.Code{}, err
		}
		err := d.link.Drain(staleTime)
		if err == nil {
			if d.keys != nil {
				d.keys.rest()
			}
			var code drivers.Code
			if code, err = d.scanned(line); err == nil {
				return code, nil
			}
		}
		if !errors.Is(err, drivers.ErrNoDevice) || try == dialMax {
			return drivers.Code{}, err
		}
	}
}

// scanned returns the first code that is not the one still held. The line is
// where it is put together.
func (d *Dev) scanned(line secret.Bytes) (drivers.Code, error) {
	for {
		text, err := d.receive(line[:0])
		if err != nil {
			return drivers.Code{}, err
		}
		code, err := parse(text, d.opts)
		if err != nil {
			return drivers.Code{}, d.wrap(err)
		}
		if !d.held(code) {
			return code, nil
		}
		code.Clear()
	}
}

// held tells whether it is the payment code that was seen just now. A code of
// anything else may well come twice: two bottles of the same.
func (d *Dev) held(code drivers.Code) bool {
	if code.Wallet() == drivers.NoWallet {
		return false
	}
	now, sum := time.Now(), maphash.Bytes(d.seed, code.Text)
	again := sum == d.last && now.Sub(d.seen) < heldTime
	d.last, d.seen = sum, now
	return again
}

// receive returns the next line that is not empty, without its end.
func (d *Dev) receive(line secret.Bytes) (secret.Bytes, error) {
	wait := idleTime
	for {
		b, err := d.next(time.Now().Add(wait))
		switch {
		case errors.Is(err, drivers.ErrSilent) && len(line) > 0:
			return nil, d.wrap(fmt.Errorf("%w: a code of %d characters has no end", drivers.ErrProtocol, len(line)))
		case errors.Is(err, drivers.ErrSilent):
			continue
		case err != nil:
			return nil, err
		case b == '\r', b == '\n', b == '\t':
			if len(line) > 0 {
				return line, nil
			}
			continue
		case len(line) == cap(line):
			if err := d.link.Drain(gapTime); err != nil {
				return nil, err
			}
			return nil, d.wrap(fmt.Errorf("%w: a code of more than %d characters", drivers.ErrProtocol, drivers.CodeMax))
		}
		line, wait = append(line, b), gapTime
	}
}

// next returns the next character.
func (d *Dev) next(by time.Time) (byte, error) {
	for {
		b, err := d.link.Next(by)
		if err != nil || d.keys == nil {
			return b, err
		}
		char, typed, err := d.keys.add(b)
		switch {
		case err != nil:
			d.link.Drop() // No telling where an event begins.
			return 0, d.wrap(err)
		case typed:
			return char, nil
		}
	}
}

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.opts.Name, err) }

// parse takes a line apart. Its errors quote nothing.
func parse(line secret.Bytes, opts Opts) (drivers.Code, error) {
	text, found := bytes.CutPrefix(line, []byte(opts.Prefix))
	if !found {
		return drivers.Code{}, fmt.Errorf("%w: a code without the prefix that the scanner should be set to", drivers.ErrProtocol)
	}
	var aim string
	if opts.AIM {
		if len(text) < aimSize || text[0] != aimFlag || !letter(text[1]) || !letter(text[2]) && !digit(text[2]) {
			return drivers.Code{}, fmt.Errorf("%w: a code without the AIM identifier that the scanner should be set to", drivers.ErrProtocol)
		}
		aim, text = string(text[:aimSize]), text[aimSize:]
	}
	switch {
	case len(text) == 0:
		return drivers.Code{}, fmt.Errorf("%w: an empty code", drivers.ErrProtocol)
	case len(text) > drivers.CodeMax:
		return drivers.Code{}, fmt.Errorf("%w: a code of %d characters, at most %d", drivers.ErrProtocol, len(text), drivers.CodeMax)
	case !utf8.Valid(text) || slices.ContainsFunc(text, control):
		return drivers.Code{}, fmt.Errorf("%w: %d characters that are no text", drivers.ErrProtocol, len(text))
	}
	return drivers.Code{Text: slices.Clone(text), AIM: aim}, nil
}

func letter(b byte) bool  { return b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' }
func digit(b byte) bool   { return b >= '0' && b <= '9' }
func control(b byte) bool { return b < ' ' && b != gs || b == 0x7F }
