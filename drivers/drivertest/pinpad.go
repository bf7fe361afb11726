package drivertest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/secret"
)

// TestPINPad tests what drivers.PINPad promises. The pad begins plugged in and
// with a working key.
func TestPINPad(t *testing.T, factory func(t *testing.T) (drivers.PINPad, PadWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.PINPad, PadWorld){
		"PIN":                     padPIN,
		"each PIN has a new key":  padNewKey,
		"bypass":                  padBypass,
		"cancelled by customer":   padCustomerCancels,
		"nobody enters":           padNobody,
		"cancelled by caller":     padCallerCancels,
		"no key":                  padNoKey,
		"keys":                    padKeys,
		"not a request":           padNotARequest,
		"ready":                   padReady,
		"unplugged and replugged": padReplugged,
		"unplugged while asking":  padUnpluggedAsking,
		"closed":                  padClosed,
	} {
		t.Run(name, func(t *testing.T) {
			p, w := factory(t)
			t.Cleanup(func() { _ = p.Close() })
			test(t, p, w)
		})
	}
}

// pinRequest is a request with a test PAN that belongs to no scheme.
func pinRequest() drivers.PINRequest {
	return drivers.PINRequest{PAN: secret.PAN("9999990012345674"), Amount: "CNY 12.50", Min: 4, Max: 12, Timeout: patience}
}

func ask(t *testing.T, p drivers.PINPad, r drivers.PINRequest) <-chan result[drivers.PINEntry] {
	t.Helper()
	return beside(t, func() (drivers.PINEntry, error) { return p.EnterPIN(within(t, patience), r) })
}

// enter has a PIN entered and checks what comes of it.
func enter(t *testing.T, p drivers.PINPad, w PadWorld) drivers.PINEntry {
	t.Helper()
	got := ask(t, p, pinRequest())
	w.WaitAsked()
	w.TypePIN("1234")
	e, err := soon(t, "EnterPIN", got)
	must(t, "EnterPIN", err)
	if e.Bypassed || len(e.Block) != 8 || e.Scheme == "" || e.Format != 0 && e.Format != 3 {
		t.Fatalf("EnterPIN = %+v, want a block of 8 bytes, its format and scheme", e)
	}
	if e.Scheme == drivers.SchemeTDESDUKPT && len(e.KSN) != 10 {
		t.Fatalf("KSN = % X, want 10 bytes", e.KSN)
	}
	return e
}

func padPIN(t *testing.T, p drivers.PINPad, w PadWorld) { enter(t, p, w) }

func padNewKey(t *testing.T, p drivers.PINPad, w PadWorld) {
	a, b := enter(t, p, w), enter(t, p, w)
	if bytes.Equal(a.KSN, b.KSN) || bytes.Equal(a.Block, b.Block) {
		t.Errorf("two PINs under KSN % X and % X, want a key each", a.KSN, b.KSN)
	}
}

func padBypass(t *testing.T, p drivers.PINPad, w PadWorld) {
	got := ask(t, p, pinRequest())
	w.WaitAsked()
	w.PressEnter()
	e, err := soon(t, "EnterPIN", got)
	must(t, "EnterPIN", err)
	if !e.Bypassed || len(e.Block) != 0 {
		t.Errorf("EnterPIN = %+v, want a bypass without block", e)
	}
	enter(t, p, w)
}

func padCustomerCancels(t *testing.T, p drivers.PINPad, w PadWorld) {
	got := ask(t, p, pinRequest())
	w.WaitAsked()
	w.PressCancel()
	_, err := soon(t, "EnterPIN", got)
	wantError(t, "EnterPIN, cancel key", err, drivers.ErrCancelled)
	enter(t, p, w)
}

func padNobody(t *testing.T, p drivers.PINPad, w PadWorld) {
	r := pinRequest()
	r.Timeout = shortly
	_, err := p.EnterPIN(within(t, patience), r)
	wantError(t, "EnterPIN without a customer", err, drivers.ErrTimeout)
	enter(t, p, w)
}

