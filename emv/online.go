package emv

import (
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Authorisation response codes of an issuer who wants to be called, ISO 8583
// field 39; the second for a special condition.
const (
	arcReferral        = "01"
	arcSpecialReferral = "02"
)

// Lengths of what a host may answer. EMV 4.4 Book 3, 10.9 and Annex A.
const (
	arcSize                      = 2
	authCodeSize                 = 6
	issuerAuthMin, issuerAuthMax = 8, 16
)

// refusal is the reason of a host answer that is no approval. A referral is one
// too: the voice that may approve later speaks of another transaction. EMV 4.4
// Book 4, 6.3.8 and A6.
func (h HostResult) refusal() Reason {
	if h.ARC == arcReferral || h.ARC == arcSpecialReferral {
		return ReasonReferral
	}
	return ReasonIssuer
}

// hostAnswered goes on with the issuer's answer, or without one.
// EMV 4.4 Book 3, 10.9 and Book 4, 6.3.8.
func (k *Kernel) hostAnswered(h HostResult) (Action, error) {
	if !h.Online {
		return k.unable()
	}
	if err := checkFixed("authorisation response code", h.ARC, arcSize); err != nil || h.ARC == "" {
		return nil, fmt.Errorf("%w: host answer with ARC %q", ErrUnexpected, h.ARC)
	}
	k.host = h
	if k.auth.signature == signatureWrong {
		k.auth.signature = signatureJudged
	}
	k.setARC(h.ARC)
	if len(h.AuthCode) == authCodeSize {
		k.terminal[tlv.AuthorisationCode] = []byte(h.AuthCode)
	}
	k.before, k.after = script.Parse(h.Scripts)
	if len(h.IssuerAuth) < issuerAuthMin || len(h.IssuerAuth) > issuerAuthMax {
		return k.scriptBefore()
	}
	k.terminal[tlv.IssuerAuthentication] = slices.Clone(h.IssuerAuth)
	if !k.aip(aipIssuerAuth) || k.cryptogram() == transactionCertificate {
		return k.scriptBefore() // it goes with the second GENERATE AC; after a TC there is none
	}
	k.tsi.set(tsiIssuerAuth)
	k.state = authenticatingIssuer
	return Transmit{Command: apdu.Command(claInterindustry, insExternal, 0, 0, h.IssuerAuth)}, nil
}

// issuerAuthenticated takes the answer to EXTERNAL AUTHENTICATE. A failure is
// noted; the card decides with its second cryptogram. EMV 4.4 Book 3, 10.9
// and 6.5.4.
func (k *Kernel) issuerAuthenticated(r Response) (Action, error) {
	if r.sw() != swOK {
		k.tvr.Set(tvrIssuerAuthFailed)
	}
	return k.scriptBefore()
}

// unable asks the action codes for when no issuer answers. A terminal that
// never approves by itself declines. EMV 4.4 Book 3, 10.7 and Book 4, 6.3.8.
func (k *Kernel) unable() (Action, error) {
	if k.auth.signature == signatureWrong {
		return k.unableExtended()
	}
	k.state = generatingSecond
	if k.onlineOnly() || k.defaultDenies() {
		k.setARC(arcUnableDeclined)
		return k.generate(authenticationCryptogram, k.cdol2)
	}
	k.setARC(arcUnableApproved)
	return k.generate(transactionCertificate, k.cdol2)
}

// conclude asks for the second cryptogram: what the issuer said. A TC that the
// issuer was asked about after a failure of XDA is the card's last word.
// EMV 4.4 Book 3, 10.11 and Book 4, 6.3.2.2.4.
func (k *Kernel) conclude() (Action, error) {
	if k.cryptogram() == transactionCertificate {
		return k.scriptAfter()
	}
	k.state = generatingSecond
	if k.host.Approved {
		return k.generate(transactionCertificate, k.cdol2)
	}
	return k.generate(authenticationCryptogram, k.cdol2)
}
