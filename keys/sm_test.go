package keys_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/keys"
)

func smHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSM3 has the two examples of GB/T 32905, annex A, and lengths around the
// end of a block.
func TestSM3(t *testing.T) {
	for message, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
		"":                         "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
	} {
		if got := hex.EncodeToString(keys.SM2{}.Hash([]byte(message))); got != want {
			t.Errorf("SM3 of %q = %s, want %s", message, got, want)
		}
	}
	seen := map[string]bool{}
	for n := range 200 {
		message := bytes.Repeat([]byte{0x5A}, n)
		sum := string(keys.SM2{}.Hash(message))
		if seen[sum] || !bytes.Equal(message, bytes.Repeat([]byte{0x5A}, n)) {
			t.Errorf("SM3 of %d bytes is that of fewer, or the message was changed", n)
		}
		seen[sum] = true
	}
}

// The signature example of GB/T 32918.5, annex A.
const (
	smKey       = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020" + "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
	smMessage   = "message digest"
	smSignature = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3" + "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)

func TestSM2(t *testing.T) {
	key, signature := smHex(t, smKey), smHex(t, smSignature)
	if !(keys.SM2{}).Verify(key, []byte(smMessage), signature) {
		t.Fatal("the standard's own signature is refused")
	}
	order := "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123"
	zero, ones := strings.Repeat("00", 32), strings.Repeat("ff", 32)
	for name, tt := range map[string]struct{ key, message, signature string }{
		"other message":     {smKey, "message digesT", smSignature},
		"longer message":    {smKey, smMessage + "\x00", smSignature},
		"short signature":   {smKey, smMessage, smSignature[2:]},
		"no signature":      {smKey, smMessage, ""},
		"short key":         {smKey[2:], smMessage, smSignature},
		"r is zero":         {smKey, smMessage, zero + smSignature[64:]},
		"s is zero":         {smKey, smMessage, smSignature[:64] + zero},
		"r is the order":    {smKey, smMessage, order + smSignature[64:]},
		"s is the order":    {smKey, smMessage, smSignature[:64] + order},
		"all ones":          {smKey, smMessage, ones + ones},
		"r and s cancel":    {smKey, smMessage, zero[:62] + "01" + order[:62] + "22"},
		"key is no point":   {smKey[:126] + "12", smMessage, smSignature},
		"key is infinity":   {zero + zero, smMessage, smSignature},
		"key out of range":  {ones + ones, smMessage, smSignature},
		"the other point":   {smKey[:64] + "3315b6f21d988a5ad2391597733e559ff512fa040ca1f7b599cd09f8d25652ec", smMessage, smSignature},
		"numbers exchanged": {smKey, smMessage, smSignature[64:] + smSignature[:64]},
	} {
		if (keys.SM2{}).Verify(smHex(t, tt.key), []byte(tt.message), smHex(t, tt.signature)) {
			t.Errorf("%s: taken", name)
		}
	}
	for i := 0; i < 8*len(signature); i += 9 { // each byte, and each place in one
		signature[i/8] ^= 1 << (i % 8)
		if (keys.SM2{}).Verify(key, []byte(smMessage), signature) {
			t.Errorf("bit %d of the signature changed: taken", i)
		}
		signature[i/8] ^= 1 << (i % 8)
	}
}

// FuzzSM2: whatever comes, nothing but the signature is taken, and no key that
// is no point does harm.
func FuzzSM2(f *testing.F) {
	good := smHex(f, smSignature)
	f.Add(smHex(f, smKey), good)
	f.Add(make([]byte, 64), make([]byte, 64))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, signature []byte) {
		if taken := (keys.SM2{}).Verify(key, []byte(smMessage), signature); taken && bytes.Equal(key, smHex(t, smKey)) != bytes.Equal(signature, good) {
			t.Fatalf("key %X, signature %X: taken", key, signature)
		}
	})
}
