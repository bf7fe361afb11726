package payment

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestOfflinePINClaims: 9F33 claims a PIN for the card only where the reader
// takes it and the parameters allow it.
func TestOfflinePINClaims(t *testing.T) {
	const plain, enciphered, rest = 0x80, 0x10, 0x08 // no CVM is always allowed here
	bits := []bool{false, true}
	for _, fittedPlain := range bits {
		for _, fittedEnciphered := range bits {
			for _, allowedPlain := range bits {
				for _, allowedEnciphered := range bits {
					terminal := generousTerminal(t)
					terminal.Fitted.PlainPIN, terminal.Fitted.EncipheredPIN = fittedPlain, fittedEnciphered
					terminal.Params.CVM.PlainPIN, terminal.Params.CVM.EncipheredPIN = allowedPlain, allowedEnciphered
					want := byte(rest)
					if fittedPlain && allowedPlain {
						want |= plain
					}
					if fittedEnciphered && allowedEnciphered {
						want |= enciphered
					}
					cfg, err := terminal.Config(Numbers{})
					if got := cfg.Snapshot.Capabilities; err != nil || got != fmt.Sprintf("20%02XC8", want) {
						t.Errorf("fitted %v %v, allowed %v %v: 9F33 %s, %v, want byte 2 %02X",
							fittedPlain, fittedEnciphered, allowedPlain, allowedEnciphered, got, err, want)
					}
				}
			}
		}
	}
}

// padCard is a card whose reader takes PINs.
type padCard struct {
	fakeCard
	asked []drivers.PINVerification
	err   error
}

func (c *padCard) VerifyPIN(ctx context.Context, v drivers.PINVerification) (drivers.PINVerified, error) {
	c.asked = append(c.asked, v)
	return drivers.PINVerified{Response: drivers.Response{Data: []byte{0x90, 0}}}, c.err
}

// padReader gives that card.
type padReader struct {
	fakeReader
	card *padCard
}

func (r *padReader) Await(context.Context) (drivers.Card, error) {
	r.card.r = &r.fakeReader
	return r.card, nil
}

func TestRunPINForTheCard(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		want   State
		reason string
	}{
		"verified":    {nil, Approved, ""},
		"cancelled":   {drivers.ErrCancelled, Cancelled, ReasonPINCancelled},
		"nobody":      {drivers.ErrTimeout, Cancelled, ReasonPINTimeout},
		"card pulled": {fmt.Errorf("reader: %w: %w", drivers.ErrCardGone, drivers.ErrHardware), Declined, "card-removed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter("card-pin", "online", "approved")
				reader := &padReader{card: &padCard{err: tt.err}}
				c.parts.Readers = []drivers.Reader{reader}
				res := c.sell(t, t.Context())
				if res.Record.State != tt.want || res.Record.Ending.Reason != tt.reason {
					t.Errorf("record %q, reason %q, want %q, %q", res.Record.State, res.Record.Ending.Reason, tt.want, tt.reason)
				}
				if n := len(reader.card.asked); n != 1 || reader.card.asked[0].Max != 12 {
					t.Errorf("asked %d times: %+v", n, reader.card.asked)
				}
			})
		})
	}
}

// A card whose reader takes no PINs is as one with broken keys, and the sale
// goes on by the card's rules.
func TestRunPINForTheCardWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("card-pin", "declined")
		res := c.sell(t, t.Context())
		want := "payment: PIN for the card: " + drivers.ErrRefused.Error()
		if res.Record.State != Declined || res.Record.Ending.Detail != want {
			t.Errorf("record %q, detail %q, want %q", res.Record.State, res.Record.Ending.Detail, want)
		}
	})
}
