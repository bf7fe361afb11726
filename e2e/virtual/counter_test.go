package virtual

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
)

// How long things take at a counter.
const (
	insertTime = 2 * time.Second
	swipeTime  = 4 * time.Second
	apduTime   = 20 * time.Millisecond
	typeTime   = 3 * time.Second
	printTime  = time.Second
	pullTime   = 1500 * time.Millisecond
	tapTime    = time.Second
)

// counter is what stands before a terminal and outlives it: the customers'
// chips, the PIN pad's keys, the paper.
type counter struct {
	mu    sync.Mutex
	chips map[string]*sim.Card
	taps  map[string]*sim.Tapped
	deck  map[string]issuer.Profile
	card  string // of the customer who is here
	mute  int    // how often it has not answered to its reset
	typed int    // his PIN entries
	pad   *keys.DUKPT
	paper []string
}

func newCounter(s *set, index byte) (*counter, error) {
	c := &counter{chips: map[string]*sim.Card{}, taps: map[string]*sim.Tapped{}, deck: s.deck}
	ksn := initialKSN
	ksn[5] = index
	ipek, err := keys.InitialKey(s.bdk, ksn)
	if err != nil {
		return nil, err
	}
	c.pad, err = keys.NewDUKPT(ipek, ksn)
	return c, err
}

// present sends a customer to the counter.
func (c *counter) present(card string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.card, c.typed, c.mute = card, 0, 0
	if c.chips[card] != nil || c.taps[card] != nil {
		return nil
	}
	if c.deck[card].Tap != nil {
		chip, err := sim.NewTapped(c.deck[card], rand.NewChaCha8([32]byte{'t', 'a', 'p'}))
		c.taps[card] = chip
		return err
	}
	chip, err := sim.NewCard(c.deck[card], rand.NewChaCha8([32]byte{'c', 'h', 'i', 'p'}))
	c.chips[card] = chip
	return err
}

// slips are the pieces of paper so far.
func (c *counter) slips() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.paper...)
}

// devices are a terminal's drivers, on one counter and one run of the terminal.
type devices struct {
	*counter
	power *power
}

// pause waits as a device does.
func (d devices) pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return drivers.Ended(ctx)
	case <-d.power.off:
		return errPower
	}
}

type reader struct{ devices }

func (reader) Media() drivers.Media { return drivers.Contact }
func (reader) Close() error         { return nil }

func (r reader) Await(ctx context.Context) (drivers.Card, error) {
	if err := r.pause(ctx, insertTime); err != nil {
		return nil, err
	}
	if r.swipes() || r.tapped() != nil {
		return nil, r.pause(ctx, time.Hour)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	chip := r.chips[r.card]
	atr := chip.ATR()
	if atr == nil {
		r.mute++
		return nil, fmt.Errorf("virtual reader: %w", drivers.ErrCardMute)
	}
	return inserted{r.devices, chip, atr}, nil
}

// swipes tells whether the customer swipes his card: one without a chip, or
// with one that did not work.
func (c *counter) swipes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deck[c.card].Behaviour == issuer.NoChip || c.mute >= 3
}

// tapped is the customer's card, if it is one that is tapped.
func (c *counter) tapped() *sim.Tapped {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taps[c.card]
}

// antenna has a customer who holds his card to it, and takes it away as soon as
// it is of no use there.
type antenna struct{ devices }

func (antenna) Media() drivers.Media { return drivers.Contactless }
func (antenna) Close() error         { return nil }

func (a antenna) Clear(ctx context.Context) error { return a.pause(ctx, pullTime) }

func (a antenna) Await(ctx context.Context) (drivers.Card, error) {
	chip := a.tapped()
	if chip == nil {
		return nil, a.pause(ctx, time.Hour)
	}
	if err := a.pause(ctx, tapTime); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !chip.Enter() {
		return nil, fmt.Errorf("virtual antenna: %w", drivers.ErrCollision)
	}
	return tapped{a.devices, chip}, nil
}

type tapped struct {
	devices
	chip *sim.Tapped
}

// ATR is as PC/SC part 3 makes it up.
func (tapped) ATR() []byte { return []byte{0x3B, 0x80, 0x80, 0x01, 0x01} }

