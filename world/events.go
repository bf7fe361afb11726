package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// Times of a viewer's stream.
const (
	writeMax    = 10 * time.Second
	beatEvery   = 15 * time.Second // shows that a viewer has gone
	ledgerWait  = 3 * time.Second
	ledgerLooks = 12 // the cloud is asked at every so many looks
)

// scene is the state of everything, small enough to be sent at each change.
type scene struct {
	sim.State
	Cards []sim.CardInfo `json:"cards"`
}

// slip is a piece of paper as the page draws it: without its bytes.
type slip struct {
	Rows     []sim.Row `json:"rows"`
	Cut      bool      `json:"cut"`
	Complete bool      `json:"complete"`
}

// stream is one viewer's flow of events. Each is sent when it differs from the
// last of its name.
type stream struct {
	opts *Opts
	out  *http.ResponseController
	w    io.Writer
	last map[string][]byte

	printed int    // of the paper that was sent; -1 none
	heard   string // of the log that was sent
}

// serveEvents sends what happens until the viewer goes.
func (w *world) serveEvents(rw http.ResponseWriter, r *http.Request) {
	select {
	case w.viewers <- struct{}{}:
		defer func() { <-w.viewers }()
	default:
		http.Error(rw, "as many pages are open as there may be", http.StatusServiceUnavailable)
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("Cache-Control", "no-store")
	s := &stream{opts: &w.opts, out: http.NewResponseController(rw), w: rw, last: map[string][]byte{}, printed: -1}
	ctx, cancel := context.WithCancel(r.Context())
	books := make(chan []byte)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.opts.readBooks(ctx, books)
	}()
	s.run(ctx, books)
	cancel()
	<-done
}

// run looks and sends until ctx ends or the viewer takes no more.
func (s *stream) run(ctx context.Context, books <-chan []byte) {
	look, beat := time.NewTicker(s.opts.Every), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	if s.raw("retry: 1000\n\n") != nil || s.look() != nil {
		return
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			err = s.look()
		case b := <-books:
			err = s.send("ledger", b)
		case <-beat.C:
			err = s.raw(": still here\n\n")
		}
		if err != nil {
			return
		}
	}
}

// look sends what has changed in the shop. That the shop does not answer is
// news as well.
func (s *stream) look() error {
	now, err := s.opts.look()
	if err != nil {
		s.printed, s.heard = -1, ""
		return s.sendJSON("gone", problem{err.Error()})
	}
	if s.last["gone"] != nil { // it is back
		s.last = map[string][]byte{"ledger": s.last["ledger"]}
	}
	if err := s.sendJSON("state", now); err != nil {
		return err
	}
	if now.Printed != s.printed {
		paper, err := s.opts.paper()
		if err != nil {
			return nil // the next look tells
		}
		if err := s.sendJSON("paper", paper); err != nil {
			return err
		}
		s.printed = now.Printed
	}
	if heard := fmt.Sprint(now.Card, now.Field, now.APDUs); heard != s.heard {
		log, err := s.opts.Shop.Log()
		if err != nil {
			return nil
		}
		if err := s.sendJSON("log", log[max(0, len(log)-exchangesMax):]); err != nil {
			return err
		}
		s.heard = heard
	}
	return nil
}

// look gathers the scene.
func (o *Opts) look() (scene, error) {
	var now scene
	var err error
	if now.State, err = o.Shop.State(); err != nil {
		return scene{}, err
	}
	if now.Cards, err = o.Shop.Cards(); err != nil {
		return scene{}, err
	}
	return now, nil
}

// paper is the newest slips, the one in the making last.
func (o *Opts) paper() ([]slip, error) {
	all, err := o.Shop.Paper()
	if err != nil {
		return nil, err
	}
	paper := []slip{}
	for _, s := range all[max(0, len(all)-slipsMax):] {
		paper = append(paper, slip{Rows: s.Rows, Cut: s.Cut, Complete: s.Complete})
	}
	return paper, nil
}

// readBooks asks the cloud again and again. A cloud that hangs holds up nothing
// else.
func (o *Opts) readBooks(ctx context.Context, books chan<- []byte) {
	if o.Ledger == nil {
		return
	}
	again := time.NewTicker(ledgerLooks * o.Every)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case books <- o.askCloud(ctx):
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// askCloud returns an array of the newest rows, or why there is none.
func (o *Opts) askCloud(ctx context.Context) []byte {
	ctx, cancel := context.WithTimeout(ctx, ledgerWait)
	defer cancel()
	raw, err := o.Ledger(ctx)
	if err == nil {
		var rows []json.RawMessage
		if rows, err = parseRows(raw); err == nil {
			raw, err = json.Marshal(rows)
		}
	}
	if err != nil {
		raw, _ = json.Marshal(problem{err.Error()}) // a string cannot fail
	}
	return raw
}

// errLedger is what makes no ledger.
var errLedger = errors.New("world: ledger")

// parseRows reads objects, one after the other or in arrays, up to rowsMax.
func parseRows(raw []byte) ([]json.RawMessage, error) {
	if len(raw) > ledgerMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errLedger, len(raw), ledgerMax)
	}
	rows := []json.RawMessage{}
	for d := json.NewDecoder(bytes.NewReader(raw)); ; {
		var v json.RawMessage
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) || len(rows) >= rowsMax {
			return rows[:min(len(rows), rowsMax)], nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errLedger, err)
		}
		switch v[0] {
		case '{':
			rows = append(rows, v)
		case '[':
			var more []json.RawMessage
			if err := json.Unmarshal(v, &more); err != nil {
				return nil, fmt.Errorf("%w: %w", errLedger, err)
			}
			rows = append(rows, more...)
		default:
			return nil, fmt.Errorf("%w: neither objects nor an array", errLedger)
		}
	}
}

func (s *stream) sendJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("world: %s: %w", name, err)
	}
	return s.send(name, data)
}

// send sends an event that is new. JSON has no line breaks of its own.
func (s *stream) send(name string, data []byte) error {
	if bytes.Equal(s.last[name], data) {
		return nil
	}
	s.last[name] = data
	return s.raw(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data))
}

func (s *stream) raw(text string) error {
	// A recorder in a test has no deadlines, and needs none.
	if err := s.out.SetWriteDeadline(time.Now().Add(writeMax)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("world: events: %w", err)
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return fmt.Errorf("world: events: %w", err)
	}
	return s.out.Flush()
}
