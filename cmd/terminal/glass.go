package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/paint"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

// appID names the terminal to the toolkit.
const appID = "com.github.cloudpos.terminal"

// glyphBytesMax bounds the cache of letters that were drawn before.
const glyphBytesMax = 2 << 20

// glass is the terminal's screen: displays, the pictures on them, and what
// follows the flow for them. A nil one is a terminal without a screen.
type glass struct {
	t    *terminal
	app  *screen.Screen
	ui   *ui.UI
	till *till
	page *web.Screen // nil: no browsers
	on   net.Listener
	ends chan ending
	dark chan struct{} // closed when nothing is shown any more

	mu     sync.Mutex
	faults []ui.Fault // that the devices told when they were last asked
}

// ending is what a sale came to.
type ending struct {
	res payment.Result
	err error
}

// openGlass opens what the configuration names, and shows nothing yet. It
// returns nil when there is no screen.
func openGlass(t *terminal) (_ *glass, err error) {
	if !t.cfg.Screen.fitted() {
		return nil, nil
	}
	display, page, err := openDisplay(t.cfg, t.log)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: screen.%w", errConfig, t.cfg.file, err)
	}
	g := &glass{t: t, page: page, ends: make(chan ending), dark: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = closeDisplay([]screen.Output{display.Output}, display.Inputs)
		}
	}()
	letters := font.NewCache(glyphBytesMax)
	g.app, err = screen.New(screen.Opts{
		ID: appID, Displays: []screen.Display{display},
		Painter: func() screen.Painter { return paint.New(paint.Opts{Cache: letters}) },
		Measure: paint.Measurer(letters),
		OnError: func(err error) { t.log.Warn("screen", "error", err) },
	})
	if err != nil {
		return nil, err
	}
	if page != nil {
		if g.on, err = net.Listen("tcp", t.cfg.Screen.Web); err != nil {
			return nil, fmt.Errorf("%w: %s: screen.web: %w", errConfig, t.cfg.file, err)
		}
	}
	g.till = newTill(g)
	g.ui = ui.New(g.app, g.till, g.uiOpts())
	window := g.app.NewWindow(screenTitle)
	window.SetPadded(false)
	window.SetContent(g.ui.Content())
	window.Show()
	return g, nil
}

// uiOpts tells the screens about this terminal.
func (g *glass) uiOpts() ui.Opts {
	t := g.t
	return ui.Opts{
		Merchant: t.params.Merchant.Name, Currency: t.params.Currencies[0],
		Language: receipt.Language(t.cfg.Language), Dark: t.cfg.Screen.Dark,
		Training:    t.params.Environment != params.Production,
		ContactOnly: t.hardware.reader.Media()&drivers.Contactless == 0,
		Zone:        t.params.Terminal.Timezone.Location,
		Slip:        func(r *payment.Record) receipt.Input { return t.slip(r, false) },
	}
}

// address is the web screen's, "" without one.
func (g *glass) address() string {
	if g == nil || g.on == nil {
		return ""
	}
	return "http://" + g.on.Addr().String() + "/"
}

// run shows the screen until ctx ends and the last sale is over. The calling
// goroutine becomes the UI's.
func (g *glass) run(ctx context.Context) {
	if g == nil {
		<-ctx.Done()
		return
	}
	selling, stop := context.WithCancel(ctx)
	following, blind := context.WithCancel(context.WithoutCancel(ctx))
	defer blind()
	g.till.open(selling)
	var work sync.WaitGroup
	for _, do := range []func(context.Context){g.follow, g.watch, g.inspect, g.till.print, g.serve} {
		work.Go(func() { do(following) })
	}
	work.Go(func() {
		<-selling.Done()
		g.till.close()
		g.app.Quit()
	})
	g.app.Run()
	stop()
	blind()
	work.Wait()
	g.ui.Close()
}

// serve shows the screen to browsers until ctx ends.
func (g *glass) serve(ctx context.Context) {
	if g.on == nil {
		return
	}
	const headerWait = 5 * time.Second
	site := &http.Server{Handler: g.page, ReadHeaderTimeout: headerWait, ErrorLog: slog.NewLogLogger(g.t.log.Handler(), slog.LevelDebug)}
	end := context.AfterFunc(ctx, func() { _ = site.Close() })
	defer end()
	if err := site.Serve(g.on); !errors.Is(err, http.ErrServerClosed) {
		g.t.log.Error("the web screen has ended", "error", err)
	}
}

// follow shows each view, and after a sale what it came to. One goroutine does
// both, so that an end never comes before a view of the same sale.
func (g *glass) follow(ctx context.Context) {
	defer close(g.dark)
	for {
		view, changed := g.t.runner.Views().Get()
		g.ui.Do(func() { g.ui.Show(view) })
		select {
		case <-changed:
		case e := <-g.ends:
			g.ui.Do(func() { g.ui.Ended(e.res, e.err) })
		case <-ctx.Done():
			return
		}
	}
}

// end tells what a sale came to.
func (g *glass) end(res payment.Result, err error) {
	if g == nil {
		return
	}
	select {
	case g.ends <- ending{res, err}:
	case <-g.dark:
	}
}
