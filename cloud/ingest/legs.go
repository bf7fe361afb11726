package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// Response codes that the cloud itself gives, ISO 8583 field 39.
const codeInvalid = "12" // invalid transaction: reversed, superseded, or contradictory

// authorise asks the issuer, once the request is in the ledger. Found pending,
// after a restart, it asks again with the same key.
func (c *Core) authorise(ctx context.Context, req *wire.Request, hash string) ([]byte, error) {
	var answer []byte
	var dead bool
	err := c.update(ctx, SaleOf(req.Key), func(d *Dossier) (err error) {
		answer, err = d.openAuthorise(req, hash, c.clock())
		dead = d.Sale.Reversal != ""
		return err
	})
	if err != nil || answer != nil {
		return answer, err
	}
	if dead { // it was under way when the reversal came, and the program stopped
		return c.bury(ctx, req.Key)
	}
	decision, err := c.issuer.Authorise(ctx, *req)
	if err != nil {
		return nil, fmt.Errorf("ask the issuer: %w", err)
	}
	return c.settle(ctx, req.Key, decision)
}

// openAuthorise notes the request and returns the answer if there is one
// already, or if the issuer need not be asked.
func (d *Dossier) openAuthorise(req *wire.Request, hash string, now time.Time) ([]byte, error) {
	if m := d.message(req.Key); m != nil {
		if m.Hash != hash {
			return nil, ErrMismatch
		}
		return m.Answer, nil
	}
	refuse := d.refuses(req)
	m, err := d.add(req, hash, now)
	if err != nil {
		return nil, err
	}
	if refuse {
		if d.Sale.Authorisation == "" {
			d.Sale.Authorisation, d.Sale.Code = AuthDeclined, codeInvalid
		}
		m.Answer, err = declined(req.Key)
		return m.Answer, err
	}
	d.Sale.Authorisation, d.Sale.Attempt = AuthPending, req.Key.Attempt
	return nil, nil
}

// refuses tells whether the sale is past this authorisation.
func (d *Dossier) refuses(req *wire.Request) bool {
	s := &d.Sale
	switch {
	case !d.Known():
		return false
	case s.Reversal != "", s.Completion == Advised, !s.sameAmount(req):
		return true
	case s.Authorisation == AuthPending, s.Authorisation == AuthApproved:
		return true // of another attempt: one sale, one authorisation
	}
	return req.Key.Attempt < s.Attempt
}

// settle records the issuer's decision, unless the sale was reversed meanwhile.
func (c *Core) settle(ctx context.Context, k wire.Key, decision Decision) ([]byte, error) {
	fresh, err := wire.EncodeAnswer(answerOf(k, decision))
	if err != nil {
		return nil, err
	}
	var answer []byte
	err = c.update(ctx, SaleOf(k), func(d *Dossier) error {
		m, s := d.message(k), &d.Sale
		switch {
		case m == nil:
			return fmt.Errorf("%w: the ledger lost it", ErrRefused)
		case s.Reversal != "":
			return nil // buried below, even if it is answered: the issuer may have approved only now
		case m.Answer != nil:
			answer = m.Answer
			return nil
		}
		m.Answer, answer = fresh, fresh
		s.Last, s.Code = c.clock(), decision.Code
		s.Authorisation = AuthDeclined
		if decision.Approved {
			s.Authorisation, s.AuthCode, s.HostRef = AuthApproved, decision.AuthCode, decision.HostRef
		}
		return nil
	})
	if err != nil || answer != nil {
		return answer, err
	}
	return c.bury(ctx, k)
}

// bury ends a message that met a tombstone: what the issuer may have done for
// it is undone, then its answer is recorded. Other messages are left alone;
// they may be under way in another process.
func (c *Core) bury(ctx context.Context, k wire.Key) ([]byte, error) {
	if err := c.issuer.Reverse(ctx, SaleOf(k)); err != nil {
		return nil, fmt.Errorf("tell the issuer of the reversal: %w", err)
	}
	var answer []byte
	err := c.update(ctx, SaleOf(k), func(d *Dossier) error {
		m := d.message(k)
		if m == nil {
			return fmt.Errorf("%w: the ledger lost it", ErrRefused)
		}
		err := d.bury(m, c.clock())
		answer = m.Answer
		return err
	})
	return answer, err
}

