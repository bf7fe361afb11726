package sim

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// Files in a shop's folder, beside the lines.
const (
	socketName   = "control.sock"
	countersName = "cards.state"
)

// logMax bounds the log of exchanges.
const logMax = 1000

// ErrInUse is a folder in which a shop is open already.
var ErrInUse = errors.New("sim: another process has this shop open")

// Shop is a simulated shop: reader, PIN pad, printer, cards and customers.
// Its devices keep card, paper and keys while terminals come and go. All
// methods may be called from any goroutine.
type Shop struct {
	Control

	dir     string
	hand    hand // the customer's
	reader  *reader
	antenna *antenna
	stripe  *stripe
	pad     *pinpad
	printer *printer
	wiring  wiring
	links   map[string]*link
	deck    []CardInfo
	cards   map[string]*Card
	taps    map[string]*Tapped
	server  *server

	mu    sync.Mutex
	cloud *cloudCable // nil: none was laid
	log   []Exchange
	saved map[string]Counters

	closing sync.Once
	closed  error
}

// Open makes a shop in dir, which is created if need be: the lines dir/reader,
// dir/antenna, dir/stripe, dir/pinpad and dir/printer, and the control socket. What chips and PIN pad
// must not forget (counters, DUKPT state) is kept in dir and found again. There
// are the cards of the deck and, where it has their chips, those that misbehave. It
// fails with ErrInUse when a shop is open there.
func Open(dir string, deck []issuer.Profile, pad PadKeys, misfits ...Misfit) (*Shop, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	s := &Shop{dir: dir, cards: map[string]*Card{}, taps: map[string]*Tapped{}, links: map[string]*link{}}
	s.Control = Control{do: s.apply}
	if err := s.loadCards(deck, misfits); err != nil {
		return nil, err
	}
	listener, err := listen(filepath.Join(dir, socketName))
	if err != nil {
		return nil, err
	}
	if err := s.fit(pad); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	for _, name := range lineNames {
		if err := s.links[name].plug(); err != nil {
			return nil, errors.Join(err, s.unplugAll(), listener.Close())
		}
	}
	s.server = newServer(listener, s.apply, s.hungUp)
	return s, nil
}

