// Package visapad drives PIN pads that speak the VISA packet protocol: VeriFone
// PINpad 1000SE and 101/201, Uniform PP791, and their many clones (VeriFone
// P/N 22903 rev E, Uniform PM0103-U).
//
// A PIN is asked for with a DUKPT request (packet 70) and comes back enciphered
// (packet 71), as an ISO 9564 format 0 block. The pad shows amount and prompt
// by itself, and takes 4 to 12 digits whatever the request says: the protocol
// has no field for the limits.
//
//	pad := visapad.New(port.Serial("/dev/pos/pinpad", port.Mode{Baud: 9600}), visapad.Opts{})
//	entry, err := pad.EnterPIN(ctx, drivers.PINRequest{PAN: pan, Amount: "CNY 12.50"})
//
// A request is never repeated once the pad has acknowledged it, because each
// PIN uses up a key, and pads throttle PIN encryptions to about one in 30 s.
package visapad

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// Opts tells what differs between pads.
type Opts struct {
	Name    string        // in errors; "visapad" when empty
	Timeout time.Duration // for the customer, when a request names none; a minute when 0
}

const (
	sendMax      = 3 // tries of a packet, and wrong packets in a row
	ignoredMax   = 16
	customerTime = time.Minute

	writeTime  = time.Second
	ackTime    = time.Second
	packetTime = time.Second           // from its first byte to its last
	quietTime  = 50 * time.Millisecond // after which no more is coming
	cancelTime = 5 * time.Second       // for leaving the pad in order
)

// Dev is a PIN pad.
type Dev struct {
	opts Opts
	link *drivers.Link

	// Owned by the call that is being served.
	in    decoder
	reset bool // the pad may be in a session that nobody waits for
}

var _ drivers.PINPad = (*Dev)(nil)

// New gives a pad that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "visapad"
	}
	if opts.Timeout <= 0 {
		opts.Timeout = customerTime
	}
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial)}
}

// Close hangs up.
func (d *Dev) Close() error { return d.link.Close() }

// Ready runs the pad's connection test (management packet 11), which leaves
// its display alone.
func (d *Dev) Ready(ctx context.Context) error {
	return d.simple(ctx, packet(si, []byte("11")))
}

// Display shows a line of up to 32 printable ASCII characters (packet Z2).
func (d *Dev) Display(ctx context.Context, text string) error {
	const textMax = 32
	if len(text) > textMax || strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return fmt.Errorf("%s: %w: text to display", d.opts.Name, drivers.ErrRefused)
	}
	return d.simple(ctx, packet(stx, append([]byte{'Z', '2', sub}, text...)))
}

// simple sends a packet that the pad only acknowledges. It may be repeated.
func (d *Dev) simple(ctx context.Context, p []byte) error {
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()
	if err := d.deliver(p, false); err != nil {
		return err
	}
	// An EOT ends some sessions, and belongs to this one.
	return d.settle()
}

// deliver sends a packet over a line that may have to be dialled, or dialled
// again, and returns once the pad has acknowledged it. A packet that begins a
// session is sent to an idle pad only.
func (d *Dev) deliver(p []byte, session bool) error {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return err
		}
		if fresh {
			d.in.reset()
			d.reset = true
		}
		if session {
			err = d.idle()
			d.reset = true // until the session has come to its end
		}
		if err == nil {
			err = d.send(p)
		}
		if errors.Is(err, drivers.ErrNoDevice) && !errors.Is(err, errMute) && try < dialMax {
			continue
		}
		return err
	}
}

// settle drops what the pad still sends at the end of a session.
func (d *Dev) settle() error {
	err := d.link.Drain(quietTime)
	d.in.reset()
	return err
}

// EnterPIN asks for a PIN. A pad that was replugged, or was left in the middle
// of a session, is first brought back to idle.
func (d *Dev) EnterPIN(ctx context.Context, r drivers.PINRequest) (drivers.PINEntry, error) {
	body, err := request(r)
	if err != nil {
		return drivers.PINEntry{}, fmt.Errorf("%s: %w", d.opts.Name, err)
	}
	p := secret.Bytes(packet(stx, body))
	secret.Bytes(body).Clear()
	defer p.Clear()

	if err := d.link.Begin(ctx); err != nil {
		return drivers.PINEntry{}, err
	}
	defer d.link.End()
	defer d.in.reset()
	defer d.link.Forget()

	if err := d.deliver(p, true); err != nil {
		return drivers.PINEntry{}, d.orCancel(err)
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = d.opts.Timeout
	}
	return d.outcome(time.Now().Add(timeout))
}

// idle brings the pad to idle where that is in doubt.
func (d *Dev) idle() error {
	if !d.reset {
		return nil
	}
	if err := d.settle(); err != nil {
		return err
	}
	if err := d.send(packet(stx, []byte("72"))); err != nil {
		return err
	}
	return d.settle()
}

// outcome waits for what the customer does.
func (d *Dev) outcome(by time.Time) (drivers.PINEntry, error) {
	for range ignoredMax {
		k, err := d.receive(by)
		if err != nil {
			return d.cancel(err)
		}
		if k == answerCancelled {
			d.reset = false
			return drivers.PINEntry{}, fmt.Errorf("%s: %w by the customer", d.opts.Name, drivers.ErrCancelled)
		}
		entry, err := parseAnswer(d.in.body)
		if errors.Is(err, errNotAnswer) {
			continue
		}
		d.reset = false
		if err != nil {
			return entry, fmt.Errorf("%s: %w", d.opts.Name, err)
		}
		return entry, nil
	}
	return d.cancel(fmt.Errorf("%s: %w: none of its packets answers", d.opts.Name, drivers.ErrProtocol))
}

// request builds a 70: account, FS, D for debit, amount with decimal point.
func request(r drivers.PINRequest) ([]byte, error) {
	const panMin, panMax = 8, 19
	if len(r.PAN) < panMin || len(r.PAN) > panMax || !digits(string(r.PAN)) {
		return nil, fmt.Errorf("%w: account number of %d characters", drivers.ErrRefused, len(r.PAN))
	}
	amount, err := amountField(r.Amount)
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, 64)
	body = append(body, "70"...)
	body = append(body, r.PAN...)
	body = append(body, fs, 'D')
	return append(body, amount...), nil
}

// amountField takes the number out of "CNY 1,234.50". The pad shows no
// currency.
func amountField(shown string) (string, error) {
	const amountMax = 12
	if shown == "" {
		return "0.00", nil
	}
	number := strings.ReplaceAll(shown[strings.LastIndexByte(shown, ' ')+1:], ",", "")
	whole, frac, _ := strings.Cut(number, ".")
	if whole == "" || len(number) > amountMax || !digits(whole) || !digits(frac) {
		return "", fmt.Errorf("%w: amount %q", drivers.ErrRefused, shown)
	}
	return number, nil
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
