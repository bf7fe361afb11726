package sim_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.bug.st/serial"
	"go.uber.org/goleak"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var deckOnce = sync.OnceValues(func() ([]issuer.Profile, error) {
	cards, _, err := issuer.Deck(rand.Reader, issuer.MasterKeys{AC: [16]byte{7}}, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	return cards, err
})

// The pad's key is the one of X9.24-1, annex A.4, so its answers are known.
func padKeys(t *testing.T) sim.PadKeys {
	t.Helper()
	return sim.PadKeys{
		IPEK: [16]byte(unhex(t, "6AC292FAA1315B4D858AB3A3D7D5933A")),
		KSN:  [10]byte(unhex(t, "FFFF9876543210E00000")),
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad hex %q: %v", s, err)
	}
	return b
}

func open(t *testing.T, dir string) *sim.Shop {
	t.Helper()
	deck, err := deckOnce()
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.Open(dir, deck, padKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// host is the other end of a line.
type host struct {
	t    *testing.T
	port serial.Port
}

func dial(t *testing.T, path string) *host {
	t.Helper()
	port, err := serial.Open(path, &serial.Mode{BaudRate: 115200})
	check(t, err)
	t.Cleanup(func() { _ = port.Close() })
	check(t, port.SetReadTimeout(5*time.Second))
	return &host{t, port}
}

func (h *host) write(s string) {
	h.t.Helper()
	_, err := h.port.Write(unhex(h.t, s))
	check(h.t, err)
}

// read returns exactly n bytes.
func (h *host) read(n int) []byte {
	h.t.Helper()
	b := make([]byte, n)
	for got := 0; got < n; {
		m, err := h.port.Read(b[got:])
		check(h.t, err)
		if m == 0 {
			h.t.Fatalf("only % X came, want %d bytes", b[:got], n)
		}
		got += m
	}
	return b
}

func (h *host) expect(s string) {
	h.t.Helper()
	want := unhex(h.t, s)
	if got := h.read(len(want)); !bytes.Equal(got, want) {
		h.t.Fatalf("came % X, want % X", got, want)
	}
}

const (
	askStatus   = "03 06 65 00000000 00 01 000000 61"
	padTest     = "0F 31 31 0E 0E"
	paperStatus = "10 04 04"
)

func TestThreeDevicesAnswer(t *testing.T) {
	s := open(t, t.TempDir())
	r := dial(t, s.Path(sim.ReaderLine))
	r.write(askStatus)
	r.expect(askStatus)
	r.expect("03 06 81 00000000 00 01 02 00 01 86")
	p := dial(t, s.Path(sim.PINPadLine))
	p.write(padTest)
	p.expect("06")
	e := dial(t, s.Path(sim.PrinterLine))
	e.write(paperStatus)
	e.expect("12")
}

func TestReplug(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c, err := sim.Dial(dir)
	check(t, err)
	defer func() { check(t, c.Close()) }()
	r := dial(t, s.Path(sim.ReaderLine))
	before, err := os.Readlink(s.Path(sim.ReaderLine))
	check(t, err)
	check(t, c.Unplug(sim.ReaderLine))
	if n, err := r.port.Read(make([]byte, 1)); err == nil && n > 0 {
		t.Error("an unplugged line still gives bytes")
	}
	if _, err := os.Lstat(s.Path(sim.ReaderLine)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the name of an unplugged line: %v, want none", err)
	}
	if err := c.Unplug(sim.ReaderLine); !errors.Is(err, sim.ErrControl) {
		t.Errorf("second Unplug = %v, want ErrControl", err)
	}
	state, err := c.State()
	check(t, err)
	if !slices.Equal(state.Unplugged, []string{sim.ReaderLine}) {
		t.Errorf("unplugged: %v", state.Unplugged)
	}
	check(t, c.Replug(sim.ReaderLine))
	after, err := os.Readlink(s.Path(sim.ReaderLine))
	check(t, err)
	t.Logf("%s, then %s", before, after)
	again := dial(t, s.Path(sim.ReaderLine))
	again.write(askStatus)
	again.expect(askStatus)
	again.expect("03 06 81 00000000 00 01 02 00 01 86")
}

// A terminal that was killed has closed its lines; the next one finds card and
// paper where they were.
func TestLinesSurviveTheTerminal(t *testing.T) {
	s := open(t, t.TempDir())
	check(t, s.Insert("pin"))
	for range 3 {
		r := dial(t, s.Path(sim.ReaderLine))
		r.write(askStatus)
		r.expect(askStatus)
		r.expect("03 06 81 00000000 00 01 01 00 01 85")
		check(t, r.port.Close())
	}
}

func TestPINKeysAreNeverRepeated(t *testing.T) {
	dir := t.TempDir()
	const request = "02 37 30 34303132333435363738393039 1C 44 31322E3530 03 48"
	// KSN and block of the counters 1 to 3 for PIN 1234: X9.24-1, A.4.
	for i, want := range []string{
		"9876543210E000011B9C1845EB993A7A", "9876543210E0000210A01C8D02C69107", "9876543210E0000318DC07B94797B466",
	} {
		deck, err := deckOnce()
		check(t, err)
		s, err := sim.Open(dir, deck, padKeys(t))
		check(t, err)
		check(t, s.Keys("1234"))
		p := dial(t, s.Path(sim.PINPadLine))
		p.write(request)
		p.expect("06")
		got := p.read(1 + 3 + len(want) + 2)
		if text := string(got[1 : len(got)-2]); text != "710"+want {
			t.Errorf("answer %d = %s, want 710%s", i, text, want)
		}
		check(t, p.port.Close())
		check(t, s.Close())
	}
}

// apdu sends one TPDU to a T=0 card and returns what it answered.
func (h *host) apdu(tpdu string) []byte {
	h.t.Helper()
	body := unhex(h.t, tpdu)
	f := append([]byte{0x03, 0x06, 0x6F, byte(len(body)), 0, 0, 0, 0, 9, 0, 0, 0}, body...)
	sum := byte(0)
	for _, b := range f {
		sum ^= b
	}
	h.write(hex.EncodeToString(append(f, sum)))
	h.read(len(f) + 1) // the echo
	head := h.read(12)
	return h.read(int(head[3]) + int(head[4])<<8 + 1)[:int(head[3])+int(head[4])<<8]
}

// One customer, from the terminal's first poll to his leaving; the log tells
// what happened and nothing of the card's data, and the chip's counter
// outlives the shop.
func TestCustomerThroughTheLine(t *testing.T) {
	dir := t.TempDir()
	deck, err := deckOnce()
	check(t, err)
	for sale, atc := range []string{"9F36020001", "9F36020002"} {
		s, err := sim.Open(dir, deck, padKeys(t))
		check(t, err)
		check(t, s.SetCustomer(sim.Customer{Card: "pin", Auto: true}))
		r := dial(t, s.Path(sim.ReaderLine))
		r.write("03 06 6B 03000000 00 01 000000 010101 6D")
		r.expect("03 06 6B 03000000 00 01 000000 010101 6D" + "03 06 83 00000000 00 01 020000 85")
		r.write(askStatus)
		r.expect(askStatus + "50 03" + "03 06 81 00000000 00 01 01 00 01 85")
		const on = "03 06 62 00000000 00 00 01 0000 66"
		r.write(on)
		r.expect(on + "03 06 80 04000000 00 00 00 00 00 3B600000 DA")
		if got := r.apdu("00A4040007F043504F530101"); !bytes.Equal(got, unhex(t, "612F")) {
			t.Fatalf("SELECT: % X", got)
		}
		r.apdu("80A8000006830401560156")
		r.apdu("00B20114C5")
		if got := r.apdu("80CA9F3605"); !bytes.Equal(got, unhex(t, atc+"9000")) {
			t.Errorf("sale %d: counter % X, want %s", sale, got, atc)
		}
		state, err := s.State()
		check(t, err)
		if state.Card != "pin" || !state.Powered || state.APDUs != 4 {
			t.Errorf("state %+v", state)
		}
		const off = "03 06 63 00000000 00 02 00 0000 64"
		r.write(off)
		r.expect(off + "50 02" + "03 06 81 00000000 00 02 02 00 01 85")
		log, err := s.Log()
		check(t, err)
		const want = "[{pin SELECT 00A40400 7 47 9000} {pin GET PROCESSING OPTIONS 80A80000 6 20 9000}" +
			" {pin READ RECORD 00B20114 0 197 9000} {pin GET DATA 80CA9F36 0 5 9000}]"
		if got := fmt.Sprint(log); got != want {
			t.Errorf("log\n got %s\nwant %s", got, want)
		}
		check(t, r.port.Close())
		check(t, s.Close())
		if err := s.Replug(sim.ReaderLine); !errors.Is(err, sim.ErrUnplugged) {
			t.Errorf("Replug in a closed shop = %v, want ErrUnplugged", err)
		}
	}
}

func TestPaperThroughTheSocket(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c, err := sim.Dial(dir)
	check(t, err)
	defer func() { check(t, c.Close()) }()
	p := dial(t, s.Path(sim.PrinterLine))
	check(t, c.PaperOut(1))
	p.write(hex.EncodeToString([]byte("\x1b@one\ntwo\n\x10\x04\x04")))
	p.expect("7E")
	check(t, c.PaperIn())
	p.write(hex.EncodeToString([]byte("\x1b@all\n\x1dV\x00\x1bp\x00\x19\xfa\x1dr\x01")))
	p.expect("00")
	slips, err := c.Paper()
	check(t, err)
	var got []string
	for _, slip := range slips {
		got = append(got, fmt.Sprint(slip.Lines, slip.Cut, slip.Complete))
	}
	if want := []string{"[one] false false", "[two] false false", "[all] true true"}; !slices.Equal(got, want) {
		t.Errorf("paper %q, want %q", got, want)
	}
	if state, err := c.State(); err != nil || state.DrawerKicks != 1 || state.PaperOut || state.Unknown != 0 {
		t.Errorf("state %+v, %v", state, err)
	}
}

func TestOneShopInAFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	deck, err := deckOnce()
	check(t, err)
	if _, err := sim.Open(dir, deck, padKeys(t)); !errors.Is(err, sim.ErrInUse) {
		t.Errorf("second Open = %v, want ErrInUse", err)
	}
	check(t, s.Close())
	again, err := sim.Open(dir, deck, padKeys(t))
	check(t, err)
	check(t, again.Close())
}

func TestControlRefuses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c, err := sim.Dial(dir)
	check(t, err)
	defer func() { check(t, c.Close()) }()
	for name, do := range map[string]func(sim.Control) error{
		"unknown card":     func(c sim.Control) error { return c.Insert("visa") },
		"unknown customer": func(c sim.Control) error { return c.SetCustomer(sim.Customer{Card: "x", Auto: true}) },
		"unknown device":   func(c sim.Control) error { return c.Unplug("drawer") },
		"letters as PIN":   func(c sim.Control) error { return c.Keys("12x4") },
		"short PIN":        func(c sim.Control) error { return c.Keys("123") },
		"unknown fault":    func(c sim.Control) error { return c.Spoil(sim.ReaderLine, sim.Fault{Kind: "fire"}) },
		"endless delay": func(c sim.Control) error {
			return c.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.Delay, Delay: time.Hour})
		},
		"negative count": func(c sim.Control) error { return c.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.Silence, Count: -1}) },
		"after none":     func(c sim.Control) error { return c.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.Silence, After: -1}) },
		"negative APDU":  func(c sim.Control) error { return c.PullAt(-1) },
		"negative paper": func(c sim.Control) error { return c.PaperOut(-1) },
		"too slow":       func(c sim.Control) error { return c.Slow(time.Hour) },
	} {
		for where, control := range map[string]sim.Control{"in process": s.Control, "by socket": c.Control} {
			err := do(control)
			if err == nil {
				t.Errorf("%s, %s: accepted", name, where)
			}
			if err != nil && strings.Contains(err.Error(), "12x4") {
				t.Errorf("%s, %s: the error shows the keys", name, where)
			}
		}
	}
}

