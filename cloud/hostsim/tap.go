package hostsim

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// How the wire calls a cardholder's own device that has verified him, and the
// slip that he signs; see payment.
const (
	cvmDevice    = "device"
	cvmSignature = "signature"
)

// entryFits tells whether entry mode and chip data (9F39) say the same of how
// the card was read. A terminal that says nothing of it, as older ones do of
// what a card has approved, is asked no more.
func entryFits(req *wire.Request, get func(tlv.Tag) []byte) bool {
	said := get(tlv.EntryMode)
	if len(said) == 0 {
		return req.Entry != wire.EntryTap // each of its kernels says it
	}
	return req.Entry == "" || fmt.Sprintf("%02X", said) == req.Entry
}

// tapped tells whether the chip was held to an antenna.
func tapped(get func(tlv.Tag) []byte) bool {
	return fmt.Sprintf("%02X", get(tlv.EntryMode)) == wire.EntryTap
}

// byDevice compares the terminal's word that a phone has verified its owner,
// the entry's or that of 9F34, with the card's own, which its cryptogram covers:
// whoever stands between the two can put the claim into everything else (Basin et
// al., IEEE S&P 2021). Kernel 2 has a plain PIN in 9F34 for it. EMV Contactless
// Book C-2, 7.5.
func byDevice(req *wire.Request, get func(tlv.Tag) []byte, cvr [4]byte) (w pinWord) {
	w = offlinePIN(get, cvr)
	w.contrary = w.contrary || req.CVM == cvmDevice && cvr[1]&issuer.PINVerified == 0
	return w
}

// tooMuch tells whether nobody was verified, for more than the account's card
// is tapped for without that.
func (a *Account) tooMuch(req *wire.Request) bool {
	switch req.CVM {
	case cvmOnlinePIN, cvmDevice, cvmSignature:
		return false
	}
	return a.TapMinor > 0 && req.AmountMinor > a.TapMinor
}

// takesAnswer tells whether card and terminal, by their qualifiers 9F6C and
// 9F66, take the issuer's answer to the card at a second tap. For others there
// is none, and scripts wait. EMV Contactless Book C-3, 5.8.
func takesAnswer(get func(tlv.Tag) []byte) bool {
	const fromReader = 0x80 // byte 3
	ctq, ttq := get(tlv.CTQ), get(tlv.TTQ)
	return len(ctq) == 2 && len(ttq) == 4 && ctq[1]&issuer.QualifierUpdate != 0 && ttq[2]&fromReader != 0
}
