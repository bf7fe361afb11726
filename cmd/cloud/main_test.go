package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// devSet makes a set with free ports.
func devSet(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "var")
	if out, err := command(t, "dev-init", dir, "--mqtt-port", "0", "--status-port", "0"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// command runs one command to its end and returns what it wrote, and an error
// unless it exits with 0.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status, err := run(t.Context(), args, &stdout, &stderr)
	if (status == exitDone) != (err == nil) && len(args) > 0 && status != exitUsage {
		t.Errorf("%v: exit status %d with error %v", args, status, err)
	}
	return stdout.String() + stderr.String(), err
}

// cloud is a running one.
type cloud struct {
	t            *testing.T
	mqtt, status string
	log          *lockedBuffer
	end          context.CancelFunc
	ended        chan error
}

// lockedBuffer takes the log from many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startCloud(t *testing.T, dir string) *cloud {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &cloud{t: t, log: &lockedBuffer{}, end: cancel, ended: make(chan error, 1)}
	r, w := io.Pipe()
	go func() {
		status, err := run(ctx, []string{"run", "--config", filepath.Join(dir, "cloud/cloud.toml")}, w, c.log)
		_ = w.Close()
		if (status == exitDone) != (err == nil) {
			t.Errorf("exit status %d with error %v", status, err)
		}
		c.ended <- err
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("it is not ready: %v, %v", <-c.ended, err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "ready" {
		t.Fatalf("it says %q", line)
	}
	c.mqtt, c.status = strings.TrimPrefix(words[1], "mqtt="), strings.TrimPrefix(words[2], "status=")
	t.Cleanup(c.end)
	return c
}

func (c *cloud) stop() {
	c.t.Helper()
	c.end()
	if err := <-c.ended; err != nil {
		c.t.Errorf("it stopped with %v", err)
	}
}

func (c *cloud) get(path string, into any) {
	c.t.Helper()
	resp, err := http.Get("http://" + c.status + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s: %s, %v", path, resp.Status, err)
	}
}

// books fetches both and checks that they agree; it returns the sales' states
// by their sequence.
func (c *cloud) books() map[uint64]ingest.State {
	c.t.Helper()
	var sales []ledger.Line
	var postings []hostsim.Posting
	c.get("/ledger", &sales)
	c.get("/host", &postings)
	held := map[uint64]int64{}
	for _, p := range postings {
		held[p.Seq] += p.HeldMinor()
	}
	states := map[uint64]ingest.State{}
	for _, s := range sales {
		states[s.Seq] = s.State
		if held[s.Seq] != s.HeldMinor {
			c.t.Errorf("sale %v: the host holds %d, the ledger says %d", s.ID, held[s.Seq], s.HeldMinor)
		}
	}
	return states
}

func TestSales(t *testing.T) {
	dir := devSet(t)
	c := startCloud(t, dir)
	x := newTerminal(t, dir, c.mqtt)

	approved := x.sale(1, 1, "approve", 1250, "")
	first := x.ask(approved, wire.VerdictApproved, "00")
	if again := x.ask(approved, wire.VerdictApproved, "00"); !bytes.Equal(again, first) {
		t.Errorf("a duplicate got %s, the first %s", again, first)
	}
	x.ask(follow(approved, wire.LegComplete, 2), wire.VerdictRecorded, "")

	x.ask(x.sale(2, 1, "wrongpin", 700, "0000"), wire.VerdictDeclined, "55")
	right := x.sale(2, 2, "wrongpin", 700, "1234")
	x.ask(right, wire.VerdictApproved, "00")
	x.ask(follow(right, wire.LegComplete, 3), wire.VerdictRecorded, "")

	x.ask(x.sale(3, 1, "decline", 700, ""), wire.VerdictDeclined, "51")
	x.ask(x.sale(4, 1, "approve", 1005, ""), wire.VerdictDeclined, "05")

	doubtful := x.sale(5, 1, "approve", 4200, "")
	x.ask(doubtful, wire.VerdictApproved, "00")
	x.ask(follow(doubtful, wire.LegReverse, 2), wire.VerdictRecorded, "")

	late := x.sale(6, 1, "approve", 4200, "")
	x.ask(follow(late, wire.LegReverse, 2), wire.VerdictRecorded, "")

	want := map[uint64]ingest.State{
		1: ingest.StateCompleted, 2: ingest.StateCompleted, 3: ingest.StateDeclined, 4: ingest.StateDeclined,
		5: ingest.StateReversed, 6: ingest.StateReversed,
	}
	checkStates(t, c.books(), want)
	x.client.Disconnect(0)
	c.stop()

	// After a restart everything is as it was, and the tombstone still works.
	c = startCloud(t, dir)
	x.connect(dir, c.mqtt)
	if again := x.ask(approved, wire.VerdictApproved, "00"); !bytes.Equal(again, first) {
		t.Errorf("after a restart a duplicate got %s, the first %s", again, first)
	}
	x.ask(late, wire.VerdictDeclined, "12")
	x.ask(doubtful, wire.VerdictDeclined, "12")
	hello, err := wire.EncodeHello(wire.Hello{Terminal: "dev:t1", Epoch: 1, Seq: 3})
	if err != nil {
		t.Fatal(err)
	}
	welcome, err := wire.DecodeWelcome(x.exchange(wire.KindHello, hello))
	if err != nil || welcome.Epoch != 1 || welcome.Seq != 6 {
		t.Errorf("welcome %+v, %v; want epoch 1, sequence 6", welcome, err)
	}
	checkStates(t, c.books(), want)
	checkReports(t, dir, x)
	x.client.Disconnect(0)
	c.stop()
	checkReports(t, dir, x) // without the cloud too
	checkCanaries(t, dir, x, c.log.String())
}

func checkStates(t *testing.T, got, want map[uint64]ingest.State) {
	t.Helper()
	for seq, state := range want {
		if got[seq] != state {
			t.Errorf("sale %d is %q, want %q", seq, got[seq], state)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the ledger has %d sales, want %d", len(got), len(want))
	}
}

// checkReports asks the program itself for the books.
func checkReports(t *testing.T, dir string, x *terminal) {
	t.Helper()
	file := filepath.Join(dir, "cloud/cloud.toml")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"ledger", "list", "--config", file}, "dev:t1/1/5"},
		{[]string{"ledger", "list", "--json", "--config", file}, `"state": "reversed"`},
		{[]string{"ledger", "--config", file, "host"}, "CNY 12.50"},
		{[]string{"ledger", "host", "--json", "--config", file}, `"reason": "funds"`},
	} {
		out, err := command(t, c.args...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: %v, without %q:\n%s", c.args, err, c.want, out)
		}
		if strings.Contains(out, x.deck["approve"].PAN) {
			t.Errorf("%v shows a card number", c.args)
		}
	}
	out, err := command(t, "ledger", "list", "--json", "--terminal", "dev:t2", "--config", file)
	if err != nil || strings.TrimSpace(out) != "[]" {
		t.Errorf("the books of another terminal: %s, %v; want an empty list", out, err)
	}
}

