package rig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/money"
)

// Line is a sale in the cloud's ledger.
type Line struct {
	Terminal  string `json:"terminal"`
	Epoch     uint32 `json:"epoch"`
	Seq       uint64 `json:"seq"`
	State     string `json:"state"`
	Entry     string `json:"entry"`
	HeldMinor int64  `json:"held_minor"`
	Alarm     string `json:"alarm"`
}

// Posting is a decision of the host simulator.
type Posting struct {
	Terminal    string `json:"terminal"`
	Epoch       uint32 `json:"epoch"`
	Seq         uint64 `json:"seq"`
	Leg         string `json:"leg"`
	Attempt     uint8  `json:"attempt"`
	AmountMinor int64  `json:"amount_minor"`
	Approved    bool   `json:"approved"`
	Reversed    bool   `json:"reversed"`
	Code        string `json:"code"`
	Reason      string `json:"reason"`
	// Account is its name; ScriptResults is 9F5B in hex.
	Account       string `json:"account"`
	ScriptResults string `json:"script_results"`
}

// Ledger is the cloud's book.
func (r *Rig) Ledger() ([]Line, error) {
	var lines []Line
	return lines, get(&http.Client{Timeout: askMax}, "http://"+r.Cloud.Ready["status"]+"/ledger?max=1000", &lines)
}

// Host is the issuer's book.
func (r *Rig) Host() ([]Posting, error) {
	var postings []Posting
	return postings, get(&http.Client{Timeout: askMax}, "http://"+r.Cloud.Ready["status"]+"/host", &postings)
}

// story is what the four books say of one sale.
type story struct {
	journal     *Record
	journalHeld int64
	ledger      *Line
	hostHeld    int64
	doubt       string // of the host, about what was approved
	slips       slips  // the customer's
	signed      slips  // those that the customer signs
}

// slips are complete ones of one kind.
type slips struct {
	originals int // that do not say that they are copies
	copies    int
	claims    int // those of both that say APPROVED
}

// Agree waits until everything is settled and then demands that journal,
// ledger, host and paper tell the same: each approved sale is held once and
// has its slip, and nothing else holds money. Terminal and cloud must run.
func (r *Rig) Agree(ctx context.Context) error {
	if err := r.UntilSettled(ctx); err != nil {
		return err
	}
	stories, err := r.stories(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(stories)) {
		if err := stories[id].check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Rig) stories(ctx context.Context) (map[string]*story, error) {
	journal, err := r.Journal(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := r.Ledger()
	if err != nil {
		return nil, err
	}
	host, err := r.Host()
	if err != nil {
		return nil, err
	}
	paper, err := r.Shop.Paper()
	if err != nil {
		return nil, err
	}
	stories := map[string]*story{}
	of := func(id string) *story {
		if stories[id] == nil {
			stories[id] = &story{}
		}
		return stories[id]
	}
	for i := range journal {
		s := of(journal[i].ID)
		s.journal = &journal[i]
		if s.journalHeld, err = held(&journal[i]); err != nil {
			return nil, err
		}
		s.slips, s.signed = count(paper, journal[i].Receipt)
	}
	for i, l := range ledger {
		of(fmt.Sprintf("%s/%d/%d", l.Terminal, l.Epoch, l.Seq)).ledger = &ledger[i]
	}
	for _, p := range host {
		if p.Approved && !p.Reversed {
			s := of(fmt.Sprintf("%s/%d/%d", p.Terminal, p.Epoch, p.Seq))
			s.hostHeld, s.doubt = s.hostHeld+p.AmountMinor, s.doubt+p.Reason
		}
	}
	return stories, nil
}

// held is the money that a record says was taken.
func held(r *Record) (int64, error) {
	if r.State != "approved" {
		return 0, nil
	}
	code, plain, _ := strings.Cut(r.Amount, " ")
	currency, err := money.Lookup(code)
	if err != nil {
		return 0, err
	}
	amount, err := money.Parse(plain, currency)
	return amount.Minor, err
}

// count finds the complete slips of a receipt. A broken piece is none.
func count(paper []sim.Slip, receipt uint32) (customers, signed slips) {
	for _, p := range paper {
		if !p.Complete || !HasReceipt(p.Lines, receipt) {
			continue
		}
		text := strings.Join(p.Lines, "\n")
		of := &customers
		if strings.Contains(text, "Signature:") {
			of = &signed
		}
		if strings.Contains(text, "*** COPY ***") {
			of.copies++
		} else {
			of.originals++
		}
		if strings.Contains(text, "APPROVED") {
			of.claims++
		}
	}
	return customers, signed
}

// HasReceipt tells whether lines on paper show a receipt's number.
func HasReceipt(lines []string, receipt uint32) bool {
	number := fmt.Sprintf("%06d", receipt)
	return slices.ContainsFunc(lines, func(l string) bool {
		words := strings.Fields(l)
		return len(words) == 2 && words[0] == "Receipt" && words[1] == number
	})
}

func (s *story) check() error {
	switch {
	case s.journal == nil && (s.hostHeld != 0 || s.ledger.HeldMinor != 0):
		return errors.New("money is held, and the journal knows nothing of it")
	case s.journal == nil:
		return nil // a message that came to nothing
	case s.hostHeld != s.journalHeld:
		return fmt.Errorf("journal says %s (%d), the host holds %d", s.journal.State, s.journalHeld, s.hostHeld)
	case s.ledger == nil && s.journalHeld != 0:
		return errors.New("approved, and the ledger knows nothing of it")
	case s.ledger != nil && (s.ledger.HeldMinor != s.journalHeld || s.ledger.State == "conflict"):
		return fmt.Errorf("journal says %s (%d), the ledger %s (%d) %s", s.journal.State, s.journalHeld, s.ledger.State, s.ledger.HeldMinor, s.ledger.Alarm)
	case s.ledger != nil && s.ledger.Entry != s.journal.Entry:
		return fmt.Errorf("read by %q in the journal, by %q in the ledger", s.journal.Entry, s.ledger.Entry)
	case s.doubt != "":
		return fmt.Errorf("the host doubts what was approved: %s", s.doubt)
	case s.journal.State == "reversed" && (s.ledger == nil || s.ledger.State != "reversed"):
		return errors.New("reversed, and the ledger does not say so")
	}
	approved := s.journal.State == "approved"
	if err := s.slips.check(approved); err != nil {
		return fmt.Errorf("customer's slip: the sale is %s: %w", s.journal.State, err)
	}
	if err := s.signed.check(approved && s.journal.CVM == "signature"); err != nil {
		return fmt.Errorf("slip to sign: the sale is %s, verified by %s: %w", s.journal.State, s.journal.CVM, err)
	}
	return nil
}

// check demands a slip if one is wanted, and one at most that is no copy.
func (s slips) check(wanted bool) error {
	switch {
	case wanted && s.originals+s.copies == 0:
		return errors.New("it is not on paper")
	case s.originals > 1:
		return fmt.Errorf("%d that do not say that they are copies", s.originals)
	case !wanted && s.originals+s.claims > 0:
		// A copy is printed of any sale that a cashier asks for, and tells how
		// that ended.
		return errors.New("it is on paper")
	}
	return nil
}
