package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The short file identifiers of a card: what is read but not authenticated,
// the certificates, and what the card's certificate covers.
const (
	sfiTrack        = 1
	sfiCertificates = 2
	sfiAccount      = 3
)

// aipRest says: cardholder verification (10), terminal risk management (08),
// issuer authentication by command (04). EMV 4.4 Book 3, Annex C1.
const aipRest = 0x1C

// Proof is how a card shows that it is genuine.
type Proof uint8

// The proofs.
const (
	ProofDDA Proof = iota // it signs a number of the terminal's
	ProofSDA              // its issuer signed its data; it has no key
	ProofCDA              // it signs its cryptograms, and numbers too
	ProofXDA              // it signs its cryptograms on an elliptic curve
)

// aip is 82 of a card with the proof.
func (p Proof) aip() []byte {
	switch p {
	case ProofDDA:
	case ProofSDA:
		return []byte{aipSDA | aipRest, 0}
	case ProofCDA:
		return []byte{aipDDA | aipCDA | aipRest, 0}
	case ProofXDA:
		return []byte{aipXDA | aipRest, 0}
	}
	return []byte{aipDDA | aipRest, 0}
}

// The lists of what a card wants to know. CDOL1 and CDOL2 have what a
// cryptogram covers, CDOL2 the response code before it.
var (
	pdol  = []byte{0x9F, 0x1A, 2, 0x5F, 0x2A, 2}
	ddol  = []byte{0x9F, 0x37, 4}
	cdol1 = []byte{0x9F, 0x02, 6, 0x9F, 0x03, 6, 0x9F, 0x1A, 2, 0x95, 5, 0x5F, 0x2A, 2, 0x9A, 3, 0x9C, 1, 0x9F, 0x37, 4}
	cdol2 = append([]byte{0x8A, 2}, cdol1...)
)

// CVM rules, each a method and its condition: always. EMV 4.4 Book 3, Annex C3.
var (
	cvmNone          = []byte{0x1F, 0x00}
	cvmOnlinePIN     = []byte{0x02, 0x00}
	cvmPlainPIN      = []byte{0x01, 0x00}
	cvmEncipheredPIN = []byte{0x04, 0x00}
	cvmSignature     = []byte{0x1E, 0x00}
	cvmPlainPINSign  = []byte{0x03, 0x00}

	// Where the reader wants it at that amount, and nothing elsewhere.
	cvmOnlinePINOrNone = []byte{0x02, 0x03, 0x1F, 0x03}
	cvmSignatureOrNone = []byte{0x1E, 0x03, 0x1F, 0x03}

	// Where the terminal can, and if that fails or it cannot, nothing.
	cvmOfflinePINOrNone = []byte{0x44, 0x03, 0x1F, 0x00}
)

// Order says which card to make; the zero values of the rest are defaults.
type Order struct {
	Name, Title string
	PAN         string
	PIN         string
	CVM         []byte   // rules; nil is "PIN online" with a PIN, and "no CVM" without
	PINKey      bool     // it has a key of its own for PINs
	OldPIN      string   // see Profile
	Keys        []string // see Profile
	Proof       Proof
	Revoked     bool // its issuer's certificate is (RSA)
	Behaviour   Behaviour
	Offline     bool  // see Profile
	LowerLimit  uint8 // 9F14 and 9F23; both 0: it has none
	UpperLimit  uint8
	Version     Version // of its cryptograms
	Service     string  // service code; "" is 201, or 220 where a PIN goes online
	Protocol    int
	Format1     bool
	AID         []byte
	Label       string
	Preferred   string // another name, which may have letters of ISO 8859-1
	Country     uint16 // 5F28, numeric
	Currency    uint16 // 9F42, numeric
	Issued      time.Time
	Expires     time.Time // the last day of use
	Others      []Order   // further applications of the same chip
	Tap         *Tap      // see Profile
}

// Personalise makes a card. keys are the issuer's; serials come from random.
func Personalise(random io.Reader, a *Authority, keys MasterKeys, o Order) (Profile, error) {
	const psn = "01"
	mk := DeriveICC(keys.AC, o.PAN, psn)
	mac, encipher := DeriveICC(keys.MAC, o.PAN, psn), DeriveICC(keys.Encipher, o.PAN, psn)
	p := Profile{
		Name: o.Name, Title: o.Title, PAN: o.PAN, PSN: psn, Expiry: o.Expires.Format("060102"),
		PIN: o.PIN, OldPIN: o.OldPIN, Keys: o.Keys, Behaviour: o.Behaviour, Offline: o.Offline, Version: o.Version, Protocol: o.Protocol, Format1: o.Format1, Service: o.service(),
		AID: o.AID, Label: o.Label, Preferred: latin1(o.Preferred), MasterKey: mk[:], MACKey: mac[:], EncipherKey: encipher[:], AIP: o.aip(),
		PDOL: o.pdol(), CDOL1: o.cdol1(), CDOL2: cdol2, DDOL: ddol, Tap: o.tap(),
	}
	account := accountRecord(o)
	issuer, proof, err := a.prove(random, &p, o, account)
	if err != nil {
		return Profile{}, fmt.Errorf("issuer: %s: %w", o.Name, err)
	}
	pinKey, err := a.keyForPIN(random, &p, o)
	if err != nil {
		return Profile{}, fmt.Errorf("issuer: %s: %w", o.Name, err)
	}
	p.Records = records(issuer, proof, pinKey, trackRecord(o), account)
	p.AFL = fileLocator(p.Records)
	if p.Others, err = personaliseOthers(random, a, keys, o); err != nil {
		return Profile{}, err
	}
	if err := p.Check(); err != nil {
		return Profile{}, err
	}
	return p, nil
}

