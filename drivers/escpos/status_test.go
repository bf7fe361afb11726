package escpos

import (
	"slices"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

func TestDecoder(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want []kind
	}{
		{"real-time answers", []byte{0x16, 0x12, 0x1A, 0x32, 0x7E}, []kind{realTime, realTime, realTime, realTime, realTime}},
		{"paper answers", []byte{0x00, 0x0C, 0x03, 0x0F}, []kind{buffered, buffered, buffered, buffered}},
		{"automatic status", []byte{0x14, 0x00, 0x00, 0x0F}, []kind{asb}},
		{"XOFF and XON in it", []byte{0x14, 0x13, 0x00, 0x11, 0x00, 0x0F}, []kind{asb}},
		{"a real-time answer in it", []byte{0x14, 0x00, 0x12, 0x00, 0x0F}, []kind{realTime, asb}},
		{"one after half of one", []byte{0x14, 0x00, 0x1C, 0x00, 0x0C, 0x0F}, []kind{asb}},
		{"garbage in it", []byte{0x14, 0x00, 0xFF, 0x0F}, []kind{buffered}},
		{"garbage", []byte{0xFF, 0x80, 0x11, 0x13}, nil},
	} {
		var d decoder
		var got []kind
		for _, b := range c.in {
			if k := d.feed(b); k != none {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: % X is %v, want %v", c.name, c.in, got, c.want)
		}
	}
}

func TestQueries(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers [4]byte // to DLE EOT 1 to 4
		want    drivers.PrinterStatus
	}{
		{"well", [4]byte{0x12, 0x12, 0x12, 0x12}, drivers.PrinterStatus{}},
		{"out of paper", [4]byte{0x1A, 0x32, 0x12, 0x7E}, drivers.PrinterStatus{PaperOut: true, PaperLow: true}},
		{"paper low", [4]byte{0x12, 0x12, 0x12, 0x1E}, drivers.PrinterStatus{PaperLow: true}},
		{"cover open", [4]byte{0x1A, 0x16, 0x12, 0x12}, drivers.PrinterStatus{CoverOpen: true}},
		{"cutter", [4]byte{0x1A, 0x52, 0x1A, 0x12}, drivers.PrinterStatus{Fault: true}},
		{"unrecoverable", [4]byte{0x1A, 0x52, 0x32, 0x12}, drivers.PrinterStatus{Fault: true}},
		{"head hot: it waits by itself", [4]byte{0x1A, 0x52, 0x52, 0x12}, drivers.PrinterStatus{}},
		{"drawer open is no matter", [4]byte{0x16, 0x12, 0x12, 0x12}, drivers.PrinterStatus{}},
	} {
		var got drivers.PrinterStatus
		for i, q := range queries {
			q.read(c.answers[i], &got)
		}
		if got != c.want {
			t.Errorf("%s: % X is %+v, want %+v", c.name, c.answers, got, c.want)
		}
	}
}

func TestAutomatic(t *testing.T) {
	for in, want := range map[[4]byte]drivers.PrinterStatus{
		{0x14, 0, 0, 0x0F}:       {},
		{0x3C, 0, 0, 0x0F}:       {CoverOpen: true},
		{0x1C, 0, 0x0F, 0x0F}:    {PaperLow: true, PaperOut: true},
		{0x1C, 0x08, 0x03, 0x0F}: {PaperLow: true, Fault: true},
	} {
		if got := automatic(in); got != want {
			t.Errorf("automatic(% X) = %+v, want %+v", in, got, want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0x14, 0x13, 0x00, 0x11, 0x00, 0x0F, 0x12, 0x00})
	f.Fuzz(func(t *testing.T, in []byte) {
		var d decoder
		for _, b := range in {
			switch k := d.feed(b); {
			case k == realTime && b&0x93 != 0x12:
				t.Fatalf("%02X passes for a real-time answer", b)
			case k == buffered && b&0x90 != 0:
				t.Fatalf("%02X passes for the answer to a mark", b)
			case k == asb && d.asb[0]&0x93 != 0x10:
				t.Fatalf("% X passes for an automatic status", d.asb)
			}
		}
	})
}
