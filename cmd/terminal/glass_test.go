package main

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/ui"
)

// faced is a terminal with a screen in a file and in browsers, in a simulated
// shop of its own and without a cloud.
type faced struct {
	*terminal
	picture string
	log     *bytes.Buffer // read it after stop only
	stop    func() error
}

func face(t *testing.T) *faced {
	t.Helper()
	picture := filepath.Join(t.TempDir(), "screen.png")
	cfg, err := loadConfig(withScreen(t, `output = "file:`+picture+`"`, `size = "480x320"`, `dpi = 165`, `web = "127.0.0.1:0"`))
	if err != nil {
		t.Fatal(err)
	}
	f := &faced{picture: picture, log: &bytes.Buffer{}}
	if f.terminal, err = openTerminal(cfg, slog.New(slog.NewTextHandler(f.log, nil))); err != nil {
		t.Fatal(err)
	}
	if err := f.fitScreen(); err != nil {
		t.Fatal(err)
	}
	f.start()
	ctx, cancel := context.WithCancel(t.Context())
	out := &notify{ready: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- f.run(ctx, out) }()
	stopped := false
	f.stop = func() error {
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if !stopped {
			if err := f.stop(); err != nil {
				t.Error(err)
			}
		}
		if err := f.close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-out.ready:
	case err := <-ended:
		t.Fatal(err)
	}
	if want := " screen=" + f.glass.address(); !strings.HasSuffix(strings.TrimSpace(out.String()), want) {
		t.Errorf("printed %q, want it to end with %q", out.String(), want)
	}
	return f
}

// until polls for what other goroutines do.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (f *faced) screen() payment.Screen {
	view, _ := f.runner.Views().Get()
	return view.Screen
}

func (f *faced) yuan(minor int64) money.Amount {
	return money.Amount{Minor: minor, Currency: f.params.Currencies[0]}
}

func TestTillSellsAndStops(t *testing.T) {
	f := face(t)
	if err := f.hardware.shop.SetCustomer(sim.Customer{}); err != nil { // nobody comes
		t.Fatal(err)
	}
	till := f.glass.till
	till.Sell(f.yuan(1<<40), ui.MethodCard) // more than a sale may be
	till.Sell(f.yuan(1250), ui.MethodCard)
	until(t, "a card is waited for", func() bool { return f.screen() == payment.ScreenPresentCard })
	till.Choose(0) // nothing to choose from
	till.Sell(f.yuan(990), ui.MethodCard)
	till.Cancel()
	until(t, "the sale was cancelled", func() bool { return f.screen() == payment.ScreenIdle })
	till.Cancel() // too late, and no harm
	till.Sell(f.yuan(700), ui.MethodCard)
	until(t, "a card is waited for again", func() bool { return f.screen() == payment.ScreenPresentCard })
	if err := f.stop(); err != nil { // in mid-sale
		t.Error(err)
	}
	till.Sell(f.yuan(100), ui.MethodCard) // nobody sells any more
	till.Reprint(payment.ID{})
	records, err := f.journal.List(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.State != payment.Cancelled {
			t.Errorf("%v is %s, want it cancelled", r.ID, r.State)
		}
	}
}

func TestScreenInFileAndBrowser(t *testing.T) {
	f := face(t)
	until(t, "a picture was written", func() bool { _, err := os.Stat(f.picture); return err == nil })
	resp, err := http.Get(f.glass.address())
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(page, []byte("<canvas")) {
		t.Errorf("%v, status %d: want a page with a canvas", err, resp.StatusCode)
	}
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	file, err := os.Open(f.picture)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	img, err := png.Decode(file)
	if err != nil || img.Bounds().Dx() != 480 || img.Bounds().Dy() != 320 {
		t.Fatalf("%v, %v: want 480 by 320 pixels", err, img)
	}
	colours := map[any]bool{}
	for x := range 480 {
		for y := range 320 {
			colours[img.At(x, y)] = true
		}
	}
	if len(colours) < 10 {
		t.Errorf("%d colours: nothing was drawn", len(colours))
	}
	if resp, err := http.Get(f.glass.address()); err == nil {
		_ = resp.Body.Close()
		t.Error("the page is served still")
	}
}

