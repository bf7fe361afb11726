package payment

import (
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/secret"
)

// A sale may be split into parts which each stay below the floor limit. What
// was approved to the same card on the same day, as far as it is among the
// latest transactions, is therefore added to the amount. EMV 4.4 Book 3, 10.6.1.
const (
	earlierMax    = 100
	earlierWithin = 24 * time.Hour
)

// latest are the transactions to look at for split sales: none unless some
// application may be approved offline at all.
func (t *Terminal) latest() ([]Record, error) {
	if t.Latest == nil || !t.hasFloor() {
		return nil, nil
	}
	records, err := t.Latest(earlierMax)
	if err != nil {
		return nil, fmt.Errorf("payment: the latest transactions: %w", err)
	}
	return records, nil
}

// hasFloor tells whether there is a floor limit that is compared once the card
// is known. With kernels 3 and 7 it is compared before.
func (t *Terminal) hasFloor() bool {
	for _, a := range t.Params.Contact.Applications {
		if a.FloorLimitMinor > 0 {
			return true
		}
	}
	for _, a := range t.Params.Contactless.Applications {
		for _, limits := range a.Limits {
			if a.Generating != nil && limits.FloorMinor > 0 {
				return true
			}
		}
	}
	return false
}

// earlier makes the kernel's question from records that were read before: what
// was approved to a card by now.
func (t *Terminal) earlier(records []Record, c money.Currency, now time.Time) func(secret.PAN) int64 {
	return func(pan secret.PAN) int64 {
		token := t.Sealer.Token(pan)
		var sum int64
		for i := range records {
			r := &records[i]
			if r.State == Approved && r.Opening.Amount.Currency == c && now.Sub(r.At) < earlierWithin && r.Card().Token == token {
				sum += r.Opening.Amount.Minor
			}
		}
		return sum
	}
}
