package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cloudpos/cloudpos/offline"
	"github.com/cloudpos/cloudpos/payment"
)

// notify passes on what is written, and tells of the first line.
type notify struct {
	bytes.Buffer
	once  sync.Once
	ready chan struct{}
}

func (n *notify) Write(b []byte) (int, error) {
	defer n.once.Do(func() { close(n.ready) })
	return n.Buffer.Write(b)
}

// served is a terminal without devices and cloud that answers on its socket
// until the test ends.
func served(t *testing.T) (*Config, *agentClient) {
	t.Helper()
	cfg, err := loadConfig(installation(t, `reader = "sim:../sim"`, "", `antenna = "sim:../sim"`, "", `stripe = "sim:../sim"`, "", `pinpad = "sim:../sim"`, "", `printer = "sim:../sim"`, "", `panel = "sim:../sim"`, ""))
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := openTerminal(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	out := &notify{ready: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- terminal.serve(ctx, out) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, terminal.close()); err != nil {
			t.Error(err)
		}
		if want := "ready socket=" + cfg.socket() + "\n"; out.String() != want {
			t.Errorf("printed %q, want %q", out.String(), want)
		}
		if dialAgent(cfg.socket()) != nil {
			t.Error("somebody still answers")
		}
	})
	select {
	case <-out.ready:
	case err := <-ended:
		t.Fatal(err)
	}
	agent := dialAgent(cfg.socket())
	if agent == nil {
		t.Fatal("nobody answers")
	}
	return cfg, agent
}

func TestAgentAnswers(t *testing.T) {
	cfg, agent := served(t)
	if info, err := os.Stat(cfg.socket()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: the socket is the owner's alone", info, err)
	}
	var s status
	if err := agent.call(t.Context(), http.MethodGet, "/status", nil, &s); err != nil || s.Terminal != "dev:t1" || s.Online || s.Params != 1 {
		t.Errorf("status: %v, %+v", err, s)
	}

	for _, c := range []struct {
		request saleRequest
		want    string
	}{
		{saleRequest{Amount: "ten"}, `not an amount: "ten"`},
		{saleRequest{Amount: "1", Currency: "XXX"}, `unknown currency "XXX"`},
		{saleRequest{Amount: "1", Currency: "GBP"}, "GBP is not sold in here"},
		{saleRequest{Amount: "0"}, "a sale is at least CNY 0.01"},
		{saleRequest{Amount: "1", Card: "approve"}, "--card is for simulated devices"},
	} {
		_, err := agent.sell(t.Context(), c.request)
		if _, usage := errors.AsType[requestError](err); !usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want a wrong request and %q", c.request, err, c.want)
		}
	}
	if records, err := agent.journal("", 10); err != nil || len(records) != 0 {
		t.Errorf("journal: %v, %+v, want it empty", err, records)
	}

	report, err := agent.sell(t.Context(), saleRequest{Amount: "12.50"})
	if err != nil || report.Exit != exitError || report.Record == nil || report.Record.Reason != payment.ReasonReaderFailed {
		t.Errorf("a sale without a reader: %v, %+v", err, report)
	}
	if records, err := agent.journal("", 10); err != nil || len(records) != 1 || records[0].ID != "dev:t1/1/1" {
		t.Errorf("journal: %v, %+v", err, records)
	}
	if records, err := agent.journal("dev:t1/1/1", 10); err != nil || len(records) != 1 || records[0].Amount != "CNY 12.50" {
		t.Errorf("journal of one: %v, %+v", err, records)
	}
	for id, want := range map[string]string{"dev:t1/1/9": "no such record", "nine": "write it like"} {
		_, err := agent.journal(id, 10)
		if _, usage := errors.AsType[requestError](err); err == nil || usage || !strings.Contains(err.Error(), want) {
			t.Errorf("journal of %s: %v, want %q", id, err, want)
		}
	}
	if err := agent.call(t.Context(), http.MethodPost, "/cancel", nil, nil); err == nil || err.Error() != payment.ErrIdle.Error() {
		t.Errorf("cancel: %v, want %v", err, payment.ErrIdle)
	}
}

// What is no request is refused, and the terminal goes on.
func TestAgentRefuses(t *testing.T) {
	_, agent := served(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/sale", "{", http.StatusUnprocessableEntity},
		{"POST", "/sale", `{"amount":5}`, http.StatusUnprocessableEntity},
		{"POST", "/sale", `{"amount":"` + strings.Repeat("1", 8<<10) + `"}`, http.StatusUnprocessableEntity},
		{"GET", "/sale", "", http.StatusMethodNotAllowed},
		{"DELETE", "/journal", "", http.StatusMethodNotAllowed},
		{"GET", "/keys", "", http.StatusNotFound},
		{"GET", "/journal?limit=-5", "", http.StatusOK},
		{"GET", "/journal?limit=many", "", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://terminal"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := agent.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.status {
			t.Errorf("%s %s: %s %s, want %d", c.method, c.path, resp.Status, text, c.status)
		}
		if c.status == http.StatusUnprocessableEntity && (resp.Header.Get("Content-Type") != "application/json" || !bytes.Contains(text, []byte(`"error":`))) {
			t.Errorf("%s %s: %s %s", c.method, c.path, resp.Header.Get("Content-Type"), text)
		}
	}
}

func TestTwoOnOneFolder(t *testing.T) {
	cfg, _ := served(t)
	second, err := openTerminal(cfg, slog.New(slog.DiscardHandler))
	if !errors.Is(err, offline.ErrInUse) || second != nil || !strings.Contains(err.Error(), cfg.Data) {
		t.Errorf("a second terminal: %v, want ErrInUse and the folder", err)
	}
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	first, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	first.SetUnlinkOnClose(false)
	if err := first.Close(); err != nil { // as a killed terminal does
		t.Fatal(err)
	}
	if dialAgent(path) != nil {
		t.Error("a dead socket answers")
	}
	second, err := listen(path)
	if err != nil {
		t.Fatalf("over a dead socket: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := listen(filepath.Join(dir, strings.Repeat("x", 108))); err == nil || !strings.Contains(err.Error(), "at most 107 bytes") {
		t.Errorf("a long path: %v", err)
	}
	if _, err := listen(filepath.Join(dir, "none", "s")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("in no folder: %v", err)
	}
}
