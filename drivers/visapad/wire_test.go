package visapad_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/visapad"
	"github.com/cloudpos/cloudpos/secret"
)

// framed is a body between its start and end byte, with the XOR of body and
// end byte, as a line of a wire.
func framed(dir string, start, end byte, body string) string {
	x := end
	for i := range len(body) {
		x ^= body[i]
	}
	return fmt.Sprintf("%s %02X % X %02X %02X", dir, start, body, end, x)
}

func say(body string) string  { return framed(">", 2, 3, body) }
func hear(body string) string { return framed("<", 2, 3, body) }

func lines(s ...string) string { return strings.Join(s, "\n") }

const (
	pan     = "9999990012345674"
	request = "70" + pan + "\x1CD12.50"
	answer  = "7109876543210E000011B9C1845EB993A7A"
	ack     = "< 06"
	nak     = "< 15"
	eot     = "< 04"
)

// idle is what every new line begins with: the session that a pad may be in is
// ended.
var idle = lines("> 02 37 32 03 06", ack, eot)

func enter(ctx context.Context, d *visapad.Dev) (drivers.PINEntry, error) {
	return d.EnterPIN(ctx, drivers.PINRequest{PAN: secret.PAN(pan), Amount: "CNY 12.50", Timeout: 30 * time.Second})
}

var stories = []struct {
	name string
	wire string
	want error
}{
	{"PIN", lines(say(request), ack, "~ 5s", hear(answer), "> 06", eot), nil},
	{"NAK twice", lines(say(request), nak, say(request), nak, say(request), ack, hear(answer), "> 06"), nil},
	{"NAK for ever", lines(say(request), nak, say(request), nak, say(request), nak,
		say("72"), ack), drivers.ErrProtocol},
	{"lost ACK", lines(say(request), say(request), ack, hear(answer), "> 06"), nil},
	{"late EOT of another session", lines(say(request), eot, ack, hear(answer), "> 06"), nil},
	{"garbage", lines(say(request), "< 41", ack, "< 42 43", hear(answer), "> 06"), nil},
	{"wrong LRC", lines(say(request), ack, "< 02", "< "+"37 31 41 03 00", "> 15", hear(answer), "> 06"), nil},
	{"half a packet", lines(say(request), ack, "< 02 37 31", "> 15", hear(answer), "> 06"), nil},
	{"wrong LRC for ever", lines(say(request), ack, "< 02 41 03 00", "> 15", "< 02 41 03 00", "> 15",
		"< 02 41 03 00", "> 04", say("72"), ack), drivers.ErrProtocol},
	{"another packet first", lines(say(request), ack, hear("81.0"), "> 06", hear(answer), "> 06"), nil},
	{"cancel key", lines(say(request), ack, "~ 3s", eot), drivers.ErrCancelled},
	{"no key", lines(say(request), ack, hear("71A"), "> 06", eot), drivers.ErrNoKey},
	{"time-out of the pad", lines(say(request), ack, "~ 20s", hear("716"), "> 06"), drivers.ErrTimeout},
	{"nobody", lines(say(request), ack, say("72"), ack, eot), drivers.ErrTimeout},
	{"nobody, then a PIN after all", lines(say(request), ack, say("72"), hear(answer), "> 06", ack), nil},
	{"nobody, and a cancel that is not heard", lines(say(request), ack, say("72"), nak, say("72"), ack), drivers.ErrTimeout},
	{"malformed", lines(say(request), ack, hear("71098"), "> 06"), drivers.ErrProtocol},
	{"hang-up", lines(say(request), ack, "~ 1s", "! hang up"), drivers.ErrNoDevice},
	{"silent", lines(say(request), say(request), say(request)), drivers.ErrNoDevice},
}

func TestEnterPINOnTheWire(t *testing.T) {
	for _, c := range stories {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := visapad.New(drivertest.NewPlayback(t, lines(idle, c.wire)), visapad.Opts{})
				got, err := enter(t.Context(), d)
				if !errors.Is(err, c.want) {
					t.Fatalf("EnterPIN = %v, want %v", err, c.want)
				}
				if err == nil && (fmt.Sprintf("%X", []byte(got.Block)) != "1B9C1845EB993A7A" || fmt.Sprintf("%X", got.KSN) != "FFFF9876543210E00001") {
					t.Errorf("EnterPIN = KSN %X and a block of %d bytes", got.KSN, len(got.Block))
				}
				if err != nil && strings.Contains(err.Error(), pan) {
					t.Errorf("the error shows the account number: %v", err)
				}
			})
		})
	}
}

func TestCancelledWhileAsking(t *testing.T) {
	for _, c := range []struct {
		name, wire string
		want       error
	}{
		{"cancelled", lines(say("72"), ack, eot), drivers.ErrCancelled},
		{"the PIN wins", lines(say("72"), hear(answer), "> 06", ack), nil},
		{"the PIN wins, behind the ACK", lines(say("72"), ack, hear(answer), "> 06"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := visapad.New(drivertest.NewPlayback(t, lines(idle, say(request), ack, c.wire)), visapad.Opts{})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Second, cancel)
				got, err := enter(ctx, d)
				if !errors.Is(err, c.want) || (err == nil) != (len(got.Block) == 8) {
					t.Errorf("EnterPIN = %d bytes, %v, want %v", len(got.Block), err, c.want)
				}
			})
		})
	}
}

// A pad that hangs up before it has taken the request is dialled again, and
// brought to idle again.
func TestRedial(t *testing.T) {
	for name, first := range map[string]string{
		"between two PINs":            "! hang up",
		"while the request was taken": lines(say(request), "! hang up"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := visapad.New(drivertest.NewPlayback(t,
					lines(idle, say(request), ack, hear(answer), "> 06", eot, first),
					lines(idle, say(request), ack, hear(answer), "> 06"),
				), visapad.Opts{})
				for range 2 {
					if _, err := enter(t.Context(), d); err != nil {
						t.Errorf("EnterPIN: %v", err)
					}
				}
			})
		})
	}
}

// A request that the pad has acknowledged is never repeated: it may have used
// up a key.
func TestNoSecondRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := visapad.New(drivertest.NewPlayback(t,
			lines(idle, say(request), ack, "! hang up"),
			lines("> 0F 31 31 0E 0E", ack),
		), visapad.Opts{})
		if _, err := enter(t.Context(), d); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("EnterPIN = %v, want ErrNoDevice", err)
		}
		if err := d.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
	})
}

func TestDisplayRefusesControlCharacters(t *testing.T) {
	d := visapad.New(drivertest.NewPlayback(t), visapad.Opts{})
	for _, text := range []string{"\x03", "é", strings.Repeat("x", 33)} {
		if err := d.Display(t.Context(), text); !errors.Is(err, drivers.ErrRefused) {
			t.Errorf("Display(%q) = %v, want ErrRefused", text, err)
		}
	}
}

func TestReadyAndDisplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := visapad.New(drivertest.NewPlayback(t, lines(
			"> 0F 31 31 0E 0E", ack, eot, // Ready leaves the display alone: no 72.
			"> 02 5A 32 1A 48 45 4C 4C 4F 03 33", ack,
			idle, say(request), ack, hear(answer), "> 06", eot,
			say(request), ack, hear(answer), "> 06", // A session that ended well needs no reset.
		)), visapad.Opts{})
		if err := d.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		if err := d.Display(t.Context(), "HELLO"); err != nil {
			t.Errorf("Display: %v", err)
		}
		for range 2 {
			if _, err := enter(t.Context(), d); err != nil {
				t.Errorf("EnterPIN: %v", err)
			}
		}
	})
}
