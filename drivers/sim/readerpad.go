package sim

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"time"
)

// Errors and messages of a reader with keys. CCID 1.1, 6.1.11, 6.1.13 and 6.2.6.
const (
	pcSecure        = 0x69
	pcAbort         = 0x72
	ccidMoreTime    = 0x80
	errCommandBusy  = 0xE0
	errPINCancelled = 0xEF
	errPINTimeout   = 0xF0
	errAborted      = 0xFF
	secureHead      = 15 // bytes before the APDU
	secureAt        = 10 // where the first of them stands in the message
)

// The escapes for a PIN that goes to the card enciphered. No other reader has
// them: CCID knows plaintext PINs only.
//
//	"CPK" n exponent(n) modulus      keeps the card's key until the card has no power
//	"CPV" seconds least most prologue(3) header(4) challenge(8)
//
// The second asks for a PIN, enciphers it as EMV 4.4 Book 2, 7.2 has it, gives
// the card VERIFY with that header, and answers 00 and what the card answered,
// or 01: enter was pressed without a PIN.
const (
	escapeKey     = "CPK"
	escapePIN     = "CPV"
	escapePINSize = len(escapePIN) + 3 + 3 + 4 + 8

	wasVerified = 0x00
	wasBypassed = 0x01
)

// readerPIN is a PIN that the reader waits for.
type readerPIN struct {
	message     []byte // the host's
	least, most int
	command     func(pin string) []byte // VERIFY with it
	prologue    [3]byte                 // of the T=1 block
	enciphered  bool

	customer asker
	clock    *time.Timer
}

// secure is PC_to_RDR_Secure: PIN verification, of the one kind that every
// reader with keys can do. What it cannot do is told by its place in the message.
func (r *reader) secure(m, data []byte) []byte {
	switch {
	case r.hand == nil:
		return r.dataBlock(m, ccidFailed, errUnsupported, nil)
	case !r.powered:
		return r.dataBlock(m, ccidFailed, errMute, nil)
	case len(data) < secureHead+5 || len(data) != secureHead+5+int(data[secureHead+4]):
		return r.dataBlock(m, ccidFailed, errLength, nil)
	}
	f, refused := parsePINFormat(data)
	if refused >= 0 {
		return r.dataBlock(m, ccidFailed, byte(secureAt+refused), nil)
	}
	template := append([]byte{}, data[secureHead:]...)
	return r.request(&readerPIN{
		message: append([]byte{}, m...), least: int(data[6]), most: int(data[5]), prologue: [3]byte(data[12:15]),
		command: func(pin string) []byte { return f.fill(template, pin) },
	}, data[1])
}

// pinFormat says where digits and their number go: bits behind Lc.
type pinFormat struct{ digitsAt, lengthAt, lengthBits int }

// parsePINFormat reads the fields of a PIN verification. It returns the place
// of one that this reader cannot do, or -1.
func parsePINFormat(data []byte) (f pinFormat, refused int) {
	const verify, bcdLeft, formatMask, byKey, oneMessage = 0x00, 0x01, 0x07, 0x02, 0x01
	place := func(units, n byte) int {
		if units != 0 {
			return 8 * int(n)
		}
		return int(n)
	}
	f.digitsAt = place(data[2]&0x80, data[2]>>3&0x0F)
	f.lengthAt, f.lengthBits = place(data[4]&0x10, data[4]&0x0F), int(data[3]>>4)
	room, most, least := 8*int(data[secureHead+4]), int(data[5]), int(data[6])
	switch {
	case data[0] != verify:
		return f, 0
	case data[1] == 0: // no time of its own
		return f, 1
	case data[2]&formatMask != bcdLeft, f.digitsAt%4 != 0:
		return f, 2
	case f.lengthBits != 4 && f.lengthBits != 8, f.digitsAt+8*int(data[3]&0x0F) > room:
		return f, 3
	case f.lengthAt%4 != 0, f.lengthAt+f.lengthBits > room:
		return f, 4
	case least < pinMin || most > pinMax || least > most || 4*most > 8*int(data[3]&0x0F):
		return f, 5
	case data[7] != byKey:
		return f, 7
	case data[8] != oneMessage:
		return f, 8
	}
	return f, -1
}

// fill puts a PIN into the command.
func (f pinFormat) fill(template []byte, pin string) []byte {
	command := append([]byte{}, template...)
	block := command[5:]
	put := func(bit int, nibble byte) {
		shift := 4 - bit%8
		block[bit/8] = block[bit/8]&^(0x0F<<shift) | nibble<<shift
	}
	put(f.lengthAt+f.lengthBits-4, byte(len(pin)))
	for i := range len(pin) {
		put(f.digitsAt+4*i, pin[i]-'0')
	}
	return command
}

// escapePad is an escape for the keys.
func (r *reader) escapePad(m, data []byte) []byte {
	switch {
	case r.hand == nil:
		return r.escaped(m, ccidFailed, errUnsupported, nil)
	case !r.powered:
		return r.escaped(m, ccidFailed, errMute, nil)
	case string(data[:3]) == escapeKey:
		return r.learnKey(m, data[3:])
	case len(data) != escapePINSize:
		return r.escaped(m, ccidFailed, errLength, nil)
	}
	least, most := int(data[4]), int(data[5])
	if r.pinKey == nil || least < pinMin || most > pinMax || least > most || data[3] == 0 {
		return r.escaped(m, ccidFailed, secureAt, nil)
	}
	header, challenge, key := [4]byte(data[9:13]), [8]byte(data[13:21]), r.pinKey
	return r.request(&readerPIN{
		message: append([]byte{}, m...), least: least, most: most, prologue: [3]byte(data[6:9]), enciphered: true,
		command: func(pin string) []byte {
			sealed := encipherPIN(key, pin, challenge)
			return append(append(header[:], byte(len(sealed))), sealed...)
		},
	}, data[3])
}

