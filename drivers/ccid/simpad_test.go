package ccid_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// The driver keeps the promises of readers with keys before the simulated one,
// whose cards compare PINs in earnest: over both protocols, with the card's own
// key for PINs and without.
func TestPINConformanceSimulated(t *testing.T) {
	authority, err := issuer.NewAuthority(issuer.RID, issuer.CAIndex, issuer.BIN, time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		pad   ccid.Pad
		order issuer.Order
	}{
		"T=0, own key":     {ccid.EncipheredPad, issuer.Order{PINKey: true}},
		"T=1, signing key": {ccid.EncipheredPad, issuer.Order{Protocol: 1}},
		"plain alone":      {ccid.PlainPad, issuer.Order{}},
	} {
		order := c.order
		order.Name, order.PAN, order.PIN = "good", "9999010000000017", drivertest.RightPIN
		order.AID, order.Label, order.Expires = issuer.AID, "TEST", time.Now().AddDate(1, 0, 0)
		card, err := issuer.Personalise(rand.Reader, authority, issuer.MasterKeys{AC: [16]byte{1}}, order)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			drivertest.TestPINReader(t, func(t *testing.T) (drivers.PINReader, drivertest.PINReaderWorld) {
				shop, err := sim.Open(t.TempDir(), []issuer.Profile{card}, sim.PadKeys{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = shop.Close() })
				dial := port.Serial(shop.Path(sim.ReaderLine), port.Mode{Baud: 115200, StopBits: 2, RTSLow: true})
				return ccid.New(dial, ccid.Opts{Pad: c.pad}), padWorld{world{t, shop}, card}
			})
		})
	}
}

// padWorld does what the suite asks for at the keys.
type padWorld struct {
	world
	profile issuer.Profile
}

func (w padWorld) Insert(string) { w.must(w.shop.Insert("good")) }

func (w padWorld) WaitAsked() {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s, err := w.shop.State(); err == nil && s.Waiting {
			return
		}
	}
	w.t.Fatal("the reader did not ask for a PIN")
}

func (w padWorld) TypePIN(digits string) { w.must(w.shop.Keys(digits)) }
func (w padWorld) PressEnter()           { w.must(w.shop.Press(sim.KeyEnter)) }
func (w padWorld) PressCancel()          { w.must(w.shop.Press(sim.KeyCancel)) }

// say sends a command, which must be answered by 9000.
func (w padWorld) say(card drivers.Card, command string) []byte {
	w.t.Helper()
	r, err := card.Exchange(w.t.Context(), hexBytes(command))
	if n := len(r.Data); err != nil || n < 2 || r.Data[n-2] != 0x90 || r.Data[n-1] != 0 {
		w.t.Fatalf("%s: % X, %v, want 9000", command, r.Data, err)
	}
	return r.Data[:len(r.Data)-2]
}

// Begin selects the application and begins a transaction.
func (w padWorld) Begin(card drivers.Card) {
	w.say(card, "00 A4 04 00 07 F0 43 50 4F 53 01 01 00")
	w.say(card, "80 A8 00 00 06 83 04 01 56 01 56 00")
}

func (w padWorld) Cipher(card drivers.Card) *drivers.PINCipher {
	key, err := w.profile.Key()
	if len(w.profile.PINKey) > 0 {
		key, err = w.profile.KeyForPIN()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return &drivers.PINCipher{
		Modulus: key.N.Bytes(), Exponent: []byte{1, 0, 1}, Challenge: w.say(card, "00 84 00 00 00"),
	}
}
