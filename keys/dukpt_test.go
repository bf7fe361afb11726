package keys

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/secret"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("hex %q: %v", s, err)
	}
	return b
}

func key16(t testing.TB, s string) [16]byte { t.Helper(); return [16]byte(unhex(t, s)) }
func ksn10(t testing.TB, s string) [10]byte { t.Helper(); return [10]byte(unhex(t, s)) }

// The keys of ANSI X9.24-1:2009, A.4: published for tests.
const (
	testBDK  = "0123456789ABCDEFFEDCBA9876543210"
	testKSN  = "FFFF9876543210E00000"
	testIPEK = "6AC292FAA1315B4D858AB3A3D7D5933A"
	testPAN  = "4012345678909"
)

// vectors are rows of X9.24-1:2009, A.4.
var vectors = []struct{ ksn, key, pinBlock, macRequest, macResponse, data string }{
	{"E00001", "042666B49184CFA368DE9628D0397BC9", "1B9C1845EB993A7A", "9CCC7817", "20364223", "FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F"},
	{"E00002", "C46551CEF9FD24B0AA9AD834130D3BC7", "10A01C8D02C69107", "F608A9BC", "D1FCA6BE", "A2B4E70F846E63D68775B7215EB4563DFD3037244C61CC13"},
	{"E00003", "0DF3D9422ACA56E547676D07AD6BADFA", "18DC07B94797B466", "20B59A4F", "BAD4CC9C", "BD751E65F10E75B6C1D5B1D283496A36C2DE21D993C387A7"},
	{"E00008", "27F66D5244FF62E1AA6F6120EDEB4280", "50E55547A5027551", "3679055B", "7FACA91D", "5F6584DEAFC51B48A239B51C2DACA97176C01D9CA8EDC33C"},
	{"E00010", "59598DCBD9BD94C094165CE453585F57", "D5D9638559EF53D6", "D39D3A59", "9E933C88", "53EDA44BDBCA037B2D3FEAEBAF73499336767BD1D0D09679"},
	{"EFF800", "F9CDFEBF4F5B1D9EB3EC12454527E176", "33365F5CC6F23C35", "", "", ""},
	{"F00000", "AA4D58DB653EC74A48C75F2F047DD2B5", "", "", "", ""},
}

func TestTransactionKeyVectors(t *testing.T) {
	const account = "4012345678909D987"
	for _, v := range vectors {
		t.Run(v.ksn, func(t *testing.T) {
			ksn := ksn10(t, "FFFF9876543210"+v.ksn)
			key, err := TransactionKey(key16(t, testBDK), ksn)
			if got := fmt.Sprintf("%X", key); err != nil || got != v.key {
				t.Fatalf("TransactionKey = %s, %v, want %s", got, err, v.key)
			}
			if v.pinBlock != "" {
				block, err := EncryptPIN(0, variant(t, key, UsePIN), secret.Bytes("1234"), secret.PAN(testPAN))
				if got := fmt.Sprintf("%X", []byte(block)); err != nil || got != v.pinBlock {
					t.Errorf("PIN block = %s, %v, want %s", got, err, v.pinBlock)
				}
			}
			if v.macRequest == "" {
				return
			}
			if got := retailMAC(t, variant(t, key, UseMACRequest), account); got != v.macRequest {
				t.Errorf("request MAC = %s, want %s", got, v.macRequest)
			}
			if got := retailMAC(t, variant(t, key, UseMACResponse), account); got != v.macResponse {
				t.Errorf("response MAC = %s, want %s", got, v.macResponse)
			}
			if got := encryptCBC(t, variant(t, key, UseDataRequest), account); got != v.data {
				t.Errorf("data = %s, want %s", got, v.data)
			}
		})
	}
}

func TestVariants(t *testing.T) {
	key := key16(t, vectors[0].key)
	if got := fmt.Sprintf("%X", variant(t, key, UsePIN)); got != "042666B49184CF5C68DE9628D0397B36" {
		t.Errorf("PIN variant = %s", got)
	}
	seen := map[[16]byte]Use{}
	for use := UsePIN; use <= UseDataResponse; use++ {
		v := variant(t, key, use)
		if other, ok := seen[v]; ok {
			t.Errorf("uses %d and %d share a key", use, other)
		}
		seen[v] = use
	}
	if _, err := Variant(key, UseDataResponse+1); err == nil {
		t.Error("an unknown use got a key")
	}
}

