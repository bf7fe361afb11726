package newland

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/secret"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The reset is as the manual has it, the check byte is over all bytes before it.
func TestFrame(t *testing.T) {
	for _, c := range []struct {
		head byte
		data string
		want string
	}{
		{headReset, "", "D5 00 D5"},
		{headDirectory, "01", "D6 01 01 D6"},
		{headKSN, "", "97 00 97"},
	} {
		if got := frame(c.head, unhex(t, c.data)); !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("frame(%02X, %s) = % X, want %s", c.head, c.data, got, c.want)
		}
	}
}

// The manual's example, 4.6.1: a master key is asked for.
func TestAuthenticationCode(t *testing.T) {
	o := Opts{UID: [16]byte(unhex(t, "88888888888888881111111111111111")), Auth: unhex(t, "0123456789ABCDEFFEDCBA9876543210")}
	got, err := o.code(unhex(t, "008201"), unhex(t, "0102030405060708"))
	if err != nil || !bytes.Equal(got[:], unhex(t, "B5107E8EB4656BC8")) {
		t.Errorf("code = %X, %v", got, err)
	}
}

// The pad takes the last twelve characters, so the check digit stays here.
func TestRequest(t *testing.T) {
	for _, c := range []struct {
		pan       string
		low, high int
		want      string
	}{
		{"4012345678909", 0, 0, "\x04\x0C0000401234567890"},
		{"4761739001010010", 4, 6, "\x04\x060000173900101001"},
		{"4761739001010010123", 6, 12, "\x06\x0C0000900101001012"},
		{"12345678", 4, 4, "\x04\x040000000001234567"},
	} {
		got, err := request(drivers.PINRequest{PAN: secret.PAN(c.pan), Min: c.low, Max: c.high})
		if err != nil || string(got) != c.want {
			t.Errorf("card of %d digits: %q, %v, want %q", len(c.pan), got, err, c.want)
		}
	}
}

func TestDecoder(t *testing.T) {
	for _, c := range []struct {
		name, heads, in string
		want            kind // of the last byte
		wrong           int  // answers that looked like ones before
		data            string
		code            byte
	}{
		{"reset", "D5", "D5 00 D5", good, 0, "", 0},
		{"error", "D5", "55 01 0D 59", good, 0, "0D", 0x0D},
		{"serial number", "97", "97 0A FF FF 98 76 54 32 10 E0 00 01 E4", good, 0, "FFFF9876543210E00001", 0},
		{"noise before", "D5", "00 FF D5 D5 00 D5", good, 0, "", 0},
		{"wrong check byte", "D5", "D5 00 D4", bad, 1, "", 0},
		{"a good one behind a wrong one", "D5", "D5 00 55 01 0D 59", good, 1, "0D", 0x0D},
		{"a length that cannot be", "83", "83 07 83 00 83", good, 0, "", 0},
		{"another command's", "D5", "97 0A FF FF 98 76 54 32 10 E0 00 01 E4", none, 0, "", 0},
		{"random number", "A5", "A5 08 01 02 03 04 05 06 07 08 A5", good, 0, "0102030405060708", 0},
		{"either of two", "83 D5", "D5 00 D5", good, 0, "", 0},
	} {
		var d decoder
		d.expect(unhex(t, c.heads)...)
		last, wrong := none, 0
		for _, b := range unhex(t, c.in) {
			if last = d.feed(b); last == bad {
				wrong++
			}
		}
		if last != c.want || last == good && (!bytes.Equal(d.data, unhex(t, c.data)) || d.code != c.code || d.ok != (c.code == 0)) {
			t.Errorf("%s: %s is %v, % X, error %02X", c.name, c.in, last, d.data, d.code)
		}
		if last == good && !bytes.Contains(unhex(t, c.heads), []byte{d.head}) {
			t.Errorf("%s: head %02X", c.name, d.head)
		}
		if c.want != good && wrong != c.wrong {
			t.Errorf("%s: %d wrong answers, want %d", c.name, wrong, c.wrong)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, s := range []string{"D5 00 D5", "55 01 0D 59", "83 08 1B 9C 18 45 EB 99 3A 7A 63", "83 83 83 08 03 01 77 75"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d decoder
		d.expect(headEnter, headReset)
		for _, b := range in {
			k := d.feed(b)
			if len(d.buf) > 3+blockSize {
				t.Fatalf("%d bytes are kept", len(d.buf))
			}
			if k != good {
				continue
			}
			switch {
			case !d.ok && len(d.data) == 1 && d.data[0] == d.code:
			case d.ok && d.head == headReset && len(d.data) == 0:
			case d.ok && d.head == headEnter && (len(d.data) == 0 || len(d.data) == blockSize):
			default:
				t.Fatalf("head %02X, %d bytes, error %02X", d.head, len(d.data), d.code)
			}
		}
		d.expect(headReset)
		last := none
		for _, b := range frame(headReset, nil) {
			last = d.feed(b)
		}
		if last != good {
			t.Fatalf("a reset after % X is %v", in, last)
		}
	})
}

// A PIN block, even enciphered, does not lie around.
func TestNothingIsLeftInBuffers(t *testing.T) {
	d := New(drivertest.NewPlayback(t, `
		> D5 00 D5
		< D5 00 D5
		> D6 01 01 D6
		< D6 00 D6
		> 97 00 97
		< 97 0A FF FF 98 76 54 32 10 E0 00 01 E4
		> A5 00 A5
		< A5 08 01 02 03 04 05 06 07 08 A5
		> 82 0C 00 86 00 00 80 96 16 5B C9 5A 89 BD F4
		< 82 08 FD 51 40 47 80 C3 77 1B 0E
		> 83 12 04 0C "0000401234567890" 9C
		< 83 08 1B 9C 18 45 EB 99 3A 7A 63`), Opts{
		Random: 0xA5,
		UID:    [16]byte(unhex(t, "88888888888888881111111111111111")),
		Auth:   unhex(t, "0123456789ABCDEFFEDCBA9876543210"),
	})
	e, err := d.EnterPIN(t.Context(), drivers.PINRequest{PAN: secret.PAN("4012345678909")})
	if err != nil || len(e.Block) != 8 {
		t.Fatalf("EnterPIN: %v", err)
	}
	for _, b := range append(d.in.buf[:cap(d.in.buf)], d.in.data[:cap(d.in.data)]...) {
		if b != 0 {
			t.Fatal("the PIN block is still in the decoder")
		}
	}
}

// Each error that the manual lists is one that a caller can decide on.
func TestErrors(t *testing.T) {
	for code, want := range map[byte]error{
		0x01: drivers.ErrRefused, 0x08: drivers.ErrRefused, 0x0B: drivers.ErrRefused, 0x0D: drivers.ErrProtocol,
		0x31: drivers.ErrRefused, 0x61: drivers.ErrNoKey, 0x71: drivers.ErrNoKey, 0x72: drivers.ErrRefused,
		0x74: drivers.ErrRefused, 0x76: drivers.ErrTimeout, 0x77: drivers.ErrCancelled, 0x92: drivers.ErrHardware,
		0xE3: drivers.ErrNoKey, 0xFF: drivers.ErrHardware, 0x4C: drivers.ErrRefused,
	} {
		if err := why(code); !errors.Is(err, want) {
			t.Errorf("error %02X is %v, want %v", code, err, want)
		}
	}
}
