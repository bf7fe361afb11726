package drivertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestDisplay tests what drivers.Display promises. The display begins plugged
// in.
func TestDisplay(t *testing.T, factory func(t *testing.T) (drivers.Display, DisplayWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, drivers.Display, DisplayWorld){
		"shown":                   displayShown,
		"does not fit":            displayCut,
		"half an amount":          displayHalfAmount,
		"signs that it lacks":     displaySigns,
		"cleared":                 displayCleared,
		"unplugged and replugged": displayReplugged,
		"cancelled":               displayCancelled,
		"closed":                  displayClosed,
	} {
		t.Run(name, func(t *testing.T) {
			d, w := factory(t)
			t.Cleanup(func() { _ = d.Close() })
			test(t, d, w)
		})
	}
}

// wantShown waits until the display shows two lines: it has no way to tell that
// it does.
func wantShown(t *testing.T, w DisplayWorld, upper, lower string) {
	t.Helper()
	const pause = 2 * time.Millisecond
	want := [2]string{upper, lower}
	for end := time.Now().Add(patience); w.Shown() != want; time.Sleep(pause) {
		if time.Now().After(end) {
			t.Fatalf("the display shows %q, want %q", w.Shown(), want)
		}
	}
}

// apart is a line with something at either edge.
func apart(d drivers.Display, left, right string) string {
	return left + strings.Repeat(" ", d.Columns()-len(left)-len(right)) + right
}

func displayShown(t *testing.T, d drivers.Display, w DisplayWorld) {
	must(t, "Show", d.Show(within(t, patience), "COFFEE, LARGE", "TOTAL\tCNY 12.50"))
	wantShown(t, w, "COFFEE, LARGE", apart(d, "TOTAL", "CNY 12.50"))
	must(t, "second Show", d.Show(within(t, patience), "TEA", "[{|}] ~\\"))
	wantShown(t, w, "TEA", "[{|}] ~\\")
	must(t, "third Show", d.Show(within(t, patience), "", "\t1"))
	wantShown(t, w, "", apart(d, "", "1"))
}

func displayCut(t *testing.T, d drivers.Display, w DisplayWorld) {
	n := d.Columns()
	must(t, "Show", d.Show(within(t, patience), strings.Repeat("x", n)+"y", strings.Repeat("z", n)+"\tCNY 1"))
	wantShown(t, w, strings.Repeat("x", n), strings.Repeat("z", n-6)+" CNY 1")
}

func displayHalfAmount(t *testing.T, d drivers.Display, w DisplayWorld) {
	whole := strings.Repeat("9", d.Columns())
	must(t, "Show", d.Show(within(t, patience), "TOTAL\t"+whole, "x"))
	wantShown(t, w, whole, "x")
	wantError(t, "Show", d.Show(within(t, patience), "TOTAL", "\t"+whole+"9"), drivers.ErrRefused)
	wantShown(t, w, whole, "x")
}

func displaySigns(t *testing.T, d drivers.Display, w DisplayWorld) {
	must(t, "Show", d.Show(within(t, patience), "A\r\x0C\x1B@B", "1\t\x00\x7F2\xFF\t"))
	wantShown(t, w, "A???@B", apart(d, "1", "??2??"))
}

func displayCleared(t *testing.T, d drivers.Display, w DisplayWorld) {
	must(t, "Clear", d.Clear(within(t, patience)))
	wantShown(t, w, "", "")
	must(t, "Show", d.Show(within(t, patience), "A", "B"))
	wantShown(t, w, "A", "B")
	must(t, "Clear", d.Clear(within(t, patience)))
	wantShown(t, w, "", "")
	must(t, "Show", d.Show(within(t, patience), "[", "B"))
	wantShown(t, w, "[", "B")
}

func displayReplugged(t *testing.T, d drivers.Display, w DisplayWorld) {
	must(t, "Show", d.Show(within(t, patience), "A", "B"))
	wantShown(t, w, "A", "B")
	w.Unplug()
	wantError(t, "Show, unplugged", d.Show(within(t, patience), "C", "D"), drivers.ErrNoDevice)
	wantError(t, "Clear, unplugged", d.Clear(within(t, patience)), drivers.ErrNoDevice)
	w.Replug()
	must(t, "Show, replugged", d.Show(within(t, patience), "E", "[F]"))
	wantShown(t, w, "E", "[F]")
	w.Unplug()
	w.Replug()
	must(t, "Show, replugged unseen", d.Show(within(t, patience), "G", "[H]"))
	wantShown(t, w, "G", "[H]")
}

func displayCancelled(t *testing.T, d drivers.Display, w DisplayWorld) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, "Show, cancelled before", d.Show(ctx, "A", "B"), drivers.ErrCancelled)
	must(t, "Show", d.Show(within(t, patience), "C", "D"))
	wantShown(t, w, "C", "D")
}

func displayClosed(t *testing.T, d drivers.Display, w DisplayWorld) {
	must(t, "Show", d.Show(within(t, patience), "A", "B"))
	wantShown(t, w, "A", "B")
	must(t, "Close", d.Close())
	must(t, "second Close", d.Close())
	wantError(t, "Show after Close", d.Show(within(t, patience), "C", "D"), drivers.ErrNoDevice)
	wantError(t, "Clear after Close", d.Clear(within(t, patience)), drivers.ErrNoDevice)
}
