package payment

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel7"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
)

// kernels are those that the parameters name for a currency.
func (t *Terminal) kernels(terminal emv.Config, c money.Currency) (map[contactless.KernelID]contactless.Kernel, error) {
	made := map[contactless.KernelID]contactless.Kernel{}
	for _, a := range t.Params.Contactless.Applications {
		id := contactless.KernelID(a.Kernel)
		if _, tapped := a.Limits[c.Code]; !tapped || made[id] != nil {
			continue
		}
		kernel, err := t.kernel(id, terminal, c)
		if err != nil {
			return nil, err
		}
		made[id] = kernel
	}
	return made, nil
}

// kernel makes one of them.
func (t *Terminal) kernel(id contactless.KernelID, terminal emv.Config, c money.Currency) (contactless.Kernel, error) {
	switch id {
	case contactless.Kernel2:
		torn, err := t.tornLog()
		if err != nil {
			return nil, err
		}
		return kernel2.New(kernel2.Config{
			Terminal: terminal, Applications: t.generating(terminal.Capabilities[1], c), Torn: torn,
		})
	case contactless.Kernel3:
		return kernel3.New(kernel3.Config{Terminal: terminal, Dynamic: t.programs(c)})
	case contactless.Kernel7:
		return kernel7.New(kernel7.Config{Terminal: terminal, Assumptions: kernel7.Assumed()})
	case contactless.Kernel1, contactless.Kernel4, contactless.Kernel5, contactless.Kernel6:
	}
	return nil, fmt.Errorf("payment: there is no kernel %v", id)
}

// tornLog is the one of all sales, empty between them, or nil if nothing is to be
// remembered.
func (t *Terminal) tornLog() (*kernel2.TornLog, error) {
	p := t.Params.Contactless.Torn
	if p == nil || t.torn != nil {
		return t.torn, nil
	}
	var err error
	t.torn, err = kernel2.NewTornLog(int(p.Taps), p.Life)
	return t.torn, err
}

// forgetTorn forgets the taps that broke off, and whose they were: they are of no
// use to another sale.
func (t *Terminal) forgetTorn() {
	if t.torn != nil {
		t.torn.Clear()
	}
}

// programs are the limits for cards of some programs, of kernel 3.
func (t *Terminal) programs(c money.Currency) (sets []kernel3.LimitSet) {
	for _, p := range t.Params.Contactless.Programs {
		if limits, there := t.tapLimits(p.Limits, c); there {
			sets = append(sets, kernel3.LimitSet{Program: p.Program, Limits: entryLimits(limits, p.StatusCheck)})
		}
	}
	return sets
}

// generating are the applications of kernel 2. cvm is byte 2 of 9F33: where a
// cardholder must be verified, nothing is no way to do it.
func (t *Terminal) generating(cvm byte, c money.Currency) (list []kernel2.Application) {
	for _, a := range t.Params.Contactless.Applications {
		limits, tapped := t.tapLimits(a.Limits, c)
		if a.Generating == nil || !tapped {
			continue
		}
		app := kernel2.NewApplication(a.AID)
		app.Version, app.TACDenial = a.Version, a.TACDenial
		app.TACOnline, app.TACDefault = unlessSure(a.TACOnline), unlessSure(a.TACDefault)
		app.LimitMinor, app.LimitDeviceMinor = limits.TransactionMinor, limits.DeviceMinor
		app.FloorMinor, app.CVMMinor = limits.FloorMinor, limits.CVMMinor
		app.CVMRequired, app.CVMNotRequired = cvm&(capOnlinePIN|capSignature), cvm&capNoCVM
		app.DeviceCVM, app.BalanceAfter = a.DeviceCVM, a.Balance
		app.Relay, app.MagStripe = relay(a.Relay), stripeMode(a.MagStripe, app.CVMRequired)
		list = append(list, app)
	}
	return list
}

// unsure are the bits of the TVR for a tapped card that did not prove itself,
// whose holder could not be verified, whose issuer the merchant wants asked, or
// which may be elsewhere: data authentication not performed, CDA failed,
// cardholder verification failed, forced online, relay resistance time or
// threshold exceeded. Such a card is never approved without its issuer, whatever
// the parameters say. EMV Contactless Book C-2, Annex A.
var unsure = [5]byte{0: 0x80 | 0x04, 2: 0x80, 3: 0x08, 4: 0x08 | 0x04}

// unlessSure adds unsure to an action code.
func unlessSure(code [5]byte) [5]byte {
	for i, bits := range unsure {
		code[i] |= bits
	}
	return code
}

func relay(p *params.Relay) *kernel2.Relay {
	if p == nil {
		return nil
	}
	return &kernel2.Relay{
		GraceMin: p.GraceMin, GraceMax: p.GraceMax, CommandExpected: p.Command, ResponseExpected: p.Response,
		Accuracy: p.Accuracy, Mismatch: p.MismatchPercent,
	}
}

// stripeMode allows the data of a stripe where the holder can be verified over
// the limit: by this kernel's own rule nothing else stands between such a card
// and an approval but the issuer. EMV Contactless Book C-2, DF811E and DF812C.
func stripeMode(version *params.Hex2, cvm byte) *kernel2.MagStripe {
	if version == nil || cvm == 0 {
		return nil
	}
	m := &kernel2.MagStripe{Version: *version, CVMOver: emv.CVMSignature, CVMBelow: emv.CVMNone}
	if cvm&capOnlinePIN != 0 {
		m.CVMOver = emv.CVMOnlinePIN
	}
	return m
}
