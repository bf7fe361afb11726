package params

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha1" // EMV Book 2, 6.2: the checksum of a CA key is SHA-1
	"encoding/hex"
	"slices"
	"time"
)

// CAKey is a certification authority's public key: of RSA, with modulus and
// exponent; of an elliptic curve, with suite and x; or of SM2, with a point.
type CAKey struct {
	RID      Hex5 `json:"rid"`
	Index    Hex1 `json:"index"` // 8F
	Modulus  Hex  `json:"modulus,omitempty"`
	Exponent Hex  `json:"exponent,omitempty"`
	Suite    Hex1 `json:"suite,omitempty"` // EMV 4.4 Book 2, B2: 10 is P-256, 11 is P-521
	X        Hex  `json:"x,omitempty"`     // of the point with the smaller y
	Point    Hex  `json:"point,omitempty"` // x and y, of SM2
	Expiry   Date `json:"expiry"`          // the last day of use
	Checksum Hex  `json:"checksum"`        // see Sum
	// Revoked are the serial numbers of issuer certificates under this key that
	// no longer count. EMV 4.4 Book 2, 5.1.2.
	Revoked []Hex3 `json:"revoked,omitempty"`
}

// pointSize is that of a key of SM2. JR/T 0025.7.
const pointSize = 64

// Sum is what Checksum must be: SHA-1 over RID, index and the key itself.
func (k CAKey) Sum() Hex {
	number := slices.Concat(k.Modulus, k.Exponent, k.Point)
	if k.Suite != 0 {
		number = append(Hex{byte(k.Suite)}, k.X...)
	}
	sum := sha1.Sum(slices.Concat(k.RID[:], []byte{byte(k.Index)}, number))
	return sum[:]
}

func (k *CAKey) read(o *object) {
	k.RID = o.hex5("rid")
	if index := o.hex("index", 1, 1); index != nil {
		k.Index = Hex1(index[0])
	}
	summed := "modulus and exponent"
	switch {
	case o.has("suite"):
		summed = "suite and x"
		k.readCurve(o)
	case o.has("point"):
		summed = "point"
		k.Point = o.hex("point", pointSize, pointSize)
	default:
		k.readRSA(o)
	}
	if s, path, ok := o.text("expiry"); ok {
		day, err := time.Parse(time.DateOnly, s)
		if err != nil {
			o.r.fail(path, "want a day like 2034-12-31, got %.40q", s)
		}
		k.Expiry = Date{day}
	}
	k.Checksum = o.hex("checksum", sha1.Size, sha1.Size)
	if k.Checksum != nil && !bytes.Equal(k.Checksum, k.Sum()) {
		o.r.fail(join(o.path, "checksum"), "is not that of rid, index, %s", summed)
	}
	if o.has("revoked") {
		o.list("revoked", 0, revokedMax, k.readRevoked(o.r))
	}
}

func (k *CAKey) readRSA(o *object) {
	k.Modulus = o.hex("modulus", modulusMin, modulusMax)
	if n := len(k.Modulus); n > 0 && (k.Modulus[0]&0x80 == 0 || k.Modulus[n-1]&1 == 0) {
		o.r.fail(join(o.path, "modulus"), "is even or begins with zeros")
	}
	k.Exponent = o.hex("exponent", 1, 3)
	if e := hex.EncodeToString(k.Exponent); k.Exponent != nil && e != "03" && e != "010001" {
		o.r.fail(join(o.path, "exponent"), "want 03 or 010001, got %s", e)
	}
}

// curves are the suites that a key may have.
var curves = map[Hex1]elliptic.Curve{0x10: elliptic.P256(), 0x11: elliptic.P521()}

func (k *CAKey) readCurve(o *object) {
	suite := o.hex("suite", 1, 1)
	if suite == nil {
		suite = Hex{0}
	}
	k.Suite = Hex1(suite[0])
	curve, known := curves[k.Suite]
	if !known {
		o.r.fail(join(o.path, "suite"), "want 10 or 11, got %X", suite)
		curve = curves[0x10]
	}
	field := (curve.Params().BitSize + 7) / 8
	k.X = o.hex("x", field, field)
	const compressed = 0x02
	if x, _ := elliptic.UnmarshalCompressed(curve, append([]byte{compressed}, k.X...)); k.X != nil && x == nil {
		o.r.fail(join(o.path, "x"), "is no point of its curve")
	}
}

// readRevoked reads one serial number.
func (k *CAKey) readRevoked(r *reader) func(path string, v any) {
	return func(path string, v any) {
		s, _ := v.(string)
		serial, err := hex.DecodeString(s)
		if err != nil || len(serial) != len(Hex3{}) {
			r.fail(path, "want 6 hex digits, got %.40q", s)
			return
		}
		if slices.Contains(k.Revoked, Hex3(serial)) {
			r.fail(path, "%s is there twice", s)
		}
		k.Revoked = append(k.Revoked, Hex3(serial))
	}
}
