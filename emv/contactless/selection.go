package contactless

import (
	"bytes"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

const (
	ppse          = "2PAY.SYS.DDF01"
	candidatesMax = 256 // a directory of some ten entries, for some kernels each
)

// The application priority indicator, 87: 1 is first, 0 is none.
const priorityMask = 0x0F

// candidate is an application of the card with a combination of ours.
type candidate struct {
	name        []byte // on the card
	combination int
	priority    byte   // 87
	extended    []byte // 9F29
}

// rank orders by priority.
func (c candidate) rank() int {
	if p := int(c.priority & priorityMask); p != 0 {
		return p
	}
	return priorityMask + 1
}

// selectPPSE asks for the directory. EMV Contactless Book B, 3.3.2.2.
func (p *EntryPoint) selectPPSE() (emv.Action, error) {
	p.state = selectingPPSE
	return emv.Transmit{Command: apdu.Select([]byte(ppse), 0)}, nil
}

// ppseSelected makes the candidate list: of equal priority, as the card lists
// them, and for each of them as we do. A card without a directory, or with one
// that cannot be read, has no candidates. EMV Contactless Book B, 3.3.2.3 to
// 3.3.2.5 and 3.3.3.2.
func (p *EntryPoint) ppseSelected(response []byte) (emv.Action, error) {
	if apdu.Status(response) == apdu.OK {
		for _, e := range parsePPSE(apdu.Body(response)) {
			p.consider(e)
		}
		slices.SortStableFunc(p.candidates, func(a, b candidate) int { return a.rank() - b.rank() })
	}
	return p.selectBest()
}

// consider adds an entry of the directory for each combination that fits.
func (p *EntryPoint) consider(e entry) {
	for i := range p.combinations {
		c := &p.combinations[i]
		fits := bytes.HasPrefix(e.name, c.AID) && (e.kernel == 0 || e.kernel == c.Kernel)
		if fits && !c.found.NotAllowed && len(p.candidates) < candidatesMax {
			p.candidates = append(p.candidates, candidate{name: e.name, combination: i, priority: e.priority, extended: e.extended})
		}
	}
}

// selectBest selects the best candidate that is left. EMV Contactless Book B,
// 3.3.2.6, 3.3.2.7, 3.3.3.1 and 3.3.3.2.
func (p *EntryPoint) selectBest() (emv.Action, error) {
	if len(p.candidates) == 0 {
		return p.none("no candidate is left (Book B, 3.3.2.7)")
	}
	return p.selectApplication(p.candidates[0]), nil
}

// selectApplication selects it by the card's own name. EMV Contactless Book B,
// 3.3.3.3 and 3.3.3.4.
func (p *EntryPoint) selectApplication(c candidate) emv.Action {
	p.selected, p.state = c, selectingApplication
	name := slices.Clone(c.name)
	if p.combinations[c.combination].ExtendedSelection {
		name = append(name, c.extended...)
	}
	return emv.Transmit{Command: apdu.Select(name, 0)}
}

// applicationSelected goes on with the kernel, or with the next candidate if
// the card refuses. With an answer of the issuer for the card there is no other
// one. EMV Contactless Book B, 3.3.3.5 and 3.3.3.6.
func (p *EntryPoint) applicationSelected(response []byte) (emv.Action, error) {
	switch {
	case apdu.Status(response) == apdu.OK && p.suits(apdu.Body(response)):
		p.fci = slices.Clone(response)
		return p.activateKernel()
	case p.dataForCard():
		return p.none("the application is not there for the issuer's answer (Book B, 3.3.3.5)")
	}
	return p.nextCandidate()
}

// nextCandidate leaves the selected one out.
func (p *EntryPoint) nextCandidate() (emv.Action, error) {
	p.candidates = p.candidates[min(1, len(p.candidates)):]
	return p.selectBest()
}

// ridVisa marks the cards that kernel 3 and kernel 1 share.
var ridVisa = []byte{0xA0, 0x00, 0x00, 0x00, 0x03}

// suits tells whether the kernel can do with this card. A Visa card that does
// not ask for the TTQ is older than kernel 3; if the reader has kernel 1 for
// it, that one takes over. EMV Contactless Book B, 3.3.3.6.
func (p *EntryPoint) suits(fci []byte) bool {
	used := &p.combinations[p.selected.combination]
	if used.Kernel != Kernel3 || !bytes.HasPrefix(p.selected.name, ridVisa) || asksTTQ(fci) {
		return true
	}
	older := slices.IndexFunc(p.combinations, func(c combination) bool {
		return c.Kernel == Kernel1 && !c.found.NotAllowed && bytes.HasPrefix(p.selected.name, c.AID)
	})
	if older >= 0 {
		p.selected.combination = older
	}
	return older >= 0
}

// asksTTQ looks into the PDOL.
func asksTTQ(fci []byte) bool {
	pdol, _ := tlv.Find(fci, tlv.FCI, tlv.FCIProprietary, tlv.PDOL)
	list, err := tlv.ParseDOL(pdol)
	return err == nil && list.Contains(tlv.TTQ)
}

// none ends because no application can be used. EMV Contactless Book B, 3.3.2.7.
func (p *EntryPoint) none(detail string) (emv.Action, error) {
	return p.conclude(emv.Outcome{
		Status: emv.EndApplication, Reason: emv.ReasonNoApplication, Detail: detail, CVM: emv.CVMNotApplicable,
		Parameters: emv.Parameters{UIOnOutcome: &emv.UIRequest{
			Message: emv.MessageTryAnotherCard, Status: emv.UIReadyToRead,
		}},
	})
}
