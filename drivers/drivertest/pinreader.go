package drivertest

import (
	"context"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

// TestPINReader tests what drivers.PINReader and drivers.PINCard promise, beyond
// what TestReader does. The device begins plugged in and without a card.
func TestPINReader(t *testing.T, factory func(t *testing.T) (drivers.PINReader, PINReaderWorld)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *pinReader){
		"right":                        pinRight,
		"wrong, then right":            pinWrongThenRight,
		"cancelled by customer":        pinCustomerCancels,
		"nobody enters":                pinNobody,
		"cancelled by caller":          pinCallerCancels,
		"bypass":                       pinBypass,
		"card pulled while asking":     pinCardPulled,
		"card that is gone":            pinCardGone,
		"unplugged while asking":       pinUnplugged,
		"not a request":                pinNotARequest,
		"not what the reader can do":   pinOther,
		"closed while it is asked for": pinClosed,
	} {
		for kind, enciphered := range map[string]bool{"plain": false, "enciphered": true} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				r, w := factory(t)
				t.Cleanup(func() { _ = r.Close() })
				plain, can := r.VerifiesPIN()
				if !enciphered {
					can = plain
				}
				if !can {
					t.Skip("the reader takes no such PIN")
				}
				w.Insert(CardGood)
				card, ok := awaitCard(t, r).(drivers.PINCard)
				if !ok {
					t.Fatal("the reader takes PINs, and its cards do not")
				}
				p := &pinReader{reader: r, world: w, card: card, enciphered: enciphered}
				w.Begin(card)
				test(t, p)
			})
		}
	}
}

// pinReader is a reader with a card that can be asked about its PIN.
type pinReader struct {
	reader     drivers.PINReader
	world      PINReaderWorld
	card       drivers.PINCard
	enciphered bool
}

// request is for a PIN of the kind that is being tested.
func (p *pinReader) request() drivers.PINVerification {
	v := drivers.PINVerification{Command: [4]byte{0, 0x20, 0, 0x80}, Min: 4, Max: 12, Timeout: patience}
	if p.enciphered {
		v.Command[3] = 0x88
		v.Cipher = p.world.Cipher(p.card)
	}
	return v
}

func (p *pinReader) ask(t *testing.T, v drivers.PINVerification) <-chan result[drivers.PINVerified] {
	t.Helper()
	return beside(t, func() (drivers.PINVerified, error) { return p.card.VerifyPIN(within(t, patience), v) })
}

// asked has a PIN asked for and lets the customer do something.
func (p *pinReader) asked(t *testing.T, do func()) (drivers.PINVerified, error) {
	t.Helper()
	got := p.ask(t, p.request())
	p.world.WaitAsked()
	do()
	return soon(t, "VerifyPIN", got)
}

// enter has a PIN entered and returns the card's status word.
func (p *pinReader) enter(t *testing.T, digits string) (sw1, sw2 byte) {
	t.Helper()
	v, err := p.asked(t, func() { p.world.TypePIN(digits) })
	must(t, "VerifyPIN", err)
	if v.Bypassed || len(v.Response.Data) != 2 {
		t.Fatalf("VerifyPIN = %+v, want a status word", v)
	}
	return v.Response.Data[0], v.Response.Data[1]
}

// right shows that reader and card are as good as before.
func (p *pinReader) right(t *testing.T) {
	t.Helper()
	if sw1, sw2 := p.enter(t, RightPIN); sw1 != 0x90 || sw2 != 0 {
		t.Fatalf("the right PIN is answered by %02X%02X, want 9000", sw1, sw2)
	}
	exchange(t, p.card)
}

func pinRight(t *testing.T, p *pinReader) { p.right(t) }

func pinWrongThenRight(t *testing.T, p *pinReader) {
	if sw1, sw2 := p.enter(t, "9999"); sw1 != 0x63 || sw2&0xF0 != 0xC0 {
		t.Fatalf("a wrong PIN is answered by %02X%02X, want 63Cx", sw1, sw2)
	}
	p.right(t)
}

func pinCustomerCancels(t *testing.T, p *pinReader) {
	_, err := p.asked(t, p.world.PressCancel)
	wantError(t, "VerifyPIN, cancel key", err, drivers.ErrCancelled)
	p.right(t)
}

