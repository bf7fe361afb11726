package sim

import (
	"fmt"
	"strings"
	"testing"
)

// step is one exchange at the level below APDUs, in hex.
type step struct{ send, want string }

// converse runs exchanges; "" wants silence and "...x" an answer that ends in x.
func converse(t *testing.T, p transport, steps []step) {
	t.Helper()
	for i, s := range steps {
		got, ok := p.transmit(unhex(t, s.send))
		text := fmt.Sprintf("%X", got)
		if !ok {
			text = ""
		}
		want := strings.ReplaceAll(s.want, " ", "")
		if len(want) > 3 && want[:3] == "..." {
			want = want[3:]
			text = text[max(0, len(text)-len(want)):]
		}
		if text != want {
			t.Fatalf("step %d: %s\n got %s\nwant %s", i, s.send, text, want)
		}
	}
}

func TestT0(t *testing.T) {
	const pse = "6F1C 840E 315041592E5359532E4444463031 A50A 880101 5F2D047A68656E 9000"
	for name, steps := range map[string][]step{
		"61xx, then GET RESPONSE": {
			{"00A404000E 315041592E5359532E4444463031", "611E"},
			{"00C000001E", pse},
			{"00C000001E", "6985"},
		},
		"GET RESPONSE asks too much": {
			{"00A404000E 315041592E5359532E4444463031", "611E"},
			{"00C0000000", "6C1E"},
			{"00C000001E", pse},
		},
		"GET RESPONSE in two parts": {
			{"00A404000E 315041592E5359532E4444463031", "611E"},
			{"00C0000008", "6F1C840E31504159 6116"},
			{"00C0000016", "..." + pse[len(pse)-20:]},
		},
		"6Cxx, then the same with the length": {
			{"00A404000E 315041592E5359532E4444463031", "611E"},
			{"00B2010C00", "6C1F"},
			{"00B2010C1F", "...9000"},
			{"00B2020C00", "6A83"},
		},
		"another command drops what waits": {
			{"00A404000E 315041592E5359532E4444463031", "611E"},
			{"00B2020C00", "6A83"},
			{"00C000001E", "6985"},
		},
		"an APDU with Lc and Le is no TPDU": {{"00A404000E 315041592E5359532E4444463031 00", ""}},
		"too short":                         {{"00A404", ""}},
		"case 1":                            {{"00EE0000", "6D00"}},
		"announced data that never comes":   {{"00A404000E", "6700"}},
	} {
		t.Run(name, func(t *testing.T) { converse(t, &t0{card: newCard(t, "pin")}, steps) })
	}
}

// GET RESPONSE and the repetition after 6Cxx are no APDUs of their own.
func TestT0CountsAPDUs(t *testing.T) {
	count := 0
	p := &t0{card: newCard(t, "pin"), before: func([]byte) bool { count++; return true }}
	converse(t, p, []step{
		{"00A404000E 315041592E5359532E4444463031", "611E"}, {"00C000001E", "...9000"},
		{"00B2010C00", "6C1F"}, {"00B2010C1F", "...9000"},
		{"00B2020C00", "6A83"},
	})
	if count != 3 {
		t.Errorf("%d APDUs counted, want 3", count)
	}
}

const (
	ifsRequest = "00 C1 01 FE 3E"
	ifsAnswer  = "00 E1 01 FE 1E"
	// I(0) SELECT 1PAY.SYS.DDF01.
	selectBlock = "00 00 14 00A404000E315041592E5359532E444446303100 DD"
	selectInfo  = "6F1C840E315041592E5359532E4444463031A50A8801015F2D047A68656E9000"
	// The application's answer is longer than a first block may be.
	appInfo = "6F2D8407F043504F530101A522500D434C4F5544504F5320544553548701019F38069F1A025F2A025F2D047A68656E9000"
)

// block frames an answer, its checksum computed here.
func block(t *testing.T, pcb byte, info string) string {
	t.Helper()
	b := unhex(t, info)
	b = append([]byte{0, pcb, byte(len(b))}, b...)
	sum := byte(0)
	for _, x := range b {
		sum ^= x
	}
	return fmt.Sprintf("%X", append(b, sum))
}

