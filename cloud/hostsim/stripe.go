package hostsim

import (
	"strings"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// judgeStripe decides about a card that was swiped. Its stripe must be as it
// was written, and proves no more than that: it can be copied.
func (h *Host) judgeStripe(tx Tx, req *wire.Request, c *card) (verdict, error) {
	if v := checkStripe(req, c); v.code != "" {
		return v, nil
	}
	return h.judgeCustomer(tx, req, c, pinWord{unverified: serviceDigit(c.account, 3, "05") && req.PIN == nil})
}

// checkStripe compares the track with the account's. The stripe of a chip card
// is taken only where its chip could not be read, as entry mode 80 says: else a
// copy of the stripe would be as good as the card.
func checkStripe(req *wire.Request, c *card) verdict {
	said, fits := c.afterNumber()
	if len(c.chip) > 0 {
		return no(codeFormat, reasonChip)
	}
	if len(c.track) == 0 || !fits {
		return no(codeNoAccount, reasonTrack)
	}
	if len(said) != stripeSize || said != c.account.Stripe || !strings.HasPrefix(c.expiry, said[:4]) {
		return no(codeDoNotHonour, reasonTrack)
	}
	switch chip := serviceDigit(c.account, 1, "26"); {
	case chip && req.Entry == wire.EntryStripe:
		return no(codeDoNotHonour, reasonSwiped)
	case !chip && req.Entry == wire.EntryFallback:
		return no(codeFormat, reasonEntry)
	}
	return verdict{}
}

// serviceDigit tells whether a digit of the account's service code, from 1, is
// one of those. ISO/IEC 7813: the first says chip with 2 and 6, the third wants
// a PIN with 0 and 5.
func serviceDigit(a *Account, place int, of string) bool {
	const expirySize = 4
	return len(a.Stripe) == stripeSize && strings.IndexByte(of, a.Stripe[expirySize+place-1]) >= 0
}
