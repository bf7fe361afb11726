package kernel2

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// cryptogram is the type of an application cryptogram: the two upper bits of
// CID and of GENERATE AC's P1. EMV 4.4 Book 3, 6.5.5.
type cryptogram byte

const (
	cryptogramAAC  cryptogram = 0x00 // declined
	cryptogramTC   cryptogram = 0x40 // approved
	cryptogramARQC cryptogram = 0x80 // ask the issuer
	cryptogramMask            = 0xC0
	requestCDA                = 0x10 // in P1
)

// decide looks at restrictions, cardholder and risk, and asks for a cryptogram.
// EMV Contactless Book C-2, state 4 (S456).
func (t *tap) decide() (emv.Action, error) {
	emv.Restrictions(&t.cfg.Terminal, &t.tx, t.Lookup, &t.tvr)
	if err := t.verify(); err != nil {
		return nil, err
	}
	t.assessRisk()
	if action := t.recoverTorn(); action != nil {
		return action, nil
	}
	return t.generate()
}

// assessRisk looks at the floor limit, at what merchant and acquirer want, and
// for relays. EMV Contactless Book C-2, state 4 (S456).
func (t *tap) assessRisk() {
	if t.overFloor() {
		t.tvr.Set(tvrFloorLimit)
	}
	if t.tx.ForcedOnline {
		t.tvr.Set(tvrForcedOnline)
	}
	if listed := t.cfg.Terminal.Listed; listed != nil && listed(t.PAN, t.Sequence()) {
		t.tvr.Set(tvrExceptionFile)
	}
}

// overFloor looks at the amount together with what was approved to the same card
// before, so that a sale is not split to stay below. EMV Contactless Book C-2,
// S456, and EMV 4.4 Book 3, 10.6.1.
func (t *tap) overFloor() bool {
	room := t.app.FloorMinor - t.tx.AmountMinor
	earlier := t.cfg.Terminal.Earlier
	return room < 0 || earlier != nil && earlier(t.PAN) > room
}

// canAsk and onlineOnly tell what the terminal type says of going online: its
// second digit, attended from 1 and unattended from 4. EMV 4.4 Book 4, A1.
func (t *tap) canAsk() bool     { return (t.cfg.Terminal.TerminalType&0x0F-1)%3 != 2 }
func (t *tap) onlineOnly() bool { return (t.cfg.Terminal.TerminalType&0x0F-1)%3 == 0 }

// analyse is terminal action analysis. EMV Contactless Book C-2, S456.
func (t *tap) analyse() cryptogram {
	switch {
	case t.tvr.Meets(t.app.TACDenial, t.issuerCode(tlv.IACDenial, 0x00)):
		return cryptogramAAC
	case t.onlineOnly():
		return cryptogramARQC
	case t.canAsk() && t.tvr.Meets(t.app.TACOnline, t.issuerCode(tlv.IACOnline, 0xFF)):
		return cryptogramARQC
	case !t.canAsk() && t.tvr.Meets(t.app.TACDefault, t.issuerCode(tlv.IACDefault, 0xFF)):
		return cryptogramAAC
	}
	return cryptogramTC
}

// issuerCode is an action code of the card, each of its bytes filled with
// absent if there is none. EMV Contactless Book C-2, S456.
func (t *tap) issuerCode(tag tlv.Tag, absent byte) [5]byte {
	code := [5]byte{absent, absent, absent, absent, absent}
	copy(code[:], t.Card[tag]) // its length was checked
	return code
}

// request is what is asked for, and whether it is to be signed. Without a
// signature a phone that verifies its owner is not believed, nor over the CVM
// limit a CVM list that wants less than a PIN for the issuer, and no TC is asked
// for; nor is one while a PIN waits for the issuer. All but the first is stricter
// than the book, which lets the action codes have their way. EMV Contactless
// Book C-2, 7.6.
func (t *tap) request() (wanted cryptogram, signed bool) {
	wanted = t.analyse()
	provable := t.signing.usable() && t.cvm != emv.CVMOnlinePIN
	unproven := t.deviceCVM() || t.overCVMLimit() && t.cvm != emv.CVMOnlinePIN
	switch {
	case !t.signing.usable() && unproven:
		wanted = cryptogramAAC
	case wanted == cryptogramTC && !provable && t.canAsk():
		wanted = cryptogramARQC
	case wanted == cryptogramTC && !provable:
		wanted = cryptogramAAC
	}
	return wanted, t.signing.usable() && (wanted != cryptogramAAC || t.can(canSignAAC))
}

// generate asks for the cryptogram. EMV Contactless Book C-2, 7.6.
func (t *tap) generate() (emv.Action, error) {
	t.requested, t.signing.asked = t.request()
	p1 := byte(t.requested)
	if t.signing.asked {
		p1 |= requestCDA
	}
	values := t.cdol.Build(t.Lookup)
	t.signing.sent = append(t.signing.sent, values...)
	t.Terminal[tagReferenceControl], t.Terminal[tagCryptogramData] = []byte{p1}, values
	t.state = generating
	return emv.Transmit{Command: apdu.Query(claProprietary, insGenerate, p1, 0, values)}, nil
}