// bury answers a message of a reversed sale. The issuer has undone the sale.
func (d *Dossier) bury(m *Message, now time.Time) (err error) {
	s := &d.Sale
	if m.Answer == nil {
		k := wire.Key{Terminal: s.Terminal, Epoch: s.Epoch, Seq: s.Seq, Leg: m.Leg, Attempt: m.Attempt}
		if m.Leg == wire.LegAuthorise {
			m.Answer, err = declined(k)
		} else {
			m.Answer, err = recorded(k)
		}
	}
	if s.Authorisation == AuthPending && m.Leg == wire.LegAuthorise && m.Attempt == s.Attempt {
		s.Authorisation, s.Code = AuthDeclined, codeInvalid
	}
	if s.Reversal == Reversing {
		s.Reversal, s.Last = Reversed, now
	}
	return err
}

// reverse sets the tombstone first, so that nothing new begins, then tells the
// issuer, and then records the acknowledgement.
func (c *Core) reverse(ctx context.Context, req *wire.Request, hash string) ([]byte, error) {
	var answer []byte
	err := c.update(ctx, SaleOf(req.Key), func(d *Dossier) (err error) {
		answer, err = d.openReverse(req, hash, c.clock())
		return err
	})
	if err != nil || answer != nil {
		return answer, err
	}
	// What this process has under way ends first and finds the tombstone; what
	// another one has finds it by itself.
	if err := c.flights.wait(ctx, req.Key); err != nil {
		return nil, err
	}
	return c.bury(ctx, req.Key)
}

func (d *Dossier) openReverse(req *wire.Request, hash string, now time.Time) ([]byte, error) {
	if m := d.message(req.Key); m != nil {
		d.update(m, req, hash, now)
		return m.Answer, nil
	}
	if _, err := d.add(req, hash, now); err != nil {
		return nil, err
	}
	if d.Sale.Reversal == "" {
		d.Sale.Reversal = Reversing
	}
	return nil, d.withdraw()
}

// withdraw turns stored approvals into declines: a duplicate of an
// authorisation that comes after the reversal must not find one.
func (d *Dossier) withdraw() error {
	for i := range d.Messages {
		m := &d.Messages[i]
		if m.Leg != wire.LegAuthorise || m.Answer == nil {
			continue
		}
		stored, err := wire.DecodeAnswer(m.Answer)
		if err != nil {
			return fmt.Errorf("stored answer: %w", err)
		}
		if stored.Verdict != wire.VerdictApproved {
			continue
		}
		if m.Answer, err = declined(stored.Key); err != nil {
			return err
		}
	}
	return nil
}

// complete records that the authorisation stands. The issuer knows already, but
// not what the card said last: it is told before the ledger, and again with
// each message that comes again, so that one commit is enough here.
func (c *Core) complete(ctx context.Context, req *wire.Request, hash string) ([]byte, error) {
	if err := c.issuer.Complete(ctx, *req); err != nil {
		return nil, fmt.Errorf("tell the issuer of the completion: %w", err)
	}
	var answer []byte
	err := c.update(ctx, SaleOf(req.Key), func(d *Dossier) (err error) {
		m := d.message(req.Key)
		if m != nil {
			d.update(m, req, hash, c.clock())
			answer = m.Answer
			return nil
		}
		if m, err = d.end(req, hash, Completed, c.clock()); err != nil {
			return err
		}
		m.Answer, err = recorded(req.Key)
		answer = m.Answer
		return err
	})
	return answer, err
}

// advise records an approval without the issuer and tells it to the issuer,
// unless the sale was reversed.
func (c *Core) advise(ctx context.Context, req *wire.Request, hash string) ([]byte, error) {
	var answer []byte
	var dead bool
	err := c.update(ctx, SaleOf(req.Key), func(d *Dossier) (err error) {
		m := d.message(req.Key)
		if m == nil {
			again := d.Sale.Completion == Advised
			if m, err = d.end(req, hash, Advised, c.clock()); err != nil {
				return err
			}
			if again { // under another attempt, which no terminal does: the issuer holds it once
				m.Answer, err = recorded(req.Key)
			}
		} else {
			d.update(m, req, hash, c.clock())
		}
		answer, dead = m.Answer, d.Sale.Reversal != ""
		return err
	})
	if err != nil || answer != nil {
		return answer, err
	}
	if !dead {
		if err := c.issuer.Advise(ctx, *req); err != nil {
			return nil, fmt.Errorf("tell the issuer of the advice: %w", err)
		}
		err = c.update(ctx, SaleOf(req.Key), func(d *Dossier) (err error) {
			m := d.message(req.Key)
			if m == nil {
				return fmt.Errorf("%w: the ledger lost it", ErrRefused)
			}
			if dead = d.Sale.Reversal != ""; dead {
				return nil // as in settle
			}
			if m.Answer == nil {
				m.Answer, err = recorded(req.Key)
			}
			answer = m.Answer
			return err
		})
	}
	if err == nil && dead {
		return c.bury(ctx, req.Key)
	}
	return answer, err
}

