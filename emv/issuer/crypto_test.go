package issuer_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("bad hex %q: %v", s, err)
	}
	return b
}

type vector struct {
	IMK, PAN, PSN, ATC, ARC string
	OptionA                 string `json:"mk_option_a"` // what the session key was made from
	OptionB                 string `json:"mk_option_b"` // the same for short account numbers
	SK                      string `json:"sk_common"`
	Data                    string `json:"ac_data"`
	AC                      string `json:"ac_sk_emv_padding"`
	ZerosAC                 string `json:"ac_mk_visa_padding"`
	ARPC                    string `json:"arpc_method1"`
	CSU, Proprietary        string
	ARPC2                   string `json:"arpc_method2"`
	MKSM                    string `json:"mk_sm"`
	SKSM                    string `json:"sk_sm_common_from_arqc"`
	Command                 string
	MAC                     string `json:"command_mac"`
}

func TestVectors(t *testing.T) {
	dir := os.Getenv("EMV_VECTORS")
	if dir == "" {
		t.Skip("EMV_VECTORS is not set: the independent vectors are not here")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "vectors", "issuer-crypto.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors in the file")
	}
	longPANs := 0
	for i, v := range file.Vectors {
		if len(v.PAN) > 16 {
			longPANs++
		}
		checkVector(t, i, v)
	}
	if longPANs == 0 {
		t.Error("no vector has a long account number: option B was not tested")
	}
}

func checkVector(t *testing.T, i int, v vector) {
	t.Helper()
	imk := [16]byte(unhex(t, v.IMK))
	check := func(name string, got []byte, want string) {
		t.Helper()
		if !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("vector %d: %s = %X, want %s", i, name, got, want)
		}
	}
	mk := issuer.DeriveICC(imk, v.PAN, v.PSN)
	check("master key", mk[:], v.OptionB)
	atc := unhex(t, v.ATC)
	sk := issuer.SessionKey([16]byte(unhex(t, v.OptionA)), uint16(atc[0])<<8|uint16(atc[1]))
	check("session key", sk[:], v.SK)
	ac := issuer.Cryptogram(sk, unhex(t, v.Data))
	check("cryptogram", ac[:], v.AC)
	arpc := issuer.ARPC1(sk, ac, [2]byte(unhex(t, v.ARC)))
	check("ARPC", arpc[:], v.ARPC)
	arpc2 := issuer.ARPC2(sk, ac, [4]byte(unhex(t, v.CSU)), unhex(t, v.Proprietary))
	check("ARPC, method 2", arpc2[:], v.ARPC2)
	zeros := issuer.CryptogramZeros([16]byte(unhex(t, v.OptionA)), unhex(t, v.Data))
	check("cryptogram under the master key", zeros[:], v.ZerosAC)
	sm := issuer.ScriptKey([16]byte(unhex(t, v.MKSM)), ac)
	check("script key", sm[:], v.SKSM)
	mac := issuer.ScriptMAC(sm, unhex(t, v.Command))
	check("script MAC", mac[:], v.MAC)
}

func TestMissingPSNCountsAsZero(t *testing.T) {
	imk := [16]byte{1, 2, 3}
	if issuer.DeriveICC(imk, "9999011234567890", "") != issuer.DeriveICC(imk, "9999011234567890", "00") {
		t.Error("an absent PAN sequence number does not count as 00")
	}
	if issuer.DeriveICC(imk, "9999011234567890", "01") == issuer.DeriveICC(imk, "9999011234567890", "00") {
		t.Error("the PAN sequence number does not matter")
	}
}

func TestCryptogramData(t *testing.T) {
	values := map[tlv.Tag]string{
		0x9F02: "000000001250", 0x9F03: "000000000000", 0x9F1A: "0156", 0x95: "8000008000",
		0x5F2A: "0156", 0x9A: "260102", 0x9C: "00", 0x9F37: "DEADBEEF", 0x82: "3C00", 0x9F36: "0007",
		0x9F10: "06011203A00000",
	}
	const want = "000000001250" + "000000000000" + "0156" + "8000008000" + "0156" + "260102" + "00" +
		"DEADBEEF" + "3C00" + "0007" + "03A00000"
	get := func(tag tlv.Tag) []byte { return unhex(t, values[tag]) }
	if got := issuer.CryptogramData(get); !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("CryptogramData = %X, want %s", got, want)
	}
	values[0x9F03], values[0x9F10] = "00", "0601"
	const zeroed = "000000001250" + "000000000000" + "0156" + "8000008000" + "0156" + "260102" + "00" +
		"DEADBEEF" + "3C00" + "0007" + "00000000"
	if got := issuer.CryptogramData(get); !bytes.Equal(got, unhex(t, zeroed)) {
		t.Errorf("CryptogramData with wrong lengths = %X, want %s", got, zeroed)
	}
}