// learnKey keeps the key of the card in the slot.
func (r *reader) learnKey(m, data []byte) []byte {
	const modulusMin, modulusMax = 64, 248
	if len(data) < 1 || data[0] == 0 || data[0] > 3 || len(data) < 1+int(data[0])+modulusMin || len(data) > 1+int(data[0])+modulusMax {
		return r.escaped(m, ccidFailed, errLength, nil)
	}
	n := 1 + int(data[0])
	if data[n]&0x80 == 0 { // shorter than it looks
		return r.escaped(m, ccidFailed, secureAt, nil)
	}
	r.pinKey = &rsa.PublicKey{
		E: int(new(big.Int).SetBytes(data[1:n]).Int64()), N: new(big.Int).SetBytes(data[n:]),
	}
	return r.escaped(m, 0, 0, nil)
}

// encipherPIN is 7F, the PIN block, the card's challenge and random bytes, as
// long as the key. EMV 4.4 Book 2, 7.2.
func encipherPIN(key *rsa.PublicKey, pin string, challenge [8]byte) []byte {
	plain := append([]byte{0x7F}, plainPINBlock(pin)...)
	plain = append(plain, challenge[:]...)
	random := make([]byte, key.Size()-len(plain))
	_, _ = rand.Read(random) // never fails, by its documentation
	plain = append(plain, random...)
	c := new(big.Int).SetBytes(plain)
	clear(plain)
	return c.Exp(c, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
}

// request begins to wait for the customer; the host is told that it takes time.
func (r *reader) request(p *readerPIN, seconds byte) []byte {
	r.last = nil // nothing to repeat
	r.out(r.reply(p, ccidMoreTime, 1, nil), aside)
	r.pin, r.display = p, []string{"ENTER PIN"}
	p.customer.told = func(action string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.typed(p, action)
	}
	p.clock = time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.pin == p {
			r.answerPIN(r.reply(p, ccidFailed, errPINTimeout, nil))
		}
	})
	if action, done := r.hand.ask(&p.customer); done {
		r.typed(p, action)
	}
	return nil
}

// reply is an answer to the request, of the kind that its message has.
func (r *reader) reply(p *readerPIN, failed, err byte, data []byte) []byte {
	if p.enciphered {
		return r.escaped(p.message, failed, err, data)
	}
	return r.dataBlock(p.message, failed, err, data)
}

func (r *reader) escaped(m []byte, failed, err byte, data []byte) []byte {
	return ccidAnswer(rdEscape, m, failed|r.slot(), err, 0, data)
}

// typed goes on with what the customer did. Enter alone has no meaning to a
// reader that can only send PINs: it waits on.
func (r *reader) typed(p *readerPIN, action string) {
	for r.pin == p {
		switch {
		case action == KeyCancel:
			r.answerPIN(r.reply(p, ccidFailed, errPINCancelled, nil))
		case action == KeyBypass && p.enciphered:
			r.answerPIN(r.reply(p, 0, 0, []byte{wasBypassed}))
		case action != KeyBypass && len(action) >= p.least && len(action) <= p.most:
			r.verify(p, action)
		default:
			var done bool
			if action, done = r.hand.ask(&p.customer); !done {
				return
			}
		}
	}
}

// verify gives the card the PIN, and the host its answer.
func (r *reader) verify(p *readerPIN, pin string) {
	command := p.command(pin)
	defer clear(command)
	if r.card.p.Protocol == 1 {
		command = append(p.prologue[:], command...)
		command = append(command, xor(command))
	}
	response, ok := r.protocol.transmit(command)
	switch {
	case r.pin != p: // the card was pulled before it, which has been answered
	case !ok || len(response) == 0:
		r.answerPIN(r.reply(p, ccidFailed, errMute, nil))
	case p.enciphered:
		r.answerPIN(r.reply(p, 0, 0, append([]byte{wasVerified}, response...)))
	default:
		r.answerPIN(r.reply(p, 0, 0, response))
	}
}

// answerPIN ends the wait.
func (r *reader) answerPIN(response []byte) {
	r.endPIN()
	r.answer(response)
}

// endPIN ends it without an answer.
func (r *reader) endPIN() {
	if r.pin == nil {
		return
	}
	r.pin.clock.Stop()
	r.hand.leave(&r.pin.customer)
	r.pin, r.display = nil, nil
}

// busy answers a command that comes while the customer is asked, in the
// command's own kind.
func (r *reader) busy(m []byte) []byte {
	switch m[0] {
	case pcIccPowerOn, pcXfrBlock, pcSecure:
		return r.dataBlock(m, ccidFailed, errCommandBusy, nil)
	case pcEscape:
		return r.escaped(m, ccidFailed, errCommandBusy, nil)
	case pcSetParameters, pcGetParameters, pcResetParameters:
		return r.parameters(m, ccidFailed, errCommandBusy)
	}
	return r.slotStatus(m, ccidFailed, errCommandBusy)
}

// abort takes a request back. CCID 1.1, 6.1.13.
func (r *reader) abort(m []byte) []byte {
	if p := r.pin; p != nil {
		r.answerPIN(r.reply(p, ccidFailed, errAborted, nil))
	}
	return r.slotStatus(m, 0, errUnsupported)
}
