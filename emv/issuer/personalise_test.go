package issuer_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

var (
	now     = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	testIMK = [16]byte{0x11, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

type madeDeck struct {
	cards []issuer.Profile
	ca    []issuer.CAKey
	err   error
}

// deck is made once: RSA keys are slow.
var deck = sync.OnceValue(func() madeDeck {
	cards, ca, err := issuer.Deck(rand.Reader, issuer.MasterKeys{AC: testIMK}, now)
	return madeDeck{cards, ca, err}
})

func cards(t *testing.T) ([]issuer.Profile, []issuer.CAKey) {
	t.Helper()
	d := deck()
	if d.err != nil {
		t.Fatal(d.err)
	}
	return d.cards, d.ca
}

// applications are those of all cards.
func applications(t *testing.T) ([]issuer.Profile, []issuer.CAKey) {
	t.Helper()
	profiles, ca := cards(t)
	var all []issuer.Profile
	for _, p := range profiles {
		all = append(append(all, p), p.Others...)
	}
	return all, ca
}

// recovered applies the public key and checks the frame and the hash of a
// signature with message recovery. Book 2, A2.1.3.
func recovered(t *testing.T, modulus, exponent, signed, covered []byte) []byte {
	t.Helper()
	if len(signed) != len(modulus) {
		t.Fatalf("signature of %d bytes under a key of %d", len(signed), len(modulus))
	}
	x := new(big.Int).Exp(new(big.Int).SetBytes(signed), new(big.Int).SetBytes(exponent), new(big.Int).SetBytes(modulus))
	b := x.FillBytes(make([]byte, len(modulus)))
	n := len(b)
	if b[0] != 0x6A || b[n-1] != 0xBC {
		t.Fatalf("recovered data begins %02X, ends %02X, want 6A and BC", b[0], b[n-1])
	}
	hash := sha1.Sum(append(append([]byte{}, b[1:n-21]...), covered...))
	if !bytes.Equal(hash[:], b[n-21:n-1]) {
		t.Fatalf("hash in the signature = %X, want %X", b[n-21:n-1], hash)
	}
	return b
}

// content joins the values of all records; authenticated is the part that the
// AFL marks.
func content(t *testing.T, p issuer.Profile) (all, authenticated []byte) {
	t.Helper()
	for _, r := range p.Records {
		value, err := tlv.One(r.Data, tlv.RecordTemplate)
		if err != nil {
			t.Fatalf("%v: record %d of file %d: %v", p, r.Number, r.SFI, err)
		}
		if len(r.Data) > 256 {
			t.Errorf("%v: record %d of file %d has %d bytes, at most 256 fit in an answer", p, r.Number, r.SFI, len(r.Data))
		}
		all = append(all, value...)
		for afl := p.AFL; len(afl) >= 4; afl = afl[4:] {
			if afl[0] == r.SFI<<3 && r.Number >= afl[1] && r.Number < afl[1]+afl[3] {
				authenticated = append(authenticated, value...)
			}
		}
	}
	return all, authenticated
}

func TestCertificatesRecover(t *testing.T) {
	profiles, ca := applications(t)
	for _, p := range profiles {
		if p.XDA() {
			continue // see TestCurveCertificatesRecover
		}
		t.Run(p.Name, func(t *testing.T) {
			all, static := content(t, p)
			get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(all, tag); return v }
			b := recovered(t, ca[0].Modulus, ca[0].Exponent, get(0x90), append(get(0x92), get(0x9F32)...))
			if want := unhex(t, "02999901FF1236"); !bytes.Equal(b[1:8], want) {
				t.Errorf("issuer certificate begins %X, want %X", b[1:8], want)
			}
			if revoked := slices.Contains(ca[0].Revoked, [3]byte(b[8:11])); revoked != (p.Name == "revoked") {
				t.Errorf("issuer certificate %X: revoked %t", b[8:11], revoked)
			}
			if int(b[13]) != 144 || int(b[14]) != len(get(0x9F32)) {
				t.Errorf("issuer key lengths %d, %d", b[13], b[14])
			}
			issuerN := append(b[15:len(b)-21:len(b)-21], get(0x92)...)
			if len(issuerN) != 144 {
				t.Fatalf("issuer modulus of %d bytes, want 144", len(issuerN))
			}
			static = append(static, p.AIP...)
			if !p.Signs() {
				b := recovered(t, issuerN, get(0x9F32), get(0x93), static)
				if want := unhex(t, "0301"); !bytes.Equal(b[1:3], want) || b[5] != 0xBB {
					t.Errorf("signed static data begin %X, want %X", b[1:6], want)
				}
				if len(p.ICCKey) != 0 || get(0x9F46) != nil || get(0x9F49) != nil {
					t.Error("a card without a key has a key, a certificate or a DDOL")
				}
				return
			}
			covered := append(append(get(0x9F48), get(0x9F47)...), static...)
			c := recovered(t, issuerN, get(0x9F32), get(0x9F46), covered)
			if got := fmt.Sprintf("%X", c[1:14]); got != "04"+p.PAN+"FFFF"+"1231" {
				t.Errorf("card certificate is for another account or date: %d digits", len(got))
			}
			iccN := append(c[21:len(c)-21:len(c)-21], get(0x9F48)...)
			key, err := p.Key()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(iccN, key.N.Bytes()) {
				t.Errorf("certified modulus is not the card's")
			}
			un := []byte{1, 2, 3, 4}
			sdad, err := issuer.SignDynamic(key, []byte("\x01\x02\x03\x04\x05\x06\x07\x08"), un)
			if err != nil {
				t.Fatal(err)
			}
			d := recovered(t, iccN, get(0x9F47), sdad, un)
			if want := unhex(t, "050109080102030405060708BBBB"); !bytes.Equal(d[1:15], want) {
				t.Errorf("dynamic data begins %X, want %X", d[1:15], want)
			}
		})
	}
}

func TestDeckHasWhatTestersCallFor(t *testing.T) {
	profiles, ca := applications(t)
	byName, byPAN := map[string]issuer.Profile{}, map[string]bool{}
	for _, p := range profiles {
		byName[p.Name] = p
		if byPAN[p.PAN] || !strings.HasPrefix(p.PAN, issuer.BIN) || !luhn(p.PAN) {
			t.Errorf("%v: account number is shared, of another BIN or without its check digit", p)
		}
		byPAN[p.PAN] = true
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"approve", "pin", "decline", "wrongpin", "nopse", "mute", "blocked", "cardsaysno", "t1", "sda", "cda", "forged", "twoapps", "static", "status", "xda"} {
		if _, ok := byName[name]; !ok {
			t.Errorf("no card %q", name)
		}
	}
	for name, aip := range map[string]string{"approve": "3C00", "sda": "5C00", "cda": "3D00", "xda": "9C00", "forged": "3D00"} {
		if got := fmt.Sprintf("%X", []byte(byName[name].AIP)); got != aip {
			t.Errorf("card %q has AIP %s, want %s", name, got, aip)
		}
	}
	if got := fmt.Sprint(byName["wrongpin"].Keys); got != "[0000 1234]" {
		t.Errorf("the customer of wrongpin types the wrong keys")
	}
	two := byName["twoapps"]
	if len(two.Others) != 1 || bytes.Equal(two.AID, two.Others[0].AID) || two.Label == two.Others[0].Label {
		t.Errorf("twoapps has %d further applications, AIDs %X", len(two.Others), two.AID)
	}
	for i, k := range ca {
		if k.Index != byte(i+1) || !bytes.Equal(k.RID[:], unhex(t, "F043504F53")) || len(k.Modulus)+len(k.X) != []int{176, 32}[i] || !k.Expiry.After(now) {
			t.Errorf("CA key: RID %X, index %d, %d and %d bytes, until %v", k.RID, k.Index, len(k.Modulus), len(k.X), k.Expiry)
		}
	}
}

// luhn checks a whole number, written apart from the maker's own.
func luhn(s string) bool {
	sum := 0
	for i := len(s) - 1; i >= 0; i-- {
		d := int(s[i] - '0')
		if (len(s)-i)%2 == 0 {
			d = []int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}[d]
		}
		sum += d
	}
	return sum%10 == 0
}

