//go:build browser

package browser

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// waitMax bounds every wait of a story.
const waitMax = 30 * time.Second

// page is a window of the browser, with nothing in it of another story's.
type page struct {
	t       testing.TB
	ctx     context.Context
	touches bool // it is tapped with a finger, not with the mouse

	mu     sync.Mutex
	thrown []string // what the page's scripts did not catch
}

// window says how large a window is, and what it is used with.
type window struct {
	width, height int64
	options       []chromedp.EmulateViewportOption
	touches       bool
}

var (
	// whole has room for the screen beside all of the simulated shop.
	whole = window{width: 1640, height: 1200}
	// exact shows the terminal's screen dot for dot.
	exact = window{width: 720, height: 1280}
	phone = window{width: 390, height: 844, touches: true, options: []chromedp.EmulateViewportOption{
		chromedp.EmulateScale(3), chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait,
	}}
)

// openPage opens a window and shows an address in it.
func openPage(t testing.TB, w window, url string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx, touches: w.touches}
	must(t, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.thrown = append(p.thrown, said(e.ExceptionDetails))
		}
	}))
	p.do(chromedp.EmulateViewport(w.width, w.height, w.options...), chromedp.Navigate(url))
	return p
}

func said(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

// errors are what the page's scripts did not catch.
func (p *page) errors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.thrown)
}

// do performs steps in the browser within waitMax.
func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitMax)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("browser: %v", err)
	}
}

// ask evaluates a script and returns its value.
func ask[T any](p *page, script string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, waitMax)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// click clicks on an element of the page itself.
func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible, chromedp.NodeEnabled))
}

// until waits for a script to be true.
func (p *page) until(what, script string) {
	p.t.Helper()
	until(p.t, what, func() error {
		ok, err := ask[bool](p, script)
		if err == nil && !ok {
			err = errors.New("it is not so")
		}
		return err
	})
}

// screenNow finds the terminal's screen, in a frame of the page or as the page.
const screenNow = `const frame = document.getElementById('frame');
	const inner = frame ? frame.contentDocument : document, canvas = inner && inner.getElementById('screen');
	if (!canvas || canvas.hidden || inner.body.classList.contains('lost')) return null;
	const edge = frame ? frame.getBoundingClientRect() : { left: 0, top: 0 }, box = canvas.getBoundingClientRect();`

// pixels are the terminal's screen as the browser shows it now, in the
// terminal's own pixels. It fails while the page has none to show.
func (p *page) pixels() (*image.RGBA, error) {
	url, err := ask[*string](p, `(() => {`+screenNow+` return canvas.toDataURL('image/png'); })()`)
	if err != nil {
		return nil, err
	}
	if url == nil {
		return nil, errors.New("the page shows no screen")
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(*url, "data:image/png;base64,"))
	if err != nil {
		return nil, fmt.Errorf("canvas: %w", err)
	}
	return decode(data)
}

// tapPixel taps on a pixel of the terminal's screen, where the browser shows
// it.
func (p *page) tapPixel(at image.Point) {
	p.t.Helper()
	script := fmt.Sprintf(`(() => {%s
		return [edge.left + box.left + %d * box.width / canvas.width, edge.top + box.top + %d * box.height / canvas.height];
	})()`, screenNow, at.X, at.Y)
	spot, err := ask[[]float64](p, script)
	if err != nil || len(spot) != 2 {
		p.t.Fatalf("browser: there is no screen to tap: %v", err)
	}
	if p.touches {
		p.do(chromedp.TapXY(spot[0], spot[1]))
		return
	}
	p.do(chromedp.MouseClickXY(spot[0], spot[1]))
}

// glance is a picture of the whole window.
func (p *page) glance() ([]byte, error) {
	ctx, cancel := context.WithTimeout(p.ctx, waitMax)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

func decode(data []byte) (*image.RGBA, error) {
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	out := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out, nil
}

// until waits until nothing is wrong any more.
func until(t testing.TB, what string, wrong func() error) {
	t.Helper()
	const pause = 25 * time.Millisecond
	deadline := time.Now().Add(waitMax)
	for {
		err := wrong()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting until %s: %v", what, err)
		}
		select {
		case <-time.After(pause):
		case <-t.Context().Done():
			t.Fatalf("waiting until %s: %v", what, t.Context().Err())
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quoted is a text as JavaScript has it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return "" // a string cannot fail
	}
	return string(b)
}
