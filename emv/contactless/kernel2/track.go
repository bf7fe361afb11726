package kernel2

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// numberDigitsMax bounds the digits of 9F6A that go on the track.
const numberDigitsMax = 8

// drawsMax bounds how often a random value is asked for anew.
const drawsMax = 64

// drawDigits makes 9F6A: eight digits, of which the last so many are random and
// the others zero. EMV Contactless Book C-2, state 7 (S78).
func (t *tap) drawDigits(count int) ([]byte, error) {
	const fair = 250 // of a byte, so that each digit is as likely
	var value uint64
	draw, draws := make([]byte, 1), 0
	for range count {
		for t.cfg.Terminal.Random(draw); draw[0] >= fair; t.cfg.Terminal.Random(draw) {
			if draws++; draws > drawsMax {
				return nil, errors.New("kernel2: the source of randomness gives no digits")
			}
		}
		value = value*10 + uint64(draw[0]%10)
	}
	const size = 4
	return tlv.AppendNumeric(nil, value, size), nil
}

// fillTrack puts checksum, unpredictable number and counter into the
// discretionary data of track 2, at the places that the card names, and how many
// digits the number has at their end. A phone that has verified its owner adds
// five. EMV Contactless Book C-2, states 13 and 14.
func (t *tap) fillTrack(checksum, counter []byte) error {
	track := trackDigits(t.Card[tlv.Track2MagStripe])
	defer clear(track)
	const beforeDiscretionary = len("D") + len("YYMM") + len("201")
	discretionary := track[min(len(t.PAN)+beforeDiscretionary, len(track)):]
	if len(discretionary) == 0 {
		return wrong("9F6B has no discretionary data (Book C-2, state 13)")
	}
	digits, own := t.numberDigits(), int(t.Card[tagCounterDigits][0])
	places := setBits(t.Card[tagNumberPlaces])
	for _, fill := range []struct {
		places []int
		value  string
	}{
		{setBits(t.Card[tagChecksumPlaces]), decimal(checksum)},
		{places[:digits], fmt.Sprintf("%X", t.Terminal[tagNumberNumeric])},
		{places[digits : digits+own], decimal(counter)},
	} {
		if err := put(discretionary, fill.places, fill.value); err != nil {
			return err
		}
	}
	const verified, modulus = 5, 10
	if t.interaction()[1]&interactionVerified != 0 {
		digits = (digits + verified) % modulus
	}
	discretionary[len(discretionary)-1] = '0' + byte(digits)
	t.Card[tlv.Track2] = pack(track)
	return nil
}

// put writes the last digits of a value at places that are counted from the
// right, the last digit at the first place.
func put(digits []byte, places []int, value string) error {
	for i, place := range places {
		if place >= len(digits) {
			return wrong("a place outside the track's discretionary data (Book C-2, state 13)")
		}
		digit := byte('0')
		if i < len(value) {
			digit = value[len(value)-1-i]
		}
		digits[len(digits)-1-place] = digit
	}
	return nil
}

// setBits are the places of the ones in a bitmap, from the right.
func setBits(bitmap []byte) []int {
	var places []int
	for place := range 8 * len(bitmap) {
		if bitmap[len(bitmap)-1-place/8]>>(place%8)&1 != 0 {
			places = append(places, place)
		}
	}
	return places
}

// decimal writes a binary number.
func decimal(value []byte) string { return new(big.Int).SetBytes(value).String() }

// trackDigits unpacks a track up to its padding; the separator is "D".
func trackDigits(track []byte) []byte {
	digits := fmt.Appendf(nil, "%X", track)
	if n := len(digits); n > 0 && digits[n-1] == 'F' {
		digits = digits[:n-1]
	}
	return digits
}

// pack is the inverse of trackDigits.
func pack(digits []byte) []byte {
	packed := make([]byte, (len(digits)+1)/2)
	for i := range 2 * len(packed) {
		nibble := byte(0x0F)
		if i < len(digits) {
			nibble = digits[i] - '0'
			if digits[i] > '9' {
				nibble = digits[i] - 'A' + 10
			}
		}
		packed[i/2] |= nibble << (4 * (1 - i%2))
	}
	return packed
}
