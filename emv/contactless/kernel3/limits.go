package kernel3

import (
	"bytes"
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bounds of the dynamic limits.
const (
	dynamicMax             = 4
	programMin, programMax = 1, 16
)

// A LimitSet are the limits for cards of one program: whose application program
// identifier, 9F5A, begins with Program. EMV Contactless Book C-3, 5.2 and
// Annex B.
type LimitSet struct {
	Program []byte
	Limits  contactless.Limits
}

func checkDynamic(sets []LimitSet) error {
	if len(sets) > dynamicMax {
		return fmt.Errorf("%d dynamic limits, at most %d", len(sets), dynamicMax)
	}
	for i, set := range sets {
		if len(set.Program) < programMin || len(set.Program) > programMax {
			return fmt.Errorf("program identifier of %d bytes, want %d to %d", len(set.Program), programMin, programMax)
		}
		for _, other := range sets[:i] {
			if bytes.Equal(other.Program, set.Program) {
				return fmt.Errorf("program identifier %X twice", set.Program)
			}
		}
	}
	return nil
}

// limit puts the limits of the card's program in force, the longest identifier
// that fits, and leaves an application that is not allowed. EMV Contactless
// Book C-3, 5.2 and Annex B.
func (t *tap) limit() emv.Action {
	var best *LimitSet
	for i := range t.cfg.Dynamic {
		set := &t.cfg.Dynamic[i]
		fits := bytes.HasPrefix(t.Card[tlv.ApplicationProgram], set.Program)
		if fits && (best == nil || len(set.Program) > len(best.Program)) {
			best = set
		}
	}
	if best == nil {
		return nil
	}
	found := best.Limits.Check(t.a.Transaction, t.cfg.Terminal.CurrencyExponent, (*contactless.TTQ)(&t.TTQ))
	t.SetTTQ(quick.Qualifiers(found.TTQ))
	if found.NotAllowed {
		return t.Next("a dynamic limit (Book C-3, 5.2)")
	}
	return nil
}
