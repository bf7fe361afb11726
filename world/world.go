package world

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// Bounds of what is asked and shown.
const (
	requestMax   = 4 << 10
	ledgerMax    = 1 << 20 // bytes
	rowsMax      = 50      // of the ledger
	slipsMax     = 12
	exchangesMax = 80
	viewersMax   = 8
)

// everyDefault is how often a watched shop is looked at: often enough to see
// the lights of a success go on one after the other.
const everyDefault = 60 * time.Millisecond

// Shop is what the page can do in a simulated shop. A sim.Shop and a
// sim.Client are one.
type Shop interface {
	Insert(card string) error
	Swipe(card string) error
	Pull() error
	PullAt(n int) error
	Tap(card string) error
	Lift() error
	SetCustomer(who sim.Customer) error
	ByHand(on bool) error
	Press(key string) error
	PaperOut(lines int) error
	PaperIn() error
	PaperLow(low bool) error
	Cover(open bool) error
	Jam(jammed bool) error
	Slow(line time.Duration) error
	Unplug(device string) error
	Replug(device string) error
	Spoil(device string, f sim.Fault) error
	PlugCable(in bool) error
	OpenCase(open bool) error
	Paper() ([]sim.Slip, error)
	Log() ([]sim.Exchange, error)
	Cards() ([]sim.CardInfo, error)
	State() (sim.State, error)
}

var _ Shop = (*sim.Client)(nil)

// Opts are the parts of the world. What is nil does not show.
type Opts struct {
	Shop Shop
	// Ledger returns the cloud's books, newest first: JSON objects one after
	// the other, or an array of them. It returns when its context ends.
	Ledger func(context.Context) ([]byte, error)
	Screen *url.URL      // the terminal's, which the page frames, passed on under screen/
	Every  time.Duration // between two looks; 60 ms when 0
	Remote bool          // let other machines in, by any name
}

// world serves the page.
type world struct {
	opts    Opts
	page    page
	viewers chan struct{} // a place for each
}

// New returns the page and all that it needs, for the root of a server or,
// stripped of its prefix, for a path that ends in a slash. A viewer's stream of
// events ends with its request's context.
func New(opts Opts) http.Handler {
	if opts.Every <= 0 {
		opts.Every = everyDefault
	}
	w := &world{opts: opts, page: assemble(opts.Screen != nil), viewers: make(chan struct{}, viewersMax)}
	mux := http.NewServeMux()
	if opts.Screen != nil {
		mux.Handle(screenPath, screenProxy(opts.Screen))
	}
	mux.HandleFunc("GET /{$}", w.servePage)
	mux.HandleFunc("GET /events", w.serveEvents)
	mux.HandleFunc("POST /do/{action}", w.serveAction)
	// A page of another site cannot act, for its browser tells where it is from.
	return w.guard(http.NewCrossOriginProtection().Handler(mux))
}

// guard keeps other machines out, and names that only point to this one, which
// is how a page elsewhere gets around its browser (DNS rebinding).
func (w *world) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.opts.Remote && !(loopback(r.RemoteAddr) && loopback(r.Host)) {
			http.Error(rw, "the simulated shop is for its own machine only, by a name like localhost or 127.0.0.1", http.StatusForbidden)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// loopback tells whether an address, with or without port, is this machine's
// own.
func loopback(address string) bool {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// reply answers with JSON.
func reply(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v) // the browser has gone; there is nobody to tell
}
