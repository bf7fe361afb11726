package world_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is never slept.
const patience = 20 * time.Second

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var deck = sync.OnceValues(func() ([]issuer.Profile, error) {
	keys, day := issuer.MasterKeys{AC: [16]byte{7}}, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	cards, _, err := issuer.Deck(rand.Reader, keys, day)
	if err != nil {
		return nil, err
	}
	taps, _, err := issuer.TapDeck(rand.Reader, keys, day)
	return append(cards, taps...), err
})

// place is a shop with its page.
type place struct {
	t      *testing.T
	shop   *sim.Shop
	client *http.Client
	url    string
}

func open(t *testing.T, opts world.Opts) *place {
	t.Helper()
	cards, err := deck()
	check(t, err)
	shop, err := sim.Open(t.TempDir(), cards, sim.PadKeys{
		IPEK: [16]byte{1, 2, 3}, KSN: [10]byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0},
	})
	check(t, err)
	opts.Shop, opts.Every = shop, 2*time.Millisecond
	server := httptest.NewServer(world.New(opts))
	client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
		check(t, shop.Close())
	})
	return &place{t, shop, client, server.URL}
}

// do acts as the page does and returns the status and the problem.
func (p *place) do(action, body string) (int, string) {
	p.t.Helper()
	response, err := p.client.Post(p.url+"/do/"+action, "text/plain", strings.NewReader(body))
	check(p.t, err)
	defer func() { check(p.t, response.Body.Close()) }()
	var answer struct{ Error string }
	check(p.t, json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer.Error
}

// get returns status and text of a page.
func (p *place) get(path string) (int, string) {
	p.t.Helper()
	response, err := p.client.Get(p.url + path)
	check(p.t, err)
	defer func() { check(p.t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	check(p.t, err)
	return response.StatusCode, string(body)
}

func (p *place) must(action, body string) {
	p.t.Helper()
	if status, problem := p.do(action, body); status != http.StatusOK {
		p.t.Fatalf("%s %s: %d %s", action, body, status, problem)
	}
}

// events listens until stop.
func (p *place) events() (next func(name string) []byte, stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/events", nil)
	check(p.t, err)
	response, err := p.client.Do(r)
	check(p.t, err)
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		p.t.Fatalf("events are %s, %s", response.Status, got)
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	next = func(name string) []byte {
		p.t.Helper()
		for lines.Scan() {
			if lines.Text() == "event: "+name && lines.Scan() {
				return bytes.TrimPrefix(bytes.Clone(lines.Bytes()), []byte("data: "))
			}
		}
		p.t.Fatalf("no event %s: %v", name, lines.Err())
		return nil
	}
	p.t.Cleanup(func() { _ = response.Body.Close() })
	return next, cancel
}

type state struct {
	sim.State
	Cards []sim.CardInfo
}

func parse[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

// Each action shows in the state that the page hears of.
func TestActionsShow(t *testing.T) {
	p := open(t, world.Opts{})
	_, err := p.shop.LayCable("127.0.0.1:0", "127.0.0.1:1")
	check(t, err)
	next, stop := p.events()
	defer stop()
	first := parse[state](t, next("state"))
	if len(first.Cards) == 0 || first.Cable == nil || !*first.Cable || first.Panel != (sim.Panel{}) {
		t.Fatalf("at first: %+v", first)
	}
	for _, tc := range []struct {
		action, body string
		shows        func(s state) bool
	}{
		{"insert", `{"card":"pin"}`, func(s state) bool { return s.Card == "pin" }},
		{"pull", `{}`, func(s state) bool { return s.Card == "" }},
		{"insert", `{"card":"pin"}`, func(s state) bool { return s.Card == "pin" }},
		{"swipe", `{"card":"pin"}`, func(s state) bool { return s.Card == "" && s.Answers["stripe"] == 1 }},
		{"tap", `{"card":"tap-2"}`, func(s state) bool { return slices.Equal(s.Field, []string{"tap-2"}) }},
		{"tap", `{"card":"tap-7-phone"}`, func(s state) bool { return len(s.Field) == 2 }},
		{"lift", `{}`, func(s state) bool { return len(s.Field) == 0 }},
		{"customer", `{"card":"approve","on":true}`, func(s state) bool { return s.Customer == "approve" }},
		{"customer", `{"on":false}`, func(s state) bool { return s.Customer == "" }},
		{"by-hand", `{"on":true}`, func(s state) bool { return s.ByHand }},
		{"paper-out", `{}`, func(s state) bool { return s.PaperOut }},
		{"paper-in", `{}`, func(s state) bool { return !s.PaperOut }},
		{"paper-low", `{"on":true}`, func(s state) bool { return s.PaperLow }},
		{"cover", `{"on":true}`, func(s state) bool { return s.CoverOpen }},
		{"jam", `{"on":true}`, func(s state) bool { return s.Jammed }},
		{"unplug", `{"device":"reader"}`, func(s state) bool { return slices.Equal(s.Unplugged, []string{"reader"}) }},
		{"replug", `{"device":"reader"}`, func(s state) bool { return len(s.Unplugged) == 0 }},
		{"fault", `{"device":"pinpad","fault":"silence"}`, func(s state) bool { return s.Faults["pinpad"] == sim.Silence }},
		{"fault", `{"device":"printer","fault":"delay","millis":50,"n":2}`, func(s state) bool { return s.Faults["printer"] == sim.Delay }},
		{"fault", `{"device":"pinpad","fault":"none"}`, func(s state) bool { return len(s.Faults) == 1 }},
		{"cable", `{"on":false}`, func(s state) bool { return !*s.Cable }},
		{"case", `{"on":true}`, func(s state) bool { return s.Panel.CaseOpen }},
	} {
		p.must(tc.action, tc.body)
		for !tc.shows(parse[state](t, next("state"))) {
		}
	}
	p.must("slow", `{"millis":5}`)
	p.must("pull-at", `{"n":3}`)
	p.must("press", `{"key":"7"}`)
}

// packet frames a body for the PIN pad.
func packet(body string) []byte {
	b := append([]byte(body), 0x03)
	sum := byte(0)
	for _, x := range b {
		sum ^= x
	}
	return append(append([]byte{0x02}, b...), sum)
}

func TestPINIsTypedKeyByKey(t *testing.T) {
	p := open(t, world.Opts{})
	next, stop := p.events()
	defer stop()
	p.must("by-hand", `{"on":true}`)
	p.must("insert", `{"card":"pin"}`)
	line, err := os.OpenFile(p.shop.Path(sim.PINPadLine), os.O_RDWR, 0)
	check(t, err)
	defer func() { check(t, line.Close()) }()
	_, err = line.Write(packet("704012345678909\x1cD12.50"))
	check(t, err)
	for !parse[state](t, next("state")).Waiting {
	}
	for i := range 4 {
		p.must("press", fmt.Sprintf(`{"key":"%d"}`, i+1))
		for parse[state](t, next("state")).Typed != i+1 {
		}
	}
	p.must("press", `{"key":"ENTER"}`)
	for s := parse[state](t, next("state")); s.Waiting || s.Typed != 0; {
		s = parse[state](t, next("state"))
	}
}

// The same keys are the reader's when the reader asks.
func TestPINIsTypedAtTheReader(t *testing.T) {
	p := open(t, world.Opts{})
	next, stop := p.events()
	defer stop()
	p.must("by-hand", `{"on":true}`)
	p.must("insert", `{"card":"offlinepin"}`)
	line, err := os.OpenFile(p.shop.Path(sim.ReaderLine), os.O_RDWR, 0)
	check(t, err)
	defer func() { check(t, line.Close()) }()
	for _, message := range []string{
		"\x62\x00\x00\x00\x00\x00\x01\x01\x00\x00", // power on, 5 V
		"\x69\x1C\x00\x00\x00\x00\x02\x00\x00\x00\x00\x1E\x89\x47\x04\x0C\x04\x02\x01\x09\x04\x00\x00\x00\x00" +
			"\x00\x20\x00\x80\x08\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF", // ask for a PIN
	} {
		frame := append([]byte{0x03, 0x06}, message...)
		sum := byte(0)
		for _, b := range frame {
			sum ^= b
		}
		_, err = line.Write(append(frame, sum))
		check(t, err)
	}
	for s := parse[state](t, next("state")); !s.Waiting || len(s.ReaderText) == 0; {
		s = parse[state](t, next("state"))
	}
	for i := range 4 {
		p.must("press", fmt.Sprintf(`{"key":"%d"}`, i+1))
		for parse[state](t, next("state")).Typed != i+1 {
		}
	}
	p.must("press", `{"key":"ENTER"}`)
	for s := parse[state](t, next("state")); s.Waiting || len(s.ReaderText) != 0; {
		s = parse[state](t, next("state"))
	}
}

func TestPaperIsDrawn(t *testing.T) {
	p := open(t, world.Opts{})
	next, stop := p.events()
	defer stop()
	if got := string(next("paper")); got != "[]" {
		t.Fatalf("before printing: %s", got)
	}
	line, err := os.OpenFile(p.shop.Path(sim.PrinterLine), os.O_RDWR, 0)
	check(t, err)
	defer func() { check(t, line.Close()) }()
	_, err = line.WriteString("\x1b@\x1bE\x01\x1d!\x11SALE\n\x1dVB\x00")
	check(t, err)
	const want = `[{"rows":[{"spans":[{"text":"SALE","bold":true,"wide":2,"tall":2}]}],"cut":true,"complete":true}]`
	for string(next("paper")) != want {
	}
}

func TestLedger(t *testing.T) {
	const row = `{"seq":%d}`
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf(row, i))
	}
	for name, tc := range map[string]struct {
		books string
		err   error
		want  string
	}{
		"array":         {"[\n {\"seq\": 1},\n {\"seq\": 2}\n]\n", nil, `[{"seq":1},{"seq":2}]`},
		"lines":         {"{\"seq\":1}\n{\"seq\":2}\n", nil, `[{"seq":1},{"seq":2}]`},
		"empty":         {"", nil, `[]`},
		"empty array":   {"[]", nil, `[]`},
		"too many":      {strings.Join(many, "\n"), nil, "[" + strings.Join(many[:50], ",") + "]"},
		"many in array": {"[" + strings.Join(many, ",") + "]", nil, "[" + strings.Join(many[:50], ",") + "]"},
		"no answer":     {"", errors.New("cloud: no answer"), `{"error":"cloud: no answer"}`},
		"broken":        {`{"seq":`, nil, `{"error":"world: ledger: unexpected EOF"}`},
		"a number":      {`7`, nil, `{"error":"world: ledger: neither objects nor an array"}`},
		"too long":      {strings.Repeat(" ", 1<<20+1), nil, `{"error":"world: ledger: 1048577 bytes, at most 1048576"}`},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, world.Opts{Ledger: func(context.Context) ([]byte, error) { return []byte(tc.books), tc.err }})
			next, stop := p.events()
			defer stop()
			if got := string(next("ledger")); got != tc.want {
				t.Errorf("ledger %s, want %s", got, tc.want)
			}
		})
	}
}

