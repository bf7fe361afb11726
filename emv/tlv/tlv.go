// Package tlv reads and writes the BER-TLV of EMV cards: data objects, data
// object lists and the dictionary that says how each object is formatted.
//
// The parser is strict where a misreading could change a transaction: no
// indefinite length, no length past the end, nothing unbounded. It skips the
// zero bytes that EMV allows between objects.
//
//	fci, ok := tlv.Find(response, tlv.FCI, tlv.FCIProprietary, tlv.PDOL)
//
// EMV 4.4 Book 3, Annex B1 and B2 are the coding, 5.4 the data object lists,
// Annex A the dictionary.
package tlv

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of what Parse accepts. No card or issuer message comes near them.
const (
	dataMax     = 0xFFFF
	objectsMax  = 512
	tagBytesMax = 3 // kernel 2 has tags of three bytes, nobody has longer ones
	dolMax      = 1024
	depthMax    = 16 // cards nest five deep
)

// ErrMalformed is wrapped by each error of a parser here, so that a caller can
// tell a card's mistake from its own.
var ErrMalformed = errors.New("tlv: malformed")

// A Tag is the identifier of a data object as its bytes read from the left:
// 0x82, 0x9F02, 0xDF8129.
type Tag uint32

// String writes the tag as the books do: "9F02".
func (t Tag) String() string {
	switch {
	case t > 0xFFFFFF:
		return fmt.Sprintf("%08X", uint32(t))
	case t > 0xFFFF:
		return fmt.Sprintf("%06X", uint32(t))
	case t > 0xFF:
		return fmt.Sprintf("%04X", uint32(t))
	}
	return fmt.Sprintf("%02X", uint32(t))
}

// Constructed reports whether the object holds further objects: bit 6 of the
// first byte. EMV 4.4 Book 3, Annex B1.
func (t Tag) Constructed() bool {
	for t > 0xFF {
		t >>= 8
	}
	return t&0x20 != 0
}

// Append appends the bytes of the tag to dst.
func (t Tag) Append(dst []byte) []byte {
	for shift := 24; shift > 0; shift -= 8 {
		if t>>shift != 0 {
			dst = append(dst, byte(t>>shift))
		}
	}
	return append(dst, byte(t))
}

// An Object is one data object. Value is a part of the parsed input, not a copy.
type Object struct {
	Tag   Tag
	Value []byte
}

// A SyntaxError says where a parser stopped, and why. It is ErrMalformed.
type SyntaxError struct {
	Offset int   // of the object's first byte, from the start of all that was parsed
	Path   []Tag // the templates around it, the outermost first
	Tag    Tag   // of the object; 0 if not even that can be read
	Reason string
}

// Error tells all of it, and nothing of a value.
func (e *SyntaxError) Error() string {
	var where strings.Builder
	fmt.Fprintf(&where, "%v: at byte %d", ErrMalformed, e.Offset)
	for _, t := range e.Path {
		fmt.Fprintf(&where, ", in %v", t)
	}
	if e.Tag != 0 {
		fmt.Fprintf(&where, ", tag %v", e.Tag)
	}
	return where.String() + ": " + e.Reason
}

// Unwrap is ErrMalformed.
func (e *SyntaxError) Unwrap() error { return ErrMalformed }

// Parse reads the objects of one level and skips zero bytes before, between
// and after them. A constructed object's Value can be parsed in turn. FF is no
// padding: it begins the tags of kernel 2's templates, and EMV gives it no
// other use.
func Parse(data []byte) ([]Object, error) {
	count := 0
	err := scan(data, func(Object, int, int) error { count++; return nil })
	if err != nil || count == 0 {
		return nil, err
	}
	// A second look costs less than a list that grows.
	objects := make([]Object, 0, count)
	err = scan(data, func(o Object, _, _ int) error { objects = append(objects, o); return nil })
	return objects, err
}

