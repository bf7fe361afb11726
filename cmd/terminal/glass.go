package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
	"github.com/cloudpos/cloudpos/ui"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

// glass is the terminal's screen: displays, the pictures on them, and what
// follows the flow for them. A nil one is a terminal without a screen.
type glass struct {
	t    *terminal
	on   stage
	ui   *ui.UI
	till *till
	page *web.Screen // nil: no browsers
	site net.Listener
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
	spareMemory()
	g := &glass{t: t, ends: make(chan ending), dark: make(chan struct{})}
	if g.on, g.page, err = openStage(t.cfg, t.log); err != nil {
		return nil, fmt.Errorf("%w: %s: screen.%w", errConfig, t.cfg.file, err)
	}
	if g.page != nil {
		if g.site, err = net.Listen("tcp", t.cfg.Screen.Web); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %s: screen.web: %w", errConfig, t.cfg.file, err), g.on.close())
		}
	}
	g.till = newTill(g)
	g.ui = g.on.newUI(g.till, g.uiOpts())
	return g, nil
}

// spareMemory collects garbage twice as often as Go does by itself, unless GOGC
// says otherwise: screens make much and keep little, and a board has less memory
// to spare than time.
func spareMemory() {
	const percent = 50
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// uiOpts tells the screens about this terminal.
func (g *glass) uiOpts() ui.Opts {
	t := g.t
	return ui.Opts{
		Merchant: t.params.Merchant.Name, Currency: t.params.Currencies[0],
		Language: receipt.Language(t.cfg.Language), Dark: t.cfg.Screen.Dark,
		Training:    t.params.Environment != params.Production,
		ContactOnly: !t.rules.TakesTaps(),
		Zone:        t.params.Terminal.Timezone.Location,
		Slips:       t.slips,
	}
}

// address is the web screen's, "" without one.
func (g *glass) address() string {
	if g == nil || g.site == nil {
		return ""
	}
	return "http://" + g.site.Addr().String() + "/"
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
	showing, quit := context.WithCancel(context.WithoutCancel(ctx))
	defer blind()
	defer quit()
	g.till.open(selling)
	var work sync.WaitGroup
	for _, do := range []func(context.Context){g.follow, g.watch, g.inspect, g.till.print, g.serve} {
		work.Go(func() { do(following) })
	}
	work.Go(func() {
		<-selling.Done()
		g.till.close()
		quit()
	})
	g.on.show(showing, g.ui)
	stop()
	blind()
	work.Wait()
	g.ui.Close()
}

// serve shows the screen to browsers until ctx ends.
func (g *glass) serve(ctx context.Context) {
	if g.site == nil {
		return
	}
	const headerWait = 5 * time.Second
	server := &http.Server{Handler: g.page, ReadHeaderTimeout: headerWait, ErrorLog: slog.NewLogLogger(g.t.log.Handler(), slog.LevelDebug)}
	end := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer end()
	if err := server.Serve(g.site); !errors.Is(err, http.ErrServerClosed) {
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
