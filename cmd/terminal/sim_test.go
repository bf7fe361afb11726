package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
)

// startSim runs terminal sim on a development set until the test ends, and
// returns the shop's folder and the words of its line "ready".
func startSim(t *testing.T, args ...string) (dir string, ready map[string]string) {
	t.Helper()
	dir = filepath.Join(filepath.Dir(filepath.Dir(installation(t))), "sim")
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		status, err := run(ctx, append([]string{"sim", "--dir", dir}, args...), in, io.Discard)
		if err == nil && status != exitApproved {
			err = fmt.Errorf("status %d", status)
		}
		_ = in.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("terminal sim: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready dir="+dir) {
		t.Fatalf("first line %q, %v", line, err)
	}
	ready = map[string]string{}
	for _, word := range strings.Fields(line)[1:] {
		key, value, _ := strings.Cut(word, "=")
		ready[key] = value
	}
	return dir, ready
}

// look is the state of the shop in dir.
func look(t *testing.T, dir string) sim.State {
	t.Helper()
	client, err := sim.Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	state, err := client.State()
	if err := errors.Join(err, client.Close()); err != nil {
		t.Fatal(err)
	}
	return state
}

// Without a page the customer comes by himself, as he does for tests.
func TestSim(t *testing.T) {
	dir, ready := startSim(t)
	if len(ready) != 1 {
		t.Errorf("ready %v, want the folder alone", ready)
	}
	if s := look(t, dir); s.Customer != defaultCard || s.ByHand || s.Cable != nil {
		t.Errorf("the shop: %+v", s)
	}
}

// With a page a person moves cards and keys, pulls the cable and reads the
// books; the stream of events ends with the program.
func TestSimPage(t *testing.T) {
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `[{"seq":7}]`) }))
	defer books.Close()
	dir, ready := startSim(t, "--http", "127.0.0.1:0", "--cable", "127.0.0.1:0=127.0.0.1:1", "--ledger", books.URL, "--screen", "http://127.0.0.1:1/")
	if s := look(t, dir); s.Customer != "" || !s.ByHand || s.Cable == nil || !*s.Cable {
		t.Errorf("at first: %+v", s)
	}
	if _, _, err := net.SplitHostPort(ready["cable"]); err != nil {
		t.Errorf("ready %v names no cable", ready)
	}
	for _, action := range []struct{ name, body string }{{"insert", `{"card":"pin"}`}, {"cable", `{"on":false}`}, {"case", `{"on":true}`}} {
		answer, err := http.Post(ready["page"]+"do/"+action.name, "application/json", strings.NewReader(action.body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", action.name, answer.Status)
		}
	}
	if s := look(t, dir); s.Card != "pin" || *s.Cable || !s.Panel.CaseOpen {
		t.Errorf("after all: %+v", s)
	}
	screen, err := http.Get(ready["page"] + "screen/")
	if err != nil {
		t.Fatal(err)
	}
	_ = screen.Body.Close()
	if screen.StatusCode != http.StatusBadGateway {
		t.Errorf("the screen of a terminal that is off: %s", screen.Status)
	}
	events, err := http.Get(ready["page"] + "events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = events.Body.Close() }) // before it the program ends
	for lines := bufio.NewScanner(events.Body); ; {
		if !lines.Scan() {
			t.Fatalf("no books: %v", lines.Err())
		}
		if lines.Text() == "event: ledger" && lines.Scan() && lines.Text() == `data: [{"seq":7}]` {
			break
		}
	}
}

func TestSimErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--dir x now", `"now" is not understood`},
		{"--dir x --cable 127.0.0.1:1", `--cable is "127.0.0.1:1"`},
		{"--dir x --cable =127.0.0.1:1", `--cable is "=127.0.0.1:1"`},
		{"--dir x --http :0 --screen 127.0.0.1:1", `--screen is "127.0.0.1:1"`},
		{"--dir x --http :0 --ledger https://127.0.0.1:1", `--ledger is "https://127.0.0.1:1"`},
		{"--dir x --ledger http://127.0.0.1:1", "--ledger is for the page"},
	} {
		_, _, status, err := command(t, append([]string{"sim"}, strings.Fields(c.args)...)...)
		if status != exitUsage || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: status %d, %v, want %q", c.args, status, err, c.want)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	dir := filepath.Join(filepath.Dir(filepath.Dir(installation(t))), "sim")
	for _, args := range [][]string{
		{"--http", taken.Addr().String()}, {"--cable", taken.Addr().String() + "=127.0.0.1:1"}, {"--cable", "127.0.0.1:0=nowhere"},
	} {
		_, _, status, err := command(t, append([]string{"sim", "--dir", dir}, args...)...)
		if status != exitError || err == nil || !strings.HasPrefix(err.Error(), args[0]+": ") {
			t.Errorf("%v: status %d, %v", args, status, err)
		}
	}
}

