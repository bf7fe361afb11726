package kernel2

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Cardholder verification methods and the third byte of 9F34. EMV 4.4 Book 3,
// Annex C3 and Book 4, 6.3.4.5.
const (
	methodFail         = 0x00
	methodPlainPIN     = 0x01
	methodOnlinePIN    = 0x02
	methodPINLast      = 0x05
	methodSignature    = 0x1E
	methodNone         = 0x1F
	methodNotPerformed = 0x3F
	cvmUnknown         = 0x00
	cvmFailed          = 0x01
	cvmSuccessful      = 0x02
	conditionSupported = 0x03
)

// verify finds out how the cardholder is verified. EMV Contactless Book C-2,
// 7.5.
func (t *tap) verify() error {
	t.cvm = emv.CVMNone
	switch list, given := t.Card[tlv.CVMList]; {
	case t.deviceCVM() && t.overCVMLimit():
		t.cvm, t.cvmResults = emv.CVMDevice, [3]byte{methodPlainPIN, 0, cvmSuccessful}
	case t.deviceCVM():
		t.cvmResults = [3]byte{methodNotPerformed, 0, cvmSuccessful}
	case !t.aip(1, aipCVM):
		t.cvmResults = [3]byte{methodNotPerformed, 0, 0}
	case !given:
		t.cvmResults = [3]byte{methodNotPerformed, 0, 0}
		t.tvr.Set(tvrDataMissing)
	default:
		rules, err := emv.ParseCVMList(list)
		if err != nil {
			return malformed("%v (Book C-2, 7.5)", err)
		}
		t.applyRules(&rules)
	}
	return nil
}

// applyRules takes the first rule whose condition is met and whose method can
// be had. EMV Contactless Book C-2, 7.5.
func (t *tap) applyRules(list *emv.CVMList) {
	if len(list.Rules) == 0 {
		t.cvmResults = [3]byte{methodNotPerformed, 0, 0}
		return
	}
	for _, rule := range list.Rules {
		if !t.conditionMet(list, rule) {
			continue
		}
		if t.supports(rule.Method()) {
			t.perform(rule)
			return
		}
		t.noteUnsupported(rule.Method())
		if rule.Method() == methodFail {
			t.notVerified([3]byte{rule.Code, rule.Condition, cvmFailed})
			return
		}
		if !rule.Next() {
			break
		}
	}
	t.notVerified([3]byte{methodNotPerformed, 0, cvmFailed})
}

// conditionMet decides a rule's second byte.
func (t *tap) conditionMet(list *emv.CVMList, rule emv.CVMRule) bool {
	if rule.Condition == conditionSupported {
		return t.supports(rule.Method())
	}
	return list.Met(rule.Condition, &t.cfg.Terminal, &t.tx, t.Card[tlv.ApplicationCurrency])
}

// supports looks into 9F33 as it is for the amount; that nothing is required is
// always supported.
func (t *tap) supports(method byte) bool {
	capabilities := t.Terminal[tlv.TerminalCapabilities][1]
	switch method {
	case methodOnlinePIN:
		return capabilities&capOnlinePIN != 0
	case methodSignature:
		return capabilities&capSignature != 0
	}
	return method == methodNone
}

// noteUnsupported sets the bit for a PIN that cannot be entered or a method
// that is not known. EMV Contactless Book C-2, 7.5.
func (t *tap) noteUnsupported(method byte) {
	switch {
	case method >= methodPlainPIN && method <= methodPINLast:
		t.tvr.Set(tvrNoPINPad)
	case method > methodPINLast && method != methodSignature:
		t.tvr.Set(tvrCVMUnrecognised)
	}
}

// perform is what a rule succeeds with. A PIN and a signature are unknown until
// somebody has looked at them.
func (t *tap) perform(rule emv.CVMRule) {
	t.cvmResults = [3]byte{rule.Method(), rule.Condition, cvmUnknown}
	switch rule.Method() {
	case methodOnlinePIN:
		t.cvm = emv.CVMOnlinePIN
		t.tvr.Set(tvrOnlinePIN)
	case methodSignature:
		t.cvm, t.receipt = emv.CVMSignature, true
	default:
		t.cvmResults[2] = cvmSuccessful
	}
}

// notVerified notes the failure; action analysis decides what it means.
func (t *tap) notVerified(results [3]byte) {
	t.cvmResults = results
	t.tvr.Set(tvrCVMFailed)
}