func TestSocketSurvivesNonsense(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	c, err := sim.Dial(dir)
	check(t, err)
	defer func() { check(t, c.Close()) }()
	conn, err := dialSocket(dir)
	check(t, err)
	defer func() { check(t, conn.Close()) }()
	_, err = io.WriteString(conn, "{]\n{\"cmd\":\"dance\"}\n{\"cmd\":\"keys\",\"keys\":[1234]}\n")
	check(t, err)
	in := json.NewDecoder(conn)
	for range 3 {
		var answer struct{ Error string }
		check(t, in.Decode(&answer))
		if answer.Error == "" || strings.Contains(answer.Error, "1234") {
			t.Errorf("answer to nonsense: %q", answer.Error)
		}
	}
	if cards, err := c.Cards(); err != nil || len(cards) < 8 {
		t.Errorf("Cards = %v, %v", cards, err)
	}
}

func TestFaults(t *testing.T) {
	s := open(t, t.TempDir())
	r := dial(t, s.Path(sim.ReaderLine))
	const good = "03 06 81 00000000 00 01 02 00 01 86"
	for _, tc := range []struct {
		fault sim.Fault
		want  string
	}{
		{sim.Fault{Kind: sim.WrongChecksum, Count: 1}, "03 06 81 00000000 00 01 02 00 01 DC"},
		{sim.Fault{Kind: sim.HalfFrame, Count: 1}, "03 06 81 000000"},
		{sim.Fault{Kind: sim.Garbage, Count: 1}, "2A 28 2E 2C 22 20 26 24 3A 38 3E 3C 32"},
		{sim.Fault{Kind: sim.Delay, Count: 1, Delay: time.Millisecond}, good},
		{sim.Fault{Kind: sim.FaultNone}, good},
	} {
		check(t, s.Spoil(sim.ReaderLine, tc.fault))
		r.write(askStatus)
		r.expect(askStatus)
		r.expect(tc.want)
	}
	check(t, s.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.HalfFrame, Count: 1, After: 2}))
	for _, want := range []string{good, good, "03 06 81 000000", good} {
		r.write(askStatus)
		r.expect(askStatus)
		r.expect(want)
	}
	if state, err := s.State(); err != nil || state.Answers[sim.ReaderLine] != 9 || state.Answers[sim.PINPadLine] != 0 {
		t.Errorf("State tells of %v answers, %v; want 9 of the reader alone", state.Answers, err)
	}
	check(t, s.Spoil(sim.ReaderLine, sim.Fault{Kind: sim.Silence, Count: 1}))
	r.write(askStatus) // neither echo nor answer
	r.write("03 06 6C 00000000 00 02 000000 6B")
	r.expect("03 06 6C 00000000 00 02 000000 6B" + "03 06 82 00000000 00 02 42 FE 00")
}

func TestNothingShowsSecrets(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	deck, err := deckOnce()
	check(t, err)
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "%v %+v %#v %x", padKeys(t), padKeys(t), padKeys(t), padKeys(t))
	log, err := s.Log()
	check(t, err)
	state, err := s.State()
	check(t, err)
	fmt.Fprintf(&shown, "%v %v", log, state)
	for _, canary := range []string{deck[1].PAN, "6ac292fa", "6AC292FA"} {
		if strings.Contains(shown.String(), canary) {
			t.Errorf("a secret shows in %s", shown.String())
		}
	}
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		check(t, err)
		if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", e.Name(), info.Mode())
		}
	}
}
