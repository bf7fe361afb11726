package issuer

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// suiteP256 is EC-SDSA with SHA-256 on P-256, and hashSHA256 its hash. EMV 4.4
// Book 2, B2.
const (
	suiteP256  = 0x10
	hashSHA256 = 0x02
)

// curveAuthority is the part of an Authority whose keys are on an elliptic
// curve.
type curveAuthority struct {
	ca, issuer  *ecdh.PrivateKey
	public      CAKey
	certificate []byte // 90
}

func newCurveAuthority(rid [5]byte, index byte, bin string, expiry time.Time) (curveAuthority, error) {
	ca, err := newCurveKey()
	if err != nil {
		return curveAuthority{}, fmt.Errorf("issuer: CA key: %w", err)
	}
	key, err := newCurveKey()
	if err != nil {
		return curveAuthority{}, fmt.Errorf("issuer: issuer key: %w", err)
	}
	a := curveAuthority{ca: ca, issuer: key, public: CAKey{RID: rid, Index: index, Suite: suiteP256, X: xOf(ca), Expiry: expiry}}
	// Format, encoding, issuer, suite, expiry, serial number, CA key, and the
	// key itself. EMV 4.4 Book 2, table 35.
	c := append([]byte{0x12, 0x00}, compressed(bin, 5)...)
	c = append(c, suiteP256)
	c = append(c, compressed(expiry.Format("20060102"), 4)...)
	c = append(c, 0, 0, 1)
	c = append(append(c, rid[:]...), index)
	c = append(c, xOf(key)...)
	signature, err := signCurve(ca, c)
	a.certificate = append(c, signature...)
	return a, err
}

// newCurveKey makes a key whose point has the smaller of two y: only x is
// published. EMV 4.4 Book 2, B2.
func newCurveKey() (*ecdh.PrivateKey, error) {
	half := new(big.Int).Rsh(elliptic.P256().Params().P, 1)
	for { // twice on average
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		point := key.PublicKey().Bytes()
		if new(big.Int).SetBytes(point[1+len(point)/2:]).Cmp(half) <= 0 {
			return key, nil
		}
	}
}

// xOf is what is published of a key.
func xOf(key *ecdh.PrivateKey) []byte {
	point := key.PublicKey().Bytes() // 04 | x | y
	return point[1 : 1+len(point)/2]
}

// card certifies a card's key together with its data, until the end of a day.
// EMV 4.4 Book 2, table 36.
func (a curveAuthority) card(key *ecdh.PrivateKey, expires time.Time, serial [6]byte, data []byte) ([]byte, error) {
	c := []byte{0x14, 0x00, suiteP256}
	c = append(c, compressed(expires.Format("20060102")+"2359", 6)...)
	c = append(c, serial[:]...)
	c = append(c, 0x00, hashSHA256)
	hash := sha256.Sum256(data)
	c = append(append(c, hash[:]...), xOf(key)...)
	signature, err := signCurve(a.issuer, c)
	return append(c, signature...), err
}

// prove gives the card a key, and returns the objects of its issuer's
// certificate and of its own. That covers the account's record, then AIP,
// application and PDOL. EMV 4.4 Book 3, 10.3.
func (a curveAuthority) prove(random io.Reader, p *Profile, o Order, account []byte) (issuer, card []byte, err error) {
	p.DDOL = nil
	key, err := newCurveKey()
	if err != nil {
		return nil, nil, fmt.Errorf("card key: %w", err)
	}
	if p.ICCKey, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, nil, fmt.Errorf("card key: %w", err)
	}
	var serial [6]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, nil, fmt.Errorf("serial number: %w", err)
	}
	data := tlv.Append(append([]byte{}, account...), tlv.AIP, p.AIP)
	data = tlv.Append(data, tlv.AID, p.AID)
	data = tlv.Append(data, tlv.PDOL, p.PDOL)
	certificate, err := a.card(key, o.Expires, serial, data)
	if err != nil {
		return nil, nil, err
	}
	issuer = tlv.Append(nil, tlv.CAKeyIndex, []byte{a.public.Index})
	issuer = tlv.Append(issuer, tlv.IssuerCertificate, a.certificate)
	return issuer, tlv.Append(nil, tlv.ICCCertificate, certificate), nil
}

// SignExtended makes the value of 9F4B in a GENERATE AC response of a card with
// XDA: over PDOL and CDOL values as received, then the objects of the
// response. EMV 4.4 Book 2, 12.5.2.
func SignExtended(key *ecdh.PrivateKey, transaction []byte) ([]byte, error) {
	const format = 0x15
	signature, err := signCurve(key, append([]byte{format}, transaction...))
	return append([]byte{format}, signature...), err
}

// signCurve is EC-SDSA: with a secret number k and x of its point, r is the
// hash over x and the message, s is k + rd. EMV 4.4 Book 2, A2.2.2.
func signCurve(key *ecdh.PrivateKey, message []byte) ([]byte, error) {
	secret, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("issuer: signature: %w", err)
	}
	r := sha256.Sum256(append(xOf(secret), message...))
	s := new(big.Int).SetBytes(key.Bytes())
	s.Mul(s, new(big.Int).SetBytes(r[:]))
	s.Add(s, new(big.Int).SetBytes(secret.Bytes()))
	s.Mod(s, elliptic.P256().Params().N)
	return append(r[:], s.FillBytes(make([]byte, sha256.Size))...), nil
}

// CurveKey parses the private key of a card with XDA.
func (p Profile) CurveKey() (*ecdh.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(p.ICCKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: private key cannot be read", ErrProfile, p.Name)
	}
	if key, ok := parsed.(*ecdsa.PrivateKey); ok && key.Curve == elliptic.P256() {
		return key.ECDH()
	}
	return nil, fmt.Errorf("%w: %s: private key is not on P-256", ErrProfile, p.Name)
}
