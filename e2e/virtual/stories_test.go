package virtual

import (
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// scenario is a sale and what it comes to in fair weather.
type scenario struct {
	name     string
	card     string
	minor    int64
	slow     func(wire.Key) (before, after time.Duration) // of the host
	state    payment.State                                // in the end
	code     string
	reason   string
	attempts int
}

// tooLate is after everybody has given up, and at an instant of its own.
const tooLate = 50*time.Second + 333*time.Millisecond

// never is a host that decides too late.
func never(wire.Key) (before, after time.Duration) { return tooLate, 0 }

// mum is a host that decides, and says so too late.
func mum(wire.Key) (before, after time.Duration) { return hostTime, tooLate }

var scenarios = []scenario{
	{name: "approved", card: "approve", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "approved over T=1", card: "t1", minor: 99, state: payment.Approved, code: "00", attempts: 1},
	{name: "approved with PIN", card: "pin", minor: 2000, state: payment.Approved, code: "00", attempts: 1},
	{name: "approved with signature", card: "signature", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "approved with the card's own PIN", card: "offlinepin", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "wrong PIN for the card, then right", card: "offlinewrong", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "PIN of the card blocked", card: "pinblocked", minor: 1250, state: payment.Declined, code: "75", attempts: 1},
	{name: "declined", card: "approve", minor: 1005, state: payment.Declined, code: "05", attempts: 1},
	{name: "not enough funds", card: "decline", minor: poorMinor + 1, state: payment.Declined, code: "51", attempts: 1},
	{name: "just enough funds", card: "decline", minor: poorMinor, state: payment.Approved, code: "00", attempts: 1},
	{name: "wrong then right PIN", card: "wrongpin", minor: 4321, state: payment.Approved, code: "00", attempts: 2},
	{name: "card says no", card: "cardsaysno", minor: 777, state: payment.Reversed, code: "00", attempts: 1},
	{name: "issuer wants a call", card: "referral", minor: 1250, state: payment.Declined, code: "01", reason: "referral", attempts: 1},
	{name: "blocked card", card: "blocked", minor: 600, state: payment.Declined},
	{name: "mute card, swiped in the end", card: "mute", minor: 600, state: payment.Approved, code: "00", attempts: 1},
	{name: "swiped", card: "stripe", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "swiped, with PIN", card: "stripepin", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "swiped, declined", card: "stripe", minor: 1005, state: payment.Declined, code: "05", attempts: 1},
	{name: "swiped, host never answers", card: "stripe", minor: 3000, slow: never, state: payment.Reversed, reason: payment.ReasonHostSilent, attempts: 1},
	{name: "tapped", card: "tap-2", minor: 1250, state: payment.Approved, code: "00", attempts: 1},
	{name: "tapped, declined", card: "tap-3", minor: 1005, state: payment.Declined, code: "05", attempts: 1},
	{name: "tapped, approved by the card", card: "tap-7-offline", minor: 1250, state: payment.Approved},
	{name: "tapped, over the card's own limit", card: "tap-3-offline", minor: tapFloorMinor + 1, state: payment.Approved, code: "00", attempts: 1},
	{name: "tapped, wrong then right PIN", card: "tap-2-pin", minor: 200_00, state: payment.Approved, code: "00", attempts: 2},
	{name: "tapped with signature", card: "tap-3-sign", minor: 200_00, state: payment.Approved, code: "00", attempts: 1},
	{name: "tapped, phone looked at and tapped again", card: "tap-2-phone", minor: 200_00, state: payment.Approved, code: "00", attempts: 1},
	{name: "tapped again for the issuer", card: "tap-3-update", minor: 2500, state: payment.Approved, code: "00", attempts: 1},
	{name: "tapped, but to be inserted", card: "tap-2-no", minor: 2500, state: payment.Cancelled, reason: payment.ReasonCardTimeout},
	{name: "tapped, host never answers", card: "tap-7", minor: 3000, slow: never, state: payment.Reversed, reason: payment.ReasonHostSilent, attempts: 1},
	{name: "host never answers", card: "approve", minor: 3000, slow: never, state: payment.Reversed, reason: payment.ReasonHostSilent, attempts: 1},
	{name: "host answers too late", card: "pin", minor: 3100, slow: mum, state: payment.Reversed, reason: payment.ReasonHostSilent, attempts: 1},
}

// check holds the books of a world with one sale against what is expected.
func (s *scenario) check(w *world, b *books) {
	w.Helper()
	w.agree(b)
	if len(b.journal) != 1 {
		w.Fatalf("%d sales in the journal", len(b.journal))
	}
	r := b.journal[0]
	if r.State != s.state || r.Ending.Code != s.code && s.state != payment.Reversed || s.reason != "" && r.Ending.Reason != s.reason || len(r.Attempts) != s.attempts {
		w.Errorf("the sale is %q, code %q, reason %q, %d attempts; want %q, %q, %q, %d",
			r.State, r.Ending.Code, r.Ending.Reason, len(r.Attempts), s.state, s.code, s.reason, s.attempts)
	}
}

// chosen are the scenarios that mishaps are tried on: one for each course that
// the messages of a sale can take.
func chosen(t *testing.T) []*scenario {
	t.Helper()
	var some []*scenario
	names := []string{
		"approved with PIN", "approved with signature", "not enough funds", "wrong then right PIN", "wrong PIN for the card, then right", "mute card, swiped in the end", "swiped, with PIN", "card says no", "host never answers",
		"tapped, approved by the card", "tapped, wrong then right PIN", "tapped again for the issuer",
	}
	for _, name := range names {
		for i := range scenarios {
			if scenarios[i].name == name {
				some = append(some, &scenarios[i])
			}
		}
	}
	if len(some) != len(names) {
		t.Fatalf("%d scenarios, want %d", len(some), len(names))
	}
	return some
}

// sell starts the terminal and makes the sale.
func (s *scenario) sell(w *world) {
	w.Helper()
	w.cloud.slow = s.slow
	w.start(w.terminals[0])
	if _, err := w.terminals[0].sell(s.card, s.minor); err != nil {
		w.Errorf("sell: %v", err)
	}
}

func TestStories(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				s.sell(w)
				s.check(w, w.settle())
			})
		})
	}
}

