package payment

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/secret"
)

// table is a flow with the true kernel, a card of the development set, and an
// issuer that approves: all that stands between a customer and his choice.
type table struct {
	t       *testing.T
	flow    *Flow
	request Request
	card    *sim.Card
	chip    []byte // what the host was sent
	last    []byte // chip data that was sealed last

	accounts map[string]issuer.Profile // the card's applications by AID

	choices  []int  // what the customer chooses, in turn
	deaf     string // AID whose GET PROCESSING OPTIONS is answered with 6985
	declined bool   // by the issuer
	spoiled  byte   // P1 of the GENERATE AC whose answer loses its last bit on the way
	aid      string // selected last

	asked  []string // what was said, and what he could choose from
	pins   int
	sent   CardData
	view   View // shown last
	ending Entry
}

// glassSealer lets the test read what is sealed.
type glassSealer struct{ *table }

func (glassSealer) Key() string { return "k1" }
func (s glassSealer) Seal(_ ID, part keys.Part, plain []byte) ([]byte, error) {
	if part == keys.PartChip {
		s.last = slices.Clone(plain)
	}
	if part == keys.PartChip && s.chip == nil {
		s.chip = s.last
	}
	return []byte("sealed"), nil
}
func (glassSealer) Token(secret.PAN) string { return "token" }

// tableIMK is the issuer's master key of this test.
var tableIMK = [16]byte{1, 2, 3}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newTable(t *testing.T, card string, canChoose bool) *table {
	t.Helper()
	made := testDeck()
	if made.err != nil {
		t.Fatal(made.err)
	}
	profile, ca := made.cards[card], made.ca[0]
	x := &table{t: t, request: Request{Kind: Sale, Amount: amountOf(1250)}, accounts: map[string]issuer.Profile{}}
	for _, p := range append([]issuer.Profile{profile}, profile.Others...) {
		x.accounts[fmt.Sprintf("%X", []byte(p.AID))] = p
	}
	var err error
	if x.card, err = sim.NewCard(profile, rand.Reader); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(func(tx emv.Transaction, c money.Currency) (emv.Machine, error) {
		return emv.New(emv.Config{
			TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x48, 0xC8}, CDAMode: emv.CDAMode1, Additional: [5]byte{0x60, 0, 0xA0, 0x20},
			Country: c.Numeric, Currency: c.Numeric, CurrencyExponent: c.Exponent,
			CAKeys: []oda.CAKey{{RID: issuer.RID, Index: ca.Index, Modulus: ca.Modulus, Exponent: ca.Exponent, Expiry: ca.Expiry}},
			Random: func(b []byte) { _, _ = rand.Read(b) }, CanChoose: canChoose,
			Applications: []emv.Application{{
				AID: issuer.AID, Partial: true, Version: [2]byte{0, 1}, DefaultDDOL: []byte{0x9F, 0x37, 4},
			}},
		}, tx)
	})
	cfg.Sealer = glassSealer{x}
	x.flow = NewFlow(cfg)
	return x
}

// sell does what the flow wants until it has ended.
func (x *table) sell() {
	x.t.Helper()
	queue := []Event{{Body: x.request}}
	for len(queue) > 0 {
		e := queue[0]
		e.At = noon
		step, err := x.flow.Step(e)
		if err != nil {
			x.t.Fatal(err)
		}
		queue, x.view = queue[1:], step.View
		if step.Commit != nil {
			x.ending = *step.Commit
		}
		for _, a := range step.Do {
			queue = append(queue, x.do(a)...)
		}
		if step.View.Screen == ScreenChoose && len(queue) == 0 {
			x.asked = append(x.asked, string(step.View.Notice), fmt.Sprint(step.View.Apps))
			queue = append(queue, Event{Body: Choose{x.choices[0]}})
			x.choices = x.choices[1:]
		}
		if step.Ended {
			return
		}
	}
	x.t.Fatal("the flow waits for ever")
}

