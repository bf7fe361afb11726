package drivers

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/secret"
)

// SwipeMax bounds what a reader sends for one swipe: three tracks of 79, 40
// and 107 characters (ISO/IEC 7811-6) with what stands around them.
const SwipeMax = 512

// Bounds of the tracks, between their sentinels. ISO/IEC 7813.
const (
	track1Max        = 76
	track2Max        = 37
	panMin, panMax   = 8, 19
	expirySize       = 4
	serviceSize      = 3
	track1Format     = 'B' // of banks
	track1Separator  = '^'
	track2Separator  = '='
	sentinel1        = '%'
	sentinel2        = ';' // and, with many readers, of track 3 as well
	sentinel3        = '+'
	sentinelEnd      = '?'
	sentinelsOfStart = "%;+"
)

// Swipe is a magnetic stripe that was read whole. As a Card it is one that the
// customer holds in his hand: it hears no command and is gone at once.
type Swipe struct {
	PAN     secret.PAN
	Expiry  string       // YYMM, always
	Service string       // service code, three digits, always: ISO/IEC 7813
	Track2  secret.Bytes // between the sentinels, '=' between number and expiry
}

var _ Card = (*Swipe)(nil)

// Chip tells by the first digit of the service code whether the card has a chip
// too, which then is to be used: 2 international, 6 national. ISO/IEC 7813.
func (s *Swipe) Chip() bool {
	return strings.HasPrefix(s.Service, "2") || strings.HasPrefix(s.Service, "6")
}

// ATR is nil: nothing was reset.
func (s *Swipe) ATR() []byte { return nil }

// Exchange refuses.
func (s *Swipe) Exchange(context.Context, []byte) (Response, error) {
	return Response{}, fmt.Errorf("%w: a magnetic stripe hears no commands", ErrRefused)
}

// Gone returns nil: the card is not in the reader any more.
func (s *Swipe) Gone(context.Context) error { return nil }

// Release is Clear.
func (s *Swipe) Release(context.Context) error {
	s.Clear()
	return nil
}

// Clear overwrites what was read.
func (s *Swipe) Clear() {
	s.PAN.Clear()
	s.Track2.Clear()
}

// ParseSwipe reads what a reader has sent for one swipe: tracks as text between
// their sentinels, in any order, with line ends or anything else around them.
// With lrc each track is followed by its check character.
//
// Track 2 must be whole and sound: characters, length, check digit of the
// number, month, service code. Track 1 must name the same number if it is
// whole; a partial one, which some readers send as %E?, is passed over, and so
// is track 3. Anything else is ErrUnread, which quotes nothing.
func ParseSwipe(text []byte, lrc bool) (*Swipe, error) {
	if len(text) > SwipeMax {
		return nil, fmt.Errorf("%w: %d characters, at most %d", ErrUnread, len(text), SwipeMax)
	}
	var first, second []byte // the tracks, within text
	for {
		start := bytes.IndexAny(text, sentinelsOfStart)
		if start < 0 {
			break
		}
		track, rest, err := cutTrack(text[start:], lrc)
		if err != nil {
			return nil, err
		}
		switch {
		case text[start] == sentinel1:
			first = track
		case text[start] == sentinel2 && second == nil:
			second = track
		}
		text = rest
	}
	if second == nil {
		return nil, fmt.Errorf("%w: no track 2", ErrUnread)
	}
	swipe, err := parseTrack2(second)
	if err != nil {
		return nil, err
	}
	if number := numberOfTrack1(first); number != nil && !bytes.Equal(number, swipe.PAN) {
		swipe.Clear()
		return nil, fmt.Errorf("%w: tracks 1 and 2 are of different cards", ErrUnread)
	}
	return swipe, nil
}

// cutTrack takes the track that text begins with, without its sentinels, and
// checks its check character.
func cutTrack(text []byte, lrc bool) (track, rest []byte, err error) {
	end := bytes.IndexByte(text, sentinelEnd)
	if end < 0 {
		return nil, nil, fmt.Errorf("%w: a track without an end", ErrUnread)
	}
	track, rest = text[1:end], text[end+1:]
	if partial := len(track) <= 1; !lrc || partial {
		return track, rest, nil
	}
	if len(rest) == 0 || rest[0] != checkCharacter(text[:end+1]) {
		return nil, nil, fmt.Errorf("%w: wrong check character", ErrUnread)
	}
	return track, rest[1:], nil
}

// checkCharacter is the LRC: the exclusive or of the characters' bits with both
// sentinels, written as a character of the same set. Track 1 has six bits from
// the space on, the others four from 0 on. ISO/IEC 7811-6.
func checkCharacter(track []byte) byte {
	base, bits := byte('0'), byte(0x0F)
	if track[0] == sentinel1 {
		base, bits = ' ', 0x3F
	}
	var sum byte
	for _, c := range track {
		if c == sentinel3 && base == '0' { // what stands for track 3's own ;
			c = sentinel2
		}
		sum ^= c - base
	}
	return base + sum&bits
}

// numberOfTrack1 is the account number in a whole track 1, or nil.
func numberOfTrack1(track []byte) secret.PAN {
	fields := bytes.Split(track, []byte{track1Separator})
	if len(track) > track1Max || len(fields) < 3 || len(fields[0]) < 1+panMin || fields[0][0] != track1Format {
		return nil
	}
	return fields[0][1:]
}

// parseTrack2 reads ;PAN=YYMM SVC discretionary?, without the sentinels.
func parseTrack2(track []byte) (*Swipe, error) {
	number, rest, found := bytes.Cut(track, []byte{track2Separator})
	switch {
	case !found || len(track) > track2Max || len(rest) < expirySize+serviceSize:
		return nil, fmt.Errorf("%w: track 2 is partial", ErrUnread)
	case len(number) < panMin || len(number) > panMax || !decimal(number) || !checkDigitFits(number):
		return nil, fmt.Errorf("%w: track 2 has a wrong number", ErrUnread)
	}
	expiry, service := rest[:expirySize], rest[expirySize:expirySize+serviceSize]
	month := int(expiry[2]-'0')*10 + int(expiry[3]-'0')
	switch {
	case !decimal(expiry) || month < 1 || month > 12:
		return nil, fmt.Errorf("%w: track 2 has no month of expiry", ErrUnread)
	case !decimal(service):
		return nil, fmt.Errorf("%w: track 2 has no service code", ErrUnread)
	case len(bytes.Trim(rest, "0123456789=")) > 0:
		return nil, fmt.Errorf("%w: track 2 has a character that is no digit", ErrUnread)
	}
	return &Swipe{
		PAN: slices.Clone(secret.PAN(number)), Expiry: string(expiry), Service: string(service),
		Track2: slices.Clone(secret.Bytes(track)),
	}, nil
}

func decimal(b []byte) bool { return len(bytes.Trim(b, "0123456789")) == 0 }

// checkDigitFits is the formula of ISO/IEC 7812-1, Annex B.
func checkDigitFits(number []byte) bool {
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
