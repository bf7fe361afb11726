package ccid

import "fmt"

// atr is what an answer to reset says about the protocol (ISO 7816-3, 8;
// EMV 4.4 Book 1, 8).
type atr struct {
	t1      bool
	inverse bool
	fidi    byte // 11 unless TA2 fixes TA1
	tc1     byte // extra guard time
	wi      byte // T=0 waiting time integer
	bwicwi  byte // T=1 waiting time integers
	ifsc    byte // T=1 information field size of the card
}

const atrMax = 33

// parseATR reads and judges an answer to reset by the rules for an EMV card.
func parseATR(b []byte) (atr, error) {
	a := atr{fidi: 0x11, wi: 0x0A, bwicwi: 0x4D, ifsc: 0x20}
	if len(b) < 2 || len(b) > atrMax {
		return a, fmt.Errorf("an ATR of %d bytes", len(b))
	}
	switch b[0] {
	case 0x3B:
	case 0x3F:
		a.inverse = true
	default:
		return a, fmt.Errorf("an ATR that begins with %02X", b[0])
	}
	r := interfaceBytes{rest: b[2:], present: b[1] >> 4}
	if err := r.read(&a); err != nil {
		return a, err
	}
	end := int(b[1] & 0x0F) // historical bytes
	if r.needTCK {
		end++
	}
	if len(r.rest) != end {
		return a, fmt.Errorf("an ATR with %d bytes after its interface bytes, want %d", len(r.rest), end)
	}
	if r.needTCK && xor(b[1:]) != 0 {
		return a, fmt.Errorf("an ATR with a wrong TCK")
	}
	return a, a.judge(r)
}

// interfaceBytes walks through TAi, TBi, TCi and TDi.
type interfaceBytes struct {
	rest    []byte
	present byte // which of the next four are there
	needTCK bool
	tc1Set  bool
	tb3Set  bool
	tc3     byte
}

func (r *interfaceBytes) read(a *atr) error {
	var ta1 byte = 0x11
	protocol := byte(0) // the last TD's
	for i := 1; r.present != 0; i++ {
		// A protocol's own bytes follow the TD that names it; TA, TB and TC
		// from the third group on are the first T=1 ones.
		t1 := i > 2 && protocol == 1
		var td byte
		for _, which := range []byte{'A', 'B', 'C', 'D'} {
			present := r.present&1 != 0
			r.present >>= 1
			if !present {
				continue
			}
			if len(r.rest) == 0 {
				return fmt.Errorf("an ATR that ends within its interface bytes")
			}
			v := r.rest[0]
			r.rest = r.rest[1:]
			switch {
			case which == 'D':
				td = v
				protocol = v & 0x0F
				if i == 1 {
					a.t1 = protocol == 1
				}
				if protocol > 1 && i == 1 {
					return fmt.Errorf("an ATR that offers only T=%d", protocol)
				}
				r.needTCK = r.needTCK || protocol != 0
			case i == 1 && which == 'A':
				ta1 = v
			case i == 1 && which == 'C':
				a.tc1, r.tc1Set = v, true
			case i == 2 && which == 'A':
				// Specific mode: TA1 counts, and this protocol does.
				if v&0x10 == 0 {
					a.fidi = ta1
				}
				a.t1 = v&0x0F == 1
			case i == 2 && which == 'C':
				a.wi = v
			case t1 && which == 'A':
				a.ifsc = v
			case t1 && which == 'B':
				a.bwicwi, r.tb3Set = v, true
			case t1 && which == 'C':
				r.tc3 = v
			}
		}
		r.present = td >> 4
	}
	return nil
}

// judge applies EMV 4.4 Book 1, 8.3 to what would make exchanges fail later.
func (a atr) judge(r interfaceBytes) error {
	if !a.t1 {
		if a.wi == 0 {
			return fmt.Errorf("an ATR with a waiting time of 0")
		}
		return nil
	}
	if a.ifsc < 0x10 || a.ifsc == 0xFF {
		return fmt.Errorf("an ATR with an information field size of %02X", a.ifsc)
	}
	if r.tc3 != 0 {
		return fmt.Errorf("an ATR that asks for a CRC")
	}
	if !r.tb3Set {
		return nil
	}
	bwi, cwi := a.bwicwi>>4, a.bwicwi&0x0F
	guard := (int(a.tc1) + 1) & 0xFF // FF means 11 etu: counts as 0
	if bwi > 4 || cwi > 5 || 1<<cwi < guard {
		return fmt.Errorf("an ATR with waiting times %02X and guard time %02X", a.bwicwi, a.tc1)
	}
	return nil
}

// parameters is the data of SetParameters for this card, and its protocol
// number (CCID 1.1, 6.1.7).
func (a atr) parameters() (protocol byte, data []byte) {
	var convention byte
	if a.inverse {
		convention = 0x02
	}
	if !a.t1 {
		return 0, []byte{a.fidi, convention, a.tc1, a.wi, 0}
	}
	return 1, []byte{a.fidi, 0x10 | convention, a.tc1, a.bwicwi, 0, a.ifsc, 0}
}
