package virtual

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// TestDifferencesAreFound falsifies good books in each way that matters.
func TestDifferencesAreFound(t *testing.T) {
	var good *books
	inWorld(t, 1, func(w *world) {
		w.start(w.terminals[0])
		// Sales 1 to 4: approved, declined, reversed, approved.
		for _, s := range []struct {
			card  string
			minor int64
		}{{"approve", 1250}, {"approve", 1005}, {"cardsaysno", 777}, {"pin", 4000}} {
			if _, err := w.terminals[0].sell(s.card, s.minor); err != nil {
				t.Fatal(err)
			}
		}
		good = w.settle()
		w.agree(good)
	})
	const terminal = "dev:t1"
	for _, c := range []struct {
		name    string
		falsify func(b *books)
		want    string
	}{
		{"lost in the journal", func(b *books) { b.journal = slices.Delete(b.journal, 3, 4) }, "0 times in the journal, 1 in the ledger"},
		{"twice in the journal", func(b *books) { b.journal = append(b.journal, b.journal[0]) }, "2 times in the journal"},
		{"lost in the ledger", func(b *books) { b.ledger = b.ledger[:3] }, `the ledger ""`},
		{"twice in the ledger", func(b *books) { b.ledger = append(b.ledger, b.ledger[0]) }, "2 times in the ledger"},
		{"another amount in the ledger", func(b *books) { b.ledger[0].AmountMinor++ }, "ledger CNY 4001"},
		{"another code in the ledger", func(b *books) { b.ledger[2].Code = "51" }, `code "51"`},
		{"another authorisation in the ledger", func(b *books) { b.ledger[0].AuthCode = "x" }, `"x"`},
		{"another entry mode in the ledger", func(b *books) { b.ledger[0].Entry = "07" }, `by "07" in the ledger`},
		{"doubted by the host", func(b *books) { b.host[0].Reason = "atc" }, "the host doubts"},
		{"not completed", func(b *books) { b.ledger[0].State = ingest.StateAuthorised }, `the ledger "authorised"`},
		{"conflict", func(b *books) { b.ledger[0].State = ingest.StateConflict }, "in conflict"},
		{"not reversed", func(b *books) { b.ledger[1].State = ingest.StateDeclined }, "the journal has it reversed"},
		{"still reversing", func(b *books) { b.journal[1].State = payment.Reversing }, "not at rest"},
		{"still authorising", func(b *books) { b.journal[1].State = payment.Authorising }, "not at rest"},
		{"not acknowledged", func(b *books) { b.journal[0].Acknowledged = false }, `pending "complete"`},
		{"not settled", func(b *books) { b.unsettled = []ingest.ID{b.ledger[1].ID} }, "has not settled"},
		{"not posted", func(b *books) { b.host = b.host[1:] }, "the host holds 0"},
		{"held in spite of the reversal", func(b *books) { b.host[1].Reversed = false }, "the host holds 777"},
		{"posted twice", func(b *books) { b.host = append(b.host, b.host[0]) }, "the host holds 8000"},
		{"posted for nobody", func(b *books) { b.host[0].Seq = 9 }, "sale dev:t1/1/9: 0 times in the journal"},
		{"money gone", func(b *books) { b.closing["pin"]-- }, "account pin: 4001 is gone"},
		{"no slip", func(b *books) { b.paper[terminal] = b.paper[terminal][1:] }, "0 slips and 0 copies"},
		{"two slips", func(b *books) { b.paper[terminal] = append(b.paper[terminal], b.paper[terminal][0]) }, "2 slips and 0 copies"},
		{"a slip of a reversed sale", func(b *books) { b.changeSlip("000001", "000003") }, `has "reversed", on paper there are 1`},
		{"a slip of no sale", func(b *books) { b.changeSlip("000001", "000042") }, "receipt number 000042 belongs to 0 sales"},
		{"another sum on the slip", func(b *books) { b.changeSlip("12.50", "12.51") }, "the slip says CNY 12.51"},
		{"a copy without a reason", func(b *books) { b.changeSlip("Customer copy", "*** COPY ***") }, "0 slips and 1 copies"},
		{"approved after the reversal", func(b *books) { b.answers = append(b.answers, b.approval(3)) }, "and then approved"},
		{"told approved", func(b *books) { b.told[2].screen = payment.ScreenApproved }, `was told "approved"`},
		{"told declined", func(b *books) { b.told[0].screen = payment.ScreenDeclined }, `was told "declined"`},
		{"told in doubt", func(b *books) { b.told[1].screen = payment.ScreenInDoubt }, `was told "in-doubt"`},
	} {
		bad := good.clone()
		c.falsify(bad)
		if found := strings.Join(bad.differences(), "\n"); !strings.Contains(found, c.want) {
			t.Errorf("%s: found %q, want %q in it", c.name, found, c.want)
		}
	}
	if found := good.differences(); len(found) > 0 {
		t.Errorf("the good books were changed: %v", found)
	}
}

// approval is the cloud's answer to the authorisation of a sale.
func (b *books) approval(seq uint64) wire.Answer {
	i := slices.IndexFunc(b.answers, func(a wire.Answer) bool { return a.Key.Seq == seq && a.Verdict == wire.VerdictApproved })
	return b.answers[i]
}

// clone copies books as deep as the test changes them.
func (b *books) clone() *books {
	c := *b
	c.journal, c.ledger, c.host, c.told = slices.Clone(b.journal), slices.Clone(b.ledger), slices.Clone(b.host), slices.Clone(b.told)
	c.closing, c.paper = map[string]int64{}, map[string][]string{}
	for name, minor := range b.closing {
		c.closing[name] = minor
	}
	for terminal, slips := range b.paper {
		c.paper[terminal] = slices.Clone(slips)
	}
	return &c
}

// changeSlip writes something else on the slip that says before.
func (b *books) changeSlip(before, after string) {
	for _, slips := range b.paper {
		for i := range slips {
			if strings.Contains(slips[i], before) {
				slips[i] = strings.ReplaceAll(slips[i], before, after)
				return
			}
		}
	}
}
