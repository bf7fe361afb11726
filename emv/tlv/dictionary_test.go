package tlv_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

func TestLookup(t *testing.T) {
	tests := []struct {
		tag  tlv.Tag
		want string
	}{
		{tlv.AmountAuthorised, "amount, authorised n 6-6 terminal"},
		{tlv.PAN, "application primary account number cn 0-10 card"},
		{tlv.ARC, "authorisation response code an 2-2 terminal or issuer"},
		{tlv.IssuerCountryAlpha2, "issuer country code (alpha 2) a 2-2 card"},
		{tlv.CardholderName, "cardholder name ans 2-26 card"},
		{tlv.CTQ, "card transaction qualifiers b 2-2 card"},
		{0xDF8129, "outcome parameters b 8-8 terminal"},
	}
	for _, tt := range tests {
		d, ok := tlv.Lookup(tt.tag)
		if got := fmt.Sprintf("%s %v %d-%d %v", d.Name, d.Format, d.Min, d.Max, d.Source); !ok || got != tt.want {
			t.Errorf("Lookup(%v) = %s, %v, want %s", tt.tag, got, ok, tt.want)
		}
	}
	if d, ok := tlv.Lookup(0xDFFFFF); ok || tlv.FormatOf(0xDFFFFF) != tlv.Binary {
		t.Errorf("Lookup(DFFFFF) = %v, want none, and binary", d)
	}
}

// differences are where the public table and the book part, or where it leaves
// open what we bound.
var differences = map[string]string{
	"8E":   "a list without rules has 8 bytes: Book 3, 10.5",
	"9F16": "the table says an; Book 3, Annex A1 says ans",
}

// TestDictionary compares with a public table of EMV 4.4 Book 3, Annex A.
func TestDictionary(t *testing.T) {
	folder := os.Getenv("EMV_VECTORS")
	if folder == "" {
		t.Skip("EMV_VECTORS is not set: it names the folder with tags.json")
	}
	raw, err := os.ReadFile(filepath.Join(folder, "tags.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Contact []struct{ Tag, Name, Source, Format, Length string }
	}
	if err := json.Unmarshal(raw, &table); err != nil {
		t.Fatal(err)
	}
	formats := map[string]tlv.Format{"Numeric": tlv.Numeric, "CompressedNumeric": tlv.CompressedNumeric,
		"Alphabetic": tlv.Alphabetic, "Alphanumeric": tlv.Alphanumeric, "AlphanumericSpecial": tlv.AlphanumericSpecial}
	compared := 0
	for _, e := range table.Contact {
		number, err := strconv.ParseUint(e.Tag, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := tlv.Lookup(tlv.Tag(number))
		if !ok || differences[e.Tag] != "" || strings.Contains(e.Name, "Biometric") || e.Length == "Variable" || e.Format == "Variable" {
			continue
		}
		compared++
		if d.Format != formats[e.Format] {
			t.Errorf("%s %s: format %v, want %s", e.Tag, e.Name, d.Format, e.Format)
		}
		lo, hi, err := bounds(e.Length)
		if err != nil || d.Min != lo || d.Max != hi {
			t.Errorf("%s %s: %d to %d bytes, want %s, %v", e.Tag, e.Name, d.Min, d.Max, e.Length, err)
		}
	}
	if compared < 90 {
		t.Errorf("%d elements compared, want the contact ones", compared)
	}
	t.Logf("%d elements agree", compared)
}

// bounds reads the table's forms of a length: Fixed(2), Range(1, 16), UpTo(32),
// Choice(&[1, 3]).
func bounds(length string) (lo, hi int, err error) {
	kind, rest, _ := strings.Cut(strings.NewReplacer("&", "", "[", "", "]", "", ")", "", " ", "").Replace(length), "(")
	first, second, two := strings.Cut(rest, ",")
	if lo, err = strconv.Atoi(first); err != nil {
		return 0, 0, err
	}
	switch {
	case two:
		hi, err = strconv.Atoi(second)
		return lo, hi, err
	case kind == "UpTo":
		return 0, lo, nil
	}
	return lo, lo, nil
}
