package kernel2_test

import (
	"bytes"
	"crypto/sha1" // EMV 4.4 Book 2, B3.1
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda/odatest"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
)

// watched is a machine of which the card remembers what it was told.
type watched struct {
	emv.Machine
	s *setup
}

func (w *watched) Step(e emv.Event) (emv.Action, error) {
	if r, ok := e.(emv.Response); ok && w.s.race != nil && len(w.s.race) == 4 && len(r.Data) == 14 {
		w.s.race = append(w.s.race, r.Data[2:12]...)
	}
	action, err := w.Machine.Step(e)
	if a, ok := action.(emv.Transmit); ok {
		w.s.watch(a.Command)
	}
	return action, err
}

func (s *setup) watch(c []byte) {
	data := func() []byte { return bytes.Clone(c[5 : 5+int(c[4])]) }
	switch c[1] {
	case 0xA8:
		values, _ := tlv.One(data(), tlv.CommandTemplate)
		s.pdol, s.race, s.number = values, nil, nil
	case 0xEA:
		s.race = data()
	case 0xAE:
		s.sent, s.relay = slices.Concat(s.pdol, data()), s.race
		s.made = data()[:4] // the stories' CDOL1 begins with 9F37
	}
}

var (
	braces      = regexp.MustCompile(`\{([^{}]*)\}`)
	aipGiven    = regexp.MustCompile(`(?:82|< 80)\[([0-9A-F]{4})\b`)
	certificate = regexp.MustCompile(`\$card(?:\(([0-9A-F]*)\))?`)
	signature   = regexp.MustCompile(`\$sign(?:\(([^)]*)\))?`)
)

// Expand writes out what only the card's keys can make: {…} is what its
// certificate covers, $issuer and $card are the keys' objects, the card's perhaps
// with another AIP in brackets, $sign is the
// signature over the answer that it is in and what was sent; in brackets is
// what is wrong with it.
func (s *setup) Expand(line string) (string, error) {
	if m := aipGiven.FindStringSubmatch(line); m != nil {
		s.aip, _ = hex.DecodeString(m[1])
	}
	if m := braces.FindStringSubmatch(line); m != nil {
		content, err := tlvtest.Parse(m[1])
		if err != nil {
			return "", err
		}
		s.static = content
		line = braces.ReplaceAllString(line, "$1")
	}
	if strings.Contains(line, "$issuer") {
		fields := []byte{0x02, 0x99, 0x99, 0x01, 0xFF, 0x12, 0x28, 0, 0, 1}
		signed, rest := odatest.Certify(s.keys.CA, s.keys.Issuer, fields, odatest.IssuerFixed, nil)
		line = strings.Replace(line, "$issuer", fmt.Sprintf("90[%X] 92[%X] 9F32[%X]", signed, rest, odatest.Exponent(s.keys.Issuer)), 1)
	}
	if m := certificate.FindStringSubmatch(line); m != nil {
		aip := s.aip
		if m[1] != "" {
			aip, _ = hex.DecodeString(m[1])
		}
		fields := []byte{0x04, 0x99, 0x99, 0x01, 0, 0, 0, 0, 0x18, 0xFF, 0xFF, 0x12, 0x28, 0, 0, 2}
		signed, rest := odatest.Certify(s.keys.Issuer, s.keys.ICC, fields, odatest.ICCFixed, slices.Concat(s.static, aip))
		line = strings.Replace(line, m[0], fmt.Sprintf("9F46[%X] 9F48[%X] 9F47[%X]", signed, rest, odatest.Exponent(s.keys.ICC)), 1)
	}
	if m := signature.FindStringSubmatch(line); m != nil {
		return s.sign(line, m[0], m[1])
	}
	return line, nil
}

// sign puts 9F4B in. EMV 4.4 Book 2, 6.6.1, and EMV Contactless Book C-2, S910
// for what follows the hash.
func (s *setup) sign(line, place, wrong string) (string, error) {
	rest := strings.Replace(line, place, "", 1)
	answer, err := tlvtest.Parse(strings.TrimPrefix(rest, "< "))
	if err != nil {
		return "", err
	}
	content, ok := tlv.Find(answer[:len(answer)-2], tlv.ResponseFormat2)
	cid, given := tlv.Find(content, tlv.CryptogramInformation)
	if !ok || !given || len(s.made) == 0 {
		return "", errors.New("nothing to sign")
	}
	number, sent, relay := bytes.Clone(s.made), bytes.Clone(s.sent), bytes.Clone(s.relay)
	information := cid[0]
	switch wrong {
	case "":
	case "other number":
		number[0] ^= 1
	case "other data":
		sent[len(sent)-1] ^= 1
	case "other information":
		information ^= 0xC0
	case "other relay":
		relay[5] ^= 1
	case "no relay":
		relay = nil
	default:
		return "", fmt.Errorf("signature with %q", wrong)
	}
	hash := sha1.Sum(append(sent, content...))
	dynamic := append([]byte{2, 0xC0, 0xDE, information, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}, hash[:]...)
	dynamic = append(dynamic, relay...)
	sdad := odatest.SignDynamic(s.keys.ICC, dynamic, number)
	return strings.Replace(line, place, fmt.Sprintf("9F4B[%X]", sdad), 1), nil
}