func TestApplicationDataRoundTrip(t *testing.T) {
	cvr := [4]byte{3, 0xA0, 1, 2}
	iad := issuer.ApplicationData(issuer.Common, cvr)
	if want := unhex(t, "06011203A00102"); !bytes.Equal(iad, want) {
		t.Errorf("ApplicationData = %X, want %X", iad, want)
	}
	if v, got, ok := issuer.ParseApplicationData(iad); !ok || got != cvr || v != issuer.Common {
		t.Errorf("ParseApplicationData = %v, %X, %v, want %X", v, got, ok, cvr)
	}
	for _, foreign := range []string{"", "06011103A00102", "06021203A00102", "06011203A001", "05011203A00102"} {
		if _, _, ok := issuer.ParseApplicationData(unhex(t, foreign)); ok {
			t.Errorf("ParseApplicationData(%s) is taken for this scheme's", foreign)
		}
	}
}

// TestAnswers: what an issuer sends is what its card expects, and a card
// believes nothing else. The parts are put together by hand here.
func TestAnswers(t *testing.T) {
	mk, atc, arqc := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, uint16(7), [8]byte{8, 7, 6, 5, 4, 3, 2, 1}
	sk := issuer.SessionKey(mk, atc)
	declined := issuer.ARPC1(sk, arqc, [2]byte{'5', '1'})
	approved := issuer.ARPC1(mk, arqc, [2]byte{'0', '0'})
	approves, declines := issuer.ARPC2(sk, arqc, [4]byte{0, 0x80}, nil), issuer.ARPC2(sk, arqc, [4]byte{}, nil)
	for _, tt := range []struct {
		version issuer.Version
		arc     string
		want    []byte
		claimed string
	}{
		{issuer.Common, "51", append(declined[:], "51"...), "51"},
		{issuer.Static, "00", append(approved[:], "00"...), "00"},
		{issuer.Status, "00", append(approves[:], 0, 0x80, 0, 0), "00"},
		{issuer.Status, "51", append(declines[:], 0, 0, 0, 0), "05"},
	} {
		got := tt.version.Answer(mk, atc, arqc, [2]byte([]byte(tt.arc)))
		if !bytes.Equal(got, tt.want) {
			t.Errorf("version %02X: answer %s = %X, want %X", tt.version, tt.arc, got, tt.want)
		}
		if arc, ok := tt.version.Claimed(got); !ok || string(arc[:]) != tt.claimed {
			t.Errorf("version %02X: answer %s claims %q, %v, want %q", tt.version, tt.arc, arc, ok, tt.claimed)
		}
		if arc, ok := tt.version.Claimed(got[1:]); ok {
			t.Errorf("version %02X: %d bytes claim %q", tt.version, len(got)-1, arc)
		}
	}
}

// Known answers, computed with openssl and not with this package, so that the
// keys are checked where the independent vectors are not at hand.
func TestKeysKnownAnswers(t *testing.T) {
	imk := [16]byte(unhex(t, "0123456789ABCDEFFEDCBA9876543210"))
	for _, tc := range []struct {
		pan, psn string
		atc      uint16
		mk, sk   string
	}{
		{"9999010000000025", "01", 7, "8F1580AE08E9B334E654B39EEA7FB5A8", "1C40CBF74F23C16B2CD562673EF89E10"},
		{"99990100000000251", "01", 7, "0BA110D3AEEA75BA4A790E49B66186A2", "91975B0DF12C64EF2F7F45D3574CDC15"},
		{"9999010000000025123", "02", 0x1234, "7929A4E52C237A6B37512C327C5D5D43", "CDF8106DA8A7A815C7048A433DEF34B9"},
	} {
		mk := issuer.DeriveICC(imk, tc.pan, tc.psn)
		if !bytes.Equal(mk[:], unhex(t, tc.mk)) {
			t.Errorf("%d digits: master key %X, want %s", len(tc.pan), mk, tc.mk)
		}
		if sk := issuer.SessionKey(mk, tc.atc); !bytes.Equal(sk[:], unhex(t, tc.sk)) {
			t.Errorf("%d digits: session key %X, want %s", len(tc.pan), sk, tc.sk)
		}
	}
	// ISO/IEC 9797-1 algorithm 3: two blocks whose padding is all of the second.
	mac := issuer.Cryptogram(imk, []byte("01234567"))
	if again := issuer.ScriptMAC(imk, []byte("01234567")); mac != again || mac == issuer.Cryptogram(imk, []byte("01234567\x80")) {
		t.Errorf("MAC %X does not tell data from padding", mac)
	}
}
