package sim_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// openBoth is a shop with both decks, a reader whose card moves wait for an
// answer, and an antenna.
func openBoth(t *testing.T, dir string) (s *sim.Shop, slot, field *host) {
	t.Helper()
	contacts, err := deckOnce()
	check(t, err)
	taps, err := tapDeckOnce()
	check(t, err)
	s, err = sim.Open(dir, slices.Concat(contacts, taps), padKeys(t))
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s, quietReader(t, s), dial(t, s.Path(sim.AntennaLine))
}

// looks lets the terminal look at the antenna. More is how many card moves are
// told meanwhile.
func (h *host) looks(more int) {
	h.t.Helper()
	h.write(askStatus)
	h.read(len(unhex(h.t, askStatus)) + 2*more + 13)
}

func look(t *testing.T, s *sim.Shop) sim.State {
	t.Helper()
	state, err := s.State()
	check(t, err)
	return state
}

// Cards are held to the antenna and taken away, one beside the other.
func TestTapAndLift(t *testing.T) {
	s, _, _ := openBoth(t, t.TempDir())
	check(t, s.Tap("tap-2"))
	check(t, s.Tap("tap-3"))
	if got := look(t, s).Field; !slices.Equal(got, []string{"tap-2", "tap-3"}) {
		t.Errorf("in the field: %q", got)
	}
	check(t, s.Lift())
	check(t, s.Lift())
	if got := look(t, s).Field; len(got) != 0 {
		t.Errorf("taken away, and in the field: %q", got)
	}
	for _, card := range []string{"approve", "gold", ""} {
		if err := s.Tap(card); !errors.Is(err, sim.ErrCard) {
			t.Errorf("Tap(%q) = %v, want ErrCard", card, err)
		}
	}
}

// Who holds a card that is tapped comes to the antenna, and the customer with
// another card waits until he is gone; and the other way round.
func TestVisitorsAtBothReaders(t *testing.T) {
	dir := t.TempDir()
	s, slot, field := openBoth(t, dir)
	check(t, s.SetCustomer(sim.Customer{Card: "approve", Auto: true}))
	c, err := sim.Dial(dir)
	check(t, err)
	check(t, c.Visit("tap-7-pin"))
	if state := look(t, s); state.Visitor != "tap-7-pin" || state.Customer != "approve" {
		t.Errorf("called: %+v", state)
	}
	if got := polls(t, s, slot, 3); got != "" {
		t.Errorf("%q is in the reader during a visit at the antenna", got)
	}
	field.looks(1)
	if got := look(t, s).Field; !slices.Equal(got, []string{"tap-7-pin"}) {
		t.Errorf("the visitor holds %q to the antenna", got)
	}
	p := dial(t, s.Path(sim.PINPadLine))
	p.write(padRequest)
	p.expect("06")
	p.expect("02 37 31 30") // his PIN
	check(t, c.Close())
	for state := look(t, s); state.Visitor != "" || len(state.Field) != 0; {
		state = look(t, s)
	}
	slot.looks(1)
	if got := polls(t, s, slot, 1); got != "approve" {
		t.Errorf("after the visit %q is in the reader", got)
	}

	check(t, s.SetCustomer(sim.Customer{Card: "tap-2", Auto: true}))
	check(t, s.Visit("approve"))
	field.looks(1) // that the visitor before has gone
	if got := look(t, s).Field; len(got) != 0 {
		t.Errorf("%q is held to the antenna during a visit at the slot", got)
	}
	check(t, s.Leave())
	field.looks(1)
	if got := look(t, s).Field; !slices.Equal(got, []string{"tap-2"}) {
		t.Errorf("after the visit %q is held to the antenna", got)
	}
}

// One who can only tap gives up when the terminal looks into the slot alone, and
// not while it looks at its antenna too.
func TestGivesUp(t *testing.T) {
	s, slot, field := openBoth(t, t.TempDir())
	polls(t, s, slot, 10)
	if look(t, s).GaveUp {
		t.Error("nobody was there")
	}
	check(t, s.Visit("tap-3"))
	for range 4 {
		polls(t, s, slot, 4)
		field.write(askStatus)
		field.read(1)
		if look(t, s).GaveUp {
			t.Fatal("he gave up while the antenna was looked at")
		}
	}
	polls(t, s, slot, 5)
	if state := look(t, s); !state.GaveUp || state.Visitor != "tap-3" {
		t.Errorf("sent to the slot: %+v", state)
	}
	check(t, s.Leave())
	if look(t, s).GaveUp {
		t.Error("nobody is there any more")
	}
}

// What a tapped chip has counted it knows after the shop was closed.
func TestTapsAreCounted(t *testing.T) {
	dir := t.TempDir()
	taps, err := tapDeckOnce()
	check(t, err)
	const powerOn = "03 06 62 00000000 00 02 000000 65"
	select7, options7 := "00A4040007F043504F530307 00", "80A8000023 8321 36004000 000000001250 000000000000 0156 0000000000 0156 260314 00 01020304 00"
	for atc := byte(1); atc <= 2; atc++ {
		s, err := sim.Open(dir, taps, padKeys(t))
		check(t, err)
		field := dial(t, s.Path(sim.AntennaLine))
		field.looks(0)
		check(t, s.Tap("tap-7"))
		field.read(2)
		field.write(powerOn)
		field.read(len(unhex(t, powerOn)) + 13 + 5)
		for seq, command := range []string{select7, options7} {
			apdu := unhex(t, command)
			message := append([]byte{3, 6, 0x6F, byte(len(apdu)), 0, 0, 0, 0, byte(seq + 3), 0, 0, 0}, apdu...)
			sum := byte(0)
			for _, b := range message {
				sum ^= b
			}
			_, err := field.port.Write(append(message, sum))
			check(t, err)
			field.read(len(message) + 1)
			head := field.read(12)
			answer := field.read(int(head[3]) + 1)
			if seq == 1 && !hasATC(answer, atc) {
				t.Errorf("the chip's answer % X has not the counter %d", answer, atc)
			}
		}
		check(t, s.Close())
	}
}

// hasATC looks for 9F36.
func hasATC(answer []byte, atc byte) bool {
	for i := range len(answer) - 4 {
		if slices.Equal(answer[i:i+5], []byte{0x9F, 0x36, 0x02, 0x00, atc}) {
			return true
		}
	}
	return false
}
