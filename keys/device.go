package keys

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/bits"
)

// ErrState is a stored DUKPT state that is damaged or not one.
var ErrState = errors.New("keys: not a DUKPT state")

// DUKPT is the device's side of X9.24-1: it holds future keys, none of which
// leads back to a key that was used. It is for one goroutine.
//
// A counter must never serve twice, also when power fails: the state after
// Next is stored before the key that Next gave is used.
type DUKPT struct {
	ksn       [10]byte // with counter 0
	counter   uint32   // of the next key
	registers [counterBits][16]byte
}

// NewDUKPT loads an initial key. ksn is the initial KSN, with a counter of 0.
func NewDUKPT(ipek [16]byte, ksn [10]byte) (*DUKPT, error) {
	defer clear(ipek[:])
	if counterOf(ksn) != 0 {
		return nil, fmt.Errorf("%w: an initial one has the counter 0", ErrKSN)
	}
	d := &DUKPT{ksn: ksn, counter: 1}
	for i := range d.registers {
		key, err := child(ipek, withCounter(ksn, 1<<i))
		if err != nil {
			return nil, err
		}
		d.registers[i] = key
	}
	return d, nil
}

// Next returns the next transaction's key, before variants, and its KSN, and
// forgets the key. After the last one it is ErrExhausted.
func (d *DUKPT) Next() (key [16]byte, ksn [10]byte, err error) {
	if d.counter > counterMax {
		return key, ksn, ErrExhausted
	}
	low := bits.TrailingZeros32(d.counter)
	key = d.registers[low]
	if bits.OnesCount32(d.counter) < onesMax { // further ones are skipped
		for i := range low {
			d.registers[i], err = child(key, withCounter(d.ksn, d.counter|1<<i))
			if err != nil {
				return [16]byte{}, ksn, err
			}
		}
	}
	clear(d.registers[low][:])
	ksn = withCounter(d.ksn, d.counter)
	d.counter = nextCounter(d.counter)
	return key, ksn, nil
}

// Clear forgets all keys; Next is then ErrExhausted.
func (d *DUKPT) Clear() {
	clear(d.registers[:])
	d.counter = counterMax + 1
}

// Format tells nothing of the keys, for every fmt verb.
func (d *DUKPT) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[DUKPT keys]")) }

// The stored state: version, KSN, counter, registers, SHA-256 over all that.
const (
	stateVersion = 1
	stateLen     = 1 + 10 + 4 + counterBits*16 + sha256.Size
)

// MarshalBinary writes the whole state, keys in the clear: where it is stored
// is as secret as the device.
func (d *DUKPT) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, stateLen)
	b = append(b, stateVersion)
	b = append(b, d.ksn[:]...)
	b = append(b, byte(d.counter>>24), byte(d.counter>>16), byte(d.counter>>8), byte(d.counter))
	for _, r := range d.registers {
		b = append(b, r[:]...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

// UnmarshalBinary restores a state. A damaged one is ErrState and changes
// nothing: a device that guesses its counter would repeat a key.
func (d *DUKPT) UnmarshalBinary(b []byte) error {
	if len(b) != stateLen || b[0] != stateVersion {
		return fmt.Errorf("%w: %d bytes", ErrState, len(b))
	}
	body, sum := b[:stateLen-sha256.Size], b[stateLen-sha256.Size:]
	if want := sha256.Sum256(body); subtle.ConstantTimeCompare(want[:], sum) != 1 {
		return fmt.Errorf("%w: checksum differs", ErrState)
	}
	var s DUKPT
	defer clear(s.registers[:])
	r := bytes.NewReader(body[1:])
	_, _ = r.Read(s.ksn[:])
	for range 4 {
		c, _ := r.ReadByte()
		s.counter = s.counter<<8 | uint32(c)
	}
	for i := range s.registers {
		_, _ = r.Read(s.registers[i][:])
	}
	if counterOf(s.ksn) != 0 || s.counter == 0 || s.counter > counterMax+1 || bits.OnesCount32(s.counter) > onesMax {
		return fmt.Errorf("%w: counter %d", ErrState, s.counter)
	}
	*d = s
	return nil
}
