package emv_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/benchtest"
	"github.com/cloudpos/cloudpos/emv/oda/odatest"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// allocationsMax bounds what an online transaction of all stages allocates.
const allocationsMax = 1000

// The key lengths of the benchmark's card, in bits: the longest CA key that
// there may be, and what cards in the field have below it.
const benchCABits, benchIssuerBits, benchICCBits = 1984, 1408, 1152

// benchExponents are the two that EMV knows.
var benchExponents = []int{3, 65537}

// replayed is a sale with all stages that can be played again and again, for
// its unpredictable number is always the same: directory, final selection,
// options, records, DDA, restrictions, cardholder verification, floor limit, a
// lot, both counters, an ARQC, the issuer's approval and its proof, and a TC.
type replayed struct {
	*setup
	events []emv.Event
	signed [3][]byte // both certificates and the card's signature
	keys   [3]*rsa.PrivateKey
}

// newReplayed makes the keys, with public exponent e, and what the card answers.
func newReplayed(t testing.TB, e int) *replayed {
	t.Helper()
	c := &ddaCard{
		Keys: odatest.Keys{
			CA: generateKey(t, benchCABits, e), Issuer: generateKey(t, benchIssuerBits, e), ICC: generateKey(t, benchICCBits, e),
		},
		aip: "3C00", afl: "08010100 10010201 18010200", static: ddaStatic,
		cdols: ddaCDOLs + " 9F14[03] 9F23[05]", ddolData: "01234567", issuerExpiry: "1228",
	}
	c.issue(t)
	_, fromSelect, _ := strings.Cut(c.head(""), "< 6A82\n")
	_, fromSelect, _ = strings.Cut(fromSelect, "\n") // the directory takes the place of the first FCI
	text := strings.Join([]string{
		fmt.Sprintf("# bench\nwith ca-key F043504F53 01 %X %X", odatest.Exponent(c.CA), c.CA.N.Bytes()),
		"with floor-limit 5000\nwith random-selection 1000 40 99",
		`atr 3B650000002063CB6800`,
		`< 6F[84["1PAY.SYS.DDF01"] A5[88[01]]] 9000`,
		`< 70[61[4F[F043504F530101] 50["CLOUDPOS"] 87[01]]] 9000`,
		"< 6A83\n" + strings.TrimSuffix(fromSelect, "\n"),
		"< 9F36[001A] 9000\n< 9F13[0010] 9000",
		"< 80[80 001A 1122334455667788 06010A03A00000] 9000",
		`! host 00 approved 89["123456"] 91[11223344556677883030]`,
		"< 9000\n< 80[40 001A 8877665544332211 06010A03A00000] 9000\n",
	}, "\n")
	checkStages(t, replay(t, text))
	r := &replayed{keys: [3]*rsa.PrivateKey{c.CA, c.Issuer, c.ICC}}
	r.setup, r.events = parseInputs(t, text)
	for i, part := range []struct {
		data string
		path []tlv.Tag
	}{
		{c.issuerData, []tlv.Tag{tlv.IssuerCertificate}}, {c.iccData, []tlv.Tag{tlv.ICCCertificate}},
		{strings.TrimSuffix(c.internal, "9000"), []tlv.Tag{tlv.ResponseFormat1}},
	} {
		var found bool
		if r.signed[i], found = tlv.Find(unhex(t, part.data), part.path...); !found {
			t.Fatalf("no %v", part.path)
		}
	}
	return r
}

// checkStages wants every stage in a transcript, in order, and what they found.
func checkStages(t testing.TB, played string) {
	t.Helper()
	rest := played
	for _, stage := range []string{
		"SELECT 1PAY.SYS.DDF01", "READ RECORD 1 of SFI 1", "SELECT F043504F530101", "GET PROCESSING OPTIONS",
		"READ RECORD 2 of SFI 3", "INTERNAL AUTHENTICATE", "GET DATA 9F36", "GET DATA 9F13", "GENERATE AC ARQC",
		"? online", "EXTERNAL AUTHENTICATE", "GENERATE AC TC", "= Approved", "95[0000007000]", "9F34[1F0002]", "9B[F800]",
	} {
		_, after, found := strings.Cut(rest, stage)
		if !found {
			t.Fatalf("%q is not there, or not in its place, in\n%s", stage, played)
		}
		rest = after
	}
}

// generateKey makes an RSA key, like rsa.GenerateKey but with any exponent.
func generateKey(t testing.TB, bits, e int) *rsa.PrivateKey {
	t.Helper()
	one, public := big.NewInt(1), big.NewInt(int64(e))
	for {
		p, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			t.Fatal(err)
		}
		q, err := rand.Prime(rand.Reader, bits/2)
		if err != nil {
			t.Fatal(err)
		}
		n := new(big.Int).Mul(p, q)
		phi := new(big.Int).Mul(p.Sub(p, one), q.Sub(q, one))
		if d := new(big.Int).ModInverse(public, phi); d != nil && n.BitLen() == bits {
			return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: e}, D: d}
		}
	}
}

// play is one transaction.
func (r *replayed) play(t testing.TB) {
	t.Helper()
	r.random.at = 0
	k, err := emv.New(r.config, r.transaction)
	if err != nil {
		t.Fatal(err)
	}
	var action emv.Action
	for _, e := range r.events {
		if action, err = k.Step(e); err != nil {
			t.Fatal(err)
		}
	}
	if done, ok := action.(emv.Done); !ok || done.Outcome.Status != emv.Approved {
		t.Fatalf("%T, want an approval", action)
	}
	k.Clear()
}

// operations are the three with RSA keys in a transaction.
func (r *replayed) operations() []benchtest.Operation {
	var all []benchtest.Operation
	for i, k := range r.keys {
		all = append(all, benchtest.Operation{Signature: r.signed[i], Exponent: odatest.Exponent(k), Modulus: k.N.Bytes()})
	}
	return all
}

// TestAllocations counts what a transaction allocates.
func TestAllocations(t *testing.T) {
	r := newReplayed(t, benchExponents[1])
	if n := testing.AllocsPerRun(10, func() { r.play(t) }); n > allocationsMax {
		t.Errorf("%.0f allocations, at most %d", n, allocationsMax)
	}
}

// BenchmarkOnlineDDA measures a transaction, and beside it what its three RSA
// operations alone cost.
func BenchmarkOnlineDDA(b *testing.B) {
	for _, e := range benchExponents {
		b.Run(fmt.Sprintf("e=%d", e), func(b *testing.B) {
			r := newReplayed(b, e)
			benchtest.Beyond(b, func() { r.play(b) }, benchtest.Bare(r.operations()))
		})
	}
}
