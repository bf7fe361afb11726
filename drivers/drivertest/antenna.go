package drivertest

import (
	"bytes"
	"context"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestAntenna tests what drivers.Antenna promises, and with it all of what
// TestReader does: to insert is to hold a card to the antenna, to pull is to
// take away what is there. The device begins plugged in and without a card.
func TestAntenna(t *testing.T, factory func(t *testing.T) (drivers.Antenna, AntennaWorld)) {
	t.Helper()
	TestReader(t, func(t *testing.T) (drivers.Reader, ReaderWorld) { return factory(t) })
	for name, test := range map[string]func(*testing.T, drivers.Antenna, AntennaWorld){
		"tapped":                   antennaTapped,
		"two cards":                antennaTwoCards,
		"two cards, then one":      antennaOneOfTwo,
		"nothing in the field":     antennaClear,
		"card taken away":          antennaCleared,
		"released, then taken":     antennaReleased,
		"waiting for nothing ends": antennaClearEnds,
		"cleared while unplugged":  antennaClearUnplugged,
		"closed while cleared":     antennaClearClosed,
		"tapped again":             antennaTappedAgain,
	} {
		t.Run(name, func(t *testing.T) {
			a, w := factory(t)
			t.Cleanup(func() { _ = a.Close() })
			test(t, a, w)
		})
	}
}

func antennaTapped(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	if a.Media() != drivers.Contactless {
		t.Errorf("Media() = %v, want Contactless", a.Media())
	}
	w.Insert(CardGood)
	c := awaitCard(t, a)
	// PC/SC part 3, 3.1.3.2.3: T=0 and T=1, and historical bytes.
	atr := c.ATR()
	if atr[0] != 0x3B || atr[1]&0xF0 != 0x80 || !bytes.HasPrefix(atr[2:], []byte{0x80, 0x01}) {
		t.Errorf("ATR() = % X, want 3B 8n 80 01 ...", atr)
	}
	exchange(t, c)
}

func antennaTwoCards(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	w.Beside(CardGood)
	for range 2 {
		_, err := a.Await(within(t, patience))
		wantError(t, "Await with two cards", err, drivers.ErrCollision)
	}
	w.Pull()
	must(t, "Clear", a.Clear(within(t, patience)))
	w.Insert(CardGood)
	exchange(t, awaitCard(t, a))
}

// antennaOneOfTwo has them both taken away and one held there again, while the
// next card is waited for.
func antennaOneOfTwo(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	w.Beside(CardGood)
	_, err := a.Await(within(t, patience))
	wantError(t, "Await with two cards", err, drivers.ErrCollision)
	w.Pull()
	w.Insert(CardGood)
	exchange(t, awaitCard(t, a))
}

func antennaClear(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	must(t, "Clear of an empty field", a.Clear(within(t, patience)))
	w.Insert(CardGood)
	exchange(t, awaitCard(t, a))
}

func antennaCleared(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, a)
	exchange(t, c)
	got := beside(t, func() (struct{}, error) { return struct{}{}, a.Clear(within(t, patience)) })
	w.Pull()
	_, err := soon(t, "Clear", got)
	must(t, "Clear", err)
	_, err = c.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange with a card that is not there", err, drivers.ErrCardGone)
}

func antennaReleased(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, a)
	must(t, "Release", c.Release(within(t, patience)))
	got := beside(t, func() (struct{}, error) { return struct{}{}, a.Clear(within(t, patience)) })
	w.Pull()
	_, err := soon(t, "Clear", got)
	must(t, "Clear after Release", err)
}

func antennaClearEnds(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	awaitCard(t, a)
	wantError(t, "Clear, in time", a.Clear(within(t, shortly)), drivers.ErrTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	got := beside(t, func() (struct{}, error) { return struct{}{}, a.Clear(ctx) })
	cancel()
	_, err := soon(t, "Clear", got)
	wantError(t, "Clear, cancelled", err, drivers.ErrCancelled)
	exchange(t, awaitCard(t, a))
}

func antennaClearUnplugged(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	awaitCard(t, a)
	w.Unplug()
	wantError(t, "Clear, unplugged", a.Clear(within(t, patience)), drivers.ErrNoDevice)
	w.Replug()
	w.Pull()
	must(t, "Clear", a.Clear(within(t, patience)))
}

func antennaClearClosed(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	awaitCard(t, a)
	got := beside(t, func() (struct{}, error) { return struct{}{}, a.Clear(context.Background()) })
	must(t, "Close", a.Close())
	_, err := soon(t, "Clear", got)
	wantError(t, "Clear while closed", err, drivers.ErrNoDevice)
}

// antennaTappedAgain is a card that leaves the field while it is asked.
func antennaTappedAgain(t *testing.T, a drivers.Antenna, w AntennaWorld) {
	w.Insert(CardGood)
	first := awaitCard(t, a)
	exchange(t, first)
	w.Pull()
	w.Insert(CardGood)
	_, err := first.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange after the card was away", err, drivers.ErrCardGone)
	exchange(t, awaitCard(t, a))
}
