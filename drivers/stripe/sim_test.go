package stripe_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/stripe"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// The driver keeps the promises of its class before the simulated reader, on a
// pseudo-terminal, through the true serial wrapper.
func TestConformanceSimulated(t *testing.T) {
	deck, _, err := issuer.Deck(rand.Reader, issuer.MasterKeys{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	drivertest.TestStripe(t, func(t *testing.T) (drivers.Reader, drivertest.StripeWorld) {
		shop, err := sim.Open(t.TempDir(), deck, sim.PadKeys{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shop.Close() })
		dial := port.Serial(shop.Path(sim.StripeLine), port.Mode{Baud: 9600})
		return stripe.New(dial, stripe.Opts{}), world{t, shop}
	})
}

// world does what the suite asks for in a simulated shop.
type world struct {
	t    *testing.T
	shop *sim.Shop
}

func (w world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w world) Unplug() { w.must(w.shop.Unplug(sim.StripeLine)) }
func (w world) Replug() { w.must(w.shop.Replug(sim.StripeLine)) }

func (w world) Swipe(card string) {
	if card == drivertest.SwipeBad {
		w.spoilt(sim.HalfFrame)
		return
	}
	w.swipe()
}

func (w world) Noise() { w.spoilt(sim.Garbage) }

func (w world) spoilt(k sim.FaultKind) {
	w.must(w.shop.Spoil(sim.StripeLine, sim.Fault{Kind: k}))
	w.swipe()
	w.must(w.shop.Spoil(sim.StripeLine, sim.Fault{Kind: sim.FaultNone}))
}

// swipe returns when the reader has sent what it read.
func (w world) swipe() {
	before := w.sent()
	w.must(w.shop.Swipe("stripe"))
	for end := time.Now().Add(10 * time.Second); w.sent() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Error("the reader sends nothing")
			return
		}
	}
}

func (w world) sent() int {
	state, err := w.shop.State()
	w.must(err)
	return state.Answers[sim.StripeLine]
}