func padCallerCancels(t *testing.T, p drivers.PINPad, w PadWorld) {
	ctx, cancel := context.WithCancel(context.Background())
	got := beside(t, func() (drivers.PINEntry, error) { return p.EnterPIN(ctx, pinRequest()) })
	w.WaitAsked()
	cancel()
	_, err := soon(t, "EnterPIN", got)
	wantError(t, "EnterPIN, cancelled", err, drivers.ErrCancelled)
	enter(t, p, w)
}

func padNoKey(t *testing.T, p drivers.PINPad, w PadWorld) {
	w.LoseKey()
	_, err := p.EnterPIN(within(t, patience), pinRequest())
	wantError(t, "EnterPIN without a key", err, drivers.ErrNoKey)
}

// padKeys tests a pad that says which keys it holds: asking uses up none, the next
// PIN has the serial number that was told, and a lost key is not told any more.
func padKeys(t *testing.T, p drivers.PINPad, w PadWorld) {
	h, ok := p.(drivers.PINKeyHolder)
	if !ok {
		t.Skip("this pad does not say which keys it holds")
	}
	for range 2 {
		told, err := h.PINKeys(within(t, patience))
		must(t, "PINKeys", err)
		again, err := h.PINKeys(within(t, patience))
		must(t, "PINKeys, again", err)
		if len(told) != 1 || len(again) != 1 || told[0].Scheme == "" || !bytes.Equal(told[0].KSN, again[0].KSN) {
			t.Fatalf("PINKeys = %+v, then %+v, want the same key", told, again)
		}
		if e := enter(t, p, w); e.Scheme != told[0].Scheme || !bytes.Equal(e.KSN, told[0].KSN) {
			t.Errorf("a PIN under %s % X, told was %s % X", e.Scheme, e.KSN, told[0].Scheme, told[0].KSN)
		}
	}
	w.LoseKey()
	if told, err := h.PINKeys(within(t, patience)); err != nil || len(told) != 0 {
		t.Errorf("PINKeys without a key = %+v, %v", told, err)
	}
}

func padNotARequest(t *testing.T, p drivers.PINPad, w PadWorld) {
	for _, pan := range []string{"", "1234567", "12345678901234567890", "12345678901234X"} {
		r := pinRequest()
		r.PAN = secret.PAN(pan)
		_, err := p.EnterPIN(within(t, patience), r)
		wantError(t, "EnterPIN with a wrong account number", err, drivers.ErrRefused)
	}
	enter(t, p, w)
}

func padReady(t *testing.T, p drivers.PINPad, w PadWorld) {
	must(t, "Ready", p.Ready(within(t, patience)))
	w.Unplug()
	wantError(t, "Ready, unplugged", p.Ready(within(t, patience)), drivers.ErrNoDevice)
	w.Replug()
	must(t, "Ready, replugged", p.Ready(within(t, patience)))
	enter(t, p, w)
}

func padReplugged(t *testing.T, p drivers.PINPad, w PadWorld) {
	enter(t, p, w)
	w.Unplug()
	_, err := p.EnterPIN(within(t, patience), pinRequest())
	wantError(t, "EnterPIN, unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	enter(t, p, w)
}

func padUnpluggedAsking(t *testing.T, p drivers.PINPad, w PadWorld) {
	got := ask(t, p, pinRequest())
	w.WaitAsked()
	w.Unplug()
	_, err := soon(t, "EnterPIN", got)
	wantError(t, "EnterPIN, unplugged while asking", err, drivers.ErrNoDevice)
	w.Replug()
	enter(t, p, w)
}

func padClosed(t *testing.T, p drivers.PINPad, w PadWorld) {
	got := beside(t, func() (drivers.PINEntry, error) { return p.EnterPIN(context.Background(), pinRequest()) })
	w.WaitAsked()
	must(t, "Close", p.Close())
	_, err := soon(t, "EnterPIN", got)
	wantError(t, "EnterPIN while closed", err, drivers.ErrNoDevice)
	must(t, "second Close", p.Close())
	wantError(t, "Ready after Close", p.Ready(within(t, time.Second)), drivers.ErrNoDevice)
}