// end notes the terminal's word on how the sale ended.
func (d *Dossier) end(req *wire.Request, hash string, how Completion, now time.Time) (*Message, error) {
	s := &d.Sale
	switch {
	case d.Known() && !s.sameAmount(req):
		s.Alarm = "ended with another amount"
	case s.Completion != "" && s.Completion != how:
		s.Alarm = "both completed and advised"
	case s.Completion == Advised:
		s.Alarm = "advised twice"
	case how == Advised && s.Authorisation == AuthApproved:
		s.Alarm = "both authorised and advised"
	}
	m, err := d.add(req, hash, now)
	if err != nil {
		return nil, err
	}
	if s.Completion != Advised { // which the issuer holds money for
		s.Completion = how
	}
	return m, nil
}

// update takes over the details of a later version of a message that was heard
// before. A lower version, or the same again, changes nothing.
func (d *Dossier) update(m *Message, req *wire.Request, hash string, now time.Time) {
	if req.Version > m.Version {
		d.detail(req, now)
		m.Version, m.Hash = req.Version, hash
	}
}

// update changes a dossier, and logs when that made the sale one which a person
// must look at.
func (c *Core) update(ctx context.Context, id ID, change func(*Dossier) error) error {
	var alarm bool
	var sale Sale
	err := c.ledger.Update(ctx, id, func(d *Dossier) error {
		before := d.Sale.State()
		if err := change(d); err != nil {
			return err
		}
		sale = d.Sale
		alarm = before != StateConflict && sale.State() == StateConflict
		return nil
	})
	if err == nil && alarm {
		c.log.Error("sale in conflict", "sale", id.String(), "authorisation", string(sale.Authorisation),
			"completion", string(sale.Completion), "reversal", string(sale.Reversal), "alarm", sale.Alarm)
	}
	return err
}

// Recover tells the issuer of reversals that a stop of the program left
// half-told, and returns how many sales that were. Authorisations found pending
// are left to their terminal, which asks again or reverses.
func (c *Core) Recover(ctx context.Context) (int, error) {
	ids, err := c.ledger.Unsettled(ctx)
	if err != nil {
		return 0, fmt.Errorf("ingest: recover: %w", err)
	}
	for i, id := range ids {
		if err := c.issuer.Reverse(ctx, id); err != nil {
			return i, fmt.Errorf("ingest: recover %v: tell the issuer of the reversal: %w", id, err)
		}
		err := c.update(ctx, id, func(d *Dossier) (err error) {
			for i := range d.Messages {
				err = errors.Join(err, d.bury(&d.Messages[i], c.clock()))
			}
			return err
		})
		if err != nil {
			return i, fmt.Errorf("ingest: recover %v: %w", id, err)
		}
	}
	return len(ids), nil
}

func declined(k wire.Key) ([]byte, error) {
	return wire.EncodeAnswer(wire.Answer{Key: k, Verdict: wire.VerdictDeclined, Code: codeInvalid})
}

func recorded(k wire.Key) ([]byte, error) {
	return wire.EncodeAnswer(wire.Answer{Key: k, Verdict: wire.VerdictRecorded})
}

func answerOf(k wire.Key, d Decision) wire.Answer {
	a := wire.Answer{
		Key: k, Verdict: wire.VerdictDeclined, Code: d.Code, HostRef: d.HostRef,
		IssuerAuth: d.IssuerAuth, Scripts: d.Scripts,
	}
	if d.Approved {
		a.Verdict, a.AuthCode = wire.VerdictApproved, d.AuthCode
	}
	return a
}