func TestInitialKey(t *testing.T) {
	for _, ksn := range []string{testKSN, "FFFF9876543210E00001", "FFFF9876543210FFFFFF"} {
		key, err := InitialKey(key16(t, testBDK), ksn10(t, ksn))
		if got := fmt.Sprintf("%X", key); err != nil || got != testIPEK {
			t.Errorf("InitialKey(%s) = %s, %v, want %s", ksn, got, err, testIPEK)
		}
	}
}

func TestTransactionKeyRefusesImpossibleCounters(t *testing.T) {
	for ksn, ok := range map[string]bool{
		"FFFF9876543210E00000": false, // 0
		"FFFF9876543210E003FF": true,  // ten ones
		"FFFF9876543210E007FF": false, // eleven
		"FFFF9876543210FFF800": true,  // ten: the last one
		"FFFF9876543210FFFC00": false, // eleven
		"FFFF9876543210FFFFFF": false, // all
	} {
		_, err := TransactionKey(key16(t, testBDK), ksn10(t, ksn))
		if ok != (err == nil) || !ok && !errors.Is(err, ErrKSN) {
			t.Errorf("TransactionKey(%s): %v, want accepted %v", ksn, err, ok)
		}
	}
}

// TestDeviceAndHostAgree walks the registers across many carries and stores
// and restores the device at each step.
func TestDeviceAndHostAgree(t *testing.T) {
	bdk := key16(t, testBDK)
	d := device(t)
	for want := uint32(1); want <= 2100; want++ {
		if bits.OnesCount32(want) > onesMax {
			continue
		}
		key, ksn, err := d.Next()
		if err != nil || counterOf(ksn) != want {
			t.Fatalf("Next = counter %d, %v, want %d", counterOf(ksn), err, want)
		}
		host, err := TransactionKey(bdk, ksn)
		if err != nil || host != key {
			t.Fatalf("counter %d: device %X, host %X, %v", want, key, host, err)
		}
		d = restart(t, d)
	}
}

// TestDeviceToItsEnd starts before the last counters and runs out.
func TestDeviceToItsEnd(t *testing.T) {
	const start = 0x1FE000
	d := device(t)
	clear(d.registers[:])
	ipek := key16(t, testIPEK)
	d.counter = nextCounter(start)
	for i := range d.registers { // what a device holds at d.counter: the keys of the counters still to come
		counter := d.counter&^(1<<i-1) | 1<<i
		if counter < d.counter || bits.OnesCount32(counter) > onesMax {
			continue
		}
		key, err := derive(ipek, d.ksn, counter)
		if err != nil {
			t.Fatal(err)
		}
		d.registers[i] = key
	}
	var last uint32
	for {
		key, ksn, err := d.Next()
		if errors.Is(err, ErrExhausted) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = counterOf(ksn)
		if host, err := TransactionKey(key16(t, testBDK), ksn); err != nil || host != key {
			t.Fatalf("counter %#x: device %X, host %X, %v", last, key, host, err)
		}
	}
	if last != 0x1FF800 {
		t.Errorf("last counter %#x, want 0x1ff800", last)
	}
	if _, _, err := restart(t, d).Next(); !errors.Is(err, ErrExhausted) {
		t.Errorf("after the end and a restart: %v, want ErrExhausted", err)
	}
	if d.registers != [counterBits][16]byte{} {
		t.Error("an exhausted device still holds keys")
	}
}

func TestUsableCounters(t *testing.T) {
	n := 0
	for c := nextCounter(0); c <= counterMax; c = nextCounter(c) {
		n++
	}
	if n != 1_048_575 {
		t.Errorf("%d usable counters, want 1048575", n)
	}
}

