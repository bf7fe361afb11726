package kernel7

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv/contactless/quick"
)

// Assumptions are the constants that decide although what is known of them is
// from one source alone, from memory, or contradicts itself. They are in this
// one table, so that whoever has the book at hand corrects them here, or in a
// configuration.
type Assumptions struct {
	// CTQ is where the bits of 9F6C are. Kernels in the field read them as
	// kernel 3 does; of C-7 2.11 it is said that it has moved them.
	CTQ quick.CTQBits
	// FastDDA is the bit of the TTQ that tells the card of fDDA version 01. It
	// is JR/T 0025.12's; Book A, 5.7, has it for future use. None has no Mask.
	FastDDA quick.Bit
	// RelatedMin is the least length of 9F69. One kernel wants the whole copy
	// of the CTQ and one byte more; kernel 3 takes less.
	RelatedMin int
	// Away is how long the field is off while the cardholder looks at the
	// phone: a second in one kernel, somewhat more in kernel 3.
	Away time.Duration
	// ExpiryRequired: an approval without an expiry, 5F24, counts as expired, as
	// in kernel 3. From memory.
	ExpiryRequired bool
	// FutureEnds: an application that is not yet effective, 5F25, ends the tap.
	// One kernel does so, another does not look.
	FutureEnds bool
	// PINOrDecline: a card that wants a PIN is declined by a reader that cannot
	// ask for one. One kernel does so; kernel 3 goes on to the signature.
	PINOrDecline bool
}

// Assumed are the values that most sources have, and the stricter one where
// they are at odds.
func Assumed() Assumptions {
	return Assumptions{
		CTQ: quick.CTQVisa(), FastDDA: quick.Bit{At: 4, Mask: 0x80}, RelatedMin: 8, Away: time.Second,
		ExpiryRequired: true, FutureEnds: true, PINOrDecline: true,
	}
}

// Bounds of the table.
const (
	ctqSize, ttqSize             = 2, 4
	relatedFloor, relatedCeiling = 5, 16
	awayMax                      = 10 * time.Second
)

// check refuses a table that a tap would stumble over.
func (a *Assumptions) check() error {
	for _, b := range []quick.Bit{
		a.CTQ.OnlinePIN, a.CTQ.Signature, a.CTQ.OnlineIfODA, a.CTQ.SwitchIfODA, a.CTQ.OnlineIfOld, a.CTQ.DeviceCVM,
	} {
		if b.At < 1 || b.At > ctqSize || b.Mask == 0 {
			return fmt.Errorf("CTQ bit %02X of byte %d", b.Mask, b.At)
		}
	}
	switch {
	case a.FastDDA.Mask != 0 && (a.FastDDA.At < 1 || a.FastDDA.At > ttqSize):
		return fmt.Errorf("TTQ bit %02X of byte %d", a.FastDDA.Mask, a.FastDDA.At)
	case a.RelatedMin < relatedFloor || a.RelatedMin > relatedCeiling:
		return fmt.Errorf("9F69 of at least %d bytes", a.RelatedMin)
	case a.Away < 0 || a.Away > awayMax:
		return errors.New("field off for " + a.Away.String())
	}
	return nil
}