// TestDevicesAreAsked wants each thing that is wrong to be found, and to be
// gone once it is mended.
func TestDevicesAreAsked(t *testing.T) {
	f := face(t)
	shop := f.hardware.shop
	for _, c := range []struct {
		device     ui.Device
		problem    ui.Problem
		spoil, fix func() error
	}{
		{ui.DevicePrinter, ui.ProblemPaperOut, func() error { return shop.PaperOut(0) }, shop.PaperIn},
		{ui.DevicePrinter, ui.ProblemPaperLow, func() error { return shop.PaperLow(true) }, func() error { return shop.PaperLow(false) }},
		{ui.DevicePrinter, ui.ProblemCoverOpen, func() error { return shop.Cover(true) }, func() error { return shop.Cover(false) }},
		{ui.DevicePrinter, ui.ProblemMissing, func() error { return shop.Unplug("printer") }, func() error { return shop.Replug("printer") }},
		{ui.DevicePINPad, ui.ProblemMissing, func() error { return shop.Unplug("pinpad") }, func() error { return shop.Replug("pinpad") }},
		{ui.DeviceCase, ui.ProblemOpened, func() error { return shop.OpenCase(true) }, func() error { return shop.OpenCase(false) }},
		{ui.DeviceReader, ui.ProblemMissing, func() error { return shop.Unplug("reader") }, func() error { return shop.Replug("reader") }},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		found := f.ask(t.Context())
		if len(found) != 1 || found[0].Device != c.device || found[0].Problem != c.problem {
			t.Errorf("%+v, want %s of %s alone", found, c.problem, c.device)
		}
		if err := c.fix(); err != nil {
			t.Fatal(err)
		}
		if found := f.ask(t.Context()); len(found) > 0 {
			t.Errorf("%+v, want nothing after %s of %s was mended", found, c.problem, c.device)
		}
	}
}

// TestCopyWaitsForPaper prints a slip once more after the paper is back.
func TestCopyWaitsForPaper(t *testing.T) {
	f := face(t)
	shop := f.hardware.shop
	id := offlineSale(t, f.terminal)
	if err := shop.PaperOut(0); err != nil {
		t.Fatal(err)
	}
	f.glass.till.Reprint(id)
	until(t, "the copy waits", func() bool { return f.glass.status().ToPrint == 1 })
	if err := shop.PaperIn(); err != nil {
		t.Fatal(err)
	}
	until(t, "the copy is printed", func() bool {
		slips, err := shop.Paper()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range slips {
			if s.Complete && strings.Contains(strings.Join(s.Lines, "\n"), "*** COPY ***") {
				return true
			}
		}
		return false
	})
	until(t, "nothing waits", func() bool { return f.glass.status().ToPrint == 0 })
}

// TestCopyOfBothSlips prints the two slips of a sale that was signed once more.
// The paper ends between them, and none comes twice.
func TestCopyOfBothSlips(t *testing.T) {
	f := face(t)
	shop := f.hardware.shop
	id := signedSale(t, f.terminal)
	copies := func() (toSign, others int) {
		slips, err := shop.Paper()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range slips {
			text := strings.Join(s.Lines, "\n")
			switch {
			case !s.Complete || !strings.Contains(text, "*** COPY ***"):
			case strings.Contains(text, "Signature:"):
				toSign++
			default:
				others++
			}
		}
		return toSign, others
	}
	until(t, "both slips are printed", func() bool {
		r, err := f.journal.Load(id)
		return err == nil && r.SignedCopy && r.Printed
	})
	slips, err := shop.Paper()
	if err != nil {
		t.Fatal(err)
	}
	toSign, others := copies() // the spooler may have begun after the sale
	if err := shop.PaperOut(len(slips[0].Lines) + 4); err != nil {
		t.Fatal(err)
	}
	f.glass.till.Reprint(id)
	until(t, "the first copy is printed", func() bool { a, _ := copies(); return a == toSign+1 })
	if err := shop.PaperIn(); err != nil {
		t.Fatal(err)
	}
	until(t, "nothing waits", func() bool { return f.glass.status().ToPrint == 0 })
	if a, b := copies(); a != toSign+1 || b != others+1 {
		t.Errorf("%d copies more with a signature, %d without, want one each", a-toSign, b-others)
	}
}

// signedSale puts a sale that the customer has to sign into the journal.
func signedSale(t *testing.T, f *terminal) payment.ID {
	t.Helper()
	n, err := f.journal.Next()
	if err != nil {
		t.Fatal(err)
	}
	yuan := money.Amount{Minor: 1250, Currency: f.params.Currencies[0]}
	for _, e := range []payment.Entry{
		{To: payment.Authorising, Opening: &payment.Opening{Kind: payment.Sale, Amount: yuan, Receipt: n.Receipt, STAN: n.STAN, Started: time.Unix(1, 0)},
			Attempt: &payment.Attempt{Number: 1, STAN: n.STAN}},
		{To: payment.Approved, Ending: &payment.Ending{Code: "00", AuthCode: "123456", CVM: "signature"}},
	} {
		e.ID, e.At = n.ID, time.Unix(2, 0)
		if err := f.journal.Commit(e); err != nil {
			t.Fatal(err)
		}
	}
	return n.ID
}

// offlineSale is a sale that could not go online, and is in the journal.
func offlineSale(t *testing.T, f *terminal) payment.ID {
	t.Helper()
	res, err := f.sell(t.Context(), saleRequest{Amount: "12.50", Card: "approve"})
	if err != nil {
		t.Fatal(err)
	}
	return res.Record.ID
}
