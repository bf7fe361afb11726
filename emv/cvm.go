package emv

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// noCVMPerformed is 9F34 when no list was processed. EMV 4.4 Book 4, 6.3.4.5.
var noCVMPerformed = [3]byte{0x3F, 0x00, 0x00}

// The third byte of 9F34.
const (
	cvmUnknown    = 0x00
	cvmFailed     = 0x01
	cvmSuccessful = 0x02
)

// Cardholder verification methods. EMV 4.4 Book 3, Annex C3.
const (
	methodMask              = 0x3F
	methodNext              = 0x40 // in the same byte: go on if this one fails
	methodFail              = 0x00
	methodPlainPIN          = 0x01
	methodOnlinePIN         = 0x02
	methodPlainPINSign      = 0x03 // and a signature
	methodEncipheredPIN     = 0x04 // enciphered
	methodEncipheredPINSign = 0x05
	methodPINLast           = 0x05
	methodBiometric         = 0x06 // to 0F
	methodBioLast           = 0x0F
	methodSignature         = 0x1E
	methodNone              = 0x1F
	methodNotPerformed      = 0x3F
)

// cvmRules is the list and the place in it: the first rule is the current one.
type cvmRules struct {
	CVMList
	noPIN bool // bypassed, or the pad is broken: nobody is asked again
	tries pinTries
	key   pinKey
}

// verifyCardholder works through the card's list. EMV 4.4 Book 3, 10.5 and Book
// 4, 6.3.4.5.
func (k *Kernel) verifyCardholder() (Action, error) {
	if !k.aip(aipCVM) {
		return k.assessRisk()
	}
	list, given := k.card[tlv.CVMList]
	if !given {
		k.tvr.Set(tvrDataMissing) // EMV 4.4 Book 3, 7.5
		return k.assessRisk()
	}
	var err error
	if k.rules.CVMList, err = ParseCVMList(list); err != nil {
		return nil, refuse(ReasonCardData, "%v (Book 3, 10.5)", err)
	}
	if len(k.rules.Rules) == 0 {
		return k.assessRisk()
	}
	k.tsi.set(tsiCVM)
	k.cvmResults = [3]byte{methodNotPerformed, 0, cvmFailed}
	return k.applyRules()
}

// applyRules takes rules until one succeeds, fails for good, or has to wait
// for a PIN. EMV 4.4 Book 3, 10.5.
func (k *Kernel) applyRules() (Action, error) {
	for len(k.rules.Rules) > 0 {
		rule := k.rules.Rules[0]
		switch {
		case !k.conditionMet(rule):
			k.rules.Rules = k.rules.Rules[1:]
			continue
		case rule.Method() == methodFail:
			k.cvmResults = [3]byte{rule.Code, rule.Condition, cvmFailed}
			return k.verificationFailed()
		case !k.supports(rule.Method()):
			k.noteUnsupported(rule.Method())
		case rule.Method() <= methodPINLast:
			if action, asked := k.askPIN(rule.Method()); asked {
				return action, nil
			}
			k.cvmResults = [3]byte{rule.Code, rule.Condition, cvmFailed}
		default:
			return k.perform(rule)
		}
		if !rule.Next() {
			return k.verificationFailed()
		}
		k.rules.Rules = k.rules.Rules[1:]
	}
	return k.verificationFailed()
}

// perform is for the methods that need nothing more at this point. A signature
// is unknown until somebody has looked at it. EMV 4.4 Book 4, 6.3.4.5.
func (k *Kernel) perform(rule CVMRule) (Action, error) {
	k.cvm, k.cvmResults = CVMNone, [3]byte{rule.Code, rule.Condition, cvmSuccessful}
	if rule.Method() == methodSignature {
		k.cvm, k.cvmResults[2] = CVMSignature, cvmUnknown
	}
	return k.assessRisk()
}

// askPIN asks for the PIN of a method, unless there is no sense in it: nobody
// enters one any more, or the card would not look at it. EMV 4.4 Book 3, 10.5.1
// and 10.5.2.
func (k *Kernel) askPIN(method byte) (Action, bool) {
	switch {
	case k.rules.noPIN:
		return nil, false
	case method == methodOnlinePIN:
		k.state = enteringPIN
		return EnterPIN{Card: k.cardRead()}, true
	}
	return k.askOfflinePIN(method)
}