// scan gives each object of one level to found, with the places where it and
// its value begin.
func scan(data []byte, found func(o Object, at, value int) error) error {
	if len(data) > dataMax {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, len(data), dataMax)
	}
	count := 0
	for at := 0; at < len(data); {
		if data[at] == 0 { // padding, EMV 4.4 Book 3, Annex B1
			at++
			continue
		}
		tag, head, err := readTag(data[at:])
		if err != nil {
			return &SyntaxError{Offset: at, Reason: err.Error()}
		}
		length, width, err := readLength(data[at+head:])
		if err != nil {
			return &SyntaxError{Offset: at, Tag: tag, Reason: err.Error()}
		}
		start := at + head + width
		if length > len(data)-start {
			return &SyntaxError{Offset: at, Tag: tag,
				Reason: fmt.Sprintf("length %d, but %d bytes are left", length, len(data)-start)}
		}
		if count++; count > objectsMax {
			return fmt.Errorf("%w: more than %d objects", ErrMalformed, objectsMax)
		}
		o := Object{Tag: tag, Value: data[start : start+length : start+length]}
		if err := found(o, at, start); err != nil {
			return err
		}
		at = start + length
	}
	return nil
}

// One reads data that must be exactly one object of the given tag: a template
// that a card answered, with nothing but padding around it.
func One(data []byte, tag Tag) ([]byte, error) {
	objects, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if len(objects) != 1 || objects[0].Tag != tag {
		return nil, fmt.Errorf("%w: want one object %v, got %v", ErrMalformed, tag, tags(objects))
	}
	return objects[0].Value, nil
}

// tags lists the tags of objects for an error.
func tags(objects []Object) []Tag {
	list := make([]Tag, len(objects))
	for i, o := range objects {
		list[i] = o.Tag
	}
	return list
}

// readTag reads a tag of one to three bytes and tells how many they were.
func readTag(data []byte) (Tag, int, error) {
	if len(data) == 0 {
		return 0, 0, errors.New("no tag")
	}
	tag := Tag(data[0])
	if data[0]&0x1F != 0x1F {
		return tag, 1, nil
	}
	for i := 1; i < tagBytesMax; i++ {
		if i == len(data) {
			return 0, 0, errors.New("tag cut off")
		}
		tag = tag<<8 | Tag(data[i])
		if data[i]&0x80 == 0 {
			return tag, i + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("tag of more than %d bytes", tagBytesMax)
}

// readLength reads a length of one to three bytes. EMV 4.4 Book 3, Annex B2.
func readLength(data []byte) (length, width int, err error) {
	switch {
	case len(data) == 0:
		return 0, 0, errors.New("no length")
	case data[0] < 0x80:
		return int(data[0]), 1, nil
	case data[0] == 0x81 && len(data) >= 2:
		return int(data[1]), 2, nil
	case data[0] == 0x82 && len(data) >= 3:
		return int(data[1])<<8 | int(data[2]), 3, nil
	case data[0] == 0x81 || data[0] == 0x82:
		return 0, 0, errors.New("length cut off")
	}
	return 0, 0, fmt.Errorf("length byte %02X is not used in EMV", data[0])
}

// Append appends one object to dst, its length in the shortest form. Values
// longer than 65535 bytes are the caller's mistake; Parse refuses them.
func Append(dst []byte, t Tag, value []byte) []byte {
	dst = t.Append(dst)
	n := len(value)
	switch {
	case n < 0x80:
		dst = append(dst, byte(n))
	case n <= 0xFF:
		dst = append(dst, 0x81, byte(n))
	case n <= 0xFFFF:
		dst = append(dst, 0x82, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, value...)
}

// Find follows path down through templates and returns the value of the first
// object at its end. It reports false when there is none, or when the data on
// the way there cannot be parsed.
func Find(data []byte, path ...Tag) (value []byte, ok bool) {
	value = data
	for _, tag := range path {
		if value, ok = find(value, tag); !ok {
			return nil, false
		}
	}
	return value, len(path) > 0
}

func find(data []byte, tag Tag) ([]byte, bool) {
	objects, err := Parse(data)
	if err != nil {
		return nil, false
	}
	for _, o := range objects {
		if o.Tag == tag {
			return o.Value, true
		}
	}
	return nil, false
}
