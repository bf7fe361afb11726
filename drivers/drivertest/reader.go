package drivertest

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// selectPSE is answered by any card of the good kind.
var selectPSE = []byte("\x00\xA4\x04\x00\x0E1PAY.SYS.DDF01\x00")

// TestReader tests what drivers.Reader and drivers.Card promise. The device
// begins plugged in and without a card; factory closes nothing, the suite does.
func TestReader(t *testing.T, factory func(t *testing.T) (drivers.Reader, ReaderWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.Reader, ReaderWorld){
		"card in place counts":          readerCardInPlace,
		"card comes":                    readerCardComes,
		"nobody comes":                  readerNobodyComes,
		"cancelled":                     readerCancelled,
		"mute card":                     readerMuteCard,
		"card pulled":                   readerCardPulled,
		"pulled while waited for":       readerGone,
		"released":                      readerReleased,
		"one call at a time":            readerManyCallers,
		"unplugged and replugged":       readerReplugged,
		"unplugged with a card":         readerUnpluggedWithCard,
		"not an APDU":                   readerNotAnAPDU,
		"closed":                        readerClosed,
		"closed while a card is waited": readerClosedWaiting,
	} {
		t.Run(name, func(t *testing.T) {
			r, w := factory(t)
			t.Cleanup(func() { _ = r.Close() })
			test(t, r, w)
		})
	}
}

func awaitCard(t *testing.T, r drivers.Reader) drivers.Card {
	t.Helper()
	c, err := r.Await(within(t, patience))
	must(t, "Await", err)
	if len(c.ATR()) < 2 {
		t.Fatalf("ATR() = % X, want an answer to reset", c.ATR())
	}
	return c
}

func exchange(t *testing.T, c drivers.Card) drivers.Response {
	t.Helper()
	r, err := c.Exchange(within(t, patience), selectPSE)
	must(t, "Exchange", err)
	if n := len(r.Data); n < 2 || r.Elapsed < 0 || r.Elapsed > patience {
		t.Fatalf("Exchange = %d bytes in %v, want at least SW1 SW2, in some time", n, r.Elapsed)
	}
	return r
}

func readerCardInPlace(t *testing.T, r drivers.Reader, w ReaderWorld) {
	if r.Media() == 0 {
		t.Error("Media() is empty")
	}
	w.Insert(CardGood)
	c := awaitCard(t, r)
	exchange(t, c)
	exchange(t, c)
	must(t, "Release", c.Release(within(t, patience)))
}

func readerCardComes(t *testing.T, r drivers.Reader, w ReaderWorld) {
	got := beside(t, func() (drivers.Card, error) { return r.Await(within(t, patience)) })
	w.Insert(CardGood)
	c, err := soon(t, "Await", got)
	must(t, "Await", err)
	exchange(t, c)
}

func readerNobodyComes(t *testing.T, r drivers.Reader, w ReaderWorld) {
	_, err := r.Await(within(t, shortly))
	wantError(t, "Await without a card", err, drivers.ErrTimeout)
	w.Insert(CardGood)
	exchange(t, awaitCard(t, r))
}

func readerCancelled(t *testing.T, r drivers.Reader, w ReaderWorld) {
	ctx, cancel := context.WithCancel(context.Background())
	got := beside(t, func() (drivers.Card, error) { return r.Await(ctx) })
	cancel()
	_, err := soon(t, "Await", got)
	wantError(t, "Await, cancelled", err, drivers.ErrCancelled)

	w.Insert(CardGood)
	c := awaitCard(t, r)
	_, err = c.Exchange(ctx, selectPSE)
	wantError(t, "Exchange, cancelled before", err, drivers.ErrCancelled)
	must(t, "Release", c.Release(ctx))
	exchange(t, awaitCard(t, r))
}

