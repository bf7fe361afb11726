package keys

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/secret"
)

func TestEncodePINVectors(t *testing.T) {
	for _, v := range []struct{ pin, pan, want string }{
		{"1234", "4012345678909", "041274EDCBA9876F"},
		{"1234", "4761739001010010", "041223C6FFEFEFFE"},
	} {
		block, err := EncodePIN(0, secret.Bytes(v.pin), secret.PAN(v.pan))
		if err != nil {
			t.Fatalf("EncodePIN: %v", err)
		}
		if got := fmt.Sprintf("%X", []byte(block)); got != v.want {
			t.Errorf("EncodePIN(0, %s, %s) = %s, want %s", v.pin, v.pan, got, v.want)
		}
	}
}

func TestPINRoundTrip(t *testing.T) {
	key := key16(t, testBDK)
	for _, format := range []uint8{0, 3} {
		for _, pan := range []string{"12345678", "401234567890", testPAN, "4761739001010010", "6234567890120123456"} {
			for n := pinMin; n <= pinMax; n++ {
				pin := "987654321098"[:n]
				block, err := EncryptPIN(format, key, secret.Bytes(pin), secret.PAN(pan))
				if err != nil {
					t.Fatal(err)
				}
				got, err := DecryptPIN(format, key, block, secret.PAN(pan))
				if err != nil || string(got) != pin {
					t.Errorf("format %d, PAN of %d: PIN of %d came back as %d digits, %v", format, len(pan), n, len(got), err)
				}
			}
		}
	}
}

func TestFormat3FillIsRandom(t *testing.T) {
	seen := map[byte]bool{}
	var first secret.Bytes
	for i := range 40 {
		block, err := EncodePIN(3, secret.Bytes("1234"), secret.PAN("0000000000000000"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = block
		} else if bytes.Equal(first, block) {
			t.Fatal("two blocks are equal")
		}
		for _, b := range block[3:] {
			seen[b>>4], seen[b&0xF] = true, true
		}
	}
	for v := range byte(16) {
		if seen[v] != (v >= 0xA) {
			t.Errorf("fill %X seen: %v", v, seen[v])
		}
	}
}

func TestWhatCannotBeAPINBlock(t *testing.T) {
	for _, v := range []struct {
		format   uint8
		pin, pan string
		want     error
	}{
		{0, "123", testPAN, ErrPIN},
		{0, "1234567890123", testPAN, ErrPIN},
		{3, "12a4", testPAN, ErrPIN},
		{0, "", testPAN, ErrPIN},
		{0, "1234", "1234567", ErrPIN},
		{0, "1234", "12345678901234567890", ErrPIN},
		{0, "1234", "40123456789D9", ErrPIN},
		{1, "1234", testPAN, ErrPINFormat},
		{4, "1234", testPAN, ErrPINFormat},
	} {
		block, err := EncodePIN(v.format, secret.Bytes(v.pin), secret.PAN(v.pan))
		if block != nil || !errors.Is(err, v.want) {
			t.Errorf("EncodePIN(%d, PIN of %d, PAN of %d) = %v, want %v", v.format, len(v.pin), len(v.pan), err, v.want)
		}
	}
}

func TestDecodePINRefuses(t *testing.T) {
	pan := secret.PAN("0000000000000000")
	for name, v := range map[string]struct {
		format uint8
		block  string
		want   error
	}{
		"short":               {0, "041234FFFFFFFF", ErrPINBlock},
		"long":                {0, "041234FFFFFFFFFFFF", ErrPINBlock},
		"empty":               {0, "", ErrPINBlock},
		"other format":        {0, "341234FFFFFFFFFF", ErrPINBlock},
		"format 1":            {1, "141234FFFFFFFFFF", ErrPINFormat},
		"three digits":        {0, "03123FFFFFFFFFFF", ErrPINBlock},
		"thirteen digits":     {0, "0D1234567890123F", ErrPINBlock},
		"no digit in the PIN": {0, "0412A4FFFFFFFFFF", ErrPINBlock},
		"fill of format 3":    {0, "041234FFFFFFFFFA", ErrPINBlock},
		"digit in the fill":   {3, "341234FFFFFFF9FF", ErrPINBlock},
	} {
		pin, err := DecodePIN(v.format, unhex(t, v.block), pan)
		if pin != nil || !errors.Is(err, v.want) {
			t.Errorf("%s: %v, want %v", name, err, v.want)
		}
	}
}

func TestWrongKeyOrAccount(t *testing.T) {
	key, other := key16(t, testBDK), key16(t, testIPEK)
	block, err := EncryptPIN(0, key, secret.Bytes("1234"), secret.PAN(testPAN))
	if err != nil {
		t.Fatal(err)
	}
	if pin, err := DecryptPIN(0, other, block, secret.PAN(testPAN)); !errors.Is(err, ErrPINBlock) {
		t.Errorf("wrong key: %v, %v", pin, err)
	}
	if pin, err := DecryptPIN(0, key, block, secret.PAN("4761739001010010")); !errors.Is(err, ErrPINBlock) {
		t.Errorf("wrong account: %v, %v", pin, err)
	}
	if pin, err := DecryptPIN(3, key, block, secret.PAN(testPAN)); !errors.Is(err, ErrPINBlock) {
		t.Errorf("wrong format: %v, %v", pin, err)
	}
	if pin, err := DecryptPIN(0, key, block[:7], secret.PAN(testPAN)); !errors.Is(err, ErrPINBlock) {
		t.Errorf("short: %v, %v", pin, err)
	}
}

func TestPINErrorsShowNoDigits(t *testing.T) {
	const pin, pan = "12345678901234", "999901888877776666555"
	_, e1 := EncodePIN(0, secret.Bytes(pin), secret.PAN(testPAN))
	_, e2 := EncodePIN(0, secret.Bytes("1234"), secret.PAN(pan))
	_, e3 := DecodePIN(0, unhex(t, "0412A4FFFFFFFFFF"), secret.PAN(testPAN))
	for _, err := range []error{e1, e2, e3} {
		if err == nil || strings.ContainsAny(strings.ReplaceAll(err.Error(), "8 to 19", ""), "56789") {
			t.Errorf("error shows digits: %v", err)
		}
	}
}

func FuzzDecodePIN(f *testing.F) {
	f.Add(uint8(0), unhex(f, "041274EDCBA9876F"), testPAN)
	f.Add(uint8(3), unhex(f, "341274EDCBA9876F"), testPAN)
	f.Fuzz(func(t *testing.T, format uint8, block []byte, pan string) {
		pin, err := DecodePIN(format, block, secret.PAN(pan))
		if err != nil {
			return
		}
		again, err := EncodePIN(format, pin, secret.PAN(pan))
		if err != nil || format == 0 && !bytes.Equal(again, block) {
			t.Errorf("a decoded PIN of %d digits is not the block again: %v", len(pin), err)
		}
	})
}
