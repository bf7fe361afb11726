package contactless

import (
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

func TestRequestedKernel(t *testing.T) {
	for _, c := range []struct {
		value, name string
		want        KernelID
		ok          bool
	}{
		{"", "A0000000031010", Kernel3, true},
		{"", "A0000000041010", Kernel2, true},
		{"", "A000000025010701", Kernel4, true},
		{"", "A0000000651010", Kernel5, true},
		{"", "A0000001523010", Kernel6, true},
		{"", "A000000333010101", Kernel7, true},
		{"", "F043504F530101", 0, true},
		{"00", "A0000000031010", 0, true},
		{"21", "A0000000031010", 0x21, true},
		{"62FFFF", "A0000000031010", 0x62, true}, // RFU, and taken as it is
		{"810978", "A0000000031010", 0x810978, true},
		{"FF2222FF", "A0000000031010", 0xFF2222, true},
		{"81", "A0000000031010", 0, false},
		{"8109", "A0000000031010", 0, false},
		{"800978", "A0000000031010", 0, false},
		{"C00978", "A0000000031010", 0, false},
	} {
		value, name := unhex(t, c.value), unhex(t, c.name)
		if got, ok := requestedKernel(value, name); got != c.want || ok != c.ok {
			t.Errorf("requestedKernel(%s, %s) = %v, %v, want %v, %v", c.value, c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestKernelIDString(t *testing.T) {
	for id, want := range map[KernelID]string{Kernel3: "03", 0xFF: "FF", 0x810978: "810978"} {
		if got := id.String(); got != want {
			t.Errorf("KernelID(%d) is %q, want %q", uint32(id), got, want)
		}
	}
}

// FuzzPPSE: whatever a directory holds, an entry has a name that can be
// selected and does not alias the response.
func FuzzPPSE(f *testing.F) {
	for _, seed := range []string{
		`6F[84["2PAY.SYS.DDF01"] A5[BF0C[61[4F[A0000000031010] 87[01]]]]]`,
		`6F[84["2PAY.SYS.DDF01"] A5[BF0C[61[4F[A0000000031010] 87[01] 9F2A[03] 9F29[0102]] 61[4F[B000000001] 9F2A[810978]] 61[50["X"]]]]]`,
		`6F[A5[00 BF0C[00 61[4F[A0000000031010] 00 9F2A[8109]]]]] 7300`,
	} {
		data, err := tlvtest.Parse(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries := parsePPSE(data)
		before := make([]string, len(entries))
		for i, e := range entries {
			if len(e.name) < aidMin || len(e.name) > aidMax || len(e.extended) > aidMax {
				t.Fatalf("entry of %d and %d bytes", len(e.name), len(e.extended))
			}
			if e.kernel > 0xFFFFFF || e.kernel > 0xFF && e.kernel>>16&kernelDomestic == 0 {
				t.Fatalf("kernel %v", e.kernel)
			}
			before[i] = string(e.name) + string(e.extended)
		}
		clear(data)
		for i, e := range entries {
			if string(e.name)+string(e.extended) != before[i] {
				t.Fatal("an entry changes with the response")
			}
		}
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := tlvtest.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
