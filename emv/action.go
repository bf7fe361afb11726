package emv

import (
	"crypto/sha1" // EMV 4.4 Book 3, 9.2.2: the TC hash
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// cryptogram is the type of an application cryptogram: the two upper bits of
// CID and of GENERATE AC's P1. EMV 4.4 Book 3, 6.5.5.
type cryptogram byte

const (
	authenticationCryptogram cryptogram = 0x00 // AAC: declined
	transactionCertificate   cryptogram = 0x40 // TC: approved
	requestCryptogram        cryptogram = 0x80 // ARQC: ask the issuer
	cryptogramMask                      = 0xC0
)

// Authorisation response codes that the terminal makes. EMV 4.4 Book 4, A6.
const (
	arcOfflineApproved = "Y1"
	arcOfflineDeclined = "Z1"
	arcUnableApproved  = "Y3"
	arcUnableDeclined  = "Z3"
)

// canAsk and canBoth tell what the terminal type says of going online: its
// second digit, attended from 1 and unattended from 4. EMV 4.4 Book 4, A1.
func (k *Kernel) canAsk() bool     { return (k.cfg.TerminalType&0x0F-1)%3 != 2 }
func (k *Kernel) canBoth() bool    { return (k.cfg.TerminalType&0x0F-1)%3 == 1 }
func (k *Kernel) onlineOnly() bool { return (k.cfg.TerminalType&0x0F-1)%3 == 0 }

// analyse is terminal action analysis: the first request. EMV 4.4 Book 3, 10.7.
func (k *Kernel) analyse() (Action, error) {
	app := k.app()
	request := transactionCertificate
	switch {
	case k.denies():
		request = authenticationCryptogram
	case k.onlineOnly():
		request = requestCryptogram
	case k.canAsk() && k.tvr.Meets(app.TACOnline, k.issuerCode(tlv.IACOnline, 0xFF)):
		request = requestCryptogram
	case !k.canAsk() && k.defaultDenies():
		request = authenticationCryptogram
	}
	switch request {
	case transactionCertificate:
		k.setARC(arcOfflineApproved)
	case authenticationCryptogram:
		k.setARC(arcOfflineDeclined)
	case requestCryptogram:
	}
	k.state = generatingFirst
	return k.generate(request, k.cdol1)
}

// denies: the action codes that forbid the transaction.
func (k *Kernel) denies() bool {
	return k.tvr.Meets(k.app().TACDenial, k.issuerCode(tlv.IACDenial, 0x00))
}

// defaultDenies: the action codes for when the issuer cannot be asked.
func (k *Kernel) defaultDenies() bool {
	return k.tvr.Meets(k.app().TACDefault, k.issuerCode(tlv.IACDefault, 0xFF))
}

// issuerCode is an action code of the card, each of its bytes filled with
// absent if there is none. EMV 4.4 Book 3, 10.7.
func (k *Kernel) issuerCode(t tlv.Tag, absent byte) [5]byte {
	code := [5]byte{absent, absent, absent, absent, absent}
	copy(code[:], k.card[t]) // its length was checked
	return code
}

// setARC sets 8A, for the cryptogram that is asked for next and for the end.
// EMV 4.4 Book 4, A6.
func (k *Kernel) setARC(code string) { k.terminal[tlv.ARC] = []byte(code) }

// generate asks for a cryptogram with the data of a list. EMV 4.4 Book 3,
// 9.2.1 and 6.5.5.
func (k *Kernel) generate(request cryptogram, list tlv.DOL) (Action, error) {
	if list.Contains(tlv.TCHash) {
		k.hashTC()
	}
	k.requested = request
	values := list.Build(k.lookup)
	return query(claProprietary, insGenerateAC, byte(request)|k.askSignature(request, values), 0, values), nil
}

// hashTC makes 98 over the card's TDOL; without one it is the hash of nothing,
// for default TDOLs are gone. EMV 4.4 Book 3, 9.2.2.
func (k *Kernel) hashTC() {
	hash := sha1.Sum(k.tdol.Build(k.lookup))
	k.terminal[tlv.TCHash] = slices.Clone(hash[:])
}
