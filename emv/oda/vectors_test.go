package oda_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/secret"
)

// TestVectors checks a real scheme's signatures, made by others.
func TestVectors(t *testing.T) {
	folder := os.Getenv("EMV_VECTORS")
	if folder == "" {
		t.Skip("EMV_VECTORS is not set: it names the folder with vectors/oda.json")
	}
	text, err := os.ReadFile(filepath.Join(folder, "vectors", "oda.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	t.Run("SDA", func(t *testing.T) { vectorSDA(t, file["proxmark_sda"]) })
	t.Run("DDA", func(t *testing.T) { vectorDDA(t, file["proxmark_dda"]) })
	t.Run("CDA", func(t *testing.T) { vectorCDA(t, file["proxmark_cda"]) })
}

// then is a day on which the cards of the vectors were good.
var then = time.Date(2008, 6, 1, 0, 0, 0, 0, time.UTC)

func field(t *testing.T, v map[string]any, name string) []byte {
	t.Helper()
	s, ok := v[name].(string)
	if !ok {
		t.Fatalf("no %s in %v", name, v)
	}
	return unhex(t, s)
}

func vectorCA(t *testing.T, v map[string]any) oda.CAKey {
	t.Helper()
	k, ok := v["_capk"].(map[string]any)
	if !ok {
		t.Fatal("no _capk")
	}
	ca := oda.CAKey{Modulus: field(t, k, "modulus"), Exponent: field(t, k, "exp")}
	copy(ca.RID[:], field(t, k, "rid"))
	return ca
}

func vectorSDA(t *testing.T, v map[string]any) {
	pan := secret.PAN(fmt.Sprint(v["pan"]))
	cert := oda.Certificate{Signed: field(t, v, "issuer_cert"), Remainder: field(t, v, "issuer_rem"), Exponent: field(t, v, "issuer_exp")}
	issuer, err := oda.RecoverIssuer(vectorCA(t, v), cert, pan, then)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := oda.VerifyStatic(issuer, field(t, v, "ssad_cr"), field(t, v, "ssd1")); err != nil || len(code) != 2 {
		t.Errorf("VerifyStatic = %x, %v", code, err)
	}
	if _, err := oda.VerifyStatic(issuer, field(t, v, "ssad_cr"), field(t, v, "ssd1")[1:]); !errors.Is(err, oda.ErrFailed) {
		t.Errorf("VerifyStatic of other data: %v, want ErrFailed", err)
	}
}

// vectorICC recovers the card's key of a DDA or CDA vector.
func vectorICC(t *testing.T, v map[string]any, prefix string) oda.PublicKey {
	t.Helper()
	pan, day := secret.PAN(fmt.Sprint(v[prefix+"_pan"])), time.Date(2014, 6, 1, 0, 0, 0, 0, time.UTC)
	issuer, err := oda.RecoverIssuer(vectorCA(t, v), oda.Certificate{
		Signed: field(t, v, prefix+"_issuer_cert"), Remainder: field(t, v, prefix+"_issuer_rem"), Exponent: field(t, v, prefix+"_issuer_exp"),
	}, pan, day)
	if err != nil {
		t.Fatal(err)
	}
	icc, err := oda.RecoverICC(issuer, oda.Certificate{
		Signed: field(t, v, prefix+"_icc_cert"), Exponent: field(t, v, prefix+"_icc_exp"),
	}, pan, field(t, v, prefix+"_ssd1"), day)
	if err != nil {
		t.Fatal(err)
	}
	return icc
}

func vectorDDA(t *testing.T, v map[string]any) {
	icc := vectorICC(t, v, "d")
	if number, err := oda.VerifyDynamic(icc, field(t, v, "d_sdad_cr"), field(t, v, "d_dd1")); err != nil || len(number) < 2 {
		t.Errorf("VerifyDynamic = %x, %v", number, err)
	}
}

func vectorCDA(t *testing.T, v map[string]any) {
	icc := vectorICC(t, v, "c")
	response := field(t, v, "c_dd2")
	number, ac, err := oda.VerifyCombined(icc, field(t, v, "c_sdad_cr"), oda.Combined{
		UnpredictableNumber: field(t, v, "c_dd1"), CID: response[3],
		Transaction: append(field(t, v, "c_crm1"), response...),
	})
	if err != nil || len(number) < 2 || len(ac) != 8 {
		t.Errorf("VerifyCombined = %x, %x, %v", number, ac, err)
	}
}