// latin1 writes a name in ISO 8859-1; what that does not have is a question mark.
func latin1(name string) []byte {
	var b []byte
	for _, r := range name {
		if r > 0xFF {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

// prove returns the objects of the issuer's certificate, and what a card shows
// beside it. account is the value of the record that the proof covers.
func (a *Authority) prove(random io.Reader, p *Profile, o Order, account []byte) (issuer, proof []byte, err error) {
	if o.Proof == ProofXDA {
		return a.curve.prove(random, p, o, account)
	}
	static := append(append([]byte{}, account...), p.AIP...) // 9F4A names the AIP
	if o.Proof == ProofSDA {
		proof, err = a.proveStatic(random, p, static)
	} else {
		proof, err = a.proveByKey(random, p, o, static)
	}
	issuer = tlv.Append(nil, tlv.CAKeyIndex, []byte{a.public.Index})
	certificate := a.Issuer()
	if o.Revoked {
		certificate = a.revoked
	}
	issuer = tlv.Append(issuer, tlv.IssuerKeyExponent, certificate.Exponent)
	issuer = tlv.Append(issuer, tlv.IssuerKeyRemainder, certificate.Remainder)
	return tlv.Append(issuer, tlv.IssuerCertificate, certificate.Signed), proof, err
}

// proveByKey gives the card a key, and returns the objects that certify it.
func (a *Authority) proveByKey(random io.Reader, p *Profile, o Order, static []byte) ([]byte, error) {
	card, err := a.newKey(random, &p.ICCKey, o, static)
	if err != nil {
		return nil, err
	}
	objects := tlv.Append(nil, tlv.ICCKeyExponent, card.Exponent)
	objects = tlv.Append(objects, tlv.ICCKeyRemainder, card.Remainder)
	objects = tlv.Append(objects, tlv.DDOL, ddol)
	return tlv.Append(objects, tlv.ICCCertificate, card.Signed), nil
}

// keyForPIN gives the card a key for PINs, if it is to have one, and returns the
// objects that certify it; no other data of the card is covered. EMV 4.4 Book 2,
// 7.1.
func (a *Authority) keyForPIN(random io.Reader, p *Profile, o Order) ([]byte, error) {
	if !o.PINKey {
		return nil, nil
	}
	card, err := a.newKey(random, &p.PINKey, o, nil)
	if err != nil {
		return nil, err
	}
	objects := tlv.Append(nil, tlv.PINKeyExponent, card.Exponent)
	objects = tlv.Append(objects, tlv.PINKeyRemainder, card.Remainder)
	return tlv.Append(objects, tlv.PINKeyCertificate, card.Signed), nil
}

// newKey makes a key of the card's and certifies it.
func (a *Authority) newKey(random io.Reader, into *Hex, o Order, static []byte) (Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, iccBits)
	if err != nil {
		return Certificate{}, fmt.Errorf("card key: %w", err)
	}
	if *into, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return Certificate{}, fmt.Errorf("card key: %w", err)
	}
	var serial [3]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return Certificate{}, fmt.Errorf("serial number: %w", err)
	}
	return a.Card(key, o.PAN, o.Expires, serial, static)
}

// proveStatic returns the object that vouches for the data of a card without a
// key.
func (a *Authority) proveStatic(random io.Reader, p *Profile, static []byte) ([]byte, error) {
	p.DDOL = nil
	var code [2]byte
	if _, err := io.ReadFull(random, code[:]); err != nil {
		return nil, fmt.Errorf("data authentication code: %w", err)
	}
	signed, err := a.SignStatic(code, static)
	if err != nil {
		return nil, err
	}
	return tlv.Append(nil, tlv.SSAD, signed), nil
}

// personaliseOthers makes the further applications of a chip.
func personaliseOthers(random io.Reader, a *Authority, keys MasterKeys, chip Order) ([]Profile, error) {
	var made []Profile
	for _, o := range chip.Others {
		o.Behaviour, o.Protocol = chip.Behaviour, chip.Protocol
		o.Country, o.Currency, o.Issued, o.Expires = chip.Country, chip.Currency, chip.Issued, chip.Expires
		p, err := Personalise(random, a, keys, o)
		if err != nil {
			return nil, err
		}
		p.Service = "" // the card has one stripe, of its first application
		made = append(made, p)
	}
	return made, nil
}