// A sale that is asked for with a card has a visitor, however the shop is
// played, and leaves it as it was.
func TestVisit(t *testing.T) {
	dir, _ := startSim(t, "--http", "127.0.0.1:0")
	h := &hardware{simDir: dir}
	_, leave, err := h.visit(t.Context(), "pin")
	if err != nil {
		t.Fatal(err)
	}
	if s := look(t, dir); s.Visitor != "pin" || s.Customer != "" || !s.ByHand {
		t.Errorf("with a visitor: %+v", s)
	}
	leave()
	if s := look(t, dir); s.Visitor != "" || s.Card != "" || !s.ByHand {
		t.Errorf("without: %+v", s)
	}
	for card, help := range map[string]string{"gold": "(terminal cards lists them)", "nopam": "(near it: nopan, "} {
		if _, _, err := h.visit(t.Context(), card); !errors.Is(err, sim.ErrControl) || !isRequestError(err) || !strings.Contains(err.Error(), help) {
			t.Errorf("a card that is not in the deck: %v, want help %q", err, help)
		}
	}
	if _, _, err := new(hardware).visit(t.Context(), "pin"); !errors.Is(err, errNoShop) || !isRequestError(err) {
		t.Errorf("true devices: %v, want errNoShop", err)
	}
	if _, _, err := (&hardware{simDir: t.TempDir()}).visit(t.Context(), "pin"); err == nil || isRequestError(err) {
		t.Errorf("a shop that is closed: %v, which is not the request's fault", err)
	}
}

// One who can only tap, and sees that the terminal looks into the slot alone,
// gives up, which ends the sale. While it looks at its antenna too he stays.
func TestVisitInVain(t *testing.T) {
	dir, _ := startSim(t)
	h := &hardware{simDir: dir}
	stays, leave, err := h.visit(t.Context(), "tap-3")
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	slot := ccid.New(port.Serial(filepath.Join(dir, sim.ReaderLine), port.Mode{Baud: 115200, StopBits: 2, RTSLow: true}), ccid.Opts{Poll: time.Millisecond})
	defer func() { _ = slot.Close() }()
	if _, err := slot.Await(stays); !errors.Is(err, drivers.ErrCancelled) || t.Context().Err() != nil {
		t.Errorf("%v, want that he goes", err)
	}
	if s := look(t, dir); !s.GaveUp || s.Visitor != "tap-3" || len(s.Field) != 0 {
		t.Errorf("in the shop: %+v", s)
	}
}

func isRequestError(err error) bool {
	_, is := errors.AsType[requestError](err)
	return is
}

func TestReadLedger(t *testing.T) {
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ledger" {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		_ = json.NewEncoder(w).Encode([]int{})
	}))
	defer books.Close()
	defer http.DefaultClient.CloseIdleConnections()
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx               context.Context
		address, got, err string
	}{
		{t.Context(), books.URL + "/ledger", "[]\n", ""},
		{t.Context(), books.URL + "/host", "", "the cloud answers 418 I'm a teapot"},
		{t.Context(), "http://127.0.0.1:1/ledger", "", "the cloud does not answer: dial tcp 127.0.0.1:1: connect: connection refused"},
		{ended, books.URL + "/ledger", "", "the cloud does not answer: context canceled"},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readLedger(c.ctx, u)
		if c.err == "" && (err != nil || string(got) != c.got) || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%s: %q, %v; want %q, %q", c.address, got, err, c.got, c.err)
		}
	}
}
