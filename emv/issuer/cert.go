package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // EMV 4.4 Book 2, 5 and B2.1: the only hash of RSA certificates
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// The development set's RSA key lengths, in bits: long enough for each
// certificate to need a remainder, short enough to make a deck quickly.
const (
	caBits     = 1408
	issuerBits = 1152
	iccBits    = 1024
)

// ErrCertificate is data that does not fit into a certificate.
var ErrCertificate = errors.New("issuer: does not fit into a certificate")

// CAKey is the public key of the development set's certification authority,
// for the terminal's parameters. Its fields are those of oda.CAKey.
type CAKey struct {
	RID      [5]byte
	Index    byte
	Modulus  []byte
	Exponent []byte
	Suite    byte // of a key on an elliptic curve, which has X in place of the two above
	X        []byte
	Expiry   time.Time
	Revoked  [][3]byte // serial numbers of issuer certificates that are good no more
}

// Authority is a certification authority and one issuer under it, each with a
// key of RSA and one on an elliptic curve. Its private keys live in memory
// only: once the deck is made, nobody needs them.
type Authority struct {
	ca, issuer  *rsa.PrivateKey
	public      CAKey
	certificate Certificate
	revoked     Certificate // of the same key, taken back
	curve       curveAuthority
}

// Certificate is a public key certificate as the chip holds it: tags 90, 92
// and 9F32 of an issuer, 9F46, 9F48 and 9F47 of a card.
type Certificate struct {
	Signed    []byte
	Remainder []byte
	Exponent  []byte
}

