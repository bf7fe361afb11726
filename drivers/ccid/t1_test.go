package ccid

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

const (
	pse      = "00 A4 04 00 0E 31 50 41 59 2E 53 59 53 2E 44 44 46 30 31 00"
	pseBlock = "00 00 14 " + pse + " DD"
)

// Each story: blocks out (>), with the waiting time multiplier behind a slash,
// blocks in (< , or nothing for silence), commands (:), the response (=) or an
// error (!). "announce" is the S(IFS) exchange.
var t1Stories = []struct {
	name  string
	ifsc  byte
	story string
}{
	{"block size", 0xFE, `
		: announce
		> 00 C1 01 FE 3E
		< 00 E1 01 FE 1E
		=`},
	{"block size, asked for again", 0xFE, `
		: announce
		> 00 C1 01 FE 3E
		<
		> 00 C1 01 FE 3E
		< 00 E1 01 FE 1F
		> 00 C1 01 FE 3E
		< 00 E1 01 FE 1E
		=`},
	{"block size, never answered", 0xFE, `
		: announce
		> 00 C1 01 FE 3E
		<
		> 00 C1 01 FE 3E
		<
		> 00 C1 01 FE 3E
		<
		!`},
	{"numbers alternate on both sides", 0xFE, `
		: ` + pse + `
		> ` + pseBlock + `
		< 00 00 02 6A 82 EA
		= 6A 82
		: 00 B2 01 0C 00
		> 00 40 05 00 B2 01 0C 00 FA
		< 00 40 02 6A 83 AB
		= 6A 83
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 00 02 90 00 92
		= 90 00`},
	{"waiting time", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 C3 01 01 C3
		> 00 E3 01 01 E3 / 1
		< 00 C3 01 03 C1
		> 00 E3 01 03 E1 / 3
		< 00 00 02 90 00 92
		= 90 00`},
	{"wrong LRC is asked for again", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 00 02 90 00 93
		> 00 81 00 81
		< 00 00 02 90 00 92
		= 90 00`},
	{"silence is asked about", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		<
		> 00 82 00 82
		< 00 80 00 80
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 00 02 90 00 92
		= 90 00`},
	{"three times is enough", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		<
		> 00 82 00 82
		<
		> 00 82 00 82
		<
		!`},
	{"chain out", 0x10, `
		: ` + pse + `
		> 00 20 10 00 A4 04 00 0E 31 50 41 59 2E 53 59 53 2E 44 44 BE
		< 00 90 00 90
		> 00 40 04 46 30 31 00 03
		< 00 00 02 6A 82 EA
		= 6A 82`},
	{"chain out, a piece again", 0x10, `
		: ` + pse + `
		> 00 20 10 00 A4 04 00 0E 31 50 41 59 2E 53 59 53 2E 44 44 BE
		< 00 81 00 81
		> 00 20 10 00 A4 04 00 0E 31 50 41 59 2E 53 59 53 2E 44 44 BE
		< 00 90 00 90
		> 00 40 04 46 30 31 00 03
		< 00 00 02 6A 82 EA
		= 6A 82`},
	{"chain in", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 20 02 70 01 53
		> 00 90 00 90
		< 00 60 01 55 34
		> 00 80 00 80
		< 00 00 02 90 00 92
		= 70 01 55 90 00`},
	{"chain in, a piece with an old number", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 20 02 70 01 53
		> 00 90 00 90
		< 00 20 02 70 01 53
		> 00 92 00 92
		< 00 40 02 90 00 D2
		= 70 01 90 00`},
	{"the card changes its block size", 0x10, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 C1 01 20 E0
		> 00 E1 01 20 C0
		< 00 00 02 90 00 92
		= 90 00`},
	{"the card gives up", 0xFE, `
		: 00 B2 01 0C 00
		> 00 00 05 00 B2 01 0C 00 BA
		< 00 C2 00 C2
		!`},
	{"an answer to half a command", 0x10, `
		: ` + pse + `
		> 00 20 10 00 A4 04 00 0E 31 50 41 59 2E 53 59 53 2E 44 44 BE
		< 00 00 02 90 00 92
		> 00 82 00 82
		< 00 00 02 90 00 92
		> 00 82 00 82
		< 00 00 02 90 00 92
		!`},
}

func TestT1(t *testing.T) {
	for _, c := range t1Stories {
		t.Run(c.name, func(t *testing.T) {
			m := newT1(c.ifsc)
			var o out
			var err error
			for i, line := range strings.Split(c.story, "\n") {
				line = strings.TrimSpace(line)
				if line == "" {
					continue
				}
				rest := strings.TrimSpace(line[1:])
				switch line[0] {
				case ':':
					if rest == "announce" {
						o = m.announce()
					} else {
						o = m.start(unhex(rest))
					}
				case '>':
					hex, wtx, _ := strings.Cut(rest, " / ")
					want := unhex(hex)
					if err != nil || !bytes.Equal(o.block, want) || wtx != "" && o.wtx != wtx[0]-'0' || wtx == "" && o.wtx != 0 {
						t.Fatalf("line %d: sends % X / %d, %v, want %s", i, o.block, o.wtx, err, rest)
					}
				case '<':
					var in []byte
					if rest != "" {
						in = unhex(rest)
					}
					o, err = m.next(in)
				case '=':
					if err != nil || !o.done || !bytes.Equal(o.response, unhex(rest)) {
						t.Fatalf("line %d: ends in % X, %v, want %s", i, o.response, err, rest)
					}
				case '!':
					if !errors.Is(err, drivers.ErrProtocol) {
						t.Fatalf("line %d: ends in %+v, %v, want ErrProtocol", i, o, err)
					}
				}
			}
		})
	}
}

func TestT1Ends(t *testing.T) {
	for name, in := range map[string]string{
		"waiting for ever":   "00 C3 01 01 C3",
		"asking for ever":    "00 80 00 80",
		"more for ever":      "00 20 01 55 74",
		"new size for ever":  "00 C1 01 20 E0",
		"nothing but nought": "",
	} {
		m := newT1(0xFE)
		m.start(unhex(pse))
		var err error
		for n := 0; err == nil; n++ {
			if n > blocksMax {
				t.Errorf("%s: still going after %d blocks", name, n)
				break
			}
			var o out
			if o, err = m.next(unhex(in)); o.done {
				t.Errorf("%s: ends in % X", name, o.response)
				break
			}
		}
	}
}

func FuzzT1(f *testing.F) {
	f.Add(byte(0xFE), unhex(pse), unhex("00 00 02 6A 82 EA"))
	f.Add(byte(0x10), unhex(pse), unhex("00 90 00 90 00 C3 01 01 C3 00 20 02 70 01 53 00 40 00 40"))
	f.Add(byte(0xFF), make([]byte, 0xFF), unhex("00 90 00 90"))
	f.Fuzz(func(t *testing.T, ifsc byte, apdu, in []byte) {
		m := newT1(max(ifsc, 0x10))
		o := m.start(apdu)
		for len(in) > 0 && !o.done {
			if _, inf, fault := parseBlock(o.block); fault != 0 || len(inf) > 0xFE {
				t.Fatalf("sends % X", o.block)
			}
			n := min(len(in), 4)
			if len(in) > 2 {
				n = min(len(in), 4+int(in[2]))
			}
			// Make the LRC right, so that more than its check is seen.
			block := append([]byte(nil), in[:n]...)
			block[n-1] = xor(block[:n-1])
			in = in[n:]
			var err error
			if o, err = m.next(block); err != nil {
				return
			}
		}
	})
}

// FuzzT1Foreign: an I-block that the reader has completed is never sent by us,
// whatever the card says.
func FuzzT1Foreign(f *testing.F) {
	f.Add(unhex("00 00 02 63 C2 A3"))
	f.Add(unhex("00 81 00 81"))
	f.Add(unhex("00 C3 01 02 C0 00 90 00 90 00 00 02 90 00 92"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := newT1(0xFE)
		o, err := m.startForeign(unhex("00 20 00 80 08 20 FF FF FF FF FF FF FF"))
		if err != nil {
			t.Fatal(err)
		}
		for len(in) > 0 && !o.done {
			n := min(len(in), 4)
			if len(in) > 2 {
				n = min(len(in), 4+int(in[2]))
			}
			block := append([]byte(nil), in[:n]...)
			block[n-1] = xor(block[:n-1])
			in = in[n:]
			if o, err = m.next(block); err != nil {
				return
			}
			if !o.done && o.block[1]&0x80 == 0 {
				t.Fatalf("sends % X", o.block)
			}
		}
	})
}
