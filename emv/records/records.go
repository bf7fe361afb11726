// Package records goes through the records that a card wants to be read, for
// all kernels alike: which ones, what is in them, and what of them the card's
// issuer has signed. EMV 4.4 Book 3, 10.2 and 10.3.
//
//	list, err := records.Locate(afl)
//	for !list.Done() {
//		// send list.Command()
//		objects, err := list.Take(body)
//	}
//	static, err := list.Static()
package records

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// Bounds of a file locator. Cards have a dozen records.
const (
	aflEntrySize = 4
	aflMax       = 252
	recordsMax   = 256
	sfiShift     = 3
)

// sfiMax is the highest short file identifier, and sfiEMVMax the highest one
// whose records EMV lays out. EMV 4.4 Book 3, 5.3.2.2.
const (
	sfiMax    = 30
	sfiEMVMax = 10
)

// ErrUnsigned is a record that is to be covered by a signature and cannot be.
var ErrUnsigned = errors.New("a signed record is no template")

// file is one entry of the AFL. EMV 4.4 Book 3, 10.2.
type file struct {
	sfi         byte
	first, last byte
	signed      byte // records from first on that take part in data authentication
}

// A List is the place in a file locator. The zero value is done.
type List struct {
	files    []file
	offset   byte // of the record that is being read, from first
	static   secret.Bytes
	unusable bool // a signed record is no template
}

// Locate checks the file locator. Any violation ends the transaction.
// EMV 4.4 Book 3, 10.2.
func Locate(afl []byte) (List, error) {
	if len(afl) == 0 || len(afl)%aflEntrySize != 0 || len(afl) > aflMax {
		return List{}, fmt.Errorf("AFL of %d bytes (Book 3, 6.5.8.4)", len(afl))
	}
	var files []file
	total := 0
	for i := 0; i < len(afl); i += aflEntrySize {
		f := file{sfi: afl[i] >> sfiShift, first: afl[i+1], last: afl[i+2], signed: afl[i+3]}
		switch {
		case afl[i]&0x07 != 0 || f.sfi < 1 || f.sfi > sfiMax:
			return List{}, fmt.Errorf("AFL entry %d: SFI byte %02X (Book 3, 10.2)", i/aflEntrySize+1, afl[i])
		case f.first == 0 || f.last < f.first:
			return List{}, fmt.Errorf("AFL entry %d: records %d to %d (Book 3, 10.2)", i/aflEntrySize+1, f.first, f.last)
		case int(f.signed) > int(f.last)-int(f.first)+1:
			return List{}, fmt.Errorf("AFL entry %d: %d signed records of %d (Book 3, 10.2)",
				i/aflEntrySize+1, f.signed, int(f.last)-int(f.first)+1)
		}
		total += int(f.last) - int(f.first) + 1
		files = append(files, f)
	}
	if total > recordsMax {
		return List{}, fmt.Errorf("AFL of %d records, at most %d", total, recordsMax)
	}
	return List{files: files}, nil
}

// Done reports whether all records were taken.
func (l *List) Done() bool { return len(l.files) == 0 }

// place is the record that is next.
func (l *List) place() (sfi, record byte) { return l.files[0].sfi, l.files[0].first + l.offset }

// String names the record that is next.
func (l *List) String() string {
	if l.Done() {
		return "no record"
	}
	sfi, record := l.place()
	return fmt.Sprintf("%d of SFI %d", record, sfi)
}

// Command reads the record that is next; there must be one.
func (l *List) Command() []byte { return apdu.ReadRecord(l.place()) }

// Take takes the body of that record and goes on. What is in a file of EMV's
// must be a template. EMV 4.4 Book 3, 6.5.11.4.
func (l *List) Take(body []byte) ([]tlv.Object, error) {
	f := l.files[0]
	content, err := tlv.One(body, tlv.RecordTemplate)
	var objects []tlv.Object
	if err == nil {
		objects, err = tlv.Parse(content)
	}
	if err != nil && f.sfi <= sfiEMVMax {
		return nil, err
	}
	if l.offset < f.signed {
		l.sign(f.sfi, content, body)
	}
	if f.first+l.offset < f.last {
		l.offset++
	} else {
		l.files, l.offset = l.files[1:], 0
	}
	return objects, nil
}

// sign adds a record to the static data: the content of the template for EMV's
// own files, the whole record for others. EMV 4.4 Book 3, 10.3.
func (l *List) sign(sfi byte, content, whole []byte) {
	switch {
	case sfi <= sfiEMVMax:
		l.static = append(l.static, content...)
	case bytes.HasPrefix(whole, []byte{byte(tlv.RecordTemplate)}) && content != nil:
		l.static = append(l.static, whole...)
	default:
		l.unusable = true
	}
}

// Static is what of the records is signed, or ErrUnsigned.
func (l *List) Static() ([]byte, error) {
	if l.unusable {
		return nil, ErrUnsigned
	}
	return l.static, nil
}

// Clear overwrites what was read.
func (l *List) Clear() {
	l.static.Clear()
	*l = List{}
}
