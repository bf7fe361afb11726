package tlv_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// BenchmarkParse reads a record of the usual size.
func BenchmarkParse(b *testing.B) {
	record := unhex(b, "5A089999010000000018 5F340101 5F2403281231 5F2503200101 5F28020156 9F0702FF80 9F08020001 "+
		"9F42020156 8E0A00000000000000001F00 8C1B9F02069F03069F1A0295055F2A029A039C019F37049F35019F3403 9F4A0182")
	b.ReportAllocs()
	for b.Loop() {
		if objects, err := tlv.Parse(record); err != nil || len(objects) != 11 {
			b.Fatal(len(objects), err)
		}
	}
}

// BenchmarkDOLBuild makes the data of a first GENERATE AC.
func BenchmarkDOLBuild(b *testing.B) {
	list, err := tlv.ParseDOL(unhex(b, "9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704 9F3501 9F3403"))
	if err != nil {
		b.Fatal(err)
	}
	value := make([]byte, 6)
	lookup := func(tlv.Tag) ([]byte, bool) { return value, true }
	b.ReportAllocs()
	for b.Loop() {
		if got := list.Build(lookup); len(got) != list.Size() {
			b.Fatal(len(got))
		}
	}
}