func TestNewDUKPTWantsCounterZero(t *testing.T) {
	if _, err := NewDUKPT(key16(t, testIPEK), ksn10(t, "FFFF9876543210E00001")); !errors.Is(err, ErrKSN) {
		t.Errorf("NewDUKPT with counter 1: %v, want ErrKSN", err)
	}
}

// TestStoredStateComesFirst shows why the state is stored before the key is
// used: what was stored before Next repeats the key.
func TestStoredStateComesFirst(t *testing.T) {
	d := device(t)
	key, _, _ := d.Next()
	again, _, _ := restart(t, d).Next()
	if key == again {
		t.Error("the state after Next gave the same key again")
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	d := device(t)
	state, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for i := range state {
		bad := bytes.Clone(state)
		bad[i] ^= 0x10
		if err := d.UnmarshalBinary(bad); !errors.Is(err, ErrState) {
			t.Fatalf("bit flipped in byte %d: %v, want ErrState", i, err)
		}
	}
	for _, n := range []int{0, 1, len(state) - 1} {
		if err := d.UnmarshalBinary(state[:n]); !errors.Is(err, ErrState) {
			t.Errorf("%d bytes: %v, want ErrState", n, err)
		}
	}
	if _, ksn, err := d.Next(); err != nil || counterOf(ksn) != 1 {
		t.Errorf("a refused state changed the device: counter %d, %v", counterOf(ksn), err)
	}
}

func TestClearedDeviceHasNoKeys(t *testing.T) {
	d := device(t)
	d.Clear()
	if _, _, err := d.Next(); !errors.Is(err, ErrExhausted) {
		t.Errorf("Next after Clear: %v, want ErrExhausted", err)
	}
}

func TestKCV(t *testing.T) {
	for key, want := range map[string]string{
		"3F419E1CB7079442AA37474C2EFBF8B8": "57C409",
		testBDK:                            "08D7B4",
	} {
		if got, err := KCV(key16(t, key)); err != nil || fmt.Sprintf("%X", got) != want {
			t.Errorf("KCV(%s) = %X, %v, want %s", key, got, err, want)
		}
	}
}

func FuzzDUKPTState(f *testing.F) {
	d, err := NewDUKPT(key16(f, testIPEK), ksn10(f, testKSN))
	if err != nil {
		f.Fatal(err)
	}
	state, _ := d.MarshalBinary()
	f.Add(state)
	f.Add([]byte{stateVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d DUKPT
		if d.UnmarshalBinary(b) != nil {
			return
		}
		if again, err := d.MarshalBinary(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("a state does not survive: %v", err)
		}
		_, _, _ = d.Next() // must not panic
	})
}

func device(t *testing.T) *DUKPT {
	t.Helper()
	d, err := NewDUKPT(key16(t, testIPEK), ksn10(t, testKSN))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func restart(t *testing.T, d *DUKPT) *DUKPT {
	t.Helper()
	state, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var again DUKPT
	if err := again.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	return &again
}

func variant(t *testing.T, key [16]byte, use Use) [16]byte {
	t.Helper()
	v, err := Variant(key, use)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// retailMAC is ISO 9797-1 algorithm 3 with padding method 1, its left half.
func retailMAC(t *testing.T, key [16]byte, data string) string {
	t.Helper()
	left, err := des.NewCipher(key[:8])
	if err != nil {
		t.Fatal(err)
	}
	right, err := des.NewCipher(key[8:])
	if err != nil {
		t.Fatal(err)
	}
	padded := pad8(data)
	cipher.NewCBCEncrypter(left, make([]byte, 8)).CryptBlocks(padded, padded)
	mac := padded[len(padded)-8:]
	right.Decrypt(mac, mac)
	left.Encrypt(mac, mac)
	return fmt.Sprintf("%X", mac[:4])
}

func encryptCBC(t *testing.T, key [16]byte, data string) string {
	t.Helper()
	block, err := newTDES(key)
	if err != nil {
		t.Fatal(err)
	}
	padded := pad8(data)
	cipher.NewCBCEncrypter(block, make([]byte, 8)).CryptBlocks(padded, padded)
	return fmt.Sprintf("%X", padded)
}

func pad8(data string) []byte { return append([]byte(data), make([]byte, (8-len(data)%8)%8)...) }
