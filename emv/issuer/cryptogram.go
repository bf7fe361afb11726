package issuer

import "github.com/cloudpos/cloudpos/emv/tlv"

// keyIndex is the derivation key index of the development issuer.
const keyIndex = 0x01

// cryptogramFields are the objects that enter a cryptogram, with their fixed
// lengths, in order. The card verification results follow them.
var cryptogramFields = []tlv.Entry{
	{Tag: tlv.AmountAuthorised, Length: 6},
	{Tag: tlv.AmountOther, Length: 6},
	{Tag: tlv.TerminalCountry, Length: 2},
	{Tag: tlv.TVR, Length: 5},
	{Tag: tlv.TransactionCurrency, Length: 2},
	{Tag: tlv.TransactionDate, Length: 3},
	{Tag: tlv.TransactionType, Length: 1},
	{Tag: tlv.UnpredictableNumber, Length: 4},
	{Tag: tlv.AIP, Length: 2},
	{Tag: tlv.ATC, Length: 2},
}

// CryptogramData is what this scheme's cards put under a cryptogram: 9F02 9F03
// 9F1A 95 5F2A 9A 9C 9F37 82 9F36 and the card verification results of 9F10.
// get gives the value of a tag, or nil. A value that is missing or of another
// length enters as zeros, so that no two messages give the same bytes by
// shifting. EMV 4.4 Book 2, 8.1.1 recommends the set.
func CryptogramData(get func(tlv.Tag) []byte) []byte {
	var data []byte
	for _, f := range cryptogramFields {
		value := get(f.Tag)
		if len(value) != f.Length {
			value = make([]byte, f.Length)
		}
		data = append(data, value...)
	}
	_, cvr, _ := ParseApplicationData(get(tlv.IssuerApplicationData))
	return append(data, cvr[:]...)
}

// ApplicationData is the value of 9F10: length, derivation key index,
// cryptogram version, card verification results.
func ApplicationData(v Version, cvr [4]byte) []byte {
	return append([]byte{2 + byte(len(cvr)), keyIndex, byte(v)}, cvr[:]...)
}

// PINVerified is in the second byte of the card verification results: the card
// has verified a PIN in this transaction, and it was right; or a phone its owner.
const PINVerified = 0x04

// ParseApplicationData takes 9F10 apart. It reports false when the data is not
// of this scheme.
func ParseApplicationData(iad []byte) (v Version, cvr [4]byte, ok bool) {
	if len(iad) != 7 || iad[0] != 6 || iad[1] != keyIndex || !Version(iad[2]).known() {
		return 0, cvr, false
	}
	return Version(iad[2]), [4]byte(iad[3:]), true
}
