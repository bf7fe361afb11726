package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// newLog writes to w; debug lines when CLOUDPOS_DEBUG is set.
func newLog(w io.Writer, cfg *Config) *slog.Logger {
	level := slog.LevelWarn
	if os.Getenv("CLOUDPOS_DEBUG") != "" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})).With("terminal", cfg.Terminal)
}

// runAgent is the terminal itself: it stays until it is told to stop.
func runAgent(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	fs := newFlags("run")
	file := configFlag(fs)
	cloud := fs.String("cloud", "", "")
	if err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	if *cloud != "" && !isBroker(*cloud) {
		return exitUsage, fmt.Errorf("%w: --cloud is %q, write it like mqtts://cloud.example:8883", errUsage, *cloud)
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return exitError, err
	}
	cfg.Cloud = cmp.Or(*cloud, cfg.Cloud)
	t, err := openTerminal(cfg, newLog(stderr, cfg))
	if err != nil {
		return exitError, err
	}
	if err := t.fitScreen(); err != nil {
		return exitError, errors.Join(err, t.close())
	}
	t.start()
	err = t.run(ctx, stdout)
	return exitApproved, errors.Join(err, t.close())
}

// run serves and shows until ctx ends. The screen has this goroutine for its
// own, since a window system may want the program's first.
func (t *terminal) run(ctx context.Context, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		defer stop()
		served <- t.serve(ctx, stdout)
	}()
	t.glass.run(ctx)
	stop()
	return <-served
}

// serve answers on the socket until ctx ends.
func (t *terminal) serve(ctx context.Context, stdout io.Writer) error {
	listener, err := listen(t.cfg.socket())
	if err != nil {
		return err
	}
	const headerWait = 5 * time.Second
	var sales sync.WaitGroup
	server := &http.Server{Handler: t.routes(&sales), ReadHeaderTimeout: headerWait,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fitted := t.hardware.fitted
	for _, device := range []string{fitted.Reader, fitted.Antenna, fitted.Stripe, fitted.PINPad, fitted.Printer} {
		if device != "" && !plugged(device) {
			t.log.Warn("device is not there yet", "device", device)
		}
	}
	ready := "ready socket=" + t.cfg.socket()
	if address := t.glass.address(); address != "" {
		ready += " screen=" + address
	}
	if _, err := fmt.Fprintln(stdout, ready); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err = <-served:
	case <-ctx.Done():
		sales.Wait() // a sale that cannot be cancelled is let finish
		const goodbye = time.Second
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
		defer cancel()
		err = server.Shutdown(bye)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// listen takes the socket, over a dead one that a killed terminal left. The
// journal's lock has made sure already that no other terminal is alive here.
func listen(path string) (net.Listener, error) {
	const pathMax = 107 // unix(7): sun_path, with its end
	if len(path) > pathMax {
		return nil, fmt.Errorf("%s: the path of a socket has at most %d bytes, this one has %d; name a shorter data folder", path, pathMax, len(path))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	return listener, os.Chmod(path, 0o600)
}

func (t *terminal) routes(sales *sync.WaitGroup) http.Handler {
	const requestMax = 4 << 10
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sale", func(w http.ResponseWriter, r *http.Request) {
		sales.Add(1)
		defer sales.Done()
		var req saleRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestMax)).Decode(&req); err != nil {
			refuse(w, err)
			return
		}
		res, err := t.sell(r.Context(), req)
		if err != nil && res.Record.Version == 0 && res.View.Screen == "" {
			refuse(w, err)
			return
		}
		reply(w, t.report(res, err))
	})
	mux.HandleFunc("POST /cancel", func(w http.ResponseWriter, _ *http.Request) {
		if err := t.runner.Cancel(); err != nil {
			refuse(w, err)
			return
		}
		reply(w, struct{}{})
	})
	mux.HandleFunc("GET /journal", func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.FormValue("limit"))
		if err != nil || limit < 1 || limit > listMax {
			limit = listMax
		}
		reports, err := journalReports(t.journal, r.FormValue("id"), limit)
		if err != nil {
			refuse(w, err)
			return
		}
		reply(w, reports)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { reply(w, t.status()) })
	return mux
}

// status is what a person or a test asks a running terminal first.
type status struct {
	Terminal string         `json:"terminal"`
	Software string         `json:"software"`
	Params   uint64         `json:"params"`
	Online   bool           `json:"online"`
	Link     string         `json:"link,omitempty"` // why it is not online
	Screen   payment.Screen `json:"screen"`
	Notice   payment.Notice `json:"notice,omitempty"`
	ToPrint  int            `json:"to_print"`
	Printer  string         `json:"printer,omitempty"` // why slips wait
	Commits  uint64         `json:"commits"`
}

func (t *terminal) status() status {
	link := t.link.State()
	view, _ := t.runner.Views().Get()
	slips := t.spooler.Status()
	s := status{
		Terminal: t.cfg.Terminal, Software: version, Params: t.params.Version, Online: link.Connected,
		Screen: view.Screen, Notice: view.Notice, ToPrint: slips.Waiting, Commits: t.journal.Stats().Commits,
	}
	if link.LastError != nil {
		s.Link = link.LastError.Error()
	}
	if slips.Err != nil {
		s.Printer = slips.Err.Error()
	}
	return s
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// refusal is an error on its way through the socket.
type refusal struct {
	Error string `json:"error"`
	Usage bool   `json:"usage"` // the request itself is wrong
}

func refuse(w http.ResponseWriter, err error) {
	_, usage := errors.AsType[requestError](err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	reply(w, refusal{oneLine(err), usage})
}

// errAgentGone is a running terminal that did not answer, or not to the end.
var errAgentGone = errors.New("the running terminal did not answer")

// agentClient talks to a running terminal.
type agentClient struct{ http *http.Client }

// dialAgent gives nil when no terminal runs here.
func dialAgent(socket string) *agentClient {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil
	}
	_ = conn.Close()
	return &agentClient{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
}

// sell asks for a sale and waits for its end. When ctx ends it asks to cancel;
// whether it still can be, and what became of the sale, the terminal says.
func (a *agentClient) sell(ctx context.Context, req saleRequest) (saleReport, error) {
	forGood := context.WithoutCancel(ctx)
	over, end := context.WithCancel(forGood)
	stop := context.AfterFunc(ctx, func() { a.cancel(over) })
	defer stop()
	defer end()
	var report saleReport
	err := a.call(forGood, http.MethodPost, "/sale", req, &report)
	if errors.Is(err, errAgentGone) {
		err = fmt.Errorf("the outcome is not known: start the terminal again and see journal list: %w", err)
	}
	return report, err
}

// cancel asks until it was heard: the sale may not have begun yet.
func (a *agentClient) cancel(over context.Context) {
	const pause = 50 * time.Millisecond
	for over.Err() == nil {
		if a.call(over, http.MethodPost, "/cancel", nil, &struct{}{}) == nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-over.Done():
		}
	}
}

func (a *agentClient) journal(id string, limit int) ([]*recordReport, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}, "id": {id}}
	var reports []*recordReport
	return reports, a.call(context.Background(), http.MethodGet, "/journal?"+query.Encode(), nil, &reports)
}

func (a *agentClient) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://terminal"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errAgentGone, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var no refusal
	if resp.StatusCode != http.StatusOK {
		out = &no
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%w: %s: %w", errAgentGone, resp.Status, err)
	}
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	if no.Usage {
		return requestError{errors.New(no.Error)}
	}
	return errors.New(no.Error)
}
