package emv

import (
	"errors"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Why dynamic data authentication fails before a command is sent.
var (
	errRecords = errors.New("a signed record is no template")
	errDDOL    = errors.New("no DDOL with an unpredictable number")
)

// authenticate is offline data authentication: DDA when both sides can, else
// none. EMV 4.4 Book 3, 10.3.
func (k *Kernel) authenticate() (Action, error) {
	if k.cfg.Capabilities[2]&capDDA == 0 || !k.aip(aipDDA) {
		k.tvr.set(tvrODANotPerformed)
		return k.restrict()
	}
	k.tsi.set(tsiODA)
	key, err := k.recoverKeys()
	if err != nil {
		return k.authenticationFailed(err)
	}
	data, err := k.buildDDOL()
	if err != nil {
		return k.authenticationFailed(err)
	}
	k.icc, k.ddolData = key, data
	k.state = authenticating
	return query(claInterindustry, insInternal, 0, 0, data), nil
}

// recoverKeys goes from the CA key to the card's own. EMV 4.4 Book 2, 6.
func (k *Kernel) recoverKeys() (oda.PublicKey, error) {
	mandatory := []tlv.Tag{tlv.CAKeyIndex, tlv.IssuerCertificate, tlv.IssuerKeyExponent, tlv.ICCCertificate, tlv.ICCKeyExponent}
	for _, t := range mandatory {
		if len(k.card[t]) == 0 {
			return oda.PublicKey{}, oda.ErrMissing
		}
	}
	if k.records.unusable {
		return oda.PublicKey{}, errRecords
	}
	static, err := oda.Static(k.records.static, k.card[tlv.SDATagList], k.card[tlv.AIP])
	if err != nil {
		return oda.PublicKey{}, err
	}
	var rid [5]byte
	copy(rid[:], k.card[tlv.DFName])
	ca, err := oda.FindCA(k.cfg.CAKeys, rid, k.card[tlv.CAKeyIndex][0], k.tx.At)
	if err != nil {
		return oda.PublicKey{}, err
	}
	issuer, err := oda.RecoverIssuer(ca, oda.Certificate{
		Signed: k.card[tlv.IssuerCertificate], Remainder: k.card[tlv.IssuerKeyRemainder], Exponent: k.card[tlv.IssuerKeyExponent],
	}, k.pan, k.tx.At)
	if err != nil {
		return oda.PublicKey{}, err
	}
	return oda.RecoverICC(issuer, oda.Certificate{
		Signed: k.card[tlv.ICCCertificate], Remainder: k.card[tlv.ICCKeyRemainder], Exponent: k.card[tlv.ICCKeyExponent],
	}, k.pan, static, k.tx.At)
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
	number, err := oda.VerifyDynamic(k.icc, sdad, k.ddolData)
	if err != nil {
		return k.authenticationFailed(err)
	}
	k.terminal[tlv.ICCDynamicNumber] = number
	return k.restrict()
}

// authenticationFailed notes the failure, which by itself ends nothing.
// EMV 4.4 Book 3, 10.3.
func (k *Kernel) authenticationFailed(err error) (Action, error) {
	k.tvr.set(tvrDDAFailed)
	if errors.Is(err, oda.ErrMissing) {
		k.tvr.set(tvrDataMissing)
	}
	k.odaError = err
	return k.restrict()
}
