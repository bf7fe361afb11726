package contactless

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
)

// Bounds of a configuration.
const (
	combinationsMax = 128
	aidMin, aidMax  = 5, 16
	exponentMax     = 9
	amountMaxMinor  = 999_999_999_999 // n12
)

// Values of the transaction type, 9C, that matter here.
const (
	typePurchase = 0x00
	typeCashback = 0x09
)

// KernelID names a kernel by 9F2A: one byte for an international one, three
// for a domestic one. EMV Contactless Book B, 3.3.2.5.
type KernelID uint32

// The kernels of EMV Contactless Books C-1 to C-7.
const (
	Kernel1 KernelID = 1 // some JCB and Visa cards
	Kernel2 KernelID = 2 // Mastercard
	Kernel3 KernelID = 3 // Visa
	Kernel4 KernelID = 4 // American Express
	Kernel5 KernelID = 5 // JCB
	Kernel6 KernelID = 6 // Discover
	Kernel7 KernelID = 7 // UnionPay
)

// String is the identifier as the books write it: "03", "810978".
func (id KernelID) String() string {
	if id > 0xFF {
		return fmt.Sprintf("%06X", uint32(id))
	}
	return fmt.Sprintf("%02X", uint32(id))
}

// Config is what a contactless reader is. It does not change during a
// transaction.
type Config struct {
	Combinations     []Combination // of those that a card likes equally, the first is taken
	Kernels          map[KernelID]Kernel
	CurrencyExponent uint8 // of the transaction's currency
}

// A Combination is an application and the kernel for it, with the limits for
// some types of transaction. EMV Contactless Book A, 5.
type Combination struct {
	AID               []byte
	Kernel            KernelID
	Types             []byte // values of 9C; 09 is also a purchase with cashback
	Limits            Limits
	TTQ               *TTQ // 9F66, or nil for a kernel that has none
	ExtendedSelection bool // what the card says in 9F29 goes with the name
}

// combination is one of the transaction's type, with its indicators.
type combination struct {
	*Combination
	found Indicators
}

// combinationsFor picks those of the transaction's type. Their indicators are
// as without pre-processing. EMV Contactless Book B, 3.2.1.1.
func combinationsFor(all []Combination, tx emv.Transaction) []combination {
	kind := tx.Type
	if kind == typePurchase && tx.OtherMinor > 0 {
		kind = typeCashback
	}
	var list []combination
	for i := range all {
		c := &all[i]
		if !slices.Contains(c.Types, kind) {
			continue
		}
		fresh := combination{Combination: c}
		if c.TTQ != nil {
			fresh.found.TTQ = *c.TTQ
		}
		list = append(list, fresh)
	}
	return list
}

// check refuses a configuration that the Entry Point would stumble over.
func (c *Config) check() error {
	if len(c.Combinations) == 0 || len(c.Combinations) > combinationsMax {
		return fmt.Errorf("%d combinations, want 1 to %d", len(c.Combinations), combinationsMax)
	}
	if c.CurrencyExponent > exponentMax {
		return fmt.Errorf("currency exponent %d", c.CurrencyExponent)
	}
	for i := range c.Combinations {
		if err := c.checkCombination(i); err != nil {
			return fmt.Errorf("combination %X with kernel %v: %w", c.Combinations[i].AID, c.Combinations[i].Kernel, err)
		}
	}
	return nil
}

func (c *Config) checkCombination(at int) error {
	this := &c.Combinations[at]
	switch {
	case len(this.AID) < aidMin || len(this.AID) > aidMax:
		return fmt.Errorf("AID of %d bytes, want %d to %d", len(this.AID), aidMin, aidMax)
	case c.Kernels[this.Kernel] == nil:
		return errors.New("there is no such kernel")
	case len(this.Types) == 0:
		return errors.New("for no type of transaction")
	}
	for i := range c.Combinations[:at] {
		other := &c.Combinations[i]
		if other.Kernel != this.Kernel || !slices.Equal(other.AID, this.AID) {
			continue
		}
		for _, kind := range this.Types {
			if slices.Contains(other.Types, kind) {
				return fmt.Errorf("twice for transaction type %02X", kind)
			}
		}
	}
	return nil
}
