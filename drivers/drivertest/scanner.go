package drivertest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Codes that the scanner suite scans.
const (
	scanProduct  = "4006381333931"
	scanPayment  = "137777777777770001"
	scanPayment2 = "287777777777770002"
)

// TestScanner tests what drivers.Scanner promises. The scanner begins plugged
// in; factory closes nothing, the suite does.
func TestScanner(t *testing.T, factory func(t *testing.T) (drivers.Scanner, ScannerWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.Scanner, ScannerWorld){
		"code scanned":                  scannerScanned,
		"scanned before anybody waits":  scannerTooEarly,
		"nobody comes":                  scannerNobodyComes,
		"breaks off":                    scannerHalf,
		"noise":                         scannerNoise,
		"payment code held":             scannerHeld,
		"nothing quotes a code":         scannerMasked,
		"cancelled":                     scannerCancelled,
		"unplugged and replugged":       scannerReplugged,
		"unplugged while waited for":    scannerUnpluggedWaiting,
		"closed":                        scannerClosed,
		"closed while a code is waited": scannerClosedWaiting,
	} {
		t.Run(name, func(t *testing.T) {
			s, w := factory(t)
			t.Cleanup(func() { _ = s.Close() })
			test(t, s, w)
		})
	}
}

// scanning awaits a code while something is scanned after a moment, and again
// and again, for nobody can tell from outside when the scanner is listened to.
func scanning(t *testing.T, s drivers.Scanner, scan func(n int)) (drivers.Code, error) {
	t.Helper()
	const moment, pause = 100 * time.Millisecond, 400 * time.Millisecond
	ctx := within(t, patience)
	got := beside(t, func() (drivers.Code, error) { return s.Await(ctx) })
	for n, wait := 0, moment; ; n, wait = n+1, pause {
		select {
		case r := <-got:
			return r.value, r.err
		case <-time.After(wait):
			scan(n)
		}
	}
}

// scanText scans a code until it is returned.
func scanText(t *testing.T, s drivers.Scanner, w ScannerWorld, text string) drivers.Code {
	t.Helper()
	c, err := scanning(t, s, func(int) { w.Scan(text) })
	must(t, "Await", err)
	if string(c.Text) != text {
		t.Fatalf("Await = %q, want %q", string(c.Text), text)
	}
	return c
}

func scannerScanned(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	for _, text := range []string{scanProduct, scanProduct, "HTTPS://Example.com/~a?b=1&c={2}"} {
		c := scanText(t, s, w, text)
		if c.Wallet() != drivers.NoWallet {
			t.Errorf("%q is a code of %v", text, c.Wallet())
		}
		if c.Clear(); strings.Trim(string(c.Text), "\x00") != "" {
			t.Error("Clear left something of the code")
		}
	}
	if c := scanText(t, s, w, scanPayment); c.Wallet() != drivers.WeChatPay {
		t.Errorf("a payment code is one of %v", c.Wallet())
	}
}

func scannerTooEarly(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	scanText(t, s, w, scanProduct) // the line is open
	w.Scan("123")
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := s.Await(ctx)
	wantError(t, "Await after the scan", err, drivers.ErrTimeout)
	scanText(t, s, w, scanProduct)
}

func scannerNobodyComes(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	_, err := s.Await(within(t, shortly))
	wantError(t, "Await without a code", err, drivers.ErrTimeout)
	scanText(t, s, w, scanProduct)
}

func scannerHalf(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	_, err := scanning(t, s, func(int) { w.ScanHalf(scanPayment) })
	wantError(t, "Await of half a code", err, drivers.ErrProtocol)
	wantMasked(t, fmt.Sprint(err), scanPayment)
	scanText(t, s, w, scanPayment)
}

func scannerNoise(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	_, err := scanning(t, s, func(int) { w.Noise() })
	wantError(t, "Await among noise", err, drivers.ErrProtocol)
	scanText(t, s, w, scanProduct)
}

func scannerHeld(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	scanText(t, s, w, scanPayment)
	const others = 2 // before the next customer's
	c, err := scanning(t, s, func(n int) {
		if n < others {
			w.Scan(scanPayment)
			return
		}
		w.Scan(scanPayment2)
	})
	must(t, "Await", err)
	if c.Wallet() != drivers.Alipay {
		t.Error("a payment code that was still held counted again")
	}
}

func scannerMasked(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	c := scanText(t, s, w, scanPayment)
	wantMasked(t, fmt.Sprintf("%v %+v %#v %s %x", c, c, c, c, c), scanPayment)
}

// wantMasked fails when a part of a code stands in a text.
func wantMasked(t *testing.T, text, code string) {
	t.Helper()
	const part = 6
	for i := range len(code) - part {
		if strings.Contains(text, code[i:i+part]) || strings.Contains(text, fmt.Sprintf("%x", code[i:i+part])) {
			t.Fatalf("%q quotes the code", text)
		}
	}
}

func scannerCancelled(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	ctx, cancel := context.WithCancel(context.Background())
	got := beside(t, func() (drivers.Code, error) { return s.Await(ctx) })
	cancel()
	_, err := soon(t, "Await", got)
	wantError(t, "Await, cancelled", err, drivers.ErrCancelled)
	scanText(t, s, w, scanProduct)
}

func scannerReplugged(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	scanText(t, s, w, scanProduct)
	w.Unplug()
	_, err := s.Await(within(t, patience))
	wantError(t, "Await, unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	scanText(t, s, w, scanProduct)
}

func scannerUnpluggedWaiting(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	scanText(t, s, w, scanProduct)
	got := beside(t, func() (drivers.Code, error) { return s.Await(within(t, patience)) })
	w.Unplug()
	_, err := soon(t, "Await", got)
	wantError(t, "Await while unplugged", err, drivers.ErrNoDevice)
	w.Replug()
	scanText(t, s, w, scanProduct)
}

func scannerClosed(t *testing.T, s drivers.Scanner, w ScannerWorld) {
	scanText(t, s, w, scanProduct)
	must(t, "Close", s.Close())
	must(t, "second Close", s.Close())
	_, err := s.Await(within(t, patience))
	wantError(t, "Await after Close", err, drivers.ErrNoDevice)
}

func scannerClosedWaiting(t *testing.T, s drivers.Scanner, _ ScannerWorld) {
	got := beside(t, func() (drivers.Code, error) { return s.Await(context.Background()) })
	must(t, "Close", s.Close())
	_, err := soon(t, "Await", got)
	wantError(t, "Await while closed", err, drivers.ErrNoDevice)
}
