package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
)

// The PINs of the deck are replaced by longer ones, which no clock shows.
const (
	rightPIN = "918273645546"
	wrongPIN = "645546918273"
)

// padKeysMax bounds the PIN entries of the story.
const padKeysMax = 30

// wiretap stands between terminal and broker and keeps what either says.
type wiretap struct {
	listener net.Listener
	work     sync.WaitGroup
	mu       sync.Mutex
	heard    bytes.Buffer
	open     []net.Conn
}

// Write keeps a piece.
func (w *wiretap) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heard.Write(b)
}

func (w *wiretap) text() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.heard.Bytes())
}

// tap listens with the cloud's certificate and speaks to it with the
// terminal's.
func tap(t *testing.T, r *rig.Rig) *wiretap {
	t.Helper()
	server, err := tls.LoadX509KeyPair(r.Path("cloud", "tls", "cloud.crt"), r.Path("cloud", "tls", "cloud.key"))
	must(t, err)
	client, err := tls.LoadX509KeyPair(r.Path("t1", "tls", "client.crt"), r.Path("t1", "tls", "client.key"))
	must(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAnyClientCert,
	})
	must(t, err)
	w := &wiretap{listener: listener}
	upstream := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1", RootCAs: authority(t, r).Pool(), Certificates: []tls.Certificate{client}}
	w.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.work.Go(func() { w.join(conn, r.MQTT, upstream) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		for _, conn := range w.open {
			_ = conn.Close()
		}
		w.mu.Unlock()
		w.work.Wait()
	})
	must(t, r.Via(listener.Addr().String()))
	return w
}

// join copies both ways until either side ends.
func (w *wiretap) join(down net.Conn, broker string, config *tls.Config) {
	defer func() { _ = down.Close() }()
	up, err := tls.Dial("tcp", broker, config)
	if err != nil {
		return // the broker is stopped; the terminal sees a connection that ends
	}
	defer func() { _ = up.Close() }()
	w.mu.Lock()
	w.open = append(w.open, down, up)
	w.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{down, up}, {up, down}} {
		both.Go(func() {
			_, _ = io.Copy(io.MultiWriter(way[0], w), way[1])
			_, _ = way[0].Close(), way[1].Close()
		})
	}
	both.Wait()
}

// hexFile reads a file of hex digits.
func hexFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	must(t, err)
	return raw
}

// secrets are all that an installation must keep to itself.
func secrets(t *testing.T, r *rig.Rig) *canaries {
	t.Helper()
	c := newCanaries()
	const cards, host, pad = "sim/cards.json", "cloud/issuer.json", "sim/pinpad.json"
	var deck []issuer.Profile
	readJSON(t, r.Path(cards), &deck)
	for _, p := range deck {
		deck = append(deck, p.Others...) // a chip may have several applications
	}
	var accounts struct {
		IMK string `json:"imk_ac"`
		BDK string `json:"bdk"`
	}
	readJSON(t, r.Path(host), &accounts)
	var padKeys sim.PadKeys
	readJSON(t, r.Path(pad), &padKeys)

	for what, text := range map[string]string{"issuer master key": accounts.IMK, "base derivation key": accounts.BDK} {
		raw, err := hex.DecodeString(text)
		must(t, err)
		c.bytes(what, host, raw)
	}
	c.bytes("initial key of the PIN pad", pad, padKeys.IPEK[:])
	c.bytes("acquirer's private key", "cloud/acquirer.key", hexFile(t, r.Path("cloud", "acquirer.key")))
	c.bytes("key that signs parameters", "cloud/params.key", hexFile(t, r.Path("cloud", "params.key")))
	for _, file := range []string{"cloud/ca.key", "cloud/tls/cloud.key", "t1/tls/client.key"} {
		text, err := os.ReadFile(r.Path(file))
		must(t, err)
		block, _ := pem.Decode(text)
		private, err := x509.ParseECPrivateKey(block.Bytes)
		must(t, err)
		scalar, err := private.Bytes()
		must(t, err)
		c.bytes("private key of "+file, file, scalar)
	}
	for _, p := range deck {
		// The issuer knows the numbers of its cards as well; see atHome.
		c.digits("PAN of "+p.Name, cards, p.PAN)
		c.bytes("master key of "+p.Name, cards, p.MasterKey)
		if p.Signs() {
			private, err := p.Key()
			must(t, err)
			c.bytes("private key of "+p.Name, cards, private.Primes[0].Bytes())
		}
		if len(p.PINKey) > 0 {
			private, err := p.KeyForPIN()
			must(t, err)
			c.bytes("private key for PINs of "+p.Name, cards, private.Primes[0].Bytes())
		}
		if p.XDA() {
			private, err := p.CurveKey()
			must(t, err)
			c.bytes("private key of "+p.Name, cards, private.Bytes())
		}
		for _, record := range p.Records {
			if track, ok := track2(record.Data); ok {
				c.bytes("track 2 of "+p.Name, cards, track)
			}
		}
	}
	c.digits("right PIN", cards, rightPIN)
	c.digits("wrong PIN", cards, wrongPIN)
	pinBlocks(t, c, deck, padKeys)
	return c
}