func TestT1(t *testing.T) {
	answer := unhex(t, appInfo) // 49 bytes
	selectApp := block(t, 0x00, selectAID)
	part := func(from, to int) string { return fmt.Sprintf("%X", answer[from:to]) }
	for name, steps := range map[string][]step{
		"one block each way": {
			{ifsRequest, ifsAnswer},
			{selectBlock, block(t, 0x00, selectInfo)},
			{block(t, 0x40, "00B2020C00"), block(t, 0x40, "6A83")},
			{block(t, 0x00, "00B2020C00"), block(t, 0x00, "6A83")},
		},
		"an answer in two blocks, for IFSD is 32 at first": {
			{selectApp, block(t, 0x20, part(0, 32))},
			{block(t, 0x90, ""), block(t, 0x40, part(32, 49))},
			{block(t, 0x40, "00B2020C00"), block(t, 0x00, "6985")},
		},
		"a command in three blocks": {
			{ifsRequest, ifsAnswer},
			{block(t, 0x20, "00A404000E3150"), block(t, 0x90, "")},
			{block(t, 0x60, "41592E5359532E"), block(t, 0x80, "")},
			{block(t, 0x00, "444446303100"), block(t, 0x00, selectInfo)},
		},
		"wrong checksum, then again": {
			{ifsRequest, ifsAnswer},
			{selectBlock[:len(selectBlock)-2] + "DE", block(t, 0x81, "")},
			{selectBlock, block(t, 0x00, selectInfo)},
		},
		"the terminal did not get the answer": {
			{ifsRequest, ifsAnswer},
			{selectBlock, block(t, 0x00, selectInfo)},
			{block(t, 0x81, ""), block(t, 0x00, selectInfo)},
		},
		"the terminal did not get the first part": {
			{selectApp, block(t, 0x20, part(0, 32))},
			{block(t, 0x81, ""), block(t, 0x20, part(0, 32))},
			{block(t, 0x90, ""), block(t, 0x40, part(32, 49))},
		},
		"resynchronisation": {
			{ifsRequest, ifsAnswer},
			{selectBlock, block(t, 0x00, selectInfo)},
			{"00 C0 00 C0", "00 E0 00 E0"},
			{selectBlock, block(t, 0x00, selectInfo)},
		},
		"the same sequence number twice": {
			{ifsRequest, ifsAnswer},
			{selectBlock, block(t, 0x00, selectInfo)},
			{selectBlock, block(t, 0x92, "")},
		},
		"abort": {
			{block(t, 0x20, "00A404000E3150"), block(t, 0x90, "")},
			{"00 C2 00 C2", "00 E2 00 E2"},
		},
		"wrong IFSD":            {{block(t, 0xC1, "00"), "00 82 00 82"}},
		"unasked waiting time":  {{"00 E3 01 01 E3", "00 82 00 82"}},
		"address of another":    {{"21 00 02 00A4 87", "00 82 00 82"}},
		"too short for a block": {{"00 00 00", ""}},
	} {
		t.Run(name, func(t *testing.T) { converse(t, newT1(newCard(t, "t1")), steps) })
	}
}

func TestT1AsksForTime(t *testing.T) {
	p := newT1(newCard(t, "slow"))
	upTo(t, p.card, selectAID, gpo)
	if got, ok := p.transmit(unhex(t, block(t, 0x00, gac1))); !ok || got[1] != 0xC3 {
		t.Fatalf("GENERATE AC is answered by %X, want a request for time", got)
	}
	got, ok := p.transmit(unhex(t, "00 E3 01 01 E3"))
	if !ok || got[1] != 0x20 || xor(got) != 0 {
		t.Errorf("after the time was granted came %X, want the first part of the answer", got)
	}
}

func FuzzT0(f *testing.F) {
	p := profile(f, "pin")
	f.Add(unhex(f, "00A404000E315041592E5359532E4444463031"), unhex(f, "00C000001E"))
	f.Add(unhex(f, "00B2010C00"), unhex(f, "00B2010C1F"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		c, err := NewCard(p, zeros{})
		if err != nil {
			t.Fatal(err)
		}
		tp := &t0{card: c}
		for _, block := range [][]byte{a, b} {
			if got, ok := tp.transmit(block); ok && len(got) < 2 {
				t.Errorf("answer %X to %X", got, block)
			}
		}
	})
}

func FuzzT1(f *testing.F) {
	p := profile(f, "slow")
	for _, s := range []string{ifsRequest, selectBlock, "00 81 00 81", "00 E3 01 01 E3", "00 20 02 00A4 86"} {
		f.Add(unhex(f, s), unhex(f, selectBlock), false)
	}
	f.Fuzz(func(t *testing.T, a, b []byte, mend bool) {
		c, err := NewCard(p, zeros{})
		if err != nil {
			t.Fatal(err)
		}
		tp := newT1(c)
		for _, block := range [][]byte{a, b, a} {
			if mend && len(block) > 3 {
				block = append([]byte{0, block[1], byte(len(block) - 4)}, block[3:]...)
				block[len(block)-1] ^= xor(block)
			}
			if got, ok := tp.transmit(block); ok && (len(got) < 4 || xor(got) != 0 || int(got[2]) != len(got)-4) {
				t.Errorf("answer %X to %X is no block", got, block)
			}
		}
	})
}

// zeros is a source of numbers for cards in fuzz tests.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
