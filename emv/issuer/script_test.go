package issuer_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The commands below were computed apart from this package, with openssl's
// triple DES and a few lines around it.
func TestScripter(t *testing.T) {
	const pan, psn = "9999010000000012", "01"
	mac := issuer.DeriveICC([16]byte(unhex(t, "0123456789ABCDEFFEDCBA9876543210")), pan, psn)
	encipher := issuer.DeriveICC([16]byte(unhex(t, "FEDCBA98765432100123456789ABCDEF")), pan, psn)
	s := issuer.NewScripter(mac, encipher, [8]byte(unhex(t, "1122334455667788")))
	change := func() []byte {
		t.Helper()
		command, err := s.ChangePIN("4321")
		if err != nil {
			t.Fatal(err)
		}
		return command
	}
	put := func() []byte {
		t.Helper()
		command, err := s.PutData(tlv.LowerOfflineLimit, []byte{5})
		if err != nil {
			t.Fatal(err)
		}
		return command
	}
	for _, step := range []struct {
		make func() []byte
		want string
	}{
		{s.UnblockPIN, "842400000826E66A6CE80C41D3"},
		{change, "84240002188EBF3CFF0A714848EF30B19C880970039FAB7F80340C9B14"},
		{put, "04DA9F1409059D8C9B6164AA7BFD"},
		{s.BlockApplication, "841E00000880EF87ABE642D4FD"},
		{s.UnblockApplication, "84180000080B91EEFDFFE3AE17"},
		{s.BlockCard, "8416000008127B1CF195F5D484"},
	} {
		if got := fmt.Sprintf("%X", step.make()); got != step.want {
			t.Errorf("command %s, want %s", got, step.want)
		}
	}
	for _, pin := range []string{"", "123", "1234567890123", "12a4"} {
		if _, err := s.ChangePIN(pin); !errors.Is(err, issuer.ErrScript) {
			t.Errorf("a PIN of %d characters: %v", len(pin), err)
		}
	}
	if _, err := s.PutData(0xDF8101, nil); !errors.Is(err, issuer.ErrScript) {
		t.Errorf("a tag of three bytes: %v", err)
	}
	if _, err := s.PutData(tlv.LowerOfflineLimit, make([]byte, 248)); !errors.Is(err, issuer.ErrScript) {
		t.Errorf("248 bytes: %v", err)
	}
}

func TestMasterKeysAreMasked(t *testing.T) {
	k := issuer.MasterKeys{AC: [16]byte{0xAB, 0xCD}, MAC: [16]byte{0xAB, 0xCD}, Encipher: [16]byte{0xAB, 0xCD}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q"} {
		if got := fmt.Sprintf(verb, k); got != "[keys]" {
			t.Errorf("%s shows %s", verb, got)
		}
	}
}

func TestScript(t *testing.T) {
	got := issuer.Script(tlv.Script2, [4]byte{1, 2, 3, 4}, []byte{0x84, 0x1E, 0, 0}, []byte{0x84, 0x16, 0, 0})
	if want := unhex(t, "72139F180401020304"+"8604841E0000"+"860484160000"); !bytes.Equal(got, want) {
		t.Errorf("%X, want %X", got, want)
	}
}

func TestDecipherScript(t *testing.T) {
	key := [16]byte{1, 2, 3}
	for _, plain := range []string{"", "1", "1234567", "12345678", "123456789"} {
		got, ok := issuer.DecipherScript(key, issuer.EncipherScript(key, []byte(plain)))
		if !ok || string(got) != plain {
			t.Errorf("%q became %q, %t", plain, got, ok)
		}
	}
	for _, wrong := range [][]byte{nil, make([]byte, 7), make([]byte, 8), make([]byte, 16)} {
		if got, ok := issuer.DecipherScript(key, wrong); ok {
			t.Errorf("%d wrong bytes became %X", len(wrong), got)
		}
	}
}