// track2 finds tag 57 in a record.
func track2(record []byte) ([]byte, bool) {
	if inner, ok := tlv.Find(record, 0x70); ok {
		record = inner
	}
	return tlv.Find(record, 0x57)
}

// pinBlocks adds the blocks that the PIN pad can have made, clear and
// enciphered, and the keys that it made them with.
func pinBlocks(t *testing.T, c *canaries, deck []issuer.Profile, pad sim.PadKeys) {
	t.Helper()
	dukpt, err := keys.NewDUKPT(pad.IPEK, pad.KSN)
	must(t, err)
	for n := range padKeysMax {
		key, _, err := dukpt.Next()
		must(t, err)
		c.bytes(fmt.Sprintf("DUKPT key %d", n+1), padState, key[:])
		key, err = keys.Variant(key, keys.UsePIN)
		must(t, err)
		c.bytes(fmt.Sprintf("PIN key %d", n+1), "", key[:])
		for _, p := range deck {
			for _, pin := range []string{rightPIN, wrongPIN} {
				block, err := keys.EncryptPIN(0, key, secret.Bytes(pin), secret.PAN(p.PAN))
				must(t, err)
				c.bytes("enciphered PIN block for "+p.Name, "", block)
			}
		}
	}
	for _, p := range deck {
		for _, pin := range []string{rightPIN, wrongPIN} {
			block, err := keys.EncodePIN(0, secret.Bytes(pin), secret.PAN(p.PAN))
			must(t, err)
			c.bytes("clear PIN block for "+p.Name, "", block)
		}
	}
}

// padState is the memory of the simulated PIN pad, which holds keys to come.
const padState = "sim/pinpad.state"

// chipState is the memory of the simulated chips, which holds the PIN that an
// issuer has written into one.
const chipState = "sim/cards.state"

// atHome drops what a file may hold besides what canaries know of it. The
// issuer's file knows what the deck's does, and its own keys.
func atHome(path string, found []string) []string {
	return slices.DeleteFunc(found, func(what string) bool {
		return path == "cloud/issuer.json" && strings.HasPrefix(what, "PAN of ") ||
			(path == "cloud/issuer.json" || path == chipState) && what == "right PIN"
	})
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, json.Unmarshal(data, into))
}

