package emv

import (
	"bytes"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// recordsMax bounds what an AFL may ask for; cards have a dozen records.
const recordsMax = 256

// sfiMax is the highest short file identifier, and sfiEMVMax the highest one
// whose records EMV lays out. EMV 4.4 Book 3, 5.3.2.2.
const (
	sfiMax    = 30
	sfiEMVMax = 10
)

// file is one entry of the AFL. EMV 4.4 Book 3, 10.2.
type file struct {
	sfi         byte
	first, last byte
	signed      byte // records from first on that take part in data authentication
}

// records is the place in the AFL and what data authentication needs of it.
type records struct {
	files    []file
	offset   byte // of the record that is being read, from first
	static   secret.Bytes
	unusable bool // a signed record is no template
}

func (r *records) clear() {
	r.static.Clear()
	*r = records{}
}

// read asks for the next record.
func (r *records) read() Action {
	return readCommand(r.files[0].sfi, r.files[0].first+r.offset)
}

// parseAFL checks the file locator. Any violation ends the transaction.
// EMV 4.4 Book 3, 10.2.
func parseAFL(afl []byte) ([]file, error) {
	if len(afl) == 0 || len(afl)%aflEntrySize != 0 || len(afl) > aflMax {
		return nil, refuse(ReasonCardData, "AFL of %d bytes (Book 3, 6.5.8.4)", len(afl))
	}
	var files []file
	total := 0
	for i := 0; i < len(afl); i += aflEntrySize {
		f := file{sfi: afl[i] >> sfiShift, first: afl[i+1], last: afl[i+2], signed: afl[i+3]}
		switch {
		case afl[i]&0x07 != 0 || f.sfi < 1 || f.sfi > sfiMax:
			return nil, refuse(ReasonCardData, "AFL entry %d: SFI byte %02X (Book 3, 10.2)", i/aflEntrySize+1, afl[i])
		case f.first == 0 || f.last < f.first:
			return nil, refuse(ReasonCardData, "AFL entry %d: records %d to %d (Book 3, 10.2)", i/aflEntrySize+1, f.first, f.last)
		case int(f.signed) > int(f.last)-int(f.first)+1:
			return nil, refuse(ReasonCardData, "AFL entry %d: %d signed records of %d (Book 3, 10.2)",
				i/aflEntrySize+1, f.signed, int(f.last)-int(f.first)+1)
		}
		total += int(f.last) - int(f.first) + 1
		files = append(files, f)
	}
	if total > recordsMax {
		return nil, refuse(ReasonCardData, "AFL of %d records, at most %d", total, recordsMax)
	}
	return files, nil
}

// recordRead stores a record and asks for the next. EMV 4.4 Book 3, 10.2.
func (k *Kernel) recordRead(r Response) (Action, error) {
	f := k.records.files[0]
	if r.sw() != swOK {
		return nil, refuse(ReasonCardStatus, "READ RECORD %d of SFI %d: %04X (Book 3, 10.2)",
			f.first+k.records.offset, f.sfi, r.sw())
	}
	content, err := tlv.One(r.body(), tlv.RecordTemplate)
	var objects []tlv.Object
	if err == nil {
		objects, err = tlv.Parse(content)
	}
	if err != nil && f.sfi <= sfiEMVMax {
		return nil, refuse(ReasonCardData, "record %d of SFI %d: %v (Book 3, 6.5.11.4)",
			f.first+k.records.offset, f.sfi, err)
	}
	if k.records.offset < f.signed {
		k.records.sign(f.sfi, content, r.body())
	}
	if err := k.learn(objects); err != nil {
		return nil, err
	}
	if k.records.advance() {
		return k.records.read(), nil
	}
	if err := k.mandatory(); err != nil {
		return nil, err
	}
	return k.authenticate()
}

// advance goes to the next record and reports whether there is one.
func (r *records) advance() bool {
	if r.files[0].first+r.offset < r.files[0].last {
		r.offset++
		return true
	}
	r.files, r.offset = r.files[1:], 0
	return len(r.files) > 0
}

// sign adds a record to the static data: the content of the template for EMV's
// own files, the whole record for others. EMV 4.4 Book 3, 10.3.
func (r *records) sign(sfi byte, content, whole []byte) {
	switch {
	case sfi <= sfiEMVMax:
		r.static = append(r.static, content...)
	case bytes.HasPrefix(whole, []byte{byte(tlv.RecordTemplate)}) && content != nil:
		r.static = append(r.static, whole...)
	default:
		r.unusable = true
	}
}

// panMin and panMax bound an account number. ISO/IEC 7812-1.
const panMin, panMax = 8, 19

// mandatory checks that the records held what no transaction goes without, and
// reads the lists for GENERATE AC now: after the issuer's approval it would be
// too late to find them malformed. EMV 4.4 Book 3, 7.2.
func (k *Kernel) mandatory() error {
	for _, t := range []tlv.Tag{tlv.ExpirationDate, tlv.PAN, tlv.CDOL1, tlv.CDOL2} {
		if len(k.card[t]) == 0 {
			return refuse(ReasonCardData, "%v missing (Book 3, 7.2)", t)
		}
	}
	pan, err := tlv.AppendDigits(nil, k.card[tlv.PAN])
	if err != nil || len(pan) < panMin || len(pan) > panMax {
		return refuse(ReasonCardData, "5A is no account number (Book 3, 7.5)")
	}
	k.pan = pan
	for _, t := range []tlv.Tag{tlv.ExpirationDate, tlv.EffectiveDate, tlv.PANSequence} {
		if _, err := tlv.ParseNumeric(k.card[t]); err != nil {
			return refuse(ReasonCardData, "%v is no number (Book 3, 7.5)", t)
		}
	}
	if k.cdol1, err = k.dataList(tlv.CDOL1); err != nil {
		return err
	}
	if k.cdol2, err = k.dataList(tlv.CDOL2); err != nil {
		return err
	}
	k.tdol, err = k.dataList(tlv.TDOL)
	return err
}

// dataList reads a data object list of the card that must fit into a command.
// EMV 4.4 Book 3, 5.4.
func (k *Kernel) dataList(t tlv.Tag) (tlv.DOL, error) {
	list, err := tlv.ParseDOL(k.card[t])
	if err != nil {
		return nil, refuse(ReasonCardData, "%v: %v (Book 3, 5.4)", t, err)
	}
	if list.Size() > dataMax {
		return nil, refuse(ReasonCardData, "%v asks for %d bytes (Book 3, 6.5.5)", t, list.Size())
	}
	return list, nil
}
