// Package kernel7 is the contactless kernel of UnionPay cards, QuickPass: EMV
// Contactless C-7 (qUICS), and JR/T 0025.12 (qPBOC). The exchange with the
// card is that of package quick; here is what UnionPay does otherwise.
//
//	k, err := kernel7.New(kernel7.Config{Terminal: terminal, Assumptions: kernel7.Assumed()})
//	entryPoint := contactless.Config{Kernels: map[contactless.KernelID]contactless.Kernel{contactless.Kernel7: k}, ...}
//
// Nothing is approved but a TC under a dynamic signature (fDDA), and a
// cardholder who was verified on a device counts only if such a signature
// covers the claim. Small amounts need neither PIN nor signature: that is the
// CVM limit of the reader's combination, and the card is told in the TTQ.
//
// Stages are cited by name, for the sources of this kernel give no numbers that
// agree; what they disagree on is in Assumptions.
package kernel7

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Config is what the kernel is told of its terminal.
type Config struct {
	Terminal    emv.Config
	Assumptions Assumptions
}

// A Kernel makes a machine for each tap. It is safe for concurrent use.
type Kernel struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Kernel, error) {
	err := cfg.Terminal.Check()
	if err == nil {
		err = cfg.Assumptions.check()
	}
	if err != nil {
		return nil, fmt.Errorf("kernel7: configuration: %w", err)
	}
	return &Kernel{cfg: cfg}, nil
}

// Activate is contactless.Kernel. The issuer's answer never comes back to a
// card of this kernel: there is no second tap. The card is told that the reader
// knows fDDA, but no signatures of SM2. Book C-7, initiation.
func (k *Kernel) Activate(a contactless.Activation) (emv.Machine, error) {
	if a.Host != nil {
		return nil, fmt.Errorf("kernel7: %w: the issuer's answer for the card", emv.ErrUnexpected)
	}
	t := &tap{assumed: &k.cfg.Assumptions}
	known, err := quick.New(quick.Opts{
		Terminal: &k.cfg.Terminal, Activation: a, Sections: sections, CTQ: t.assumed.CTQ, Recognised: recognised,
		Record: recordTags, Discretionary: cashTags,
	}, t)
	if err != nil {
		return nil, err
	}
	t.Tap = known
	t.Terminal[tlv.SMSupported] = []byte{0}
	t.SetTTQ(t.TTQ.With(t.assumed.FastDDA))
	return t, nil
}