// TestNoSecretIsWritten sells in every way, with and without mishaps, with all
// programs at their most talkative, and then searches every byte that any of
// them has written. Memory is not searched; that nothing dumps it is.
func TestNoSecretIsWritten(t *testing.T) {
	t.Setenv("CLOUDPOS_DEBUG", "1")
	t.Setenv("TMPDIR", t.TempDir())
	r, err := rig.Prepare(rig.Opts{Programs: programs, Dir: t.TempDir(), HostSeconds: 3})
	must(t, err)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, file := range []string{r.Path("sim", "cards.json"), r.Path("cloud", "issuer.json")} {
		must(t, r.EditFile(file, func(s string) string {
			// What is typed is in lists; other zeros are no PIN.
			typed := regexp.MustCompile(`(?m)^( *)"0000"`).ReplaceAllString(s, `$1"`+wrongPIN+`"`)
			return strings.ReplaceAll(typed, `"1234"`, `"`+rightPIN+`"`)
		}))
	}
	must(t, r.EditParams(func(d *params.Document) { d.Timeouts.Card = 4 * time.Second })) // a card may stay where it is
	wire := tap(t, r)
	must(t, r.StartCloud())
	must(t, r.StartSim())
	c := secrets(t, r)
	told := story(t, r)

	searched := map[string]string{"network": string(wire.text()), "programs": r.Outputs(), "commands": told}
	for what, text := range searched {
		if found := c.find([]byte(text), ""); len(found) > 0 {
			t.Errorf("%s: %v in what was written", what, found)
		}
	}
	for where, text := range files(t, r.Dir, os.Getenv("TMPDIR")) {
		if found := atHome(where, c.find(text, where)); len(found) > 0 {
			t.Errorf("%s: %v in the file", where, found)
		}
		if name := filepath.Base(where); strings.HasPrefix(name, "core") {
			t.Errorf("%s is a memory dump", where)
		}
	}
	bites(t, r, c)
	if len(searched["network"]) < 10_000 || !strings.Contains(searched["programs"], "level=DEBUG") || !strings.Contains(told, "APPROVED") {
		t.Errorf("too little to search: network %d bytes, programs %d, commands %d", len(searched["network"]), len(searched["programs"]), len(told))
	}
}

// bites demands that the search finds each secret where it must be, and what
// is planted into what was written.
func bites(t *testing.T, r *rig.Rig, c *canaries) {
	t.Helper()
	deck, err := os.ReadFile(r.Path("sim", "cards.json"))
	must(t, err)
	found := c.find(deck, "elsewhere")
	for _, what := range []string{"PAN of pin", "track 2 of approve", "master key of pin", "private key of pin", "private key for PINs of encpin", "right PIN", "wrong PIN"} {
		if !slices.Contains(found, what) {
			t.Errorf("the search overlooks %s in the deck", what)
		}
	}
	for file, what := range map[string]string{
		"cloud/issuer.json": "base derivation key", "sim/pinpad.json": "initial key of the PIN pad",
		"cloud/acquirer.key": "acquirer's private key", "cloud/params.key": "key that signs parameters",
		chipState: "right PIN",
	} {
		text, err := os.ReadFile(r.Path(file))
		must(t, err)
		if found := c.find(text, "elsewhere"); !slices.Contains(found, what) {
			t.Errorf("the search overlooks %s in %s", what, file)
		}
	}
	journal, err := os.ReadFile(r.Path("t1", "data", "journal.db"))
	must(t, err)
	var cards []issuer.Profile
	readJSON(t, r.Path("sim", "cards.json"), &cards)
	pan, err := hex.DecodeString(cards[1].PAN)
	must(t, err)
	copy(journal[len(journal)/2:], pan)
	if found := c.find(journal, "t1/data/journal.db"); len(found) != 1 || found[0] != "PAN of "+cards[1].Name {
		t.Errorf("a planted number is found as %v", found)
	}
}

// files reads all files below folders. Names are those within the installation.
func files(t *testing.T, folders ...string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, folder := range folders {
		must(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			name, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "sim/pinpad-") && strings.HasSuffix(name, ".state") {
				name = padState
			}
			all[name], err = os.ReadFile(path)
			return err
		}))
	}
	for _, want := range []string{"t1/data/journal.db", "cloud/data/ledger.db", "cloud/data/host.db", padState, chipState} {
		if len(all[want]) == 0 {
			t.Errorf("%s is not among the %d files", want, len(all))
		}
	}
	return all
}