// checkCanaries looks for card numbers in all that the cloud wrote.
func checkCanaries(t *testing.T, dir string, x *terminal, log string) {
	t.Helper()
	written := []byte(log)
	err := filepath.WalkDir(filepath.Join(dir, "cloud/data"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			written = append(written, readFile(t, path)...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(written, []byte("999901******")) {
		t.Error("not even masked numbers are there, so the search finds nothing")
	}
	for _, card := range x.deck {
		if bytes.Contains(written, []byte(card.PAN)) {
			t.Errorf("the number of card %q is in what the cloud wrote", card.Name)
		}
	}
}

// TestOneClearLine starts the cloud with something wrong.
func TestOneClearLine(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	set := devSet(t)
	edit := func(file string, change func(string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, file)
			if err := os.WriteFile(path, []byte(change(string(readFile(t, path)))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(file, old, with string) func(t *testing.T, dir string) {
		return edit(file, func(s string) string { return strings.Replace(s, old, with, 1) })
	}
	toml := "cloud/cloud.toml"
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  []string
	}{
		"MQTT port in use":    {replace(toml, `mqtt = "127.0.0.1:0"`, `mqtt = "`+busy.Addr().String()+`"`), []string{busy.Addr().String(), "in use"}},
		"status port in use":  {replace(toml, `status = "127.0.0.1:0"`, `status = "`+busy.Addr().String()+`"`), []string{busy.Addr().String(), "in use"}},
		"status for all":      {replace(toml, `status = "127.0.0.1:0"`, `status = "0.0.0.0:0"`), []string{"status", "loopback"}},
		"unknown key":         {replace(toml, "workers", "wokers"), []string{"cloud.toml", "wokers"}},
		"missing key":         {replace(toml, `key = "acquirer.key"`, ""), []string{"cloud.toml", "acquirer.key is missing"}},
		"no acquirer key":     {replace(toml, `"acquirer.key"`, `"other.key"`), []string{"other.key", "no such file"}},
		"bad acquirer key":    {edit("cloud/acquirer.key", func(string) string { return "xyz" }), []string{"acquirer.key", "64 hex digits"}},
		"bad issuer":          {edit("cloud/issuer.json", func(string) string { return "{}" }), []string{"issuer.json", "imk_ac"}},
		"bad CA":              {edit("cloud/tls/ca.crt", func(string) string { return "" }), []string{"ca.crt", "no certificate"}},
		"bad certificate":     {edit("cloud/tls/cloud.crt", func(string) string { return "" }), []string{"cloud.crt"}},
		"data is a file":      {replace(toml, `data = "data"`, `data = "issuer.json"`), []string{"issuer.json"}},
		"ledger is no ledger": {func(t *testing.T, dir string) { spoilLedger(t, dir) }, []string{"ledger.db", "damaged"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(set)); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			ctx, cancel := context.WithTimeout(t.Context(), waitMax)
			defer cancel()
			var stdout bytes.Buffer
			status, err := run(ctx, []string{"run", "--config", filepath.Join(dir, toml)}, &stdout, io.Discard)
			if status != exitError || err == nil || stdout.Len() > 0 {
				t.Fatalf("exit status %d, error %v, it says %q", status, err, &stdout)
			}
			line := oneLine(err)
			for _, want := range c.want {
				if !strings.Contains(line, want) {
					t.Errorf("it says %q, without %q", line, want)
				}
			}
			if strings.Contains(line, "\n") {
				t.Errorf("it says more than a line: %q", line)
			}
		})
	}
}

func spoilLedger(t *testing.T, dir string) {
	data := filepath.Join(dir, "cloud/data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "ledger.db"), bytes.Repeat([]byte("no database "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwoCloudsOnOneFolder(t *testing.T) {
	dir := devSet(t)
	c := startCloud(t, dir)
	var stdout bytes.Buffer
	status, err := run(t.Context(), []string{"run", "--config", filepath.Join(dir, "cloud/cloud.toml")}, &stdout, io.Discard)
	if status != exitError || err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("exit status %d, %v; want that another program has the folder", status, err)
	}
	var health map[string]string
	c.get("/healthz", &health)
	if health["status"] != "ok" {
		t.Errorf("health %v", health)
	}
	c.stop()
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{
		{}, {"fly"}, {"dev-init"}, {"dev-init", "a", "b"}, {"dev-init", "--mqtt-port", "70000", "a"}, {"dev-init", "--what", "a"},
		{"dev-taps"}, {"dev-taps", "a", "b"},
		{"run", "now"}, {"ledger"}, {"ledger", "burn"}, {"ledger", "list", "host"},
	} {
		var stdout, stderr bytes.Buffer
		status, err := run(t.Context(), args, &stdout, &stderr)
		if status != exitUsage || stdout.Len() > 0 || err == nil && stderr.Len() == 0 {
			t.Errorf("%v: exit status %d, %v", args, status, err)
		}
	}
	if out, err := command(t, "ledger", "list", "--config", filepath.Join(t.TempDir(), "none.toml")); err == nil {
		t.Errorf("books without a configuration: %s", out)
	}
	out, err := command(t, "help")
	if err != nil || !strings.Contains(out, "dev-init") {
		t.Errorf("help: %v\n%s", err, out)
	}
}

// TestDevTaps: a set that has them says so again, and what is none is told.
func TestDevTaps(t *testing.T) {
	dir := devSet(t)
	before, _ := inForce(t, dir)
	if out, err := command(t, "dev-taps", dir); err != nil || out != dir+" has cards that are tapped; restart its programs\n" {
		t.Errorf("%v, %q", err, out)
	}
	if after, doc := inForce(t, dir); after.Seq != before.Seq || len(doc.Contactless.Applications) == 0 {
		t.Errorf("version %d, was %d", after.Seq, before.Seq)
	}
	if _, err := command(t, "dev-taps", t.TempDir()); err == nil || !strings.Contains(err.Error(), "cards.json") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestBooksBeforeTheFirstStart(t *testing.T) {
	dir := devSet(t)
	_, err := command(t, "ledger", "list", "--config", filepath.Join(dir, "cloud/cloud.toml"))
	if err == nil || !strings.Contains(err.Error(), "no such file") || !strings.Contains(err.Error(), "ledger.db") {
		t.Errorf("%v, want that there is no ledger.db", err)
	}
}