func TestProfileSurvivesJSON(t *testing.T) {
	profiles, _ := cards(t)
	text, err := json.Marshal(profiles)
	if err != nil {
		t.Fatal(err)
	}
	var back []issuer.Profile
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, again) {
		t.Error("a deck read from JSON writes another JSON")
	}
}

func TestProfileShowsNoSecret(t *testing.T) {
	profiles, _ := cards(t)
	p := profiles[1]
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", p, &p, profiles)
		fmt.Fprintf(&out, verb+"\n", p.MasterKey)
	}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("x", "p", p, "key", p.MasterKey)
	}
	for name, canary := range map[string]string{
		"account number": p.PAN, "account number in hex": fmt.Sprintf("%x", p.PAN),
		"master key": fmt.Sprintf("%x", []byte(p.MasterKey)), "master key, upper case": fmt.Sprintf("%X", []byte(p.MasterKey)),
		"PIN": `"1234"`, "PIN among keys": "[1234]",
	} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("the %s shows", name)
		}
	}
	if !strings.Contains(out.String(), `card "pin" 999901`) {
		t.Errorf("the name does not show in %s", out.String())
	}
}

func TestCheckRefuses(t *testing.T) {
	profiles, _ := cards(t)
	for name, spoil := range map[string]func(*issuer.Profile){
		"no name":        func(p *issuer.Profile) { p.Name = "" },
		"short PAN":      func(p *issuer.Profile) { p.PAN = "1234" },
		"letters in PAN": func(p *issuer.Profile) { p.PAN = "99990100000000A7" },
		"master key":     func(p *issuer.Profile) { p.MasterKey = p.MasterKey[:8] },
		"AID":            func(p *issuer.Profile) { p.AID = nil },
		"AFL":            func(p *issuer.Profile) { p.AFL = p.AFL[:3] },
		"protocol":       func(p *issuer.Profile) { p.Protocol = 2 },
		"behaviour":      func(p *issuer.Profile) { p.Behaviour = "dances" },
		"private key":    func(p *issuer.Profile) { p.ICCKey = issuer.Hex{1, 2, 3} },
		"curve key":      func(p *issuer.Profile) { p.AIP = issuer.Hex{0x9C, 0x00} },
		"other's AID":    func(p *issuer.Profile) { other := *p; other.AID = nil; p.Others = []issuer.Profile{other} },
		"others' others": func(p *issuer.Profile) { p.Others = []issuer.Profile{{Others: []issuer.Profile{*p}}} },
		"many others":    func(p *issuer.Profile) { p.Others = []issuer.Profile{*p, *p, *p, *p, *p} },
	} {
		p := profiles[0]
		spoil(&p)
		if err := p.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSignCombined recovers a signature with its cryptogram. Book 2, table 19.
func TestSignCombined(t *testing.T) {
	profiles, _ := cards(t)
	key, err := profiles[0].Key()
	if err != nil {
		t.Fatal(err)
	}
	c := issuer.Combined{Information: 0x80, Cryptogram: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, TerminalNumber: []byte{9, 9, 9, 9}, Transaction: []byte("all of it")}
	signed, err := issuer.SignCombined(key, []byte{0xA1, 0xB2}, c)
	if err != nil {
		t.Fatal(err)
	}
	b := recovered(t, key.N.Bytes(), big.NewInt(int64(key.E)).Bytes(), signed, c.TerminalNumber)
	hash := sha1.Sum(c.Transaction)
	want := append(unhex(t, "05012002A1B2800102030405060708"), hash[:]...)
	if !bytes.Equal(b[1:1+len(want)], want) || b[1+len(want)] != 0xBB {
		t.Errorf("dynamic data begin %X, want %X", b[1:1+len(want)], want)
	}
	if _, err := issuer.SignCombined(key, []byte{1}, c); err == nil {
		t.Error("a number of one byte is signed")
	}
}

func TestAuthorityRefuses(t *testing.T) {
	for _, bin := range []string{"", "12", "123456789", "99A"} {
		if _, err := issuer.NewAuthority(issuer.RID, 1, bin, now); err == nil {
			t.Errorf("issuer identifier %q is accepted", bin)
		}
	}
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte(`{"name":"x","pan":"9999010000000017","master_key":"00","aid":"F0"}`))
	f.Add([]byte(`{"master_key":"0"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p issuer.Profile
		if json.Unmarshal(text, &p) == nil {
			_ = p.Check()
		}
	})
}
