package cards_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel7"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

var tapKeys = issuer.MasterKeys{AC: [16]byte{1}, MAC: [16]byte{2}, Encipher: [16]byte{3}}

var tapDay = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

type madeTaps struct {
	cards []issuer.Profile
	ca    []oda.CAKey
	err   error
}

// madeTapsOnce is made once: RSA keys are slow.
var madeTapsOnce = sync.OnceValue(func() madeTaps {
	made, ca, err := issuer.TapDeck(rand.Reader, tapKeys, tapDay)
	d := madeTaps{cards: made, err: err}
	for _, k := range ca {
		d.ca = append(d.ca, oda.CAKey{RID: k.RID, Index: k.Index, Modulus: k.Modulus, Exponent: k.Exponent, Suite: oda.Suite(k.Suite), X: k.X, Expiry: k.Expiry})
	}
	return d
})

// tapped makes a card by its name, be it of the deck or one that misbehaves.
func tapped(t testing.TB, name string) (*sim.Tapped, issuer.Profile) {
	t.Helper()
	d := madeTapsOnce()
	if d.err != nil {
		t.Fatal(d.err)
	}
	variant := sim.TapVariant{Of: name}
	for _, v := range cards.Taps() {
		if v.Name == name {
			variant = v
		}
	}
	for _, p := range d.cards {
		if p.Name == variant.Of {
			chip, err := sim.NewTapped(p, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return chip.Variant(variant), p
		}
	}
	t.Fatalf("no card %q", name)
	return nil, issuer.Profile{}
}

// antenna is a reader and a shop behind it, which sells for some amount.
type antenna struct {
	amountMinor int64
	floorMinor  int64                     // 0: every sale goes online
	trusting    bool                      // cards are not authenticated if the issuer is asked
	lenient     bool                      // TAC denial of kernel 2 denies nothing
	scripted    func(arqc [8]byte) []byte // what the issuer sends along, or nil
	bypassed    bool                      // the cardholder types no PIN
	torn        *kernel2.TornLog          // for kernel 2; nil is an empty one
	random      func([]byte)              // nil draws true numbers
	before      sim.Shim                  // somebody right before the reader, or nil
}

// The limits of the reader: from cvmMinor on, the holder is verified.
const (
	cvmMinor   = 3000
	floorMinor = 5000
	limitMinor = 20000
)

// open makes the reader's machine for one sale.
func (a *antenna) open(t testing.TB) emv.Machine {
	t.Helper()
	return opened(t, a.config(t), a.amountMinor)
}

// opened is the machine of one sale.
func opened(t testing.TB, cfg contactless.Config, amountMinor int64) emv.Machine {
	t.Helper()
	m, err := contactless.New(cfg, emv.Transaction{AmountMinor: amountMinor, Sequence: 7, At: tapDay}, emv.RestartA)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// config is the reader's, with kernels.
func (a *antenna) config(t testing.TB) contactless.Config {
	t.Helper()
	if a.random == nil {
		a.random = func(b []byte) { _, _ = rand.Read(b) }
	}
	if a.torn == nil {
		var err error
		if a.torn, err = kernel2.NewTornLog(2, 5*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	terminal := emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x60, 0x48}, Additional: [5]byte{0x60, 0x00, 0xF0, 0xB0, 0x01},
		Country: 156, Currency: 156, CurrencyExponent: 2, Serial: "SN000001",
		Applications: []emv.Application{{AID: issuer.AID, Partial: true}}, CAKeys: madeTapsOnce().ca,
		CDAMode: emv.CDAMode1, Random: a.random,
	}
	k3, err := kernel3.New(kernel3.Config{Terminal: terminal})
	if err != nil {
		t.Fatal(err)
	}
	k2, err := kernel2.New(kernel2.Config{Terminal: terminal, Applications: []kernel2.Application{a.kernel2()}, Torn: a.torn})
	if err != nil {
		t.Fatal(err)
	}
	k7, err := kernel7.New(kernel7.Config{Terminal: terminal, Assumptions: kernel7.Assumed()})
	if err != nil {
		t.Fatal(err)
	}
	limit, cvm := int64(limitMinor), int64(cvmMinor)
	combination := func(aid []byte, kernel contactless.KernelID) contactless.Combination {
		// EMV mode, contacts, online PIN, signature, authentication online too;
		// issuer update and phones.
		ttq := contactless.TTQ{0x37, 0x00, 0xC0, 0x00}
		if a.trusting {
			ttq[0] = 0x36
		}
		return contactless.Combination{
			AID: aid, Kernel: kernel, Types: []byte{0x00}, TTQ: &ttq,
			Limits: contactless.Limits{TransactionMinor: &limit, FloorMinor: &a.floorMinor, CVMMinor: &cvm},
		}
	}
	return contactless.Config{
		Combinations: []contactless.Combination{
			{AID: issuer.AIDTap2, Kernel: contactless.Kernel2, Types: []byte{0x00}, Limits: contactless.Limits{TransactionMinor: &limit}},
			combination(issuer.AIDTap3, contactless.Kernel3),
			combination(issuer.AIDTap7, contactless.Kernel7),
			combination([]byte{0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10}, contactless.Kernel3),
		},
		Kernels:          map[contactless.KernelID]contactless.Kernel{contactless.Kernel2: k2, contactless.Kernel3: k3, contactless.Kernel7: k7},
		CurrencyExponent: 2,
	}
}

// kernel2 is what the reader accepts of cards for it. Its limits are those that
// may just be reached.
func (a *antenna) kernel2() kernel2.Application {
	app := kernel2.NewApplication(issuer.AIDTap2)
	app.FloorMinor, app.LimitMinor, app.LimitDeviceMinor, app.CVMMinor = a.floorMinor, limitMinor-1, limitMinor-1, cvmMinor-1
	if a.lenient {
		app.TACDenial = [5]byte{}
	}
	app.CVMRequired, app.CVMNotRequired = 0x60, 0x08
	app.DeviceCVM, app.Relay, app.BalanceAfter = true, kernel2.NewRelay(), true
	return app
}

// sold is how a sale went.
type sold struct {
	emv.Outcome
	taps     int
	host     emv.HostResult
	asked    bool     // the issuer was
	typed    bool     // a PIN was
	messages []string // in order, as the reader showed them
	commands []byte   // their instructions
	raced    []string // the numbers of relay resistance
}

// String is the end in one line: "declined offline: signature wrong".
func (s sold) String() string {
	words := []string{"ended", "approved", "declined", "tryagain", "other interface", "next", "online"}[s.Status]
	if s.asked {
		words += " by issuer"
	}
	if s.Reason != "" && s.Reason != emv.ReasonIssuer {
		words += ": " + string(s.Reason)
	}
	if s.Status == emv.Approved {
		words += ", " + map[emv.CVM]string{emv.CVMNone: "no CVM", emv.CVMOnlinePIN: "PIN", emv.CVMSignature: "signature", emv.CVMDevice: "device"}[s.CVM]
	}
	return words
}

// held is a card, and what its issuer knows of it.
type held struct {
	card *sim.Tapped
	p    issuer.Profile
}

// sell plays one sale with a card that its owner holds to the antenna as often
// as he is asked to.
func (a *antenna) sell(t testing.TB, card *sim.Tapped, p issuer.Profile) sold {
	t.Helper()
	return a.sellTo(t, []held{{card, p}})
}

// sellTo plays one sale with a card for each tap; the last one stays.
func (a *antenna) sellTo(t testing.TB, hand []held) (s sold) {
	t.Helper()
	m := a.open(t)
	card, p := hand[0].card, hand[0].p
	var event emv.Event = emv.Begin{}
	const stepsMax = 1000
	for range stepsMax {
		action, err := m.Step(event)
		if err != nil {
			t.Fatalf("Step(%T): %v", event, err)
		}
		switch act := action.(type) {
		case emv.Show:
			s.messages = append(s.messages, act.Request.Message.String())
			event = emv.Performed{}
		case emv.Field, emv.Reenter:
			event = emv.Performed{}
		case emv.AwaitCard:
			if s.taps > 0 && s.taps < len(hand) {
				card, p = hand[s.taps].card, hand[s.taps].p
			}
			s.taps++
			event = emv.Collision{}
			if card.Enter() {
				event = emv.Start{}
			}
		case emv.AwaitClear:
			event = emv.Cleared{}
		case emv.Transmit:
			s.commands = append(s.commands, act.Command[1])
			if act.Command[1] == 0xEA {
				s.raced = append(s.raced, hex.EncodeToString(act.Command[5:9]))
			}
			answer, took := a.exchange(card, act.Command)
			event = emv.Response{Data: answer, Elapsed: took}
			if answer == nil {
				event = emv.CardGone{}
			}
		case emv.EnterPIN:
			s.typed = true
			event = emv.PINResult{Status: emv.PINEntered}
			if a.bypassed {
				event = emv.PINResult{Status: emv.PINBypassed}
			}
		case emv.GoOnline:
			s.asked = true
			s.host = a.ask(act, p)
			event = s.host
		case emv.Done:
			s.Outcome = act.Outcome
			return s
		default:
			t.Fatalf("%T is not for an antenna", act)
		}
	}
	t.Fatalf("no end after %d steps", stepsMax)
	return s
}

// exchange asks the card, past whoever stands between.
func (a *antenna) exchange(card *sim.Tapped, command []byte) (answer []byte, took time.Duration) {
	if a.before == nil {
		return card.Exchange(command)
	}
	answer = a.before(command, func(command []byte) (answer []byte) {
		answer, took = card.Exchange(command)
		return answer
	})
	return answer, took
}

// ask is the issuer: he believes cryptograms of his own cards, if their type is
// the one that the card has noted under them.
func (a *antenna) ask(q emv.GoOnline, p issuer.Profile) emv.HostResult {
	get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(q.Data, tag); return v }
	if len(get(tlv.ATC)) != 2 || len(get(tlv.CryptogramInformation)) != 1 {
		return emv.HostResult{Online: true, ARC: "30"}
	}
	master := [16]byte(p.MasterKey)
	atc := uint16(get(tlv.ATC)[0])<<8 | uint16(get(tlv.ATC)[1])
	made := p.Computes().Cryptogram(master, atc, issuer.CryptogramData(get))
	_, cvr, ok := issuer.ParseApplicationData(get(tlv.IssuerApplicationData))
	const typeMask = 0x30 // of the cryptogram, in the card's results
	honest := ok && string(made[:]) == string(get(tlv.ApplicationCryptogram)) && string(q.Card.PAN) == p.PAN
	if !honest || get(tlv.CryptogramInformation)[0]>>2 != cvr[1]&typeMask {
		return emv.HostResult{Online: true, ARC: "05"}
	}
	h := emv.HostResult{Online: true, ARC: "00", Approved: true}
	if q.Start == emv.RestartB {
		h.IssuerAuth = p.Computes().Answer(master, atc, made, [2]byte{'0', '0'})
		if a.scripted != nil {
			h.Scripts = a.scripted(made)
		}
	}
	return h
}

// shown tells whether messages came in this order, others between them.
func (s sold) shown(want ...string) bool {
	at := 0
	for _, m := range s.messages {
		if at < len(want) && strings.HasPrefix(m, want[at]) {
			at++
		}
	}
	return at == len(want)
}
