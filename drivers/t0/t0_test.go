package t0

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// Each story: the APDU, then TPDUs (>) and answers (<), and the response (=).
type story struct{ name, apdu, story string }

var stories = []story{
	{"case 1 gets a P3 of 00", "0070 8000", `
		> 0070800000
		< 9000
		= 9000`},
	{"case 2", "00B2 010C 04", `
		> 00B2010C04
		< 70020102 9000
		= 70020102 9000`},
	{"case 2 with a wrong length", "00B2 010C 00", `
		> 00B2010C00
		< 6C04
		> 00B2010C04
		< 70020102 9000
		= 70020102 9000`},
	{"case 2, the length is corrected once", "00B2 010C 00", `
		> 00B2010C00
		< 6C04
		> 00B2010C04
		< 6C05
		= 6C05`},
	{"case 3", "0020 0080 02 1234", `
		> 00200080021234
		< 63C2
		= 63C2`},
	{"case 3 keeps what it is told", "0020 0080 02 1234", `
		> 00200080021234
		< 6105
		= 6105`},
	{"case 4", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6103
		> 00C0000003
		< 6F0100 9000
		= 6F0100 9000`},
	{"case 4 in pieces", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6102
		> 00C0000002
		< 6F01 6101
		> 00C0000001
		< 00 9000
		= 6F0100 9000`},
	{"case 4, GET RESPONSE with a corrected length", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6100
		> 00C0000000
		< 6C02
		> 00C0000002
		< 6F00 9000
		= 6F00 9000`},
	{"case 4, warning before the data", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6283
		> 00C0000000
		< 6C02
		> 00C0000002
		< 6F00 9000
		= 6F00 6283`},
	{"case 4, warning without data", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6283
		> 00C0000000
		< 6F00
		= 6283`},
	{"case 4, refused", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6A82
		= 6A82`},
	{"case 4, no data", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 9000
		= 9000`},
	{"more data than asked for", "00B2 010C 01", `
		> 00B2010C01
		< 700201 9000
		! `},
	{"no status", "00B2 010C 01", `
		> 00B2010C01
		< 90
		! `},
}

// A reader that fetches by itself brings data where there should be none yet; one
// that does not is as in the stories above.
var eitherStories = []story{
	{"the reader fetches", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6F0100 9000
		= 6F0100 9000`},
	{"the reader fetches behind a warning", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6F0100 6283
		= 6F0100 6283`},
	{"the reader fetches a part", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6F01 6101
		> 00C0000001
		< 00 9000
		= 6F0100 9000`},
	{"no length is corrected that was not sent", "00A4 0400 02 1234 00", `
		> 00A40400021234
		< 6C05
		= 6C05`},
	{"data for a command that expects none", "0020 0080 02 1234", `
		> 00200080021234
		< 01 9000
		! `},
}

func TestNew(t *testing.T) { tell(t, stories, New) }

func TestEither(t *testing.T) {
	tell(t, stories, Either)
	tell(t, eitherStories, Either)
}

func tell(t *testing.T, stories []story, begin func([]byte) (*Command, []byte, error)) {
	for _, c := range stories {
		t.Run(c.name, func(t *testing.T) {
			m, send, err := begin(unhex(c.apdu))
			var response []byte
			for _, line := range strings.Split(c.story, "\n") {
				line = strings.TrimSpace(line)
				if line == "" {
					continue
				}
				switch bytesOf := unhex(strings.TrimSpace(line[1:])); line[0] {
				case '>':
					if err != nil || !bytes.Equal(send, bytesOf) {
						t.Fatalf("sends % X, %v, want % X", send, err, bytesOf)
					}
				case '<':
					send, response, err = m.Next(bytesOf)
				case '=':
					if err != nil || !bytes.Equal(response, bytesOf) {
						t.Fatalf("ends in % X, %v, want % X", response, err, bytesOf)
					}
				case '!':
					if !errors.Is(err, drivers.ErrProtocol) {
						t.Fatalf("ends in % X, %v, want ErrProtocol", response, err)
					}
				}
			}
		})
	}
}

func TestRefusesWhatIsNoShortAPDU(t *testing.T) {
	for _, in := range []string{"", "00", "00A404", "00A4040003", "00A404000312", "00A40400000003112233"} {
		if _, _, err := New(unhex(in)); in != "00A4040003" && !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("New(%s) = %v, want ErrRefused", in, err)
		}
	}
}

func TestEnds(t *testing.T) {
	m, _, err := New(unhex("00B2010C00"))
	for n := 0; err == nil; n++ {
		if n > getResponseMax {
			t.Fatalf("a card that always has more is asked %d times", n)
		}
		_, _, err = m.Next([]byte{0x61, 0x00})
	}
	if !errors.Is(err, drivers.ErrProtocol) {
		t.Errorf("= %v, want ErrProtocol", err)
	}
}

func FuzzNew(f *testing.F) {
	f.Add(unhex("00A4040002123400"), unhex("61036C029000"))
	f.Fuzz(func(t *testing.T, apdu, answers []byte) {
		begin := New
		if len(answers)%2 == 1 {
			begin = Either
		}
		m, send, err := begin(apdu)
		for err == nil && len(answers) >= 2 {
			if len(send) < 5 || len(send) != 5 && len(send) != 5+int(send[4]) {
				t.Fatalf("% X is not a TPDU", send)
			}
			n := min(len(answers), 2+int(answers[0]&3))
			var done []byte
			send, done, err = m.Next(answers[:n])
			answers = answers[n:]
			if done != nil {
				if len(done) < 2 {
					t.Fatalf("a response of %d bytes", len(done))
				}
				return
			}
		}
	})
}

// FuzzWhole: a reader that takes APDUs is given short ones only, and the same one
// twice at most, when the card says that its length was wrong.
func FuzzWhole(f *testing.F) {
	f.Add(unhex("00A4040002123400"), unhex("61036C029000"))
	f.Add(unhex("00B2010C00"), unhex("6C006C006C00"))
	f.Fuzz(func(t *testing.T, apdu, answers []byte) {
		m, send, err := Whole(apdu)
		sent := 0
		for err == nil && len(answers) >= 2 {
			if bytes.Equal(send[:4], apdu[:4]) && len(send) == len(apdu) {
				sent++
			} else if len(send) != 5 || send[1] != 0xC0 {
				t.Fatalf("% X is neither the command nor GET RESPONSE", send)
			}
			n := min(len(answers), 2+int(answers[0]&3))
			var done []byte
			send, done, err = m.Next(answers[:n])
			answers = answers[n:]
			if done != nil {
				if len(done) < 2 {
					t.Fatalf("a response of %d bytes", len(done))
				}
				break
			}
		}
		if sent > 2 && apdu[1] != 0xC0 {
			t.Fatalf("% X was sent %d times", apdu, sent)
		}
	})
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
