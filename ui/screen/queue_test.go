package screen_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/data/binding"
	"fyne.io/fyne/v2/widget"
)

func TestDoFromManyGoroutines(t *testing.T) {
	label := widget.NewLabel("")
	run(t, func(*rig) fyne.CanvasObject { return label }, func(r *rig) {
		const goroutines, each = 20, 500
		count, waited := 0, 0
		frames := len(r.frames)
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				var last int
				for i := range each {
					fyne.Do(func() {
						count++
						if i < last {
							t.Error("out of order")
						}
						last = i
						label.SetText(time.Now().String())
					})
				}
				fyne.DoAndWait(func() { waited++ })
			})
		}
		wg.Wait()
		synctest.Wait()
		if count != goroutines*each || waited != goroutines {
			t.Errorf("%d and %d functions ran, want %d and %d", count, waited, goroutines*each, goroutines)
		}
		if painted := len(r.frames) - frames; painted > goroutines*each/4 {
			t.Errorf("%d frames for %d functions: they are not gathered", painted, count)
		}
	})
}

func TestDoOnTheUIGoroutine(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		var order []int
		r.do(func() {
			for range 5000 { // more than any channel would hold
				fyne.Do(func() { order = append(order, 2) })
			}
			fyne.DoAndWait(func() { order = append(order, 1) })
		})
		if len(order) != 5001 || order[0] != 1 {
			t.Errorf("%d functions ran; waiting on oneself came at %v", len(order), order[:min(3, len(order))])
		}
	})
}

// TestDoNeverStarvesFrames: a function that posts itself for ever must not keep
// the rest from happening.
func TestDoNeverStarvesFrames(t *testing.T) {
	label := widget.NewLabel("0")
	run(t, func(*rig) fyne.CanvasObject { return label }, func(r *rig) {
		rounds, stop := 0, false
		var again func()
		again = func() {
			if rounds++; !stop {
				fyne.Do(again)
			}
		}
		frames := len(r.frames)
		fyne.Do(again)
		fyne.DoAndWait(func() { label.SetText("1") })
		fyne.DoAndWait(func() {})
		if len(r.frames) == frames {
			t.Error("nothing was painted")
		}
		fyne.DoAndWait(func() { stop = true })
		synctest.Wait()
	})
}

func TestDoAfterQuitDoesNotHang(t *testing.T) {
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		r.s.Quit()
		<-r.done
		fyne.DoAndWait(func() { t.Error("ran after the end") })
		fyne.Do(func() { t.Error("ran after the end") })
	})
}

func TestBinding(t *testing.T) {
	var text binding.String
	var on binding.Bool
	var label *widget.Label
	var check *widget.Check
	run(t, func(*rig) fyne.CanvasObject {
		text, on = binding.NewString(), binding.NewBool() // they use the current app
		label, check = widget.NewLabelWithData(text), widget.NewCheckWithData("on", on)
		return container.NewVBox(label, check)
	}, func(r *rig) {
		if err := text.Set("from outside"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if label.Text != "from outside" {
			t.Errorf("label %q", label.Text)
		}
		r.do(func() {
			if err := text.Set("from inside"); err != nil {
				t.Error(err)
			}
		})
		if label.Text != "from inside" {
			t.Errorf("label %q", label.Text)
		}
		_, y := r.middle(check)
		r.tap(15, y) // a check takes taps on its box and text only
		r.pass(time.Second)
		if got, err := on.Get(); err != nil || !got {
			t.Errorf("a tapped check is %v, %v", got, err)
		}
	})
}

// TestRelayoutUpward: a label that grows moves what is below it.
func TestRelayoutUpward(t *testing.T) {
	label, below := widget.NewLabel("one line"), widget.NewLabel("below")
	hidden := widget.NewLabel("hidden")
	hidden.Hide()
	inner := container.NewVBox(label, hidden)
	outer := container.NewVBox(inner, below)
	run(t, func(*rig) fyne.CanvasObject { return outer }, func(r *rig) {
		top := func() (y float32) {
			r.do(func() { y = fyne.CurrentApp().Driver().AbsolutePositionForObject(below).Y })
			return y
		}
		one := top()
		r.do(func() { label.SetText("one\ntwo\nthree") })
		three := top()
		if three <= one {
			t.Errorf("below is at %v, and was at %v", three, one)
		}
		r.do(func() { label.SetText("one") })
		if got := top(); got != one {
			t.Errorf("below is at %v again, want %v", got, one)
		}
		r.do(hidden.Show)
		if got := top(); got <= one {
			t.Errorf("below is at %v after a label above was shown, want more than %v", got, one)
		}
		r.do(hidden.Hide)
		if got := top(); got != one {
			t.Errorf("below is at %v after it was hidden, want %v", got, one)
		}
		added := widget.NewLabel("added")
		r.do(func() { inner.Add(added) })
		if got := top(); got <= one {
			t.Errorf("below is at %v after a label was added above, want more than %v", got, one)
		}
		// Text that wraps wants its height only once it has its width.
		r.do(func() {
			inner.Remove(added)
			label.Wrapping = fyne.TextWrapWord
			label.SetText("a text that is so long that it takes several lines on a panel of this width, however small the letters are")
		})
		if got := top(); got <= one {
			t.Errorf("below is at %v under a wrapped text, want more than %v", got, one)
		}
	})
}
