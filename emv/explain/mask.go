package explain

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// hidden are the objects of which nothing is shown, and why.
var hidden = map[tlv.Tag]string{
	tlv.PINData:               "PIN data",
	tlv.Track1MagStripe:       "a track",
	tlv.Track1Discretionary:   "a part of a track",
	tlv.Track2Discretionary:   "a part of a track",
	tlv.CardTrack1:            "a part of a track",
	tlv.CardTrack2:            "a part of a track",
	tlv.IBAN:                  "a bank account",
	tlv.IdentityDocument:      "an identity document",
	tlv.DataStorageIdentifier: "it is the account number",
	// Whoever has the keys above reads the account number out of these.
	tlv.ICCCertificate:    "it certifies the account number",
	tlv.PINKeyCertificate: "it certifies the account number",
}

// free are the objects whose content nobody lays down.
var free = map[tlv.Tag]bool{
	tlv.ApplicationDiscretionary: true, 0x9F54: true, 0x9F7C: true, 0xDF63: true,
	0x9F70: true, 0x9F71: true, 0x9F72: true, 0x9F73: true, 0x9F74: true,
	0x9F75: true, 0x9F76: true, 0x9F77: true, 0x9F78: true, 0x9F79: true,
}

// hide masks what must not be read and reports whether it did.
func (p printer) hide(item *Item, n tlv.Node) bool {
	const cvc3Size = 2 // to kernel 2 a code that changes with each tap
	why, always := hidden[n.Tag]
	if n.Tag == tlv.IdentityDocument && len(n.Value) == cvc3Size {
		always = false
	}
	switch {
	case len(n.Value) == 0:
		return false
	case always:
	case n.Tag == tlv.PAN, n.Tag == tlv.Track2, n.Tag == tlv.Track2MagStripe:
		item.Value, item.Masked = secret.PAN(account(n.Value)).Masked(), true
		if n.Tag != tlv.PAN {
			item.Text = "the rest of the track is hidden"
		}
		return true
	case n.Tag == tlv.IINExtended:
		// Eight digits and the last four of a masked number are more than a
		// log may show. PCI DSS 3.4.1.
		item.Value, item.Masked = fmt.Sprintf("%X", n.Value[:min(3, len(n.Value))])+"**", true
		return true
	case p.holdsAccount(n.Value):
		why = "an account number stands in it"
	case (item.Name == "" || free[n.Tag]) && looksLikeAccount(n.Value):
		why = "what may be an account number stands in it"
	default:
		return false
	}
	item.Text, item.Masked = plural(len(n.Value), "byte")+", hidden: "+why, true
	return true
}

// account reads the digits of an account number in front of a separator, of
// padding, or of the end.
func account(value []byte) []byte {
	digits := fmt.Appendf(nil, "%X", value)
	if end := bytes.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		return digits[:end]
	}
	return digits
}

// accountMin is the shortest account number. ISO/IEC 7812-1.
const accountMin = 8

// accounts collects the account numbers, on which holdsAccount insists.
func accounts(nodes []tlv.Node) []string {
	var all []string
	for _, n := range nodes {
		switch n.Tag {
		case tlv.PAN, tlv.Track2, tlv.Track2MagStripe:
			if digits := account(n.Value); len(digits) >= accountMin {
				all = append(all, string(digits))
			}
		}
		all = append(all, accounts(n.Nodes)...)
	}
	return all
}

// holdsAccount looks for an account number, in nibbles and in characters.
func (p printer) holdsAccount(value []byte) bool {
	digits := fmt.Sprintf("%X", value)
	for _, a := range p.accounts {
		if strings.Contains(digits, a) || bytes.Contains(value, []byte(a)) {
			return true
		}
	}
	return false
}

// Payment cards have numbers of that many digits.
const cardMin, cardMax = 13, 19

// looksLikeAccount finds digits, in nibbles or in characters, whose last one
// checks the others. ISO/IEC 7812-1, Annex B.
func looksLikeAccount(value []byte) bool {
	for _, digits := range [][]byte{fmt.Appendf(nil, "%X", value), value} {
		for start := range digits {
			for size := cardMin; size <= cardMax && start+size <= len(digits); size++ {
				if checks(digits[start : start+size]) {
					return true
				}
			}
		}
	}
	return false
}

// checks computes the check digit. Numbers of cards do not begin with zero.
func checks(number []byte) bool {
	sum := 0
	for i, c := range number {
		if c < '0' || c > '9' || i == 0 && c == '0' {
			return false
		}
		digit := int(c - '0')
		if (len(number)-i)%2 == 0 {
			digit = digit*2/10 + digit*2%10
		}
		sum += digit
	}
	return sum%10 == 0
}
