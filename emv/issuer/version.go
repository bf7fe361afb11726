package issuer

import "slices"

// Version is a cryptogram version number, the third byte of 9F10: how a card
// and its issuer compute.
type Version byte

// The versions of this scheme. The first is what cards have unless they are
// ordered otherwise; the others are what a terminal's tester meets elsewhere.
const (
	// Common has a session key of each transaction's own and an answer that
	// holds the response code (ARPC method 1).
	Common Version = 0x12
	// Static has no session key: cryptogram and answer are made with the card's
	// master key, and the data is filled up with zeros alone.
	Static Version = 0x0A
	// Status is Common with an answer that holds a card status update (ARPC
	// method 2).
	Status Version = 0x22
)

func (v Version) known() bool { return v == Common || v == Static || v == Status }

// key is what the cryptogram and its answer are made with.
func (v Version) key(mk [16]byte, atc uint16) [16]byte {
	if v == Static {
		return mk
	}
	return SessionKey(mk, atc)
}

// Cryptogram is 9F26 of a card with this master key and transaction counter,
// over CryptogramData. EMV 4.4 Book 2, 8.1.
func (v Version) Cryptogram(mk [16]byte, atc uint16, data []byte) [8]byte {
	if key := v.key(mk, atc); v != Static {
		return Cryptogram(key, data)
	}
	return CryptogramZeros(mk, data)
}

// The bit of a card status update's second byte that says that the issuer
// approves. EMV 4.4 Book 3, Annex C10.
const csuApproves = 0x80

// Answer is the value of tag 91 that answers an ARQC with a response code.
// EMV 4.4 Book 2, 8.2.
func (v Version) Answer(mk [16]byte, atc uint16, arqc [8]byte, arc [2]byte) []byte {
	key := v.key(mk, atc)
	if v != Status {
		arpc := ARPC1(key, arqc, arc)
		return append(arpc[:], arc[:]...)
	}
	var csu [4]byte
	if arc == approvedCode {
		csu[1] = csuApproves
	}
	arpc := ARPC2(key, arqc, csu, nil)
	return append(arpc[:], csu[:]...)
}

// What an update says of the response code is only whether it is an approval.
var approvedCode, declinedCode = [2]byte{'0', '0'}, [2]byte{'0', '5'}

// Claimed is the response code that the value of a tag 91 claims to answer
// with. Whoever believes it compares the whole value with Answer.
func (v Version) Claimed(value []byte) (arc [2]byte, ok bool) {
	switch {
	case v == Status && len(value) == 8:
		if value[5]&csuApproves != 0 {
			return approvedCode, true
		}
		return declinedCode, true
	case v != Status && len(value) == 10:
		return [2]byte(value[8:]), true
	}
	return arc, false
}

// ARPC2 is the issuer's answer to a cryptogram, method 2: the first half of a
// MAC over ARQC, card status update and up to eight bytes of the issuer's own.
// EMV 4.4 Book 2, 8.2.2.
func ARPC2(sk [16]byte, arqc [8]byte, csu [4]byte, proprietary []byte) [4]byte {
	whole := mac(sk, slices.Concat(arqc[:], csu[:], proprietary))
	return [4]byte(whole[:4])
}
