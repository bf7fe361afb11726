package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/ui/screen"
)

// Bounds of a screen's viewers and tokens.
const (
	viewersMax = 8
	eventsMax  = 256
	tokenMin   = 16 // characters; who guesses has no chance
	tokenMax   = 256
)

// Errors of a screen.
var (
	ErrClosed = errors.New("web: the screen is closed")
	ErrOpts   = errors.New("web: these options make no screen")
)

// Opts are the options of a screen.
type Opts struct {
	Size  image.Point // in pixels
	Title string      // of the page; "cloudpos" when empty
	// Token opens the screen to other machines. It is 16 to 256 characters,
	// and goes over the wire: away from a machine of its own the screen belongs
	// behind TLS.
	Token secret.Bytes
	// ViewToken is a second token, which lets its owner only look.
	ViewToken secret.Bytes
	ViewOnly  bool     // nobody's touches and keys count
	Origins   []string // whose pages may show this one, besides its own host: "http://127.0.0.1:8081"
}

// check refuses what cannot be.
func (o *Opts) check() error {
	if o.Size.X < 1 || o.Size.Y < 1 || o.Size.X > sideMax || o.Size.Y > sideMax {
		return fmt.Errorf("%w: size %v", ErrOpts, o.Size)
	}
	for _, token := range []secret.Bytes{o.Token, o.ViewToken} {
		if n := len(token); n != 0 && (n < tokenMin || n > tokenMax) {
			return fmt.Errorf("%w: a token of %d characters, want %d to %d", ErrOpts, n, tokenMin, tokenMax)
		}
	}
	if len(o.ViewToken) > 0 && len(o.Token) == 0 {
		return fmt.Errorf("%w: a token to look and none to touch", ErrOpts)
	}
	for _, origin := range o.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || strings.ContainsAny(origin, " ;,'") || u.Scheme+"://"+u.Host != origin {
			return fmt.Errorf("%w: origin %q, want one like http://127.0.0.1:8081", ErrOpts, origin)
		}
	}
	return nil
}

// Screen is a screen in browsers. All methods may be called from any
// goroutine.
type Screen struct {
	opts    Opts
	surface *surface
	page    page
	events  chan screen.Event
	done    chan struct{}
	mux     *http.ServeMux

	mu      sync.Mutex
	slots   [viewersMax]bool
	closed  bool
	viewers sync.WaitGroup
}

var (
	_ screen.Output = (*Screen)(nil)
	_ screen.Input  = (*Screen)(nil)
)

// New makes a screen that shows nothing yet. It fails with ErrOpts.
func New(opts Opts) (*Screen, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	if opts.Title == "" {
		opts.Title = "cloudpos"
	}
	page, err := assemble(opts.Title, opts.Origins)
	if err != nil {
		return nil, err
	}
	s := &Screen{
		opts: opts, surface: newSurface(opts.Size), page: page,
		events: make(chan screen.Event, eventsMax), done: make(chan struct{}), mux: http.NewServeMux(),
	}
	s.mux.HandleFunc("GET /{$}", s.servePage)
	s.mux.HandleFunc("GET /hello", s.serveHello)
	s.mux.HandleFunc("GET /ws", s.serveViewer)
	return s, nil
}

// Size is the screen's, in pixels.
func (s *Screen) Size() image.Point { return s.opts.Size }

// Present shows what img has in the damaged rectangles; the first call shows
// all of it. It copies, so that img may change afterwards, and never waits for
// a viewer. img has the screen's size.
func (s *Screen) Present(img *image.RGBA, damage []image.Rectangle) error {
	select {
	case <-s.done:
		return ErrClosed
	default:
	}
	if got := img.Rect.Size(); got != s.opts.Size {
		return fmt.Errorf("web: present %v on %v: %w", got, s.opts.Size, errSize)
	}
	s.surface.put(img, damage)
	return nil
}

// Events gives what viewers do. It is closed by Close. Who does not read it
// makes viewers wait, not the screen.
func (s *Screen) Events() <-chan screen.Event { return s.events }

// Close sends the viewers away and waits for that. The second call does
// nothing.
func (s *Screen) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	s.mu.Unlock()
	s.viewers.Wait()
	close(s.events)
	return nil
}

// ServeHTTP serves the page and its WebSocket.
func (s *Screen) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// serveHello tells a page what it may do before it opens a WebSocket, whose
// refusal a browser does not explain.
func (s *Screen) serveHello(w http.ResponseWriter, r *http.Request) {
	allowed, err := s.opts.judge(r)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"width": s.opts.Size.X, "height": s.opts.Size.Y, "viewOnly": allowed == look,
	})
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusForbidden
	if errors.Is(err, errToken) {
		status = http.StatusUnauthorized
	}
	http.Error(w, err.Error(), status)
}

// serveViewer runs one viewer until it or the screen goes.
func (s *Screen) serveViewer(w http.ResponseWriter, r *http.Request) {
	allowed, err := s.opts.judge(r)
	if err != nil {
		refuse(w, err)
		return
	}
	slot, ok := s.enter()
	if !ok {
		http.Error(w, "the screen is closed, or has as many viewers as it can take", http.StatusServiceUnavailable)
		return
	}
	defer s.leave(slot)
	upgrader := websocket.Upgrader{
		HandshakeTimeout: handshakeMax, Subprotocols: []string{protocol},
		CheckOrigin: func(*http.Request) bool { return true }, // judged above
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // answered by the upgrader
	}
	v := &viewer{screen: s, conn: conn, slot: slot, touches: allowed == touch, wake: make(chan struct{}, 1)}
	v.run()
}

// enter finds a place for a viewer.
func (s *Screen) enter() (slot int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	for i := range s.slots {
		if !s.slots[i] {
			s.slots[i] = true
			s.viewers.Add(1)
			return i, true
		}
	}
	return 0, false
}

func (s *Screen) leave(slot int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots[slot] = false
	s.viewers.Done()
}
