package emv

import "github.com/cloudpos/cloudpos/emv/tlv"

// verifyPlain is P2 of VERIFY for a PIN that is not enciphered. EMV 4.4 Book 3,
// 6.5.12.
const verifyPlain = 0x80

// pinAsksMax bounds how often a card may ask anew; its own counter ends at 15.
const pinAsksMax = 15

// pinTries is what the card tells of its PIN try counter.
type pinTries struct {
	read    bool // GET DATA was answered
	left    int  // or -1: the card does not tell
	entries int
}

// askOfflinePIN asks for a PIN that the card verifies, after its counter was
// looked at. A card that is blocked already is not asked. EMV 4.4 Book 3, 10.5.1
// and Book 4, 6.3.4.1.
func (k *Kernel) askOfflinePIN(method byte) (Action, bool) {
	tries := &k.rules.tries
	switch {
	case !tries.read:
		k.state = readingPINTries
		return getDataCommand(tlv.PINTryCounter), true
	case tries.left == 0:
		k.tvr.Set(tvrPINTryLimit)
		return nil, false
	case method == methodEncipheredPIN || method == methodEncipheredPINSign:
		return k.challenge()
	}
	return k.verifyPIN(verifyPlain, nil), true
}

// verifyPIN hands VERIFY to the device that takes the PIN.
func (k *Kernel) verifyPIN(p2 byte, cipher *PINCipher) Action {
	k.rules.tries.entries++
	k.state = verifyingPIN
	return VerifyPIN{
		Card: k.cardRead(), Command: []byte{claInterindustry, insVerify, 0, p2}, TriesLeft: k.rules.tries.left, Cipher: cipher,
	}
}

// pinTriesRead keeps the counter; a card need not tell it. EMV 4.4 Book 3,
// 6.5.7.
func (k *Kernel) pinTriesRead(r Response) (Action, error) {
	tries := &k.rules.tries
	tries.read, tries.left = true, -1
	if r.sw() == swOK {
		value, err := tlv.One(r.body(), tlv.PINTryCounter)
		if err != nil || len(value) != 1 {
			return nil, refuse(ReasonCardData, "GET DATA %v: not one byte of it (Book 3, 6.5.7.4)", tlv.PINTryCounter)
		}
		tries.left = int(value[0])
	}
	return k.applyRules()
}

// pinVerified takes the card's word on the PIN. EMV 4.4 Book 3, 6.5.12 and
// 10.5.1.
func (k *Kernel) pinVerified(r Response) (Action, error) {
	const wrong, leftMask = 0x63C0, 0x0F
	tries := &k.rules.tries
	switch sw := r.sw(); {
	case sw == swOK:
		return k.pinRight()
	case sw&^leftMask == wrong:
		tries.left = int(sw & leftMask)
	case sw == swPINBlocked || sw == swPINInvalidated:
		tries.left = 0
	default:
		return nil, refuse(ReasonCardStatus, "VERIFY: %04X (Book 3, 6.5.12)", sw)
	}
	if tries.left > 0 && tries.entries == pinAsksMax {
		return nil, refuse(ReasonEndless, "VERIFY: a wrong PIN %d times (Book 3, 10.5.1)", pinAsksMax)
	}
	return k.applyRules() // the same rule, with what is left of the tries
}

// pinRight is for the card's consent. A signature may have to follow, which is
// not known now. EMV 4.4 Book 4, 6.3.4.5.
func (k *Kernel) pinRight() (Action, error) {
	rule := k.rules.Rules[0]
	k.cvm, k.cvmResults = CVMOfflinePIN, [3]byte{rule.Code, rule.Condition, cvmSuccessful}
	if m := rule.Method(); m == methodPlainPINSign || m == methodEncipheredPINSign {
		k.cvm, k.cvmResults[2] = CVMSignature, cvmUnknown
	}
	return k.assessRisk()
}
