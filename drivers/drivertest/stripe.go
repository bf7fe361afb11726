package drivertest

import (
	"context"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestStripe tests what drivers.Reader promises of magnetic stripes. The device
// begins plugged in; factory closes nothing, the suite does.
func TestStripe(t *testing.T, factory func(t *testing.T) (drivers.Reader, StripeWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.Reader, StripeWorld){
		"card swiped":                    stripeSwiped,
		"swiped before anybody waits":    stripeTooEarly,
		"nobody comes":                   stripeNobodyComes,
		"cannot be read":                 stripeUnread,
		"noise":                          stripeNoise,
		"cancelled":                      stripeCancelled,
		"unplugged and replugged":        stripeReplugged,
		"unplugged while waited for":     stripeUnpluggedWaiting,
		"closed":                         stripeClosed,
		"closed while a card is waited":  stripeClosedWaiting,
		"the card is in somebody's hand": stripeIsNoChip,
	} {
		t.Run(name, func(t *testing.T) {
			r, w := factory(t)
			t.Cleanup(func() { _ = r.Close() })
			test(t, r, w)
		})
	}
}

// swiping awaits a card that is swiped after a moment, and again and again, for
// nobody can tell from outside when the reader listens.
func swiping(t *testing.T, r drivers.Reader, swipe func()) (drivers.Card, error) {
	t.Helper()
	const moment, pause = 100 * time.Millisecond, 300 * time.Millisecond
	type end struct {
		card drivers.Card
		err  error
	}
	got := make(chan end, 1)
	ctx := within(t, patience)
	go func() {
		c, err := r.Await(ctx)
		got <- end{c, err}
	}()
	for wait := moment; ; wait = pause {
		select {
		case e := <-got:
			return e.card, e.err
		case <-time.After(wait):
			swipe()
		}
	}
}

// swipeGood swipes a good card until it is read.
func swipeGood(t *testing.T, r drivers.Reader, w StripeWorld) *drivers.Swipe {
	t.Helper()
	c, err := swiping(t, r, func() { w.Swipe(SwipeGood) })
	must(t, "Await", err)
	s, ok := c.(*drivers.Swipe)
	if !ok || len(s.PAN) == 0 || len(s.Track2) == 0 || len(s.Expiry) != 4 || len(s.Service) != 3 {
		t.Fatalf("Await = %T %v, want a swipe with track 2", c, c)
	}
	return s
}

func stripeSwiped(t *testing.T, r drivers.Reader, w StripeWorld) {
	if r.Media() != drivers.Stripe {
		t.Errorf("Media() = %v, want Stripe", r.Media())
	}
	first := swipeGood(t, r, w)
	second := swipeGood(t, r, w)
	if string(first.Track2) != string(second.Track2) {
		t.Error("the same card was read in two ways")
	}
}

func stripeTooEarly(t *testing.T, r drivers.Reader, w StripeWorld) {
	swipeGood(t, r, w) // the line is open
	w.Swipe(SwipeGood)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := r.Await(ctx)
	wantError(t, "Await after the swipe", err, drivers.ErrTimeout)
	swipeGood(t, r, w)
}

func stripeNobodyComes(t *testing.T, r drivers.Reader, w StripeWorld) {
	_, err := r.Await(within(t, shortly))
	wantError(t, "Await without a card", err, drivers.ErrTimeout)
	swipeGood(t, r, w)
}

func stripeUnread(t *testing.T, r drivers.Reader, w StripeWorld) {
	_, err := swiping(t, r, func() { w.Swipe(SwipeBad) })
	wantError(t, "Await of a card that is swiped badly", err, drivers.ErrUnread)
	swipeGood(t, r, w)
}

func stripeNoise(t *testing.T, r drivers.Reader, w StripeWorld) {
	first := true
	_, err := swiping(t, r, func() {
		if w.Noise(); !first {
			w.Swipe(SwipeGood)
		}
		first = false
	})
	must(t, "Await among noise", err)
}

func stripeCancelled(t *testing.T, r drivers.Reader, w StripeWorld) {
	ctx, cancel := context.WithCancel(context.Background())
	got := beside(t, func() (drivers.Card, error) { return r.Await(ctx) })
	cancel()
	_, err := soon(t, "Await", got)
	wantError(t, "Await, cancelled", err, drivers.ErrCancelled)
	swipeGood(t, r, w)
}

func stripeReplugged(t *testing.T, r drivers.Reader, w StripeWorld) {
	swipeGood(t, r, w)
	w.Unplug()
	_, err := r.Await(within(t, patience))
	wantError(t, "Await, unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	swipeGood(t, r, w)
}

func stripeUnpluggedWaiting(t *testing.T, r drivers.Reader, w StripeWorld) {
	swipeGood(t, r, w)
	got := beside(t, func() (drivers.Card, error) { return r.Await(within(t, patience)) })
	w.Unplug()
	_, err := soon(t, "Await", got)
	wantError(t, "Await while unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	swipeGood(t, r, w)
}

func stripeClosed(t *testing.T, r drivers.Reader, w StripeWorld) {
	swipeGood(t, r, w)
	must(t, "Close", r.Close())
	must(t, "second Close", r.Close())
	_, err := r.Await(within(t, patience))
	wantError(t, "Await after Close", err, drivers.ErrNoDevice)
}

func stripeClosedWaiting(t *testing.T, r drivers.Reader, _ StripeWorld) {
	got := beside(t, func() (drivers.Card, error) { return r.Await(context.Background()) })
	must(t, "Close", r.Close())
	_, err := soon(t, "Await", got)
	wantError(t, "Await while closed", err, drivers.ErrNoDevice)
}

func stripeIsNoChip(t *testing.T, r drivers.Reader, w StripeWorld) {
	s := swipeGood(t, r, w)
	if s.ATR() != nil {
		t.Errorf("ATR() = % X, want none", s.ATR())
	}
	_, err := s.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange with a stripe", err, drivers.ErrRefused)
	must(t, "Gone", s.Gone(within(t, patience)))
	must(t, "Release", s.Release(within(t, patience)))
	must(t, "second Release", s.Release(within(t, patience)))
	for _, b := range append([]byte(s.PAN), s.Track2...) {
		if b != 0 {
			t.Fatal("Release left something of the card")
		}
	}
}