func (c tapped) Exchange(ctx context.Context, command []byte) (drivers.Response, error) {
	var r drivers.Response
	err := c.power.do(fmt.Sprintf("apdu %X", command[:min(2, len(command))]), func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.Data, r.Elapsed = c.chip.Exchange(command); r.Data == nil {
			return fmt.Errorf("virtual antenna: %w", drivers.ErrCardGone)
		}
		return nil
	})
	if err != nil {
		return drivers.Response{}, err
	}
	return r, c.pause(ctx, r.Elapsed)
}

func (c tapped) Gone(ctx context.Context) error { return c.pause(ctx, pullTime) }
func (c tapped) Release(context.Context) error  { return nil }

type stripes struct{ devices }

func (stripes) Media() drivers.Media { return drivers.Stripe }
func (stripes) Close() error         { return nil }

func (r stripes) Await(ctx context.Context) (drivers.Card, error) {
	if !r.swipes() {
		return nil, r.pause(ctx, time.Hour)
	}
	if err := r.pause(ctx, swipeTime); err != nil {
		return nil, err
	}
	var swipe *drivers.Swipe
	err := r.power.do("swipe", func() (err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		p := r.deck[r.card]
		swipe, err = drivers.ParseSwipe([]byte(";"+p.PAN+"="+p.Stripe()+"0000?"), false)
		return err
	})
	if err != nil { // a *drivers.Swipe that is nil would be a card
		return nil, err
	}
	return swipe, nil
}

type inserted struct {
	devices
	chip *sim.Card
	atr  []byte
}

func (c inserted) ATR() []byte { return c.atr }

func (c inserted) Exchange(ctx context.Context, command []byte) (drivers.Response, error) {
	if err := c.pause(ctx, apduTime); err != nil {
		return drivers.Response{}, err
	}
	r := drivers.Response{Elapsed: apduTime}
	err := c.power.do(fmt.Sprintf("apdu %X", command[:min(2, len(command))]), func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		r.Data = c.chip.Exchange(command)
		return nil
	})
	return r, err
}

func (c inserted) Gone(ctx context.Context) error { return c.pause(ctx, pullTime) }
func (c inserted) Release(context.Context) error  { return nil }

// VerifyPIN is a reader with keys: the customer types, the card looks.
func (c inserted) VerifyPIN(ctx context.Context, v drivers.PINVerification) (drivers.PINVerified, error) {
	if err := c.pause(ctx, typeTime); err != nil {
		return drivers.PINVerified{}, err
	}
	r := drivers.Response{Elapsed: typeTime}
	err := c.power.do("pin for the card", func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		// EMV 4.4 Book 3, 6.5.12: 2, the number of digits, the digits, F to the end.
		pin := c.nextPIN()
		block, err := hex.DecodeString(fmt.Sprintf("2%X%s%s", len(pin), pin, strings.Repeat("F", 14-len(pin))))
		r.Data = c.chip.Exchange(append(append(v.Command[:], byte(len(block))), block...))
		return err
	})
	return drivers.PINVerified{Response: r}, err
}

type pinpad struct{ devices }

func (pinpad) Ready(context.Context) error { return nil }
func (pinpad) Close() error                { return nil }

func (p pinpad) EnterPIN(ctx context.Context, r drivers.PINRequest) (drivers.PINEntry, error) {
	if err := p.pause(ctx, typeTime); err != nil {
		return drivers.PINEntry{}, err
	}
	var entry drivers.PINEntry
	err := p.power.do("pin", func() (err error) {
		entry, err = p.encipher(r.PAN)
		return err
	})
	return entry, err
}

// nextPIN is what the customer types now.
func (c *counter) nextPIN() string {
	script := c.deck[c.card].Keys
	pin := script[min(c.typed, len(script)-1)]
	c.typed++
	return pin
}

// encipher is the next PIN of the customer's, under the next key.
func (c *counter) encipher(pan secret.PAN) (drivers.PINEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pin := c.nextPIN()
	key, ksn, err := c.pad.Next()
	if err != nil {
		return drivers.PINEntry{}, err
	}
	if key, err = keys.Variant(key, keys.UsePIN); err != nil {
		return drivers.PINEntry{}, err
	}
	block, err := keys.EncryptPIN(0, key, secret.Bytes(pin), pan)
	return drivers.PINEntry{Block: block, Format: 0, Scheme: drivers.SchemeTDESDUKPT, KSN: ksn[:]}, err
}

type panel struct{}

func (panel) Show(context.Context, drivers.Signal) error { return nil }
func (panel) OpenDrawer(context.Context) error           { return nil }
func (panel) Tampered(context.Context) (bool, error)     { return false, nil }
func (panel) Close() error                               { return nil }