// do makes an action's result, if it comes in time.
func (x *table) do(a Action) []Event {
	x.t.Helper()
	switch a := a.(type) {
	case Await:
		return []Event{{Ref: a.Ref, Body: CardSeen{Media: drivers.Contact, ATR: x.card.ATR()}}}
	case Transmit:
		return []Event{{Ref: a.Ref, Body: Response{Data: x.answer(a.Command)}}}
	case EnterPIN:
		x.pins++
		return []Event{{Ref: a.Ref, Body: PINResult{drivers.PINEntry{Block: secret.Bytes("12345678"), KSN: []byte{1}}}}}
	case Exchange:
		x.sent = a.Message.Card
		if x.declined {
			return []Event{{Ref: a.Ref, Body: HostResult{Answer{Verdict: VerdictDeclined, Code: "05"}}}}
		}
		return []Event{{Ref: a.Ref, Body: HostResult{Answer{Verdict: VerdictApproved, Code: "00", IssuerAuth: x.arpc()}}}}
	case Release:
		return []Event{{Ref: a.Ref, Body: CardGone{}}}
	case Stop:
		return []Event{{Ref: a.Ref, Body: Failed{Err: drivers.ErrCancelled}}}
	}
	return nil
}

// answer is the card's, unless the story wants another one.
func (x *table) answer(command []byte) []byte {
	const swConditions = "\x69\x85"
	switch command[1] {
	case 0xA4:
		x.aid = fmt.Sprintf("%X", command[5:5+command[4]])
	case 0xA8:
		if x.aid == x.deaf {
			return []byte(swConditions)
		}
	case 0xAE:
		answer := x.card.Exchange(command)
		if command[2] == x.spoiled {
			answer[len(answer)-3] ^= 1 // before the status word
		}
		return answer
	}
	return x.card.Exchange(command)
}

// arpc is the issuer's answer to the card's cryptogram.
func (x *table) arpc() []byte {
	x.t.Helper()
	ac, _ := tlv.Find(x.chip, tlv.ApplicationCryptogram)
	atc, _ := tlv.Find(x.chip, tlv.ATC)
	if len(ac) != 8 || len(atc) != 2 {
		x.t.Fatal("the host was sent no cryptogram")
	}
	p := x.accounts[x.sent.AID]
	sk := issuer.SessionKey(issuer.DeriveICC(tableIMK, p.PAN, p.PSN), binary.BigEndian.Uint16(atc))
	arpc := issuer.ARPC1(sk, [8]byte(ac), [2]byte{'0', '0'})
	return append(arpc[:], "00"...)
}

// The cashier's screen offers what card and terminal share, by priority, and
// the sale is done with what the customer chooses; a terminal without a screen
// takes the first. EMV 4.4 Book 1, 12.4 and Book 4, 11.3.
func TestChoiceWithTheKernel(t *testing.T) {
	const debit, credit = "F043504F53010101", "F043504F53010102"
	both := "[CLOUDPOS DEBIT CLOUDPOS CREDIT]"
	for name, tc := range map[string]struct {
		canChoose bool
		choices   []int
		deaf      string // this one cannot be used
		asked     string
		aid       string // with which it is sold; "" if it is not
		pins      int
	}{
		"first":            {canChoose: true, choices: []int{0}, asked: both, aid: debit, pins: 1},
		"second":           {canChoose: true, choices: []int{1}, asked: both, aid: credit},
		"none":             {canChoose: true, choices: []int{-1}, asked: both},
		"nobody to ask":    {aid: debit, pins: 1},
		"one cannot be":    {canChoose: true, choices: []int{0, 0}, deaf: debit, asked: both + " try-again [CLOUDPOS CREDIT]", aid: credit},
		"the last one":     {canChoose: true, choices: []int{1, -1}, deaf: credit, asked: both + " try-again [CLOUDPOS DEBIT]"},
		"next of its own":  {deaf: debit, aid: credit},
		"the first of two": {deaf: credit, aid: debit, pins: 1},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTable(t, "twoapps", tc.canChoose)
			x.choices, x.deaf = tc.choices, tc.deaf
			x.sell()
			if got := strings.TrimSpace(strings.Join(x.asked, " ")); got != tc.asked {
				t.Errorf("asked %s, want %s", got, tc.asked)
			}
			if x.sent.AID != tc.aid || x.pins != tc.pins {
				t.Errorf("sold with %s after %d PINs, want %s after %d", x.sent.AID, x.pins, tc.aid, tc.pins)
			}
			want := Approved
			if tc.aid == "" {
				want = Cancelled
			} else if p := x.accounts[tc.aid]; x.sent.Label != p.Label || x.sent.Masked != secret.PAN(p.PAN).Masked() {
				t.Errorf("the slip says %s %s, want %s of %v", x.sent.Label, x.sent.Masked, p.Label, p)
			}
			if x.ending.To != want {
				t.Errorf("the sale is %s, %+v, want %s", x.ending.To, x.ending.Ending, want)
			}
		})
	}
}