// A cloud that hangs holds up neither the shop's events nor the end.
func TestCloudThatHangs(t *testing.T) {
	asked := make(chan struct{}, 1)
	p := open(t, world.Opts{Ledger: func(ctx context.Context) ([]byte, error) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	next, stop := p.events()
	<-asked
	p.must("insert", `{"card":"pin"}`)
	for parse[state](t, next("state")).Card != "pin" {
	}
	stop()
}

// The shop's end is told.
func TestShopThatEnds(t *testing.T) {
	dir := t.TempDir()
	cards, err := deck()
	check(t, err)
	shop, err := sim.Open(dir, cards, sim.PadKeys{})
	check(t, err)
	client, err := sim.Dial(dir)
	check(t, err)
	server := httptest.NewServer(world.New(world.Opts{Shop: client, Every: 2 * time.Millisecond}))
	p := &place{t, shop, &http.Client{Transport: &http.Transport{}, Timeout: patience}, server.URL}
	next, stop := p.events()
	next("state")
	check(t, shop.Close())
	// Which of the page's two questions the shop was too late for is chance.
	if got := string(next("gone")); !strings.HasPrefix(got, `{"error":"sim: state: `) && !strings.HasPrefix(got, `{"error":"sim: cards: `) {
		t.Errorf("gone: %s", got)
	}
	stop()
	p.client.CloseIdleConnections()
	server.Close()
	_ = client.Close()
}

func TestWhatIsRefused(t *testing.T) {
	p := open(t, world.Opts{})
	for _, tc := range []struct {
		action, body string
		status       int
		says         string
	}{
		{"explode", `{}`, 404, "no such action"},
		{"insert", `{`, 400, "not a request"},
		{"press", `{"key":["1234"]}`, 400, "not a request"},
		{"insert", strings.Repeat(" ", 5000) + `{}`, 400, "not a request"},
		{"insert", `{"card":"gold"}`, 422, "no such card"},
		{"swipe", `{"card":"gold"}`, 422, "no such card"},
		{"press", `{"key":"77"}`, 422, "neither a PIN nor a key"},
		{"unplug", `{"device":"kettle"}`, 422, "no such device"},
		{"fault", `{"device":"reader","fault":"gremlins"}`, 422, "no such fault"},
		{"slow", `{"millis":-5}`, 422, "for a line"},
		{"cable", `{"on":true}`, 422, "no cable to the cloud"},
	} {
		status, says := p.do(tc.action, tc.body)
		if status != tc.status || !strings.Contains(says, tc.says) || strings.Contains(says, "77") {
			t.Errorf("%s %.30s: %d %q, want %d %q", tc.action, tc.body, status, says, tc.status, tc.says)
		}
	}
}

func TestWhoIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name, method, path, from, host string
		headers                        map[string]string
		remote                         bool
		want                           int
	}{
		{"this machine", "GET", "/", "127.0.0.1:9", "localhost:8080", nil, false, 200},
		{"this machine, IPv6", "GET", "/", "[::1]:9", "[::1]:8080", nil, false, 200},
		{"another machine", "GET", "/", "192.0.2.1:9", "localhost:8080", nil, false, 403},
		{"another machine, the screen", "GET", "/screen/", "192.0.2.1:9", "localhost:8080", nil, false, 403},
		{"a name that points here, the screen", "GET", "/screen/ws", "127.0.0.1:9", "evil.example:8080", nil, false, 403},
		{"the screen of no terminal", "GET", "/screen/", "127.0.0.1:9", "localhost:8080", nil, false, 502},
		{"a name that points here", "GET", "/", "127.0.0.1:9", "evil.example:8080", nil, false, 403},
		{"another machine that may", "GET", "/", "192.0.2.1:9", "shop.example", nil, true, 200},
		{"another site's page", "POST", "/do/pull", "127.0.0.1:9", "localhost", map[string]string{"Origin": "http://evil.example"}, false, 403},
		{"another site's page, told", "POST", "/do/pull", "127.0.0.1:9", "localhost", map[string]string{"Sec-Fetch-Site": "cross-site"}, false, 403},
		{"no such page", "GET", "/etc/passwd", "127.0.0.1:9", "localhost", nil, false, 404},
		{"an action by GET", "GET", "/do/pull", "127.0.0.1:9", "localhost", nil, false, 405},
	} {
		r := httptest.NewRequest(tc.method, tc.path, strings.NewReader("{}"))
		r.RemoteAddr, r.Host = tc.from, tc.host
		for k, v := range tc.headers {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		world.New(world.Opts{Remote: tc.remote, Screen: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}).ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, w.Code, tc.want)
		}
	}
}

