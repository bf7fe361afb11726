package payment

import "github.com/cloudpos/cloudpos/drivers"

// How the card was read, as 9F39 and as ISO 8583 field 22 begins. A stripe is
// 90 here: its track is whole and sent as it was read, so its check value can
// be verified. 02 says that this is not certain; an acquirer which knows 02
// alone, as in China, is given that by its link. 80 is a stripe in place of a
// chip that could not be read.
const (
	EntryChip     = "05"
	EntryStripe   = "90"
	EntryFallback = "80"
	EntryTap      = "07" // a chip held to the antenna
	EntryTapTrack = "91" // which gave the track of a magnetic stripe
)

// Bounds of one sale.
const (
	chipFailuresMax = 3  // after which a stripe is as good as the chip gets
	swipesMax       = 10 // that came to nothing
	insertedMax     = 10 // in vain, where the stripe stands in for the chip
)

// StripeRules say what may be done with a magnetic stripe. The zero value
// takes none.
type StripeRules struct {
	Allowed  bool // a card without a chip may be swiped
	Fallback bool // and one whose chip could not be read
	// How the customer may be verified.
	OnlinePIN, Signature, NoCVM bool
}

// chipTries is what one sale knows of chips that could not be read. What
// counts is a chip that does not answer to its reset, or falls silent or breaks
// the protocol before an application was selected. A card that was blocked,
// declined, pulled, or has no application for this terminal can be read: it
// does not count, and its stripe is not taken in its stead. (Schemes' rules; EMV
// 4.4 leaves the stripe to them, Book 1, 12.4. It is the way down for an
// attacker too: Roland and Langer, WOOT 2013.)
type chipTries struct{ failures int }

// fail counts a chip that could not be read.
func (c *chipTries) fail() { c.failures++ }

// exhausted tells whether the stripe stands in for the chip from now on.
func (c *chipTries) exhausted(r StripeRules) bool {
	return r.Allowed && r.Fallback && c.failures >= chipFailuresMax
}

// entry is the entry mode of a card that was swiped, or "" for one whose chip
// is to be used.
func (c *chipTries) entry(r StripeRules, s *drivers.Swipe) string {
	switch {
	case !s.Chip():
		return EntryStripe
	case c.exhausted(r):
		return EntryFallback
	}
	return ""
}