func readerMuteCard(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardMute)
	_, err := r.Await(within(t, patience))
	wantError(t, "Await with a mute card", err, drivers.ErrCardMute)
	w.Pull()
	w.Insert(CardGood)
	exchange(t, awaitCard(t, r))
}

func readerCardPulled(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	w.Pull()
	_, err := c.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange with a pulled card", err, drivers.ErrCardGone)
	must(t, "Gone", c.Gone(within(t, patience)))
	must(t, "Release of a pulled card", c.Release(within(t, patience)))
	w.Insert(CardGood)
	exchange(t, awaitCard(t, r))
	_, err = c.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange with the card before", err, drivers.ErrCardGone)
}

func readerGone(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	ctx, cancel := context.WithCancel(context.Background())
	none := beside(t, func() (struct{}, error) { return struct{}{}, c.Gone(ctx) })
	cancel()
	_, err := soon(t, "Gone", none)
	wantError(t, "Gone, cancelled", err, drivers.ErrCancelled)
	exchange(t, c)

	got := beside(t, func() (struct{}, error) { return struct{}{}, c.Gone(within(t, patience)) })
	w.Pull()
	_, err = soon(t, "Gone", got)
	must(t, "Gone", err)
}

func readerReleased(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	must(t, "Release", c.Release(within(t, patience)))
	must(t, "second Release", c.Release(within(t, patience)))
	_, err := c.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange after Release", err, drivers.ErrCardGone)
	got := beside(t, func() (struct{}, error) { return struct{}{}, c.Gone(within(t, patience)) })
	w.Pull()
	_, err = soon(t, "Gone after Release", got)
	must(t, "Gone after Release", err)
}

func readerManyCallers(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	want := exchange(t, c).Data
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			got, err := c.Exchange(within(t, patience), selectPSE)
			if err != nil || !bytes.Equal(got.Data, want) {
				t.Errorf("Exchange beside others = % X, %v, want % X", got.Data, err, want)
			}
		})
	}
	callers.Wait()
}

func readerReplugged(t *testing.T, r drivers.Reader, w ReaderWorld) {
	_, err := r.Await(within(t, shortly))
	wantError(t, "Await without a card", err, drivers.ErrTimeout)
	w.Unplug()
	_, err = r.Await(within(t, patience))
	wantError(t, "Await, unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	w.Insert(CardGood)
	exchange(t, awaitCard(t, r))
}

func readerUnpluggedWithCard(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	w.Unplug()
	_, err := c.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange, unplugged", err, drivers.ErrCardGone)
	w.Replug()
	_, err = c.Exchange(within(t, patience), selectPSE)
	wantError(t, "Exchange after the reader was replugged", err, drivers.ErrCardGone)
	must(t, "Release", c.Release(within(t, patience)))
	exchange(t, awaitCard(t, r))
}

func readerNotAnAPDU(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	for _, apdu := range [][]byte{nil, {0}, {0, 0xA4, 4}, {0, 0xA4, 4, 0, 9, 1}} {
		_, err := c.Exchange(within(t, patience), apdu)
		wantError(t, "Exchange of what is no APDU", err, drivers.ErrRefused)
	}
	exchange(t, c)
}

func readerClosed(t *testing.T, r drivers.Reader, w ReaderWorld) {
	w.Insert(CardGood)
	c := awaitCard(t, r)
	must(t, "Close", r.Close())
	must(t, "second Close", r.Close())
	_, err := r.Await(within(t, patience))
	wantError(t, "Await after Close", err, drivers.ErrNoDevice)
	if _, err = c.Exchange(within(t, patience), selectPSE); err == nil {
		t.Error("Exchange after Close went through")
	}
}

func readerClosedWaiting(t *testing.T, r drivers.Reader, _ ReaderWorld) {
	got := beside(t, func() (drivers.Card, error) { return r.Await(context.Background()) })
	must(t, "Close", r.Close())
	_, err := soon(t, "Await", got)
	wantError(t, "Await while closed", err, drivers.ErrNoDevice)
}