// story sells in every way and returns what the commands have printed.
func story(t *testing.T, r *rig.Rig) string {
	t.Helper()
	var told strings.Builder
	tell := func(p program, args ...string) {
		t.Helper()
		stdout, stderr, status, err := p(t.Context(), args...)
		must(t, err)
		fmt.Fprintf(&told, "%q: %d\n%s%s\n", args, status, stdout, stderr)
	}
	sell := func(args ...string) {
		t.Helper()
		tell(r.Terminal, append([]string{"sale", "--amount", "2.00"}, args...)...)
	}

	sell("--card", "pin") // in a process of its own
	must(t, r.StartAgent(t.Context()))
	cards, err := r.Shop.Cards()
	must(t, err)
	for _, card := range cards {
		sell("--card", card.Name)
	}
	sell("--card", "pin", "--json")
	sell("--card", "gold")
	tell(r.Terminal, "sale", "--amount", "10.05", "--card", "pin")

	for _, device := range []string{sim.ReaderLine, sim.PINPadLine} {
		for _, kind := range []sim.FaultKind{sim.Garbage, sim.WrongChecksum, sim.HalfFrame} {
			must(t, r.Shop.Spoil(device, sim.Fault{Kind: kind, Count: 3, After: 2}))
			sell("--card", "pin")
			must(t, r.Shop.Spoil(device, sim.Fault{Kind: sim.FaultNone}))
		}
	}
	for _, kind := range []sim.FaultKind{sim.Garbage, sim.WrongChecksum, sim.HalfFrame} {
		must(t, r.Shop.Spoil(sim.AntennaLine, sim.Fault{Kind: kind, Count: 3, After: 2}))
		sell("--card", "tap-7-pin", "--amount", "150.00")
		must(t, r.Shop.Spoil(sim.AntennaLine, sim.Fault{Kind: sim.FaultNone}))
		must(t, r.Shop.Spoil(sim.StripeLine, sim.Fault{Kind: kind, Count: 1}))
		sell("--card", "stripe")
	}
	must(t, r.UntilSettled(t.Context()))
	must(t, r.Shop.PaperOut(3))
	sell("--card", "pin")
	owes(t, r, "out of paper")
	must(t, r.Shop.PaperIn())
	must(t, r.UntilSettled(t.Context()))

	quitWhileAuthorising(t, r, &told)
	must(t, r.Agree(t.Context()))
	state, err := r.Shop.State()
	must(t, err)
	if state.PINRequests < 10 || state.PINRequests > padKeysMax {
		t.Errorf("%d PIN requests, want 10 to %d: the search knows so many keys", state.PINRequests, padKeysMax)
	}

	tell(r.Terminal, "journal", "list")
	tell(r.Terminal, "journal", "list", "--json", "--limit", "1000")
	records, err := r.Journal(t.Context())
	must(t, err)
	for i := 0; i < len(records); i += 4 {
		tell(r.Terminal, "journal", "show", records[i].ID)
	}
	for _, book := range []string{"list", "host"} {
		tell(r.CloudEnds, "ledger", book)
		tell(r.CloudEnds, "ledger", book, "--json")
	}
	paper, err := r.Shop.Paper()
	must(t, err)
	log, err := r.Shop.Log()
	must(t, err)
	fmt.Fprintf(&told, "%+v\n%+v\n%+v\n", paper, log, state)
	for _, page := range []string{"ledger?max=1000", "host", "healthz"} {
		resp, err := http.Get("http://" + r.Cloud.Ready["status"] + "/" + page)
		must(t, err)
		_, err = io.Copy(&told, resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
	}
	must(t, r.Agent.Stop())
	must(t, r.Cloud.Stop())
	return told.String()
}

// quitWhileAuthorising makes terminal, cloud and simulated shop print all their
// goroutines while a PIN is on its way.
func quitWhileAuthorising(t *testing.T, r *rig.Rig, told *strings.Builder) {
	t.Helper()
	must(t, r.Cloud.Pause())
	selling, err := r.Begin("--amount", "2.00", "--card", "pin")
	must(t, err)
	must(t, r.UntilScreen(t.Context(), "authorising"))
	for _, p := range []*rig.Process{r.Agent, r.Cloud} {
		must(t, syscall.Kill(p.PID(), syscall.SIGQUIT))
		must(t, p.Resume())
		must(t, r.Until(t.Context(), p.Name+" has ended", func() (bool, error) { return p.Ended(), nil }))
		if !strings.Contains(p.Output(), "goroutine ") {
			t.Errorf("%s printed no goroutines", p.Name)
		}
	}
	if report, err := selling.End(t.Context()); err == nil && report.Exit == 0 {
		t.Errorf("approved by a terminal that died: %+v", report)
	} else {
		fmt.Fprintf(told, "%+v %v\n", report, err)
	}
	must(t, r.StartCloud())
	must(t, r.StartAgent(t.Context()))
}
