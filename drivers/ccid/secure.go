package ccid

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/t0"
)

// How long a PIN may take beside the customer's own time: for the reader to
// notice that it is over, and for the card to look at it.
const (
	pinSlack    = 10 * time.Second
	pinCardTime = 60 * time.Second
	abortTime   = 3 * time.Second
)

// PC_to_RDR_Secure, PIN verification (CCID 1.1, 6.1.11.1 and 6.1.11.2). The
// bytes describe the PIN block of EMV 4.4 Book 3, 6.5.12: format 2 of ISO 9564-1.
const (
	operationVerify = 0x00
	formatBCD       = 0x89 // the digits begin one byte behind Lc, left justified, BCD
	blockSize       = 0x47 // their number has 4 bits, they have room for 7 bytes
	lengthPlace     = 0x04 // their number stands 4 bits behind Lc
	validateByKey   = 0x02 // the OK key ends the entry; other ways upset some readers
	oneMessage      = 0x01
	firstMessage    = 0x00
	secondsMax      = 255
)

// pinBlock is an empty PIN block as the reader wants it: it fills in length and
// digits.
var pinBlock = []byte{0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// The escapes of the simulated reader, which follow the PIN to the card
// enciphered: one brings the key, one asks for the PIN. No other reader knows
// them.
//
//	"CPK" | length of exponent | exponent | modulus
//	"CPV" | seconds | least digits | most digits | T=1 prologue (3) | header of VERIFY (4) | challenge (8)
//
// The answer to the second is 00 and what the card answered, as XfrBlock has
// it, or 01 alone: the customer entered none.
const (
	escapeKey    = "CPK"
	escapeVerify = "CPV"

	pinVerified = 0x00
	pinBypassed = 0x01

	challengeLen = 8
	modulusMax   = 248 // EMV 4.4 Book 2, D1.1
	exponentMax  = 3
)

// VerifyPIN has the reader ask for a PIN and give it to the card.
func (c *card) VerifyPIN(ctx context.Context, v drivers.PINVerification) (drivers.PINVerified, error) {
	if err := c.begin(ctx); err != nil {
		return drivers.PINVerified{}, err
	}
	defer c.d.link.End()
	p := pinEntry{card: c, ask: v}
	data, err := p.run()
	switch {
	case p.bypassed:
		return drivers.PINVerified{Bypassed: true}, nil
	case err == nil:
		return drivers.PINVerified{Response: drivers.Response{Data: data, Elapsed: p.span.to.Sub(p.span.from)}}, nil
	case p.unharmed:
		return drivers.PINVerified{}, c.d.wrap(err)
	}
	c.over = true
	err = c.why(err)
	if errors.Is(err, drivers.ErrTimeout) && c.d.link.Ended() == nil {
		// It was not the customer who did nothing.
		err = fmt.Errorf("%w: %s", drivers.ErrCardGone, err.Error()) //nolint:errorlint // it must not be an ErrTimeout any more
	}
	return drivers.PINVerified{}, err
}

// pinEntry is one PIN for the card.
type pinEntry struct {
	card     *card
	ask      drivers.PINVerification
	span     span
	bypassed bool
	unharmed bool // the card was not asked, and is as good as before
}

// check refuses what no reader can do, or this one cannot.
func (p *pinEntry) check() error {
	plain, enciphered := p.card.d.VerifiesPIN()
	v := p.ask
	switch {
	case v.Cipher == nil && !plain, v.Cipher != nil && !enciphered:
		return fmt.Errorf("%w: the reader takes no such PIN", drivers.ErrRefused)
	case v.Min < 4 || v.Max > 12 || v.Min > v.Max:
		return fmt.Errorf("%w: a PIN of %d to %d digits", drivers.ErrRefused, v.Min, v.Max)
	case v.Timeout <= 0:
		return fmt.Errorf("%w: no time for a PIN", drivers.ErrRefused)
	case v.Cipher == nil:
		return nil
	}
	k := v.Cipher
	if len(k.Challenge) != challengeLen || len(k.Exponent) == 0 || len(k.Exponent) > exponentMax ||
		len(k.Modulus) < len(pinBlock)+challengeLen+1 || len(k.Modulus) > modulusMax {
		return fmt.Errorf("%w: no key and challenge to encipher a PIN with", drivers.ErrRefused)
	}
	return nil
}

// run returns the card's response.
func (p *pinEntry) run() ([]byte, error) {
	p.unharmed = true
	if err := p.check(); err != nil {
		return nil, err
	}
	if k := p.ask.Cipher; k != nil {
		if err := p.bringKey(k); err != nil {
			return nil, err
		}
	}
	c := p.card
	apdu := p.apdu()
	if c.t1 == nil {
		m, _, err := t0.New(apdu)
		if err != nil {
			return nil, err
		}
		answer, err := p.enter([3]byte{}, apdu)
		if err != nil || p.bypassed {
			return nil, err
		}
		_, done, err := m.Next(answer)
		return done, err
	}
	o, err := c.t1.startForeign(apdu)
	if err != nil {
		return nil, err
	}
	answer, err := p.enter([3]byte(o.block[:3]), apdu)
	if p.unharmed || p.bypassed {
		return nil, err
	}
	if o, err = c.heard(answer, err); err != nil {
		return nil, err
	}
	data, err := c.runT1(o, &p.span)
	if err == nil && len(data) < 2 {
		err = fmt.Errorf("%w: a response of %d bytes", drivers.ErrProtocol, len(data))
	}
	return data, err
}

// apdu is VERIFY without the PIN.
func (p *pinEntry) apdu() []byte {
	data := pinBlock
	if k := p.ask.Cipher; k != nil {
		data = make([]byte, len(k.Modulus))
	}
	return append(append(p.ask.Command[:], byte(len(data))), data...)
}

// seconds is the customer's time as the reader counts it.
func (p *pinEntry) seconds() byte {
	return byte(min((p.ask.Timeout+time.Second-1)/time.Second, secondsMax))
}

// bringKey gives the reader the card's key.
func (p *pinEntry) bringKey(k *drivers.PINCipher) error {
	data := append([]byte(escapeKey), byte(len(k.Exponent)))
	data = append(append(data, k.Exponent...), k.Modulus...)
	m, _, err := p.card.d.command(typeEscape, [3]byte{}, data, answerTime)
	if err == nil {
		return p.judge(m)
	}
	p.unharmed = p.card.d.link.Ended() != nil
	return err
}

// enter asks for the PIN and returns what the card answered.
func (p *pinEntry) enter(prologue [3]byte, apdu []byte) ([]byte, error) {
	typ, data := byte(typeSecure), p.secure(prologue, apdu)
	if p.ask.Cipher != nil {
		typ, data = typeEscape, p.escape(prologue)
	}
	m, t, err := p.card.d.ask(typ, data, p.ask.Timeout+pinSlack)
	if err != nil {
		p.unharmed = errors.Is(err, errAborted)
		return nil, err
	}
	if err := p.judge(m); err != nil {
		return nil, err
	}
	p.unharmed = false
	p.span.add(t)
	if p.ask.Cipher == nil {
		return m.data, nil
	}
	if p.bypassed = bytes.Equal(m.data, []byte{pinBypassed}); p.bypassed {
		return nil, nil
	}
	if len(m.data) == 0 || m.data[0] != pinVerified {
		return nil, fmt.Errorf("%w: %w: no word on a PIN", drivers.ErrProtocol, errFrames)
	}
	return m.data[1:], nil
}

// secure is the data of PC_to_RDR_Secure.
func (p *pinEntry) secure(prologue [3]byte, apdu []byte) []byte {
	data := []byte{
		operationVerify, p.seconds(), formatBCD, blockSize, lengthPlace,
		byte(p.ask.Max), byte(p.ask.Min), // the most digits first
		validateByKey, oneMessage,
	}
	data = binary.LittleEndian.AppendUint16(data, uint16(p.card.d.language))
	data = append(data, firstMessage)
	return append(append(data, prologue[:]...), apdu...)
}

// escape is the data of the escape that asks for a PIN.
func (p *pinEntry) escape(prologue [3]byte) []byte {
	data := append([]byte(escapeVerify), p.seconds(), byte(p.ask.Min), byte(p.ask.Max))
	data = append(append(data, prologue[:]...), p.ask.Command[:]...)
	return append(data, p.ask.Cipher.Challenge...)
}

// judge says what a failed answer means. Only the card's own failures harm its
// session.
func (p *pinEntry) judge(m message) error {
	err := failure(m)
	if err == nil {
		return nil
	}
	code := m.b[1]
	switch {
	case errors.Is(err, drivers.ErrRefused), errors.Is(err, drivers.ErrHardware):
		return err
	case errors.Is(err, drivers.ErrCardGone):
	case code == errorPINCancelled, code == errorAborted:
		return fmt.Errorf("%w: by the customer, or by us", drivers.ErrCancelled)
	case code == errorPINTimeout:
		return fmt.Errorf("%w: nobody entered a PIN", drivers.ErrTimeout)
	case errors.Is(err, drivers.ErrCardMute):
		err = fmt.Errorf("%w: it does not answer", drivers.ErrCardGone)
	}
	p.unharmed = false
	return err
}

// errAborted marks the end of a context for which a PIN entry was taken back.
var errAborted = errors.New("the PIN entry was taken back")

// ask sends a command that a person has to answer. When the context ends the
// reader is told to stop, and what it had by then counts.
func (s *slot) ask(typ byte, data []byte, within time.Duration) (message, timing, error) {
	s.seq++
	x := exchange{
		s: s, req: message{typ: typ, seq: s.seq, data: data}, within: within, most: within + pinCardTime,
	}
	x.sent = frame(x.req)
	m, err := x.run()
	if err == nil || s.link.Ended() == nil {
		return m, x.t, err
	}
	restore := s.link.Detach(releaseTime)
	defer restore()
	s.tail = false // What is still to come may be the answer.
	s.seq++
	stop := exchange{
		s: s, req: message{typ: typeAbort, seq: s.seq}, within: abortTime, most: abortTime, aborts: &x,
	}
	stop.sent = frame(stop.req)
	_, stopErr := stop.run()
	switch {
	case stop.late != nil:
		x.t.heard = stop.lateAt
		return *stop.late, x.t, nil
	case stopErr != nil:
		s.down() // Nobody knows what the reader still waits for.
		return message{}, x.t, err
	}
	return message{}, x.t, fmt.Errorf("%w: %w", errAborted, err)
}
