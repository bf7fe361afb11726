package oda

import (
	"bytes"
	"crypto/sha1" // EMV 4.4 Book 2, B3.1 knows this hash alone for RSA
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Static puts together the static data that a card's certificates and
// signatures cover: the flagged records, and the AIP when the tag list 9F4A
// asks for it, which is all that it may ask for. A nil tag list is an absent
// one. EMV 4.4 Book 3, 10.3 and Book 2, 5.4.
func Static(records, tagList, aip []byte) ([]byte, error) {
	if tagList == nil {
		return records, nil
	}
	if len(tagList) != 1 || tlv.Tag(tagList[0]) != tlv.AIP {
		return nil, fmt.Errorf("%w: the static data tag list holds more or less than the AIP", ErrFailed)
	}
	return append(bytes.Clone(records), aip...), nil
}

// VerifyStatic checks signed static application data (93) and returns the data
// authentication code. EMV 4.4 Book 2, 5.4.
func VerifyStatic(issuer PublicKey, ssad, static []byte) (code []byte, err error) {
	signed, err := issuer.recover(ssad, formatStatic)
	if err == nil {
		err = signed.check(static)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: static signature: %w", ErrFailed, err)
	}
	content := signed.content
	// 03 | hash 1 | code 2 | BB ...
	if content[1] != hashSHA1 {
		return nil, fmt.Errorf("%w: static signature: hash algorithm %02X is unknown", ErrFailed, content[1])
	}
	return content[2:4:4], nil
}

// VerifyDynamic checks signed dynamic application data (9F4B) against the DDOL
// data that was sent, and returns the ICC dynamic number. EMV 4.4 Book 2, 6.5.2.
func VerifyDynamic(icc PublicKey, sdad, ddolData []byte) (number []byte, err error) {
	number, _, err = dynamic(icc, sdad, ddolData)
	if err != nil {
		return nil, fmt.Errorf("%w: dynamic signature: %w", ErrFailed, err)
	}
	return number, nil
}

// Combined is what a CDA signature covers beside the card's own data.
type Combined struct {
	UnpredictableNumber []byte // 9F37 as sent with this GENERATE AC
	CID                 byte   // 9F27 as received in clear
	// Transaction is the data under the transaction data hash code: PDOL and
	// CDOL values as sent, then the response's objects without 9F4B.
	Transaction []byte
}

// VerifyCombined checks the signature of a GENERATE AC response and returns the
// ICC dynamic number and the application cryptogram. EMV 4.4 Book 2, 6.6.2.
func VerifyCombined(icc PublicKey, sdad []byte, c Combined) (number, cryptogram []byte, err error) {
	fail := func(err error) ([]byte, []byte, error) {
		return nil, nil, fmt.Errorf("%w: combined signature: %w", ErrFailed, err)
	}
	number, rest, err := dynamic(icc, sdad, c.UnpredictableNumber)
	if err != nil {
		return fail(err)
	}
	// CID 1 | cryptogram 8 | transaction data hash code 20
	const cryptogramSize = 8
	if len(rest) < 1+cryptogramSize+hashSize {
		return fail(errors.New("dynamic data is too short"))
	}
	if rest[0] != c.CID {
		return fail(fmt.Errorf("signed cryptogram information %02X, received %02X", rest[0], c.CID))
	}
	want := sha1.Sum(c.Transaction)
	if !bytes.Equal(rest[1+cryptogramSize:1+cryptogramSize+hashSize], want[:]) {
		return fail(errors.New("transaction data hash differs"))
	}
	return number, rest[1 : 1+cryptogramSize : 1+cryptogramSize], nil
}

// dynamic opens signed dynamic data and splits what the card put into it into
// its dynamic number and the rest.
func dynamic(icc PublicKey, sdad, extra []byte) (number, rest []byte, err error) {
	signed, err := icc.recover(sdad, formatDynamic)
	if err == nil {
		err = signed.check(extra)
	}
	if err != nil {
		return nil, nil, err
	}
	content := signed.content
	// 05 | hash 1 | length 1 | dynamic data | BB ...
	if content[1] != hashSHA1 {
		return nil, nil, fmt.Errorf("hash algorithm %02X is unknown", content[1])
	}
	length := int(content[2])
	if length < 1 || length > len(content)-3 {
		return nil, nil, fmt.Errorf("dynamic data of %d bytes does not fit", length)
	}
	data := content[3 : 3+length]
	n := int(data[0])
	if n < 2 || n > 8 || n > len(data)-1 {
		return nil, nil, fmt.Errorf("dynamic number of %d bytes, want 2 to 8", n)
	}
	return data[1 : 1+n : 1+n], data[1+n:], nil
}