// loadCards makes the chips and gives them their counters back.
func (s *Shop) loadCards(deck []issuer.Profile, misfits []Misfit) error {
	state, err := os.ReadFile(filepath.Join(s.dir, countersName))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("sim: %w", err)
	default:
		if err := json.Unmarshal(state, &s.saved); err != nil {
			return fmt.Errorf("sim: %s: %w", countersName, err)
		}
	}
	if s.saved == nil {
		s.saved = map[string]Counters{}
	}
	for _, p := range deck {
		if err := s.addChip(p); err != nil {
			return err
		}
	}
	for _, m := range misfits {
		// A deck that was made before has no chip for what was thought of since.
		var err error
		switch v := m.(type) {
		case Variant:
			if chip := s.cards[v.Of]; chip != nil {
				err = s.addCard(chip.Variant(v), v.Title)
			}
		case TapVariant:
			if chip := s.taps[v.Of]; chip != nil {
				err = s.addTap(chip.Variant(v), v.Title)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addChip makes a card of the deck, for slots or to be tapped.
func (s *Shop) addChip(p issuer.Profile) error {
	if p.Tap != nil {
		t, err := NewTapped(p, rand.Reader)
		if err != nil {
			return err
		}
		s.restore(t.chip)
		return s.addTap(t, p.Title)
	}
	c, err := NewCard(p, rand.Reader)
	if err != nil {
		return err
	}
	s.restore(c)
	return s.addCard(c, p.Title)
}

// restore gives a chip what it has counted before.
func (s *Shop) restore(c *Card) {
	if k, ok := s.saved[c.chipName()]; ok {
		c.Restore(k)
	}
}

func (s *Shop) addCard(c *Card, title string) error {
	s.cards[c.Name()] = c
	return s.list(CardInfo{
		Name: c.Name(), Title: title, Of: c.variant.Of, Stripe: c.p.Stripe() != "", NoChip: c.p.Behaviour == issuer.NoChip,
	})
}

func (s *Shop) addTap(t *Tapped, title string) error {
	s.taps[t.Name()] = t
	return s.list(CardInfo{Name: t.Name(), Title: title, Of: t.variant.Of, Tap: true})
}

// list puts a card on the list, once.
func (s *Shop) list(c CardInfo) error {
	if slices.ContainsFunc(s.deck, func(have CardInfo) bool { return have.Name == c.Name }) {
		return fmt.Errorf("sim: two cards are called %q", c.Name)
	}
	s.deck = append(s.deck, c)
	return nil
}

// fit puts the devices at the ends of their lines.
func (s *Shop) fit(k PadKeys) error {
	line := func(name string) *link {
		l := newLink(filepath.Join(s.dir, name))
		s.links[name] = l
		return l
	}
	l := line(PINPadLine)
	s.pad = &pinpad{out: l.send, hand: &s.hand}
	l.dev = s.pad
	if k != (PadKeys{}) {
		store, err := openKeyFile(s.dir, k)
		if err != nil {
			return err
		}
		s.pad.keys = store
	}
	l = line(ReaderLine)
	s.reader = &reader{hand: &s.hand, out: l.send, note: s.record, inserted: s.atThePad}
	l.dev = s.reader
	l = line(AntennaLine)
	s.antenna = &antenna{out: l.send, note: s.record, came: s.atThePad}
	s.reader.waits = s.antenna.passed
	l.dev = s.antenna
	l = line(StripeLine)
	l.unheard = true
	s.stripe = &stripe{out: l.send}
	s.reader.swipe = s.stripe.swipe
	l.dev = s.stripe
	l = line(PrinterLine)
	s.printer = newPrinter(l.send)
	l.dev = s.printer
	return nil
}

// Path is where the named device's line is: dir/reader.
func (s *Shop) Path(device string) string { return filepath.Join(s.dir, device) }

// Close unplugs all devices and closes the socket. The second call does
// nothing.
func (s *Shop) Close() error {
	s.closing.Do(func() {
		s.closed = errors.Join(s.server.close(), s.unplugAll())
		s.printer.stop()
		if c := s.cable(); c != nil {
			s.closed = errors.Join(s.closed, c.close())
		}
	})
	return s.closed
}

func (s *Shop) unplugAll() error {
	var errs []error
	for _, l := range s.links {
		errs = append(errs, l.remove())
	}
	return errors.Join(errs...)
}

// record logs an exchange without its data, and saves the chip's counters when
// they changed.
func (s *Shop) record(card string, command, response []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, describe(card, command, response))
	if len(s.log) > logMax {
		s.log = s.log[len(s.log)-logMax:]
	}
	chip := s.cards[card]
	if t := s.taps[card]; t != nil {
		chip = t.chip
	}
	name, k := chip.chipName(), chip.Counters()
	if s.saved[name] == k {
		return
	}
	s.saved[name] = k
	if state, err := json.Marshal(s.saved); err == nil {
		// A counter that could not be saved only makes the next shop's chips
		// look younger; the card in hand is not affected.
		_ = replace(filepath.Join(s.dir, countersName), state, false)
	}
}

// names of commands, by CLA and INS.
var commandNames = map[uint16]string{
	0x00A4: "SELECT", 0x00B2: "READ RECORD", 0x80A8: "GET PROCESSING OPTIONS",
	0x0088: "INTERNAL AUTHENTICATE", 0x80AE: "GENERATE AC", 0x0082: "EXTERNAL AUTHENTICATE",
	0x80CA: "GET DATA", 0x0084: "GET CHALLENGE", 0x0020: "VERIFY", 0x00C0: "GET RESPONSE",
	0x80EA: "EXCHANGE RELAY RESISTANCE DATA", 0x80D0: "RECOVER AC",
	0x841E: "APPLICATION BLOCK", 0x8418: "APPLICATION UNBLOCK", 0x8416: "CARD BLOCK",
	0x8424: "PIN CHANGE/UNBLOCK", 0x04DA: "PUT DATA",
}

// describe masks an exchange: header and lengths, no data.
func describe(card string, command, response []byte) Exchange {
	e := Exchange{Card: card, Sent: max(0, len(command)-5), Got: max(0, len(response)-2)}
	if n := len(response); n >= 2 {
		e.Status = fmt.Sprintf("%X", response[n-2:])
	}
	if len(command) >= 4 {
		name, ok := commandNames[uint16(command[0])<<8|uint16(command[1])]
		if !ok {
			name = "COMMAND"
		}
		e.Command = fmt.Sprintf("%s %X", name, command[:4])
	}
	return e
}

// listen opens the control socket, unless a living process has it.
func listen(path string) (net.Listener, error) {
	const pathMax = 107 // unix(7): sun_path, with its end
	if len(path) > pathMax {
		return nil, fmt.Errorf("sim: %s: the path of a socket has at most %d bytes, this one has %d; name a shorter folder", path, pathMax, len(path))
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrInUse, path), conn.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("sim: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("sim: control socket: %w", err)
	}
	return l, nil
}