func pinNobody(t *testing.T, p *pinReader) {
	v := p.request()
	v.Timeout = shortly // a reader counts in seconds
	_, err := p.card.VerifyPIN(within(t, patience), v)
	wantError(t, "VerifyPIN without a customer", err, drivers.ErrTimeout)
	p.right(t)
}

func pinCallerCancels(t *testing.T, p *pinReader) {
	ctx, cancel := context.WithCancel(context.Background())
	v := p.request()
	got := beside(t, func() (drivers.PINVerified, error) { return p.card.VerifyPIN(ctx, v) })
	p.world.WaitAsked()
	cancel()
	_, err := soon(t, "VerifyPIN", got)
	wantError(t, "VerifyPIN, cancelled", err, drivers.ErrCancelled)
	p.right(t)
}

// pinBypass: a reader that cannot go on without a PIN goes on asking.
func pinBypass(t *testing.T, p *pinReader) {
	got := p.ask(t, p.request())
	p.world.WaitAsked()
	p.world.PressEnter()
	if !p.enciphered {
		p.world.PressCancel()
		_, err := soon(t, "VerifyPIN", got)
		wantError(t, "VerifyPIN, enter and then cancel key", err, drivers.ErrCancelled)
		p.right(t)
		return
	}
	v, err := soon(t, "VerifyPIN", got)
	must(t, "VerifyPIN", err)
	if !v.Bypassed || len(v.Response.Data) != 0 {
		t.Errorf("VerifyPIN = %+v, want a bypass without a response", v)
	}
	p.right(t)
}

func pinCardPulled(t *testing.T, p *pinReader) {
	_, err := p.asked(t, p.world.Pull)
	wantError(t, "VerifyPIN with a card that is pulled", err, drivers.ErrCardGone)
	must(t, "Gone", p.card.Gone(within(t, patience)))
	p.world.Insert(CardGood)
	exchange(t, awaitCard(t, p.reader))
}

func pinCardGone(t *testing.T, p *pinReader) {
	v := p.request()
	must(t, "Release", p.card.Release(within(t, patience)))
	_, err := p.card.VerifyPIN(within(t, patience), v)
	wantError(t, "VerifyPIN after Release", err, drivers.ErrCardGone)
}

func pinUnplugged(t *testing.T, p *pinReader) {
	_, err := p.asked(t, p.world.Unplug)
	wantError(t, "VerifyPIN, unplugged", err, drivers.ErrCardGone)
	p.world.Replug()
	exchange(t, awaitCard(t, p.reader))
}

func pinNotARequest(t *testing.T, p *pinReader) {
	for _, wrong := range []func(*drivers.PINVerification){
		func(v *drivers.PINVerification) { v.Min = 3 },
		func(v *drivers.PINVerification) { v.Max = 13 },
		func(v *drivers.PINVerification) { v.Min, v.Max = 6, 5 },
		func(v *drivers.PINVerification) { v.Timeout = 0 },
	} {
		v := p.request()
		wrong(&v)
		_, err := p.card.VerifyPIN(within(t, patience), v)
		wantError(t, "VerifyPIN of what cannot be", err, drivers.ErrRefused)
	}
	p.right(t)
}

// pinOther asks for the kind that the reader does not take, if there is one.
func pinOther(t *testing.T, p *pinReader) {
	plain, enciphered := p.reader.VerifiesPIN()
	if plain && enciphered {
		t.Skip("the reader takes both")
	}
	v := drivers.PINVerification{Command: [4]byte{0, 0x20, 0, 0x80}, Min: 4, Max: 12, Timeout: patience}
	if !enciphered {
		v.Command[3] = 0x88
		v.Cipher = &drivers.PINCipher{Modulus: make([]byte, 128), Exponent: []byte{3}, Challenge: make([]byte, 8)}
	}
	_, err := p.card.VerifyPIN(within(t, patience), v)
	wantError(t, "VerifyPIN of the other kind", err, drivers.ErrRefused)
	exchange(t, p.card)
}

func pinClosed(t *testing.T, p *pinReader) {
	got := p.ask(t, p.request())
	p.world.WaitAsked()
	must(t, "Close", p.reader.Close())
	_, err := soon(t, "VerifyPIN", got)
	wantError(t, "VerifyPIN while closed", err, drivers.ErrCardGone)
}
