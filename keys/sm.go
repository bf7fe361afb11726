package keys

import (
	"bytes"
	"crypto/elliptic"
	"encoding/binary"
	"math/big"
	"math/bits"
)

// SM2 verifies signatures of the Chinese algorithm SM2 (GB/T 32918) over a hash
// of SM3 (GB/T 32905). It makes none and holds no secret, so nothing in it has
// to take the same time for each value.
type SM2 struct{}

// sm2Field is the size of a coordinate, of a number and of a hash.
const sm2Field = 32

// sm2Identity is that of a signer who was given no other. GM/T 0009, 10.
const sm2Identity = "1234567812345678"

// sm2Curve is the recommended curve; its a is p - 3, as that of the curves of
// crypto/elliptic is. GB/T 32918.5.
var sm2Curve = &elliptic.CurveParams{
	P:       sm2Number("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF"),
	N:       sm2Number("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123"),
	B:       sm2Number("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"),
	Gx:      sm2Number("32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"),
	Gy:      sm2Number("BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"),
	BitSize: 8 * sm2Field, Name: "SM2",
}

func sm2Number(hex string) *big.Int {
	n, _ := new(big.Int).SetString(hex, 16)
	return n
}

// Verify tells whether a signature r || s over the message was made with the
// private key of a public key x || y. A key that is no point made none.
// GB/T 32918.2, 7.1.
func (SM2) Verify(key, message, signature []byte) bool {
	if len(key) != 2*sm2Field || len(signature) != 2*sm2Field {
		return false
	}
	x, y := new(big.Int).SetBytes(key[:sm2Field]), new(big.Int).SetBytes(key[sm2Field:])
	r, s := new(big.Int).SetBytes(signature[:sm2Field]), new(big.Int).SetBytes(signature[sm2Field:])
	n := sm2Curve.N
	t := new(big.Int).Add(r, s)
	t.Mod(t, n)
	if r.Sign() == 0 || r.Cmp(n) >= 0 || s.Sign() == 0 || s.Cmp(n) >= 0 || t.Sign() == 0 {
		return false
	}
	// crypto/elliptic is the standard library's only arithmetic for a curve
	// that it does not have itself.
	if x.Cmp(sm2Curve.P) >= 0 || y.Cmp(sm2Curve.P) >= 0 || !sm2Curve.IsOnCurve(x, y) { //nolint:staticcheck // see above
		return false
	}
	gx, gy := sm2Curve.ScalarBaseMult(s.Bytes())   //nolint:staticcheck // see above
	px, py := sm2Curve.ScalarMult(x, y, t.Bytes()) //nolint:staticcheck // see above
	sum, _ := sm2Curve.Add(gx, gy, px, py)         //nolint:staticcheck // see above
	e := new(big.Int).SetBytes(SM2{}.Hash(append(sm2Signer(key), message...)))
	return e.Mod(e.Add(e, sum), n).Cmp(r) == 0
}

// sm2Signer is Z, which binds a signature to its signer and the curve.
// GB/T 32918.2, 5.5.
func sm2Signer(key []byte) []byte {
	a := new(big.Int).Sub(sm2Curve.P, big.NewInt(3))
	z := binary.BigEndian.AppendUint16(nil, 8*uint16(len(sm2Identity)))
	z = append(z, sm2Identity...)
	for _, number := range []*big.Int{a, sm2Curve.B, sm2Curve.Gx, sm2Curve.Gy} {
		z = append(z, number.FillBytes(make([]byte, sm2Field))...)
	}
	return SM2{}.Hash(append(z, key...))
}

// Hash is SM3. GB/T 32905, 5.
func (SM2) Hash(message []byte) []byte {
	const block = 64
	padded := append(bytes.Clone(message), 0x80)
	for len(padded)%block != block-8 {
		padded = append(padded, 0)
	}
	padded = binary.BigEndian.AppendUint64(padded, 8*uint64(len(message)))
	v := [8]uint32{
		0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
	}
	for ; len(padded) > 0; padded = padded[block:] {
		sm3Compress(&v, padded[:block])
	}
	var out []byte
	for _, word := range v {
		out = binary.BigEndian.AppendUint32(out, word)
	}
	return out
}

// sm3Compress takes one block in. GB/T 32905, 5.3.
func sm3Compress(v *[8]uint32, block []byte) {
	const rounds, early = 64, 16 // in the first rounds the functions are simpler
	var w [rounds + 4]uint32
	for i := range w {
		if i < early {
			w[i] = binary.BigEndian.Uint32(block[4*i:])
			continue
		}
		x := w[i-16] ^ w[i-9] ^ bits.RotateLeft32(w[i-3], 15)
		w[i] = x ^ bits.RotateLeft32(x, 15) ^ bits.RotateLeft32(x, 23) ^ bits.RotateLeft32(w[i-13], 7) ^ w[i-6]
	}
	a, b, c, d, e, f, g, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	for i := range rounds {
		constant, ff, gg := uint32(0x79CC4519), a^b^c, e^f^g
		if i >= early {
			constant, ff, gg = 0x7A879D8A, a&b|a&c|b&c, e&f|^e&g
		}
		ss1 := bits.RotateLeft32(bits.RotateLeft32(a, 12)+e+bits.RotateLeft32(constant, i), 7)
		tt1 := ff + d + (ss1 ^ bits.RotateLeft32(a, 12)) + (w[i] ^ w[i+4])
		tt2 := gg + h + ss1 + w[i]
		a, b, c, d = tt1, a, bits.RotateLeft32(b, 9), c
		e, f, g, h = tt2^bits.RotateLeft32(tt2, 9)^bits.RotateLeft32(tt2, 17), e, bits.RotateLeft32(f, 19), g
	}
	for i, word := range [...]uint32{a, b, c, d, e, f, g, h} {
		v[i] ^= word
	}
}
