package params_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha1" // EMV Book 2, 6.2
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/params"
)

// curveKey is a CA key on a curve, as a document has it.
func curveKey(suite string, x []byte) map[string]any {
	s, _ := hex.DecodeString(suite)
	sum := sha1.Sum(slices.Concat([]byte("\xF0CPOS\x07"), s, x))
	return map[string]any{
		"rid": "F043504F53", "index": "07", "suite": suite, "x": hex.EncodeToString(x),
		"expiry": "2034-12-31", "checksum": hex.EncodeToString(sum[:]),
	}
}

// point is x of a new point, or, if wrong, of none.
func point(t *testing.T, curve elliptic.Curve, wrong bool) []byte {
	t.Helper()
	x := make([]byte, (curve.Params().BitSize+7)/8)
	for {
		x[len(x)-1]++
		if got, _ := elliptic.UnmarshalCompressed(curve, append([]byte{2}, x...)); (got == nil) == wrong {
			return x
		}
	}
}

// TestCurveKeys: a key of RSA may be followed by keys on curves, whose x must
// be of a point; none is both.
func TestCurveKeys(t *testing.T) {
	for suite, curve := range map[string]elliptic.Curve{"10": elliptic.P256(), "11": elliptic.P521()} {
		good := point(t, curve, false)
		doc, err := params.Parse(set(t, "contact.ca_keys.0", curveKey(suite, good)))
		if err != nil {
			t.Fatal(err)
		}
		data, err := doc.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if doc, err = params.Parse(data); err != nil {
			t.Fatal(err)
		}
		k := doc.Contact.CAKeys[0]
		if fmt.Sprintf("%02X", byte(k.Suite)) != suite || !bytes.Equal(k.X, good) || k.Modulus != nil || k.Exponent != nil || doc.Contact.XDA {
			t.Errorf("suite %s: %+v, XDA %v", suite, k, doc.Contact.XDA)
		}
		for name, tt := range map[string]struct {
			change func(map[string]any)
			want   string
		}{
			"no point":   {func(k map[string]any) { k["x"] = hex.EncodeToString(point(t, curve, true)) }, "x: is no point of its curve"},
			"no x":       {func(k map[string]any) { delete(k, "x") }, "x: is missing"},
			"RSA too":    {func(k map[string]any) { k["modulus"] = "C3" }, "modulus: unknown field"},
			"other":      {func(k map[string]any) { k["suite"] = "12" }, "suite: want 10 or 11, got 12"},
			"zero":       {func(k map[string]any) { k["suite"] = "00" }, "suite: want 10 or 11, got 00"},
			"long":       {func(k map[string]any) { k["suite"] = "1011" }, "suite: want 2 hex digits, got 4"},
			"a number":   {func(k map[string]any) { k["suite"] = 10 }, "suite: want a text, got a number"},
			"other sum":  {func(k map[string]any) { k["index"] = "08" }, "checksum: is not that of rid, index, suite and x"},
			"empty":      {func(k map[string]any) { k["x"] = "" }, "x: "},
			"not in hex": {func(k map[string]any) { k["x"] = strings.Repeat("g", 2*len(good)) }, "x: "},
		} {
			k := curveKey(suite, good)
			tt.change(k)
			_, err := params.Parse(set(t, "contact.ca_keys.0", k))
			if err == nil || !strings.HasPrefix(err.Error(), "params: contact.ca_keys[0]."+tt.want) {
				t.Errorf("suite %s, %s: %v, want %s", suite, name, err, tt.want)
			}
		}
	}
}

// TestPoint: a key of SM2 has a point, and nothing of the other kinds.
func TestPoint(t *testing.T) {
	point := bytes.Repeat([]byte{0x09, 0xF9}, 32)
	sum := sha1.Sum(slices.Concat([]byte("\xF0CPOS\x07"), point))
	key := func() map[string]any {
		return map[string]any{
			"rid": "F043504F53", "index": "07", "point": hex.EncodeToString(point),
			"expiry": "2034-12-31", "checksum": hex.EncodeToString(sum[:]),
		}
	}
	doc, err := params.Parse(set(t, "contact.ca_keys.0", key()))
	if err != nil {
		t.Fatal(err)
	}
	data, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = params.Parse(data); err != nil || !bytes.Equal(doc.Contact.CAKeys[0].Point, point) || doc.Contact.CAKeys[0].Modulus != nil {
		t.Errorf("after Encode: %+v, %v", doc, err)
	}
	for want, change := range map[string]func(map[string]any){
		"point: want 128 hex digits, got 126":              func(k map[string]any) { k["point"] = hex.EncodeToString(point[1:]) },
		"exponent: unknown field":                          func(k map[string]any) { k["exponent"] = "03" },
		"checksum: is not that of rid, index, suite and x": func(k map[string]any) { k["suite"], k["x"] = "10", strings.Repeat("00", 31)+"05" },
		"checksum: is not that of rid, index, point":       func(k map[string]any) { k["point"] = hex.EncodeToString(make([]byte, 64)) },
		"modulus: is missing":                              func(k map[string]any) { delete(k, "point") },
	} {
		k := key()
		change(k)
		if _, err := params.Parse(set(t, "contact.ca_keys.0", k)); err == nil || err.Error() != "params: contact.ca_keys[0]."+want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestXDAMayBeLeftOut: documents of before do not speak of it, and it is off.
func TestXDAMayBeLeftOut(t *testing.T) {
	for value, want := range map[any]bool{true: true, false: false} {
		if doc, err := params.Parse(set(t, "contact.xda", value)); err != nil || doc.Contact.XDA != want {
			t.Errorf("xda %v: %v", value, err)
		}
	}
	if _, err := params.Parse(set(t, "contact.xda", "yes")); err == nil || !strings.Contains(err.Error(), "contact.xda: want") {
		t.Errorf("xda yes: %v", err)
	}
	if doc, err := params.Parse(sample(t)); err != nil || doc.Contact.XDA {
		t.Errorf("the sample: %v", err)
	}
}
