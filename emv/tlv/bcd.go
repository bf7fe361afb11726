package tlv

import "fmt"

// numericBytesMax keeps a number inside a uint64.
const numericBytesMax = 9

// AppendNumeric appends v in format n: BCD, right-justified in width bytes,
// zeros on the left. Digits that do not fit are lost from the left, as when a
// data object list asks for fewer.
func AppendNumeric(dst []byte, v uint64, width int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, width)...)
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = byte(v%10) | byte(v/10%10)<<4
		v /= 100
	}
	return dst
}

// ParseNumeric reads a number in format n.
func ParseNumeric(value []byte) (uint64, error) {
	if len(value) > numericBytesMax {
		return 0, fmt.Errorf("%w: number of %d bytes, at most %d", ErrMalformed, len(value), numericBytesMax)
	}
	var v uint64
	for i, b := range value {
		if b>>4 > 9 || b&0x0F > 9 {
			return 0, fmt.Errorf("%w: byte %d of a number is not decimal", ErrMalformed, i)
		}
		v = v*100 + uint64(b>>4)*10 + uint64(b&0x0F)
	}
	return v, nil
}

// AppendDigits appends the digits of a value in format cn as ASCII: BCD,
// left-justified, F on the right. The value may be a PAN, so no error shows it.
func AppendDigits(dst, value []byte) ([]byte, error) {
	ended := false
	for i := range 2 * len(value) {
		nibble := value[i/2] >> 4
		if i%2 == 1 {
			nibble = value[i/2] & 0x0F
		}
		switch {
		case nibble == 0x0F:
			ended = true
		case ended || nibble > 9:
			return nil, fmt.Errorf("%w: nibble %d of a compressed number is no digit", ErrMalformed, i)
		default:
			dst = append(dst, '0'+nibble)
		}
	}
	return dst, nil
}
