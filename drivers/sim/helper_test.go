package sim

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

var testIMK = [16]byte{0x0F, 0x1E, 0x2D, 0x3C, 0x4B, 0x5A, 0x69, 0x78, 1, 2, 3, 4, 5, 6, 7, 8}

// The issuer's keys for scripts.
var (
	testMAC      = [16]byte{0x11, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	testEncipher = [16]byte{0x22, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

type madeDeck struct {
	cards []issuer.Profile
	ca    []issuer.CAKey
	err   error
}

// madeOnce is made once: RSA keys are slow.
var madeOnce = sync.OnceValue(func() madeDeck {
	cards, ca, err := issuer.Deck(rand.Reader, issuer.MasterKeys{AC: testIMK, MAC: testMAC, Encipher: testEncipher}, time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	return madeDeck{cards, ca, err}
})

func testDeck(t testing.TB) []issuer.Profile {
	t.Helper()
	d := madeOnce()
	if d.err != nil {
		t.Fatal(d.err)
	}
	return d.cards
}

func profile(t testing.TB, name string) issuer.Profile {
	t.Helper()
	for _, p := range testDeck(t) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no card %q", name)
	return issuer.Profile{}
}

func newCard(t testing.TB, name string) *Card {
	t.Helper()
	c, err := NewCard(profile(t, name), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.ATR()
	return c
}

// unhex reads hexadecimal digits with spaces between.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad hex %q: %v", s, err)
	}
	return b
}

// wire collects what a device sends.
type wire struct{ sent []output }

func (w *wire) out(b []byte, k kind) { w.sent = append(w.sent, output{append([]byte{}, b...), k}) }

// take returns all bytes since the last take, as hex with a space between
// the pieces.
func (w *wire) take() string {
	var parts []string
	for _, o := range w.sent {
		parts = append(parts, fmt.Sprintf("%X", o.bytes))
	}
	w.sent = nil
	return strings.Join(parts, " ")
}

func equal(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s = %X, want %X", what, got, want)
	}
}

// virtualLine is a cable in memory, for virtual time, with a device at its far
// end.
type virtualLine struct {
	dev device

	mu   sync.Mutex
	host io.Writer
}

func (l *virtualLine) send(b []byte, _ kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.host != nil {
		_, _ = l.host.Write(b)
	}
}

func (l *virtualLine) serve(host io.ReadWriter) {
	l.mu.Lock()
	l.host = host
	l.mu.Unlock()
	buf := make([]byte, 512)
	for {
		n, err := host.Read(buf)
		if err != nil {
			l.dev.powerDown()
			return
		}
		l.dev.receive(buf[:n])
	}
}
