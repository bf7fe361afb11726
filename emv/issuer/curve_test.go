package issuer_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// TestCurveCertificatesRecover goes from the authority's key to a signed
// transaction with the terminal's code, which was written apart from this.
func TestCurveCertificatesRecover(t *testing.T) {
	profiles, ca := applications(t)
	key := oda.CAKey{RID: ca[1].RID, Index: ca[1].Index, Suite: oda.Suite(ca[1].Suite), X: ca[1].X}
	found := false
	for _, p := range profiles {
		if !p.XDA() {
			continue
		}
		found = true
		all, static := content(t, p)
		get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(all, tag); return v }
		if index := get(tlv.CAKeyIndex); !bytes.Equal(index, []byte{key.Index}) || get(tlv.IssuerKeyExponent) != nil || get(tlv.DDOL) != nil {
			t.Errorf("%v: CA key index %X, want %02X, and nothing of RSA", p, index, key.Index)
		}
		issuerKey, err := oda.RecoverIssuerCurve(key, get(tlv.IssuerCertificate), secret.PAN(p.PAN), now)
		if err != nil {
			t.Fatal(err)
		}
		data := oda.Certified(static, p.AIP, p.AID, p.PDOL)
		last := time.Date(now.Year()+5, time.December, 31, 23, 59, 59, 0, time.UTC)
		icc, err := oda.RecoverICCCurve(issuerKey, get(tlv.ICCCertificate), data, last)
		if err != nil {
			t.Fatal(err)
		}
		private, err := p.CurveKey()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Key(); err == nil || p.Signs() {
			t.Errorf("%v has a key of RSA", p)
		}
		sdad, err := issuer.SignExtended(private, []byte("all of it"))
		if err != nil {
			t.Fatal(err)
		}
		if err := oda.VerifyExtended(icc, sdad, []byte("all of it")); err != nil {
			t.Error(err)
		}
	}
	if !found {
		t.Error("no card has XDA")
	}
	if _, err := profiles[0].CurveKey(); err == nil {
		t.Errorf("%v has a key on a curve", profiles[0])
	}
}
