// Package smtest signs with SM2, for tests: the product only verifies, with
// keys.SM2. The arithmetic is written apart from that one's, point by point as
// a textbook has it, and is as slow.
//
//	issuer := smtest.New(rand.Reader)
//	signature := issuer.Sign(rand.Reader, message) // keys.SM2{}.Verify(issuer.Public(), message, signature)
package smtest

import (
	"io"
	"math/big"

	"github.com/cloudpos/cloudpos/keys"
)

const field = 32

func number(hex string) *big.Int {
	n, _ := new(big.Int).SetString(hex, 16)
	return n
}

// The curve of GB/T 32918.5.
var (
	prime = number("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF")
	order = number("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123")
	a     = number("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC")
	b     = number("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93")
	base  = &point{
		number("32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"),
		number("BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"),
	}
)

// point is one of the curve, nil the one at infinity.
type point struct{ x, y *big.Int }

// add is the law of the group. GB/T 32918.1, 3.2.3.1.
func (p *point) add(q *point) *point {
	switch {
	case p == nil:
		return q
	case q == nil:
		return p
	}
	rise, run := new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	if run.Sign() == 0 {
		if new(big.Int).Add(p.y, q.y).Cmp(prime) == 0 {
			return nil
		}
		rise.Mul(p.x, p.x).Mul(rise, big.NewInt(3)).Add(rise, a)
		run.Lsh(p.y, 1)
	}
	run.Mod(run, prime)
	slope := rise.Mul(rise, run.ModInverse(run, prime))
	slope.Mod(slope, prime)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, prime)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, prime)
	return &point{x, y}
}

// times adds the base up.
func times(k *big.Int) *point {
	var sum *point
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = sum.add(sum)
		if k.Bit(i) == 1 {
			sum = sum.add(base)
		}
	}
	return sum
}

// A Signer has a private key.
type Signer struct {
	d      *big.Int
	public []byte
}

// New makes a key from 32 random bytes.
func New(random io.Reader) (*Signer, error) {
	d, err := draw(random)
	if err != nil {
		return nil, err
	}
	p := times(d)
	return &Signer{d, append(bytesOf(p.x), bytesOf(p.y)...)}, nil
}

// draw gives a number from 1 to the order less 2.
func draw(random io.Reader) (*big.Int, error) {
	b := make([]byte, field)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, err
	}
	n := new(big.Int).SetBytes(b)
	n.Mod(n, new(big.Int).Sub(order, big.NewInt(2)))
	return n.Add(n, big.NewInt(1)), nil
}

func bytesOf(n *big.Int) []byte { return n.FillBytes(make([]byte, field)) }

// Public is x || y.
func (s *Signer) Public() []byte { return s.public }

// Sign makes r || s. GB/T 32918.2, 6.1.
func (s *Signer) Sign(random io.Reader, message []byte) ([]byte, error) {
	const identity = "1234567812345678"
	z := append([]byte{0, byte(8 * len(identity))}, identity...)
	for _, n := range []*big.Int{a, b, base.x, base.y} {
		z = append(z, bytesOf(n)...)
	}
	z = keys.SM2{}.Hash(append(z, s.public...))
	e := new(big.Int).SetBytes(keys.SM2{}.Hash(append(z, message...)))
	k, err := draw(random)
	if err != nil {
		return nil, err
	}
	r := e.Add(e, times(k).x)
	r.Mod(r, order)
	inverse := new(big.Int).Add(s.d, big.NewInt(1))
	inverse.ModInverse(inverse, order)
	k.Sub(k, new(big.Int).Mul(r, s.d)).Mul(k, inverse).Mod(k, order)
	return append(bytesOf(r), bytesOf(k)...), nil
}