// TestNextSaleAfterSilence: a host that is silent about one sale does not spoil
// the next.
func TestNextSaleAfterSilence(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.cloud.slow = func(k wire.Key) (before, after time.Duration) {
			if k.Seq == 1 {
				return tooLate, 0
			}
			return hostTime, 0
		}
		w.start(w.terminals[0])
		if res, err := w.terminals[0].sell("approve", 1250); err != nil || res.Record.State != payment.Reversing {
			t.Errorf("the first sale is %q, %v", res.Record.State, err)
		}
		began := time.Now()
		if res, err := w.terminals[0].sell("t1", 1250); err != nil || res.Record.State != payment.Approved {
			t.Errorf("the second sale is %q, %v", res.Record.State, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the second sale took %v: the first one is in its way", took)
		}
		w.agree(w.settle())
	})
}

// TestReversalHasTheCardsLastWord: a card that refuses what the issuer approved
// declines with an AAC, and the acquirer can open it.
func TestReversalHasTheCardsLastWord(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.start(w.terminals[0])
		if _, err := w.terminals[0].sell("cardsaysno", 777); err != nil {
			t.Fatal(err)
		}
		b := w.settle()
		w.agree(b)
		r := b.journal[0]
		m := r.Message(payment.Reverse)
		info := keys.Info(r.ID.Terminal, r.ID.Epoch, r.ID.Seq, keys.PartChip)
		chip, err := keys.Open(shared.acquirer, info, m.Card.Chip)
		if err != nil || r.State != payment.Reversed {
			t.Fatalf("the sale is %s, its chip data: %v", r.State, err)
		}
		if cid, _ := tlv.Find(chip, tlv.CryptogramInformation); len(cid) != 1 || cid[0] != 0x00 {
			t.Errorf("the last cryptogram has information %X, want an AAC's", cid)
		}
	})
}
