package emv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// TestTranscriptsTouchEverything: the outcomes of the transcripts together have
// each bit of TVR and TSI that a contact kernel sets, and none that it does not;
// and a cardholder verification that ended with each method and condition.
func TestTranscriptsTouchEverything(t *testing.T) {
	var tvr [5]byte
	var tsi [2]byte
	methods, conditions, last := map[byte]bool{}, map[byte]bool{}, map[byte]bool{}
	for _, record := range outcomes(t) {
		or(tvr[:], record[tlv.TVR])
		or(tsi[:], record[tlv.TSI])
		if results := record[tlv.CVMResults]; len(results) == 3 {
			methods[results[0]&0x3F], last[results[2]] = true, true
			if results[0] != 0x3F {
				conditions[results[1]] = true
			}
		}
	}
	// EMV 4.4 Book 3, Annex C5: without biometrics that are performed, and a
	// default TDOL, which that version has no more.
	if want := [5]byte{0xFF, 0xF8, 0xFC, 0xFB, 0x76}; tvr != want {
		t.Errorf("TVR bits %X, want %X", tvr, want)
	}
	if want := [2]byte{0xFC, 0x00}; tsi != want { // Annex C6
		t.Errorf("TSI bits %X, want %X", tsi, want)
	}
	for _, m := range []byte{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x1E, 0x1F, 0x3F} {
		if !methods[m] {
			t.Errorf("no 9F34 with method %02X", m)
		}
	}
	for c := byte(0x00); c <= 0x09; c++ { // Annex C3
		if !conditions[c] {
			t.Errorf("no 9F34 with condition %02X", c)
		}
	}
	if !last[0] || !last[1] || !last[2] || len(last) != 3 {
		t.Errorf("9F34 ends with %v, want unknown, failed and successful", last)
	}
}

// outcomes are the data objects with which the transcripts end.
func outcomes(t *testing.T) []map[tlv.Tag][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var all []map[tlv.Tag][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		data := unhex(t, strings.TrimPrefix(lines[len(lines)-1], "=  "))
		objects, err := tlv.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		record := map[tlv.Tag][]byte{}
		for _, o := range objects {
			record[o.Tag] = o.Value
		}
		all = append(all, record)
	}
	return all
}

func or(into, from []byte) {
	for i := range min(len(into), len(from)) {
		into[i] |= from[i]
	}
}
