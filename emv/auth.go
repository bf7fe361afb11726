package emv

import (
	"errors"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// errDDOL is why DDA fails before a command is sent.
var errDDOL = errors.New("no DDOL with an unpredictable number")

// odaMethod is a way of offline data authentication.
type odaMethod uint8

const (
	odaNone odaMethod = iota
	odaSDA            // the issuer signed the card's data
	odaDDA            // the card signs a number, by INTERNAL AUTHENTICATE
	odaCDA            // the card signs its cryptogram
	odaXDA            // the same, on an elliptic curve
)

// odaMethods are what can be chosen, the strongest first: the bit that the
// terminal claims in 9F33 byte 3, that the card claims in AIP byte 1, and the
// bit for its failure. EMV 4.4 Book 3, 10.3. XDA has three, see prepareExtended.
var odaMethods = []struct {
	method   odaMethod
	cap, aip byte
	failed   TVRBit
}{
	{odaXDA, capXDA, aipXDA, tvrXDAFailed},
	{odaCDA, capCDA, aipCDA, tvrCDAFailed},
	{odaDDA, capDDA, aipDDA, tvrDDAFailed},
	{odaSDA, capSDA, aipSDA, tvrSDAFailed},
}

// authentication is how far offline data authentication has come.
type authentication struct {
	method odaMethod
	failed TVRBit        // the bit that says that the method has failed
	err    error         // why it has failed, for the log
	icc    oda.PublicKey // of DDA and CDA
	ddol   []byte        // what INTERNAL AUTHENTICATE sent

	curve oda.CurveKey // of XDA

	// Of CDA and XDA: what was sent for PDOL, CDOL1 and CDOL2, what the latest
	// answer holds beside its signature, and what became of that.
	sent, covered secret.Bytes
	signature     signature
}

func (a *authentication) clear() {
	a.sent.Clear()
	a.covered.Clear()
	*a = authentication{}
}

// authenticate is offline data authentication by the strongest method that
// both sides can. EMV 4.4 Book 3, 10.3.
func (k *Kernel) authenticate() (Action, error) {
	for _, m := range odaMethods {
		if k.cfg.Capabilities[2]&m.cap != 0 && k.aip(m.aip) {
			k.auth.method, k.auth.failed = m.method, m.failed
			break
		}
	}
	switch k.auth.method {
	case odaSDA:
		k.tvr.Set(tvrSDASelected)
		return k.authenticateStatic()
	case odaDDA:
		return k.authenticateDynamic()
	case odaCDA:
		return k.prepareCombined()
	case odaXDA:
		k.tvr.Set(tvrXDASelected)
		return k.prepareExtended()
	case odaNone:
	}
	k.tvr.Set(tvrODANotPerformed)
	return k.restrict()
}

// authenticateStatic is SDA. EMV 4.4 Book 2, 5.4.
func (k *Kernel) authenticateStatic() (Action, error) {
	k.tsi.set(tsiODA)
	issuer, static, err := k.recoverIssuer(tlv.SSAD)
	if err != nil {
		return k.authenticationFailed(err)
	}
	code, err := oda.VerifyStatic(issuer, k.card[tlv.SSAD], static)
	if err != nil {
		return k.authenticationFailed(err)
	}
	k.terminal[tlv.DataAuthenticationCode] = code
	return k.restrict()
}

// authenticateDynamic is DDA. EMV 4.4 Book 2, 6.5.
func (k *Kernel) authenticateDynamic() (Action, error) {
	k.tsi.set(tsiODA)
	key, err := k.recoverICC()
	if err != nil {
		return k.authenticationFailed(err)
	}
	data, err := k.buildDDOL()
	if err != nil {
		return k.authenticationFailed(err)
	}
	k.auth.icc, k.auth.ddol = key, data
	k.state = authenticating
	return query(claInterindustry, insInternal, 0, 0, data), nil
}

// chain leads from the CA keys to the card's.
func (k *Kernel) chain() *oda.Chain {
	return &oda.Chain{Keys: k.cfg.CAKeys, Objects: k.card, PAN: k.pan, Today: k.tx.At}
}

// static looks for the objects that a method needs beside the issuer's own, and
// puts the static data together. EMV 4.4 Book 3, 7.2 and 10.3.
func (k *Kernel) static(further ...tlv.Tag) ([]byte, error) {
	if err := k.chain().Complete(further...); err != nil {
		return nil, err
	}
	data, err := k.records.Static()
	if err != nil {
		return nil, err
	}
	return oda.Static(data, k.card[tlv.SDATagList], k.card[tlv.AIP])
}

// recoverIssuer goes from the CA key to the issuer's. EMV 4.4 Book 2, 5.2 and
// 5.3.
func (k *Kernel) recoverIssuer(further ...tlv.Tag) (issuer oda.PublicKey, static []byte, err error) {
	if static, err = k.static(further...); err != nil {
		return oda.PublicKey{}, nil, err
	}
	issuer, err = k.chain().Issuer()
	return issuer, static, err
}

// recoverICC goes on to the card's own key. EMV 4.4 Book 2, 6.4.
func (k *Kernel) recoverICC() (oda.PublicKey, error) {
	static, err := k.static(tlv.ICCCertificate, tlv.ICCKeyExponent)
	if err != nil {
		return oda.PublicKey{}, err
	}
	return k.chain().ICC(static)
}

// buildDDOL builds what the card signs. A wrong list of the card's is not
// replaced by the default one. EMV 4.4 Book 2, 6.5.1.
func (k *Kernel) buildDDOL() ([]byte, error) {
	source, given := k.card[tlv.DDOL]
	if !given {
		source = k.app().DefaultDDOL
	}
	list, err := tlv.ParseDOL(source)
	if err != nil || !list.Contains(tlv.UnpredictableNumber) || list.Size() > dataMax {
		return nil, errDDOL
	}
	return list.Build(k.lookup), nil
}

// cardSigned verifies the answer to INTERNAL AUTHENTICATE. EMV 4.4 Book 2,
// 6.5.2 and Book 3, 6.5.9.
func (k *Kernel) cardSigned(r Response) (Action, error) {
	if r.sw() != swOK {
		return nil, refuse(ReasonCardStatus, "INTERNAL AUTHENTICATE: %04X (Book 3, 6.3.5)", r.sw())
	}
	sdad, err := tlv.One(r.body(), tlv.ResponseFormat1)
	if err != nil {
		template, err := tlv.One(r.body(), tlv.ResponseFormat2)
		if err != nil {
			return nil, refuse(ReasonCardData, "INTERNAL AUTHENTICATE: %v (Book 3, 6.5.9.4)", err)
		}
		var found bool
		if sdad, found = tlv.Find(template, tlv.SDAD); !found {
			return k.authenticationFailed(oda.ErrMissing)
		}
	}
	number, err := oda.VerifyDynamic(k.auth.icc, sdad, k.auth.ddol)
	if err != nil {
		return k.authenticationFailed(err)
	}
	k.terminal[tlv.ICCDynamicNumber] = number
	return k.restrict()
}

// authenticationFailed notes the failure, which by itself ends nothing.
// EMV 4.4 Book 3, 10.3.
func (k *Kernel) authenticationFailed(err error) (Action, error) {
	k.tvr.Set(k.auth.failed)
	if errors.Is(err, oda.ErrMissing) {
		k.tvr.Set(tvrDataMissing)
	}
	k.auth.err = err
	return k.restrict()
}
