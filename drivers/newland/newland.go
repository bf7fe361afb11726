// Package newland drives PIN pads that speak the binary protocol of Newland's
// NL-PP60 (its user manual, chapter 4). Many Chinese pads have the same shape.
//
// A PIN is asked for under the pad's DUKPT key (4.11, 4.12) and comes back as an
// ANSI X9.8 block, which is ISO 9564 format 0 (4.13). Before each PIN the pad is
// reset, the directory is chosen, the key serial number is read, and the key is
// chosen with an authentication code in both directions, so that both sides know
// each other.
//
//	pad := newland.New(port.Serial("/dev/pos/pinpad", port.Mode{Baud: 9600}), newland.Opts{
//		Random: head, UID: uid, Auth: key,
//	})
//	entry, err := pad.EnterPIN(ctx, drivers.PINRequest{PAN: pan, Min: 4, Max: 6})
//
// It was tested with the simulator only, never with a true pad. Of the manual some
// pages are public and some are not, so:
//
//   - The head of the command for random numbers is not known here; Opts has it.
//     The line's speed is not known either.
//   - Nor is the command that cancels a PIN entry: a PIN is taken back by a reset.
//   - What the customer's cancel key does is read as error 77, and an empty answer
//     as the enter key without a PIN. The manual is silent on both.
//   - The pad's own code in its answer is taken to cover the random number and the
//     UID alone, as that answer has no other data.
//   - Heads of wrong answers are printed with exceptions that contradict the rule
//     for them; the rule is followed.
//
// The pad tells nothing while the customer types, and there is no command that
// shows an amount: the terminal's screen has to.
package newland

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
	Name      string        // in errors; "newland" when empty
	Timeout   time.Duration // for the customer, when a request names none; a minute when 0
	Directory byte          // 1 to 4, where the keys are; 1 when 0
	Random    byte          // head of the command for a random number, in the pad's manual at 4.5
	UID       [16]byte      // that the pad was given, 4.3
	Auth      secret.Bytes  // the authentication key for PIN and MAC, of 16 bytes, 4.6
}

const (
	sendMax      = 3 // tries of a command
	customerTime = time.Minute

	writeTime  = time.Second
	answerTime = time.Second
	frameTime  = 300 * time.Millisecond // between two bytes of a frame
	cancelTime = 5 * time.Second        // for leaving the pad in order
)

// Dev is a PIN pad.
type Dev struct {
	opts Opts
	link *drivers.Link
	in   decoder // owned by the call that is being served
}

var _ drivers.PINKeyHolder = (*Dev)(nil)

// New gives a pad that is dialled when it is first needed.
func New(dial drivers.Dial, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "newland"
	}
	if opts.Timeout <= 0 {
		opts.Timeout = customerTime
	}
	if opts.Directory == 0 {
		opts.Directory = 1
	}
	return &Dev{opts: opts, link: drivers.NewLink(opts.Name, dial)}
}

// Close hangs up.
func (d *Dev) Close() error { return d.link.Close() }

// Ready reads the key serial number, which leaves the display alone; on a new
// line the pad is reset first, because it may still be asking for a PIN. A pad
// without a key is ready.
func (d *Dev) Ready(ctx context.Context) error {
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()
	return d.over(func(fresh bool) error {
		if fresh {
			if err := d.reset(); err != nil {
				return err
			}
		}
		_, err := d.exchange(headKSN, nil)
		if errors.Is(err, drivers.ErrNoKey) {
			return nil
		}
		return err
	})
}

// PINKeys chooses the directory, after a reset, and reads the key serial number.
func (d *Dev) PINKeys(ctx context.Context) ([]drivers.PINKey, error) {
	if err := d.link.Begin(ctx); err != nil {
		return nil, err
	}
	defer d.link.End()
	var ksn []byte
	err := d.over(func(bool) error {
		var err error
		ksn, err = d.keyNumber()
		return err
	})
	switch {
	case errors.Is(err, drivers.ErrNoKey):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []drivers.PINKey{{Scheme: drivers.SchemeTDESDUKPT, KSN: ksn}}, nil
}

// EnterPIN asks for a PIN. The request for it goes out once, unless the pad says
// that it was not understood: each PIN uses up a key.
func (d *Dev) EnterPIN(ctx context.Context, r drivers.PINRequest) (drivers.PINEntry, error) {
	data, err := request(r)
	if err == nil {
		err = d.opts.check()
	}
	if err != nil {
		return drivers.PINEntry{}, fmt.Errorf("%s: %w", d.opts.Name, err)
	}
	f := secret.Bytes(frame(headEnter, data))
	secret.Bytes(data).Clear()
	defer f.Clear()

	if err := d.link.Begin(ctx); err != nil {
		return drivers.PINEntry{}, err
	}
	defer d.link.End()
	defer d.in.reset()
	defer d.link.Forget()

	var ksn []byte
	err = d.over(func(bool) error {
		var err error
		ksn, err = d.prepare()
		return err
	})
	if err != nil {
		return drivers.PINEntry{}, err
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = d.opts.Timeout
	}
	return d.ask(f, ksn, time.Now().Add(timeout))
}

// check refuses options with which no key can be chosen.
func (o Opts) check() error {
	switch {
	case o.Random < 0x80 || successSizes(o.Random) != nil:
		return fmt.Errorf("%w: %02X as the head of the command for random numbers", drivers.ErrRefused, o.Random)
	case len(o.Auth) != 2*blockSize:
		return fmt.Errorf("%w: authentication key of %d bytes", drivers.ErrRefused, len(o.Auth))
	}
	return nil
}

// request is the data of a PIN entry: the limits, and the card number without its
// check digit as sixteen characters, of which the pad takes the last twelve.
func request(r drivers.PINRequest) ([]byte, error) {
	const (
		panMin, panMax = 8, 19
		pinMin, pinMax = 4, 12
		field, part    = 16, 12
	)
	pan := r.PAN
	if len(pan) < panMin || len(pan) > panMax || strings.Trim(string(pan), "0123456789") != "" {
		return nil, fmt.Errorf("%w: account number of %d characters", drivers.ErrRefused, len(pan))
	}
	low, high := r.Min, r.Max
	if low == 0 {
		low = pinMin
	}
	if high == 0 {
		high = pinMax
	}
	if low < pinMin || high > pinMax || low > high {
		return nil, fmt.Errorf("%w: a PIN of %d to %d digits", drivers.ErrRefused, low, high)
	}
	number := pan[:len(pan)-1]
	number = number[max(0, len(number)-part):]
	data := make([]byte, 0, 2+field)
	data = append(data, byte(low), byte(high))
	for range field - len(number) {
		data = append(data, '0')
	}
	return append(data, number...), nil
}
