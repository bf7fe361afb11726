package oda

import (
	"bytes"
	"crypto/sha1" // EMV 4.4 Book 2, B3.1 knows this hash alone for RSA
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Static puts together the static data that a card's certificates and
// signatures cover: the flagged records, and the AIP when the tag list 9F4A
// asks for it, which is all that it may ask for. A nil tag list is an absent
// one. EMV 4.4 Book 3, 10.3 and Book 2, 5.1.1.
func Static(records, tagList, aip []byte) ([]byte, error) {
	if tagList == nil {
		return records, nil
	}
	if len(tagList) != 1 || tlv.Tag(tagList[0]) != tlv.AIP {
		return nil, fmt.Errorf("%w: %w", ErrFailed, ErrTagList)
	}
	return append(bytes.Clone(records), aip...), nil
}

// VerifyStatic checks signed static application data (93) and returns the data
// authentication code. EMV 4.4 Book 2, 5.4.
func VerifyStatic(issuer PublicKey, ssad, static []byte) (code []byte, err error) {
	if issuer.sm2 != nil {
		code, err = issuer.sm2.verifyStatic(ssad, static)
	} else {
		code, err = issuer.verifyStatic(ssad, static)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: static signature: %w", ErrFailed, err)
	}
	return code, nil
}

func (k PublicKey) verifyStatic(ssad, static []byte) ([]byte, error) {
	signed, err := k.recover(ssad, formatStatic)
	if err == nil {
		err = signed.check(signed.content[1], static)
	}
	if err != nil {
		return nil, err
	}
	// 03 | hash 1 | code 2 | BB ...
	return signed.content[2:4:4], nil
}

// VerifyDynamic checks signed dynamic application data (9F4B) against the DDOL
// data that was sent, and returns the ICC dynamic number. EMV 4.4 Book 2, 6.5.2.
func VerifyDynamic(icc PublicKey, sdad, ddolData []byte) (number []byte, err error) {
	if icc.sm2 != nil {
		number, _, err = icc.sm2.verifyDynamic(sdad, ddolData)
	} else {
		number, err = icc.verifyDynamic(sdad, ddolData)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: dynamic signature: %w", ErrFailed, err)
	}
	return number, nil
}

func (k PublicKey) verifyDynamic(sdad, ddolData []byte) ([]byte, error) {
	signed, err := k.recover(sdad, formatDynamic)
	if err == nil {
		err = signed.check(signed.content[1], ddolData)
	}
	if err != nil {
		return nil, err
	}
	number, _, err := dynamicNumber(signed.content)
	return number, err
}

// Combined is what a CDA signature covers beside the card's own data.
type Combined struct {
	UnpredictableNumber []byte // 9F37 as sent with this GENERATE AC
	CID                 byte   // 9F27 as received in clear
	// Transaction is the data under the transaction data hash code: PDOL and
	// CDOL values as sent, then the response's objects without 9F4B.
	Transaction []byte
	// Further must follow the hash code if a kernel has more signed: kernel 2
	// has relay resistance data. EMV Contactless Book C-2, S910.
	Further []byte
}

// VerifyCombined checks the signature of a GENERATE AC response and returns the
// ICC dynamic number and the application cryptogram. EMV 4.4 Book 2, 6.6.2.
func VerifyCombined(icc PublicKey, sdad []byte, c Combined) (number, cryptogram []byte, err error) {
	number, cryptogram, err = combined(icc, sdad, c)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: combined signature: %w", ErrFailed, err)
	}
	return number, cryptogram, nil
}

func combined(icc PublicKey, sdad []byte, c Combined) (number, cryptogram []byte, err error) {
	if icc.sm2 != nil {
		return icc.sm2.verifyCombined(sdad, c)
	}
	signed, err := icc.recover(sdad, formatDynamic)
	if err != nil {
		return nil, nil, err
	}
	number, rest, err := dynamicNumber(signed.content)
	if err != nil {
		return nil, nil, err
	}
	cryptogram, hash, err := c.split(rest, hashSize)
	if err != nil {
		return nil, nil, err
	}
	if err := signed.check(signed.content[1], c.UnpredictableNumber); err != nil {
		return nil, nil, err
	}
	want := sha1.Sum(c.Transaction)
	if !bytes.Equal(hash, want[:]) {
		return nil, nil, ErrTransactionHash
	}
	return number, cryptogram, nil
}

// split takes apart what a card signs behind its dynamic number.
func (c Combined) split(rest []byte, hashSize int) (cryptogram, hash []byte, err error) {
	// CID 1 | cryptogram 8 | transaction data hash code
	const cryptogramSize = 8
	switch {
	case len(rest) < 1+cryptogramSize+hashSize:
		return nil, nil, fmt.Errorf("%w: %d bytes behind the dynamic number", ErrDynamicData, len(rest))
	case rest[0] != c.CID:
		return nil, nil, fmt.Errorf("%w: %02X, %02X", ErrCryptogramType, rest[0], c.CID)
	}
	rest = rest[1:]
	if !bytes.HasPrefix(rest[cryptogramSize+hashSize:], c.Further) {
		return nil, nil, ErrFurther
	}
	return rest[:cryptogramSize:cryptogramSize], rest[cryptogramSize : cryptogramSize+hashSize], nil
}

// dynamicNumber splits what the card put into signed dynamic data into its
// dynamic number and the rest.
func dynamicNumber(content []byte) (number, rest []byte, err error) {
	// 05 | hash 1 | length 1 | dynamic data | BB ...
	length := int(content[2])
	if length < 1 || length > len(content)-3 {
		return nil, nil, fmt.Errorf("%w: %d bytes do not fit", ErrDynamicData, length)
	}
	return splitNumber(content[3 : 3+length])
}

// splitNumber takes the dynamic number, which its length precedes, off dynamic
// data that is not empty.
func splitNumber(data []byte) (number, rest []byte, err error) {
	n := int(data[0])
	if n < 2 || n > 8 || n > len(data)-1 {
		return nil, nil, fmt.Errorf("%w: dynamic number of %d bytes, want 2 to 8", ErrDynamicData, n)
	}
	return data[1 : 1+n : 1+n], data[1+n:], nil
}
