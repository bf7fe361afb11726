// Package kernel3 is the contactless kernel of Visa cards: EMV Contactless C-3,
// quick VSDC.
//
// A tap is one GET PROCESSING OPTIONS, whose answer already holds the card's
// cryptogram, and the records that it names. What the card's cryptogram means
// for this sale the kernel decides afterwards, so the card may leave before.
//
//	k, err := kernel3.New(kernel3.Config{Terminal: terminal})
//	entryPoint := contactless.Config{Kernels: map[contactless.KernelID]contactless.Kernel{contactless.Kernel3: k}, ...}
//
// Nothing is approved offline but under a dynamic signature that covers the
// amount (fDDA), and a cardholder who was verified on a device counts only if
// such a signature covers the claim. A reader for phones asks for it at online
// transactions too, in the TTQ.
package kernel3

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
)

// Config is what the kernel is told of its terminal.
type Config struct {
	Terminal emv.Config
	// CashUsage and CashbackUsage: the card's usage control is asked before it
	// gives cash. Book C-3, 5.5.
	CashUsage, CashbackUsage bool
	// Dynamic are limits for cards of some programs, instead of the
	// combination's.
	Dynamic []LimitSet
}

// A Kernel makes a machine for each tap. It is safe for concurrent use.
type Kernel struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Kernel, error) {
	if err := cfg.Terminal.Check(); err != nil {
		return nil, fmt.Errorf("kernel3: configuration: %w", err)
	}
	if err := checkDynamic(cfg.Dynamic); err != nil {
		return nil, fmt.Errorf("kernel3: configuration: %w", err)
	}
	return &Kernel{cfg: cfg}, nil
}

// ctq are the bits of the card's qualifiers.
var ctq = quick.CTQVisa()

// Activate is contactless.Kernel. With the issuer's answer to the tap before,
// the card is told that answer and nothing else.
func (k *Kernel) Activate(a contactless.Activation) (emv.Machine, error) {
	if a.Host != nil {
		return &update{a: a}, nil
	}
	t := &tap{cfg: &k.cfg, a: a}
	known, err := quick.New(quick.Opts{
		Terminal: &k.cfg.Terminal, Activation: a, Sections: sections, CTQ: ctq, Recognised: recognised,
		Admit: t.limit,
	}, t)
	if err != nil {
		return nil, err
	}
	t.Tap = known
	return t, nil
}

// tap is one application of one card, with this kernel's rules.
type tap struct {
	*quick.Tap
	cfg *Config
	a   contactless.Activation
}
