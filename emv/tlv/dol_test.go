package tlv_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// TestDOLBuild holds the rules of EMV 4.4 Book 3, 5.4 for each format.
func TestDOLBuild(t *testing.T) {
	values := map[tlv.Tag][]byte{
		tlv.AmountAuthorised:    unhex(t, "000000001250"),
		tlv.TVR:                 unhex(t, "8000048000"),
		tlv.PAN:                 unhex(t, "627000000000000F"),
		tlv.DeviceSerial:        []byte("12345678"),
		tlv.RecordTemplate:      unhex(t, "0102"),
		tlv.CVMResults:          {},
		tlv.TransactionType:     {0x00},
		tlv.TransactionDate:     unhex(t, "261123"),
		tlv.MerchantName:        []byte("SHOP"),
		tlv.Tag(0xDF8129):       {0xAA},
		tlv.TerminalCountry:     unhex(t, "0156"),
		tlv.ApplicationLabel:    []byte("AB"),
		tlv.SequenceCounter:     unhex(t, "00000007"),
		tlv.Track2Discretionary: unhex(t, "123F"),
		tlv.TransactionTime:     unhex(t, "173005"),
		tlv.IssuerCountryAlpha2: []byte("CN"),
		tlv.FloorLimit:          unhex(t, "00002710"),
		tlv.TTQ:                 unhex(t, "36004000"),
	}
	tests := []struct{ name, dol, want string }{
		{"exact", "9F0206 9505", "0000000012508000048000"},
		{"n longer is cut on the left", "9F0203 9F4102", "001250" + "0007"},
		{"n shorter is padded on the left", "9F1A04 9A04", "00000156" + "00261123"},
		{"cn longer is cut on the right", "5A04", "62700000"},
		{"cn shorter is padded with F on the right", "9F2004", "123FFFFF"},
		{"b longer is cut on the right", "9502", "8000"},
		{"b shorter is padded on the right", "9507 DF812902", "80000480000000" + "AA00"},
		{"ans both ways", "9F4E06 9F4E02 5003", "53484F500000" + "5348" + "414200"},
		{"an longer is cut on the right", "9F1E03", "313233"},
		{"an shorter is padded on the right", "9F1E0A", "31323334353637380000"},
		{"a both ways", "5F5501 5F5503", "43" + "434E00"},
		{"a date is a number: the year goes first", "9A02 9A04", "1123" + "00261123"},
		{"a time is a number: the hour goes first", "9F2102 9F2104", "3005" + "00173005"},
		{"an amount in b is cut on the right all the same", "9F1B02 9F1B05", "0000" + "0000271000"},
		{"a contactless object that kernels dispute is binary", "9F6602 9F6605", "3600" + "3600400000"},
		{"the same object twice", "9C01 9A03 9C01", "00" + "261123" + "00"},
		{"unknown is zeros", "9F7F03", "000000"},
		{"known without value is zeros", "9F3403", "000000"},
		{"a template is zeros", "7002", "0000"},
		{"length zero", "9F0200 9C01", "00"},
		{"empty list", "", ""},
	}
	for _, tt := range tests {
		list, err := tlv.ParseDOL(unhex(t, tt.dol))
		if err != nil {
			t.Errorf("%s: ParseDOL(%s): %v", tt.name, tt.dol, err)
			continue
		}
		got := list.Build(func(tag tlv.Tag) ([]byte, bool) { v, ok := values[tag]; return v, ok })
		if want := unhex(t, tt.want); hex.EncodeToString(got) != hex.EncodeToString(want) || list.Size() != len(want) {
			t.Errorf("%s: Build(%s) = %X, size %d, want %X", tt.name, tt.dol, got, list.Size(), want)
		}
	}
}

func TestParseDOLMalformed(t *testing.T) {
	for _, in := range []string{"9F", "9F02", "9F0206 95", "DF818283 01"} {
		if list, err := tlv.ParseDOL(unhex(t, in)); !errors.Is(err, tlv.ErrMalformed) {
			t.Errorf("ParseDOL(%s) = %v, %v, want ErrMalformed", in, list, err)
		}
	}
	if _, err := tlv.ParseDOL(make([]byte, 1025)); !errors.Is(err, tlv.ErrMalformed) {
		t.Errorf("ParseDOL of 1025 bytes: %v, want ErrMalformed", err)
	}
}

func TestDOLContains(t *testing.T) {
	list, err := tlv.ParseDOL(unhex(t, "9F3704 9A03"))
	if err != nil {
		t.Fatal(err)
	}
	if !list.Contains(tlv.UnpredictableNumber) || list.Contains(tlv.TVR) {
		t.Errorf("%v: Contains is wrong", list)
	}
}

func TestNumbers(t *testing.T) {
	if got := tlv.AppendNumeric([]byte{0xAA}, 1250, 6); hex.EncodeToString(got) != "aa000000001250" {
		t.Errorf("AppendNumeric(1250, 6) = %x", got)
	}
	if got := tlv.AppendNumeric(nil, 123456, 2); hex.EncodeToString(got) != "3456" {
		t.Errorf("AppendNumeric(123456, 2) = %x", got)
	}
	if v, err := tlv.ParseNumeric(unhex(t, "000000001250")); v != 1250 || err != nil {
		t.Errorf("ParseNumeric = %d, %v", v, err)
	}
	for _, in := range []string{"0A", "F0", "00000000000000000001"} {
		if v, err := tlv.ParseNumeric(unhex(t, in)); !errors.Is(err, tlv.ErrMalformed) {
			t.Errorf("ParseNumeric(%s) = %d, %v, want ErrMalformed", in, v, err)
		}
	}
}

func TestDigits(t *testing.T) {
	for _, tt := range []struct{ digits, cn string }{
		{"", "ffff"}, {"123", "123f"}, {"1234", "1234"}, {"6270000000000000012", "6270000000000000012f"},
	} {
		digits, err := tlv.AppendDigits(nil, unhex(t, tt.cn))
		if err != nil || string(digits) != tt.digits {
			t.Errorf("AppendDigits(%s) = %s, %v, want %s", tt.cn, digits, err, tt.digits)
		}
	}
	for _, in := range []string{"1A", "F1", "12F345"} {
		if digits, err := tlv.AppendDigits(nil, unhex(t, in)); !errors.Is(err, tlv.ErrMalformed) {
			t.Errorf("AppendDigits(%s) = %s, %v, want ErrMalformed", in, digits, err)
		}
	}
}

func FuzzParseDOL(f *testing.F) {
	f.Add([]byte{0x9F, 0x37, 0x04, 0x9A, 0x03})
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := tlv.ParseDOL(data)
		if err != nil {
			return
		}
		lookup := func(tag tlv.Tag) ([]byte, bool) { return data, true }
		if got := list.Build(lookup); len(got) != list.Size() {
			t.Fatalf("Build(%x) gave %d bytes, want %d", data, len(got), list.Size())
		}
	})
}
