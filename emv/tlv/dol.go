package tlv

import (
	"bytes"
	"fmt"
)

// An Entry of a data object list asks for Length bytes of the object Tag.
type Entry struct {
	Tag    Tag
	Length int
}

// A DOL is a data object list: what a card wants to be told, and in which
// order. EMV 4.4 Book 3, 5.4.
type DOL []Entry

// ParseDOL reads a list of tags and one-byte lengths.
func ParseDOL(data []byte) (DOL, error) {
	if len(data) > dolMax {
		return nil, fmt.Errorf("%w: list of %d bytes, at most %d", ErrMalformed, len(data), dolMax)
	}
	var list DOL
	for at := 0; at < len(data); {
		tag, head, err := readTag(data[at:])
		if err != nil {
			return nil, fmt.Errorf("%w: list at byte %d: %w", ErrMalformed, at, err)
		}
		if at+head == len(data) {
			return nil, fmt.Errorf("%w: list at byte %d, tag %v: no length", ErrMalformed, at, tag)
		}
		list = append(list, Entry{Tag: tag, Length: int(data[at+head])})
		at += head + 1
	}
	return list, nil
}

// Contains reports whether the list asks for the object.
func (d DOL) Contains(t Tag) bool {
	for _, e := range d {
		if e.Tag == t {
			return true
		}
	}
	return false
}

// Size is the number of bytes that Build gives.
func (d DOL) Size() int {
	n := 0
	for _, e := range d {
		n += e.Length
	}
	return n
}

// Build concatenates the values that the list asks for, each cut or padded to
// its length as the object's format demands. Objects that lookup does not
// know, and templates, are zeros. EMV 4.4 Book 3, 5.4.
func (d DOL) Build(lookup func(Tag) ([]byte, bool)) []byte {
	out := make([]byte, 0, d.Size())
	for _, e := range d {
		value, ok := lookup(e.Tag)
		if !ok || e.Tag.Constructed() {
			value = nil
		}
		out = appendFitted(out, value, FormatOf(e.Tag), e.Length)
	}
	return out
}

// appendFitted appends value cut or padded to length. An empty value is all
// zeros, whatever its format.
func appendFitted(dst, value []byte, format Format, length int) []byte {
	missing := length - len(value)
	switch {
	case len(value) == 0:
		return append(dst, make([]byte, length)...)
	case missing < 0 && format == Numeric:
		return append(dst, value[-missing:]...)
	case missing < 0:
		return append(dst, value[:length]...)
	case format == Numeric:
		dst = append(dst, make([]byte, missing)...)
		return append(dst, value...)
	case format == CompressedNumeric:
		dst = append(dst, value...)
		return append(dst, bytes.Repeat([]byte{0xFF}, missing)...)
	}
	dst = append(dst, value...)
	return append(dst, make([]byte, missing)...)
}
