package contactless

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
)

// A Kernel runs one application of a card once it is selected.
type Kernel interface {
	// Activate prepares a machine for one application. Its first event is
	// emv.Begin. It may give emv.Transmit, which emv.Response or emv.CardGone
	// answers, emv.Show and, in the end, emv.Done with any status of Book A, 6.2.
	// What a card did wrong is an outcome; an error is a bug or a
	// configuration that the kernel cannot do with.
	Activate(Activation) (emv.Machine, error)
}

// Activation is what a kernel is told. EMV Contactless Book B, 3.4.1.2 and
// 3.4.1.3.
type Activation struct {
	Kernel      KernelID
	Name        []byte // of the application, as the card lists it
	FCI         []byte // the response to SELECT, without its status word
	Status      uint16 // of that SELECT
	Indicators  Indicators
	Start       emv.Restart // where the Entry Point was entered
	Restarted   bool
	Request     *emv.Outcome    // an Online Request of the tap before
	Host        *emv.HostResult // the answer to it
	Transaction emv.Transaction
}

// activateKernel is start D. EMV Contactless Book B, 3.4.1.1.
func (p *EntryPoint) activateKernel() (emv.Action, error) {
	used := &p.combinations[p.selected.combination]
	kernel, err := p.cfg.Kernels[used.Kernel].Activate(Activation{
		Kernel: used.Kernel, Name: p.selected.name,
		FCI: apdu.Body(p.fci), Status: apdu.Status(p.fci),
		Indicators: used.found, Start: p.start, Restarted: p.restarted,
		Request: p.request, Host: p.host, Transaction: p.tx,
	})
	if err != nil {
		return nil, fmt.Errorf("contactless: kernel %v: %w", used.Kernel, err)
	}
	p.kernel, p.state = kernel, runningKernel
	return p.run(emv.Begin{})
}

// run steps the kernel and hands its actions on, but for the last.
func (p *EntryPoint) run(e emv.Event) (emv.Action, error) {
	action, err := p.kernel.Step(e)
	if err != nil {
		return nil, err
	}
	switch a := action.(type) {
	case emv.Transmit, emv.Show:
		return a, nil
	case emv.Done:
		a.Outcome.Card = copied(a.Outcome.Card)
		p.dropKernel()
		return p.conclude(unmixed(a.Outcome))
	}
	return nil, fmt.Errorf("contactless: kernel %v wants %T", p.combinations[p.selected.combination].Kernel, action)
}

// dropKernel clears a kernel that has done its work.
func (p *EntryPoint) dropKernel() {
	if k, ok := p.kernel.(interface{ Clear() }); ok {
		k.Clear()
	}
	p.kernel = nil
}
