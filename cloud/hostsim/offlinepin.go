package hostsim

import (
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// pinWord is what terminal and card say of a PIN that the card was to verify.
type pinWord struct {
	unverified bool // the card wanted its owner verified, and that did not succeed
	spent      bool // nobody was asked: the PIN was wrong too often
	contrary   bool // the terminal was told that it is right, and the card knows nothing of it
}

// offlinePIN compares the terminal's word, the results in TVR (95) and 9F34,
// with the card's own. Who sits between the two and answers VERIFY himself shows
// in nothing else (Murdoch et al., IEEE S&P 2010).
func offlinePIN(get func(tlv.Tag) []byte, cvr [4]byte) (w pinWord) {
	const notVerified, triesExceeded = 0x80, 0x20 // EMV 4.4 Book 3, C5: byte 3
	if tvr := get(tlv.TVR); len(tvr) == 5 {       // left out, it counts as zeros under the cryptogram
		w.unverified = tvr[2]&notVerified != 0
		w.spent = w.unverified && tvr[2]&triesExceeded != 0
	}
	const failed = 0x01 // EMV 4.4 Book 4, A4: byte 3
	results := get(tlv.CVMResults)
	if len(results) == 3 && results[2] != failed && byCard(results[0]) {
		w.contrary = cvr[1]&issuer.PINVerified == 0
	}
	return w
}

// byCard tells the methods with a PIN that the card verifies, with a signature
// or without. EMV 4.4 Book 3, C3.
func byCard(code byte) bool {
	switch code & 0x3F {
	case 0x01, 0x03, 0x04, 0x05:
		return true
	}
	return false
}