// records lays out the files: the issuer's certificate, what a card shows
// beside it, and what it has for PINs.
func records(issuer, proof, pinKey, track, account []byte) []Record {
	template := func(value []byte) Hex { return tlv.Append(nil, tlv.RecordTemplate, value) }
	all := []Record{
		{SFI: sfiTrack, Number: 1, Data: template(track)},
		{SFI: sfiCertificates, Number: 1, Data: template(issuer)},
		{SFI: sfiCertificates, Number: 2, Data: template(proof)},
	}
	if len(pinKey) > 0 {
		all = append(all, Record{SFI: sfiCertificates, Number: 3, Data: template(pinKey)})
	}
	return append(all, Record{SFI: sfiAccount, Number: 1, Data: template(account)})
}

// fileLocator is the AFL of records that are sorted by file and number; only
// the account's file is authenticated. EMV 4.4 Book 3, 10.2.
func fileLocator(records []Record) []byte {
	var afl []byte
	for _, r := range records {
		if n := len(afl); n > 0 && afl[n-4] == r.SFI<<3 {
			afl[n-2] = r.Number
			continue
		}
		afl = append(afl, r.SFI<<3, r.Number, r.Number, 0)
		if r.SFI == sfiAccount {
			afl[len(afl)-1] = 1
		}
	}
	return afl
}

// service is the service code, ISO/IEC 7813: international, with a chip, and
// with or without a PIN where the stripe is read.
func (o Order) service() string {
	switch {
	case o.Service != "":
		return o.Service
	case o.PIN != "" && o.CVM == nil:
		return "220"
	}
	return "201"
}

// track is the magnetic stripe's image: account number, expiry, service code,
// discretionary digits.
func (o Order) track() []byte {
	digits := o.PAN + "D" + o.Expires.Format("0601") + o.service() + "0000000000"
	if len(digits)%2 == 1 {
		digits += "F"
	}
	packed := make([]byte, len(digits)/2)
	for i := range digits {
		nibble := digits[i] - '0'
		if digits[i] > '9' {
			nibble = digits[i] - 'A' + 10
		}
		packed[i/2] |= nibble << (4 * (1 - i%2))
	}
	return packed
}

// trackRecord has the track, unless that is told elsewhere, and what else is not
// signed.
func trackRecord(o Order) []byte {
	var b []byte
	if o.Tap == nil || !o.Tap.tellsTrack() {
		b = tlv.Append(nil, tlv.Track2, o.track())
	}
	b = tlv.Append(b, tlv.CardholderName, []byte("TEST/CARD"))
	if o.LowerLimit != 0 || o.UpperLimit != 0 { // not signed, for the issuer may change them
		b = tlv.Append(b, tlv.LowerOfflineLimit, []byte{o.LowerLimit})
		b = tlv.Append(b, tlv.UpperOfflineLimit, []byte{o.UpperLimit})
	}
	return b
}

// accountRecord has what the card's certificate vouches for.
func accountRecord(o Order) []byte {
	rules := o.CVM
	switch {
	case rules != nil:
	case o.PIN != "":
		rules = cvmOnlinePIN
	default:
		rules = cvmNone
	}
	b := tlv.Append(nil, tlv.PAN, compressed(o.PAN, (len(o.PAN)+1)/2))
	b = tlv.Append(b, tlv.PANSequence, []byte{0x01})
	b = tlv.Append(b, tlv.ExpirationDate, compressed(o.Expires.Format("060102"), 3))
	b = tlv.Append(b, tlv.EffectiveDate, compressed(o.Issued.Format("060102"), 3))
	b = tlv.Append(b, tlv.IssuerCountry, tlv.AppendNumeric(nil, uint64(o.Country), 2))
	b = tlv.Append(b, tlv.ApplicationCurrency, tlv.AppendNumeric(nil, uint64(o.Currency), 2))
	b = tlv.Append(b, tlv.ApplicationUsageControl, []byte{0xFF, 0xC0}) // all services, home and abroad
	b = tlv.Append(b, tlv.CardVersion, []byte{0x00, 0x01})
	b = tlv.Append(b, tlv.CVMList, append(make([]byte, 8), rules...)) // no amounts X and Y
	b = tlv.Append(b, tlv.CDOL1, o.cdol1())
	b = tlv.Append(b, tlv.CDOL2, cdol2)
	if o.Tap != nil {
		b = append(b, o.Tap.objects()...)
	}
	// Deny nothing; go online whenever something is amiss or the floor limit
	// is reached; without the issuer, decline then too.
	b = tlv.Append(b, tlv.IACDenial, []byte{0, 0, 0, 0, 0})
	b = tlv.Append(b, tlv.IACOnline, []byte{0xFC, 0x68, 0xFC, 0xF8, 0x00})
	b = tlv.Append(b, tlv.IACDefault, []byte{0xFC, 0x68, 0xFC, 0xF8, 0x00})
	return tlv.Append(b, tlv.SDATagList, []byte{0x82})
}