func TestPagesAreBounded(t *testing.T) {
	p := open(t, world.Opts{})
	for range 8 {
		next, stop := p.events()
		defer stop()
		next("state")
	}
	response, err := p.client.Get(p.url + "/events")
	check(t, err)
	check(t, response.Body.Close())
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the ninth page: %s", response.Status)
	}
}

func TestPageIsOnePiece(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	r.RemoteAddr = "127.0.0.1:9"
	world.New(world.Opts{Screen: &url.URL{Scheme: "http", Host: "127.0.0.1:8082"}}).ServeHTTP(w, r)
	body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	for _, want := range []string{`data-screen="screen/"`, "EventSource", `id="paper"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{"{{", " src=", "href=", "innerHTML"} {
		if strings.Contains(body, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if !strings.Contains(policy, "frame-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}

// Every action of the page is one that is known.
func TestPageKnowsTheActions(t *testing.T) {
	p := open(t, world.Opts{})
	script, err := os.ReadFile("page/world.js")
	check(t, err)
	for _, action := range []string{
		"insert", "swipe", "pull", "pull-at", "customer", "by-hand", "press", "paper-out", "paper-in", "paper-low", "cover", "jam",
		"unplug", "replug", "fault", "cable", "case",
	} {
		if !bytes.Contains(script, []byte("'"+action+"'")) {
			t.Errorf("the page does not offer %s", action)
		}
		if status, _ := p.do(action, `{}`); status == http.StatusNotFound {
			t.Errorf("%s is no action", action)
		}
	}
}
