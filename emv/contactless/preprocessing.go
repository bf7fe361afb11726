package contactless

import "github.com/cloudpos/cloudpos/emv"

// TTQ are the terminal transaction qualifiers, 9F66. EMV Contactless Book A,
// 5.7.
type TTQ [4]byte

// Bits of the first two bytes of the TTQ.
const (
	ttqOfflineOnly      = 0x08 // byte 1
	ttqOnlineCryptogram = 0x80 // byte 2
	ttqCVMRequired      = 0x40 // byte 2
)

// Limits decide what a tap may do at an amount. A limit that is nil is not
// checked. EMV Contactless Book A, 5.
type Limits struct {
	StatusCheck        bool // one unit of the currency asks whether the card is good
	ZeroRefused        bool // an amount of zero is not allowed
	TransactionMinor   *int64
	FloorMinor         *int64
	TerminalFloorMinor *int64 // instead of a missing FloorMinor
	CVMMinor           *int64
}

// Indicators are what pre-processing finds of a combination. EMV Contactless
// Book B, 3.1.1.1.
type Indicators struct {
	StatusCheckRequested bool
	NotAllowed           bool
	ZeroAmount           bool
	CVMRequired          bool // the limit is reached
	FloorExceeded        bool
	TTQ                  TTQ // with the bits that follow from the others; zero if there are none
}

// Check compares a sale's amount with the limits. exponent is the currency's, ttq
// are those of the configuration, or nil. That a merchant wants the issuer asked
// counts as an amount over the floor limit. EMV Contactless Book B, 3.1.1.1 to
// 3.1.1.12.
func (l *Limits) Check(tx emv.Transaction, exponent uint8, ttq *TTQ) Indicators {
	amountMinor := tx.AmountMinor
	unitMinor := int64(1)
	for range exponent {
		unitMinor *= 10
	}
	reaches := func(limit *int64) bool { return limit != nil && amountMinor >= *limit }
	exceeds := func(limit *int64) bool { return limit != nil && amountMinor > *limit }
	found := Indicators{
		StatusCheckRequested: l.StatusCheck && amountMinor == unitMinor,
		ZeroAmount:           amountMinor == 0 && !l.ZeroRefused,
		NotAllowed:           amountMinor == 0 && l.ZeroRefused || reaches(l.TransactionMinor),
		FloorExceeded:        exceeds(l.FloorMinor) || l.FloorMinor == nil && exceeds(l.TerminalFloorMinor),
		CVMRequired:          reaches(l.CVMMinor),
	}
	if ttq == nil {
		return found
	}
	found.TTQ = *ttq
	found.TTQ[1] &^= ttqOnlineCryptogram | ttqCVMRequired
	if found.ZeroAmount && ttq[0]&ttqOfflineOnly != 0 {
		found.NotAllowed = true
	} else if found.ZeroAmount || found.FloorExceeded || found.StatusCheckRequested || tx.ForcedOnline {
		found.TTQ[1] |= ttqOnlineCryptogram
	}
	if found.CVMRequired {
		found.TTQ[1] |= ttqCVMRequired
	}
	return found
}

// preprocess is start A. If no combination is left, the cardholder takes
// another interface. EMV Contactless Book B, 3.1.1.13.
func (p *EntryPoint) preprocess() (emv.Action, error) {
	allowed := false
	for i := range p.combinations {
		c := &p.combinations[i]
		c.found = c.Limits.Check(p.tx, p.cfg.CurrencyExponent, c.TTQ)
		allowed = allowed || !c.found.NotAllowed
	}
	if allowed {
		return p.activate()
	}
	return p.conclude(emv.Outcome{
		Status: emv.TryAnotherInterface, Reason: ReasonInterface, CVM: emv.CVMNotApplicable,
		Detail: "no combination is allowed (Book B, 3.1.1.13)",
		Parameters: emv.Parameters{UIOnOutcome: &emv.UIRequest{
			Message: emv.MessageInsertOrSwipe, Status: emv.UIProcessingError,
		}},
	})
}
