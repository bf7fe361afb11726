// Package stripe drives readers of magnetic stripes on a serial line, or on a
// USB port that looks like one. They send the tracks of a swiped card as text
// between sentinels, in one line or in a line for each track, and hear nothing:
//
//	%B9999…^NAME^YYMM…?;9999…=YYMM…?<CR>
//
//	r := stripe.New(port.Serial("/dev/pos/stripe", port.Mode{Baud: 9600}), stripe.Opts{})
//	card, err := r.Await(ctx)
//	swipe := card.(*drivers.Swipe)
//
// Since such a reader cannot be switched off, what it sent before somebody
// waited for a card is dropped. What has no sentinel is noise, and what has
// one and makes no sound track is drivers.ErrUnread: the customer swipes again.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// Opts tells what differs between readers.
type Opts struct {
	Name string // in errors; "stripe" when empty
	LRC  bool   // each track is followed by its check character
}

const (
	// staleTime is how long a line must be quiet before a swipe counts.
	staleTime = 50 * time.Millisecond
	// gapTime ends a swipe. A card is read in some tenths of a second and its
	// tracks are then sent without a break.
	gapTime = 120 * time.Millisecond
	// idleTime is only how often a quiet line is read again.
	idleTime = time.Minute
)

// sentinels begin a track.
const sentinels = "%;+"

// Dev is a reader.
type Dev struct {
	opts Opts
	link *drivers.Link
}

var _ drivers.Reader = (*Dev)(nil)

// New gives a reader that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "stripe"
	}
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial)}
}

// Media is Stripe.
func (d *Dev) Media() drivers.Media { return drivers.Stripe }

// Close hangs up.
func (d *Dev) Close() error { return d.link.Close() }

// Await waits for a card to be swiped; the Card is a *drivers.Swipe.
func (d *Dev) Await(ctx context.Context) (drivers.Card, error) {
	if err := d.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer d.link.End()
	defer d.link.Forget()
	text := make(secret.Bytes, 0, drivers.SwipeMax)
	defer func() { text[:cap(text)].Clear() }()
	const dialMax = 2
	for try := 1; ; try++ {
		_, err := d.link.Open()
		if err != nil {
			return nil, err
		}
		if err = d.link.Drain(staleTime); err == nil {
			text, err = d.receive(text[:0])
		}
		switch {
		case err == nil:
			return d.parse(text)
		case !errors.Is(err, drivers.ErrNoDevice) || try == dialMax:
			return nil, err
		}
	}
}

func (d *Dev) parse(text secret.Bytes) (drivers.Card, error) {
	s, err := drivers.ParseSwipe(text, d.opts.LRC)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.opts.Name, err)
	}
	return s, nil
}

// receive returns what comes from the first sentinel on until the line falls
// quiet.
func (d *Dev) receive(text secret.Bytes) (secret.Bytes, error) {
	wait := idleTime
	for {
		b, err := d.link.Next(time.Now().Add(wait))
		switch {
		case errors.Is(err, drivers.ErrSilent) && len(text) > 0:
			return text, nil
		case errors.Is(err, drivers.ErrSilent):
			continue
		case err != nil:
			return text, err
		case len(text) == 0 && !strings.ContainsRune(sentinels, rune(b)):
			continue
		case len(text) == cap(text):
			if err := d.link.Drain(gapTime); err != nil {
				return text, err
			}
			return text, fmt.Errorf("%s: %w: more than %d characters", d.opts.Name, drivers.ErrUnread, cap(text))
		}
		text, wait = append(text, b), gapTime
	}
}
