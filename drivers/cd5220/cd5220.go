// Package cd5220 drives customer displays of two lines of twenty characters on a
// serial line, in the command set that Partner's CD5220 has given its name and
// that most pole displays can be switched to.
//
//	d := cd5220.New(port.Serial("/dev/pos/display", port.Mode{Baud: 9600}), cd5220.Opts{})
//	err := d.Show(ctx, "COFFEE", "TOTAL\tCNY 12.50")
//
// It follows the command list of the CD5220 user's manual, with which Posiflex's
// agrees. It was tested against the simulator only, on no real display.
//
// Text is ASCII, for what stands above it differs from model to model; anything
// else is a question mark. A display has no voice: one that is switched off, or
// set to another command set or speed, is not noticed. One that was switched off
// and on shows what it is next told, and has its settings back after the next
// Clear. A display through which a printer is connected is not supported.
package cd5220

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudpos/cloudpos/drivers"
)

// Opts tells what differs between displays.
type Opts struct {
	Name       string // in errors; "cd5220" when empty
	Brightness int    // 1 to 4; as the display was when 0
}

const (
	columns       = 20
	brightnessMax = 4
	// writeTime is ample: the longest message takes 70 ms at 9600 baud.
	writeTime = 2 * time.Second
)

// What a display is told. CD5220 user's manual, standard mode command list.
const (
	endText     = "\r"     // of a message that broke off; else it moves the cursor only
	clearScreen = "\x0C"   // and ends string mode, in which no other command counts
	initialise  = "\x1B@"  // overwrite mode, and all settings at rest
	charsetUSA  = "\x1BfA" // ASCII where other nations have letters
	cursorOff   = "\x1B_\x00"
	brightness  = "\x1B*"
	upperLine   = "\x1BQA" // string mode: the text until CR is the line
	lowerLine   = "\x1BQB"
)

// Dev is a display.
type Dev struct {
	opts Opts
	link *drivers.Link
}

var _ drivers.Display = (*Dev)(nil)

// New gives a display that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "cd5220"
	}
	opts.Brightness = min(max(opts.Brightness, 0), brightnessMax)
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial)}
}

// Columns is 20.
func (d *Dev) Columns() int { return columns }

// Close hangs up. What is shown stays.
func (d *Dev) Close() error { return d.link.Close() }

// Show replaces both lines.
func (d *Dev) Show(ctx context.Context, upper, lower string) error {
	var out strings.Builder
	for _, line := range []struct{ command, text string }{{upperLine, upper}, {lowerLine, lower}} {
		text, err := layout(line.text)
		if err != nil {
			return fmt.Errorf("%s: %w", d.opts.Name, err)
		}
		out.WriteString(line.command + text + endText)
	}
	return d.tell(ctx, func(fresh bool) string {
		if fresh {
			return d.setUp() + out.String()
		}
		return out.String()
	})
}

// Clear empties both lines, and sets the display up: it may have been switched
// off since it last was.
func (d *Dev) Clear(ctx context.Context) error {
	return d.tell(ctx, func(bool) string { return d.setUp() })
}

// setUp is what a display is told first, whatever it was in the middle of.
func (d *Dev) setUp() string {
	s := endText + clearScreen + initialise + charsetUSA + cursorOff
	if d.opts.Brightness > 0 {
		s += brightness + string(rune(d.opts.Brightness))
	}
	return s + clearScreen
}

// tell sends a message. A display may be told twice, so when the line breaks it
// is told once more on a new one.
func (d *Dev) tell(ctx context.Context, message func(fresh bool) string) error {
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return err
		}
		err = d.link.Send([]byte(message(fresh)), writeTime)
		if err == nil || try == dialMax || !errors.Is(err, drivers.ErrNoDevice) {
			return err
		}
	}
}

// layout makes a line of exactly the display's width, so that nothing of the
// text before it stays.
func layout(text string) (string, error) {
	left, right, _ := strings.Cut(text, "\t")
	left, right = plain(left), plain(right)
	if len(right) > columns {
		return "", fmt.Errorf("%w: %d characters for the right of a line of %d", drivers.ErrRefused, len(right), columns)
	}
	room := columns - len(right)
	if right != "" {
		room-- // What is cut must not run into what is not.
	}
	left = left[:min(len(left), max(room, 0))]
	return left + strings.Repeat(" ", columns-len(left)-len(right)) + right, nil
}

// plain makes each character one that every display has.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= utf8.RuneSelf-1 {
			return '?'
		}
		return r
	}, text)
}