// pinEntered goes on after the cardholder's PIN. EMV 4.4 Book 3, 10.5.2 and
// Book 4, 6.3.4.3.
func (k *Kernel) pinEntered(p PINResult) (Action, error) {
	if p.Status != PINEntered {
		return k.pinMissing(p)
	}
	rule := k.rules.Rules[0]
	k.tvr.Set(tvrOnlinePIN)
	k.cvm, k.cvmResults = CVMOnlinePIN, [3]byte{rule.Code, rule.Condition, cvmUnknown}
	return k.assessRisk()
}

// pinMissing goes on without a PIN; the cardholder is not asked for another.
// EMV 4.4 Book 3, 10.5 and Book 4, 6.3.4.3.
func (k *Kernel) pinMissing(p PINResult) (Action, error) {
	switch p.Status {
	case PINBypassed:
		k.tvr.Set(tvrPINNotEntered)
	case PINPadFault:
		k.tvr.Set(tvrNoPINPad)
	case PINEntered: // a PIN for the card is the card's to answer
		fallthrough
	default:
		return nil, fmt.Errorf("%w: PIN status %d", ErrUnexpected, p.Status)
	}
	k.rules.noPIN = true
	return k.pinFailed()
}

// pinFailed leaves the rule of a PIN without success. EMV 4.4 Book 4, 6.3.4.5.
func (k *Kernel) pinFailed() (Action, error) {
	rule := k.rules.Rules[0]
	k.cvmResults = [3]byte{rule.Code, rule.Condition, cvmFailed}
	if !rule.Next() {
		return k.verificationFailed()
	}
	k.rules.Rules = k.rules.Rules[1:]
	return k.applyRules()
}

// verificationFailed notes it; action analysis decides what it means. EMV 4.4
// Book 3, 10.5 and Book 4, 6.3.4.5.
func (k *Kernel) verificationFailed() (Action, error) {
	k.tvr.Set(tvrCVMFailed)
	k.cvm = CVMFailed
	return k.assessRisk()
}

// supports looks into 9F33. EMV 4.4 Book 4, Annex A2.
func (k *Kernel) supports(method byte) bool {
	c := k.cfg.Capabilities[1]
	switch method {
	case methodPlainPIN:
		return c&capPlainPIN != 0
	case methodPlainPINSign:
		return c&capPlainPIN != 0 && c&capSignature != 0
	case methodEncipheredPIN:
		return c&capEncipheredPIN != 0
	case methodEncipheredPINSign:
		return c&capEncipheredPIN != 0 && c&capSignature != 0
	case methodOnlinePIN:
		return c&capOnlinePIN != 0
	case methodSignature:
		return c&capSignature != 0
	case methodNone:
		return c&capNoCVM != 0
	}
	return false
}

// noteUnsupported sets the bit for a method that the terminal does not have or
// does not know. EMV 4.4 Book 3, 10.5.
func (k *Kernel) noteUnsupported(method byte) {
	switch {
	case method == methodOnlinePIN:
		k.tvr.Set(tvrNoPINPad)
	case method <= methodPINLast: // where another form could be had, the pad is there
		if k.cfg.Capabilities[1]&(capPlainPIN|capEncipheredPIN) == 0 {
			k.tvr.Set(tvrNoPINPad)
		}
	case method >= methodBiometric && method <= methodBioLast:
		k.tvr.Set(tvrBiometricLacking)
	case method != methodSignature && method != methodNone:
		k.tvr.Set(tvrCVMUnrecognised)
	}
}

// conditionMet decides a rule's second byte. EMV 4.4 Book 3, Annex C3.
func (k *Kernel) conditionMet(rule CVMRule) bool {
	if rule.Condition == conditionSupported {
		return k.supports(rule.Method())
	}
	return k.rules.Met(rule.Condition, &k.cfg, &k.tx, k.card[tlv.ApplicationCurrency])
}