// NewAuthority makes a certification authority with the given RID and index,
// and an issuer for the account numbers that begin with bin. Its keys of RSA
// are good until the end of expiry's month, those on an elliptic curve, which
// have the next index, until that day.
func NewAuthority(rid [5]byte, index byte, bin string, expiry time.Time) (*Authority, error) {
	if len(bin) < 3 || len(bin) > 8 || !decimal(bin) {
		return nil, fmt.Errorf("%w: issuer identifier of %d characters, want 3 to 8 digits", ErrCertificate, len(bin))
	}
	ca, err := rsa.GenerateKey(rand.Reader, caBits)
	if err != nil {
		return nil, fmt.Errorf("issuer: CA key: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, issuerBits)
	if err != nil {
		return nil, fmt.Errorf("issuer: issuer key: %w", err)
	}
	a := &Authority{ca: ca, issuer: key, public: CAKey{
		RID: rid, Index: index, Modulus: ca.N.Bytes(), Exponent: exponent(ca), Expiry: expiry,
		Revoked: [][3]byte{{0, 0, 2}},
	}}
	subject := append([]byte{0x02}, compressed(bin, 4)...)
	a.certificate = certify(ca, subject, expiry, [3]byte{0, 0, 1}, key, nil)
	a.revoked = certify(ca, subject, expiry, a.public.Revoked[0], key, nil)
	if a.curve, err = newCurveAuthority(rid, index+1, bin, expiry); err != nil {
		return nil, err
	}
	return a, nil
}

// Public are the keys that terminals are given, that of RSA first.
func (a *Authority) Public() []CAKey { return []CAKey{a.public, a.curve.public} }

// Issuer is the issuer's certificate, by the first of the public keys.
func (a *Authority) Issuer() Certificate { return a.certificate }

// Card certifies a card's key for its account number. static is the data that
// offline authentication covers: the marked records, then the AIP. EMV 4.4
// Book 2, 6.1 and Book 3, 10.3.
func (a *Authority) Card(key *rsa.PrivateKey, pan string, expiry time.Time, serial [3]byte, static []byte) (Certificate, error) {
	if len(pan) > 19 || !decimal(pan) {
		return Certificate{}, fmt.Errorf("%w: account number of %d characters", ErrCertificate, len(pan))
	}
	if key.Size() > a.issuer.Size() {
		return Certificate{}, fmt.Errorf("%w: card key longer than the issuer's", ErrCertificate)
	}
	subject := append([]byte{0x04}, compressed(pan, 10)...)
	return certify(a.issuer, subject, expiry, serial, key, static), nil
}

// certify signs a public key. The formats of issuer and card differ in the
// subject only, and in what is hashed with them. EMV 4.4 Book 2, tables 1, 13.
func certify(signer *rsa.PrivateKey, subject []byte, expiry time.Time, serial [3]byte, key *rsa.PrivateKey, static []byte) Certificate {
	modulus, e := key.N.Bytes(), exponent(key)
	body := append([]byte{}, subject...)
	body = append(body, compressed(expiry.Format("0106"), 2)...)
	body = append(body, serial[:]...)
	body = append(body, 0x01, 0x01, byte(len(modulus)), byte(len(e))) // SHA-1, RSA
	room := signer.Size() - len(body) - 1 - sha1.Size - 1             // header, hash, trailer
	part, remainder := modulus, []byte(nil)
	if len(modulus) > room {
		part, remainder = modulus[:room], modulus[room:]
	}
	body = append(body, part...)
	body = append(body, strings.Repeat("\xBB", room-len(part))...)
	hashed := append(append([]byte{}, remainder...), e...)
	return Certificate{
		Signed: seal(signer, body, append(hashed, static...)), Remainder: remainder, Exponent: e,
	}
}

// SignStatic makes the value of 93: the issuer's word for a card's data, with
// the data authentication code (9F45). EMV 4.4 Book 2, 5.1.
func (a *Authority) SignStatic(code [2]byte, static []byte) ([]byte, error) {
	return padded(a.issuer, []byte{0x03, 0x01, code[0], code[1]}, static)
}

// SignDynamic makes the value of 9F4B: the card's answer to INTERNAL
// AUTHENTICATE over its own number (2 to 8 bytes, 9F4C) and the data that the
// terminal sent. EMV 4.4 Book 2, 6.5.1.
func SignDynamic(key *rsa.PrivateKey, number, terminal []byte) ([]byte, error) {
	return signNumber(key, number, nil, terminal)
}

// Combined is what a card signs together with its cryptogram: the information
// about it (9F27) and itself, the terminal's unpredictable number, and the data
// of the transaction: PDOL and CDOL values as received, then the objects of the
// response. EMV 4.4 Book 2, 6.6.1.
type Combined struct {
	Information    byte
	Cryptogram     [8]byte
	TerminalNumber []byte // 9F37
	Transaction    []byte
	Further        []byte // what was exchanged against relays; EMV Contactless Book C-2, 3.10
}

// SignCombined makes the value of 9F4B in a GENERATE AC response.
func SignCombined(key *rsa.PrivateKey, number []byte, c Combined) ([]byte, error) {
	hash := sha1.Sum(c.Transaction)
	behind := append([]byte{c.Information}, c.Cryptogram[:]...)
	return signNumber(key, number, append(append(behind, hash[:]...), c.Further...), c.TerminalNumber)
}

// signNumber signs dynamic data: the card's number and what is behind it.
func signNumber(key *rsa.PrivateKey, number, behind, covered []byte) ([]byte, error) {
	if len(number) < 2 || len(number) > 8 {
		return nil, fmt.Errorf("%w: dynamic number of %d bytes", ErrCertificate, len(number))
	}
	data := append([]byte{byte(len(number))}, number...)
	data = append(data, behind...)
	return padded(key, append([]byte{0x05, 0x01, byte(len(data))}, data...), covered)
}

// padded seals a body that is filled up to the length of the key.
func padded(key *rsa.PrivateKey, body, covered []byte) ([]byte, error) {
	room := key.Size() - len(body) - 1 - sha1.Size - 1
	if room < 0 {
		return nil, fmt.Errorf("%w: key of %d bytes", ErrCertificate, key.Size())
	}
	body = append(body, strings.Repeat("\xBB", room)...)
	return seal(key, body, covered), nil
}

// seal is the signature with message recovery: 6A, the body, a hash over body
// and what else is covered, BC. EMV 4.4 Book 2, A2.1.2.
func seal(key *rsa.PrivateKey, body, covered []byte) []byte {
	hash := sha1.Sum(append(append([]byte{}, body...), covered...))
	message := append([]byte{0x6A}, body...)
	message = append(append(message, hash[:]...), 0xBC)
	m := new(big.Int).SetBytes(message)
	return m.Exp(m, key.D, key.N).FillBytes(make([]byte, key.Size()))
}

// exponent is the public exponent in its shortest form.
func exponent(key *rsa.PrivateKey) []byte { return big.NewInt(int64(key.E)).Bytes() }

// compressed packs digits in format cn, F on the right.
func compressed(digits string, width int) []byte {
	out := make([]byte, width)
	for i := range 2 * width {
		nibble := byte(0x0F)
		if i < len(digits) {
			nibble = digits[i] - '0'
		}
		out[i/2] |= nibble << (4 * (1 - i%2))
	}
	return out
}

// decimal tells whether all characters are digits.
func decimal(s string) bool { return strings.Trim(s, "0123456789") == "" }
