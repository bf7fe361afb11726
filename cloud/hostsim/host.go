package hostsim

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// The response codes, ISO 8583 field 39.
const (
	codeApproved     = "00"
	codeDoNotHonour  = "05"
	codeInvalid      = "12"
	codeNoAccount    = "14"
	codeFormat       = "30"
	codeFunds        = "51"
	codeExpired      = "54"
	codeWrongPIN     = "55"
	codeLimit        = "61"
	codePINTries     = "75"
	codeOffline      = "Y1" // approved by the card
	triesMax         = 3
	postingsMax      = 10_000
	declinedMinorEnd = 5 // amounts of x.05 are declined
)

// Parts is what a Host is made of.
type Parts struct {
	Config     Config
	Acquirer   keys.Private // opens the sealed parts
	AcquirerID string       // name of its public half in the parameters
	Store      Store
	Now        func() time.Time
	Log        *slog.Logger // nil: nothing is logged
}

// Host is the issuer. It implements ingest.Issuer.
type Host struct {
	p        Parts
	accounts map[string]*Account // by PAN
}

// New builds a Host; accounts that the store does not know begin with their
// configured balance.
func New(ctx context.Context, p Parts) (*Host, error) {
	if err := p.Config.check(); err != nil {
		return nil, err
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	h := &Host{p: p, accounts: map[string]*Account{}}
	err := p.Store.Update(ctx, func(tx Tx) error {
		for i := range p.Config.Accounts {
			a := &p.Config.Accounts[i]
			h.accounts[a.PAN] = a
			if _, known, err := tx.Account(a.Name); err != nil || known {
				if err != nil {
					return err
				}
				continue
			}
			if err := tx.PutAccount(a.Name, Balance{a.BalanceMinor, triesMax}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("hostsim: accounts: %w", err)
	}
	return h, nil
}

// Authorise implements ingest.Issuer.
func (h *Host) Authorise(ctx context.Context, req wire.Request) (ingest.Decision, error) {
	card := h.open(&req)
	defer card.clear()
	var p Posting
	err := h.p.Store.Update(ctx, func(tx Tx) error {
		known, ok, err := tx.Posting(req.Key)
		if err != nil || ok {
			p = known
			return err
		}
		verdict, err := h.judge(tx, &req, card)
		if err != nil {
			return err
		}
		p, err = h.post(tx, &req, card.name(), verdict)
		return err
	})
	if err != nil {
		return ingest.Decision{}, fmt.Errorf("hostsim: authorise: %w", err)
	}
	h.p.Log.Info("host decided", "sale", ingest.SaleOf(req.Key).String(), "attempt", req.Key.Attempt,
		"code", p.Code, "reason", p.Reason)
	if p.Reversed {
		return ingest.Decision{Code: codeInvalid, HostRef: p.HostRef}, nil
	}
	return ingest.Decision{
		Approved: p.Approved, Code: p.Code, AuthCode: p.AuthCode, HostRef: p.HostRef, IssuerAuth: p.IssuerAuth,
		Scripts: p.Scripts,
	}, nil
}

// Advise implements ingest.Issuer: the card has approved, so the money is owed
// whatever the balance. Where no account can be found, or its card has not made
// the certificate, nobody's money is moved and the posting is left to people.
func (h *Host) Advise(ctx context.Context, req wire.Request) error {
	card := h.open(&req)
	defer card.clear()
	err := h.p.Store.Update(ctx, func(tx Tx) error {
		_, known, err := tx.Posting(req.Key)
		if err != nil || known {
			return err
		}
		buried, err := tx.Buried(ingest.SaleOf(req.Key))
		if err != nil || buried {
			return err
		}
		doubt, err := h.doubt(tx, &req, card)
		if err != nil {
			return err
		}
		account := card.name()
		if doubt != "" {
			account = ""
		}
		_, err = h.post(tx, &req, account, verdict{code: codeOffline, approved: true, reason: doubt})
		return err
	})
	if err != nil {
		return fmt.Errorf("hostsim: advise: %w", err)
	}
	return nil
}

// Reverse implements ingest.Issuer. The tombstone declines what comes later.
func (h *Host) Reverse(ctx context.Context, id ingest.ID) error {
	err := h.p.Store.Update(ctx, func(tx Tx) error {
		if err := tx.Bury(id); err != nil {
			return err
		}
		all, err := tx.PostingsOf(id)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.HeldMinor() == 0 {
				continue
			}
			if err := move(tx, p.Account, p.AmountMinor); err != nil {
				return err
			}
			p.Reversed = true
			if err := tx.Put(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("hostsim: reverse: %w", err)
	}
	h.p.Log.Info("host reversed", "sale", id.String())
	return nil
}

// Postings lists the decisions, the newest first.
func (h *Host) Postings(ctx context.Context) ([]Posting, error) {
	return h.p.Store.Postings(ctx, postingsMax)
}

// post stores a decision and moves the money.
func (h *Host) post(tx Tx, req *wire.Request, account string, v verdict) (Posting, error) {
	n, err := tx.Count()
	if err != nil {
		return Posting{}, err
	}
	p := Posting{
		Key: req.Key, Account: account, AmountMinor: req.AmountMinor, Currency: req.Currency,
		Approved: v.approved, Code: v.code, Reason: v.reason, IssuerAuth: v.issuerAuth, Scripts: v.scripts,
		HostRef: fmt.Sprintf("%012d", n+1), At: h.p.Now().UTC().Truncate(time.Millisecond),
	}
	if v.approved {
		p.AuthCode = fmt.Sprintf("%06d", (n+1)%1_000_000)
		if err := move(tx, account, -req.AmountMinor); err != nil {
			return Posting{}, err
		}
	}
	return p, tx.Put(p)
}

// move changes a balance; an account that is not known has none.
func move(tx Tx, account string, minor int64) error {
	b, known, err := tx.Account(account)
	if err != nil || !known {
		return err
	}
	b.Minor += minor
	return tx.PutAccount(account, b)
}
