package sim

import (
	"crypto/cipher"
	"crypto/des"
	"errors"
	"sync"

	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
)

// Errors of the binary protocol. NL-PP60 user manual, chapter 4.
const (
	padLength    = 0x01
	padAuth      = 0x08
	padLocked    = 0x0B
	padDamaged   = 0x0D
	padDirectory = 0x31
	padNoKey     = 0x61
	padNotChosen = 0x71
	padMode      = 0x72
	padLimits    = 0x74
	padCancelled = 0x77
	padCipher    = 0x92
	padNoKSN     = 0xE3
	padException = 0xFF
)

const (
	padKeyFolder  = 1 // where the DUKPT key is
	padFolderMax  = 4
	padWrongMax   = 3    // wrong codes until it is locked
	padModeDUKPT  = 0x86 // TDES, DUKPT, for PINs
	padNumberSize = 16   // of the card number
)

// binaryPad is a PP60. Where the manual is thin it does as follows: while it asks
// for a PIN it obeys nothing but a reset; the cancel key gives error 77, the enter
// key without a PIN an answer without data; its own code covers the random number
// and the UID; heads that it does not know give an exception; it has no time-out
// of its own for the customer; three wrong codes lock it until its power is cut.
type binaryPad struct {
	out   func([]byte, kind)
	hand  *hand // the customer's
	given PP60Keys
	draw  func() [8]byte

	mu      sync.Mutex
	keys    dukptStore // nil holds no key
	key     *padKey    // the one whose number was told, until it is used
	buf     []byte
	folder  byte
	random  []byte // the last, until it is used
	wrong   int
	chosen  bool
	waiting *asker // for the customer to answer a request, or nil
}

// padKey is the key of the next PIN.
type padKey struct {
	key [16]byte
	ksn [10]byte
}

func (p *binaryPad) powerDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf, p.wrong = nil, 0
	p.reset()
}

// quiet ends half a frame.
func (p *binaryPad) quiet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf = nil
}

func (p *binaryPad) erase() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys, p.key = nil, nil
}

// reset is the state after power-on. 4.1.2
func (p *binaryPad) reset() {
	p.hand.leave(p.waiting)
	p.waiting, p.folder, p.random, p.chosen = nil, 0, nil, false
}

// receive takes the host's bytes: head, length, data, and the XOR of all before.
func (p *binaryPad) receive(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range b {
		p.buf = append(p.buf, c)
		if len(p.buf) < 3 || len(p.buf) < 3+int(p.buf[1]) {
			continue
		}
		frame := p.buf
		p.buf = nil
		switch {
		case p.waiting != nil && frame[0] != 0xD5:
		case xor(frame) != 0:
			p.fail(frame[0], padDamaged)
		default:
			p.obey(frame[0], frame[2:len(frame)-1])
		}
	}
}

// answer says that a command succeeded.
func (p *binaryPad) answer(head byte, data ...byte) {
	f := append([]byte{head, byte(len(data))}, data...)
	p.out(append(f, xor(f)), answer)
}

// fail says that it did not.
func (p *binaryPad) fail(head, code byte) { p.answer(head&0x7F, code) }

// obey does what a command says.
func (p *binaryPad) obey(head byte, data []byte) {
	sizes := map[byte]int{0xD5: 0, 0xD6: 1, 0x97: 0, p.given.Random: 0, 0x82: 12, 0x83: 2 + padNumberSize}
	size, known := sizes[head]
	switch {
	case !known:
		p.fail(head, padException)
		return
	case len(data) != size:
		p.fail(head, padLength)
		return
	}
	switch head {
	case 0xD5:
		p.reset()
		p.answer(head)
	case 0xD6:
		if data[0] == 0 || data[0] > padFolderMax {
			p.fail(head, padDirectory)
			return
		}
		p.folder, p.chosen = data[0], false
		p.answer(head)
	case 0x97:
		if !p.ready() {
			p.fail(head, padNoKSN)
			return
		}
		p.answer(head, p.key.ksn[:]...)
	case 0x82:
		p.choose(head, data)
	case 0x83:
		p.enter(head, data)
	default:
		n := p.draw()
		p.random = n[:]
		p.answer(head, n[:]...)
	}
}

// ready takes the next key out of the memory, unless one is out.
func (p *binaryPad) ready() bool {
	if p.keys == nil || p.folder != padKeyFolder {
		return false
	}
	if p.key == nil {
		key, ksn, err := p.keys.next()
		if err != nil {
			return false // better no PIN than a key twice
		}
		p.key = &padKey{key, ksn}
	}
	return true
}

// choose looks at the host's code and gives its own. 4.12
func (p *binaryPad) choose(head byte, data []byte) {
	random := p.random
	p.random, p.chosen = nil, false
	switch {
	case p.wrong >= padWrongMax:
		p.fail(head, padLocked)
		return
	case random == nil || [8]byte(data[4:]) != p.code(append(data[:4:4], random...)):
		p.wrong++
		p.fail(head, padAuth)
		return
	case data[1] != padModeDUKPT:
		p.fail(head, padMode)
		return
	case !p.ready():
		p.fail(head, padNoKey)
		return
	}
	p.wrong, p.chosen = 0, true
	own := p.code(random)
	p.answer(head, own[:]...)
}

// code is an authentication code: DES in CBC mode under the key's left half, and
// its last block through the right half and the left. 4.6.1
func (p *binaryPad) code(text []byte) (code [8]byte) {
	text = append(append([]byte{}, text...), p.given.UID[:]...)
	text = append(text, make([]byte, -len(text)&7)...)
	left, errLeft := des.NewCipher(p.given.Auth[:8])
	right, errRight := des.NewCipher(p.given.Auth[8:])
	if errors.Join(errLeft, errRight) != nil {
		return drawn() // where the platform forbids DES no code is right
	}
	cipher.NewCBCEncrypter(left, make([]byte, 8)).CryptBlocks(text, text)
	copy(code[:], text[len(text)-8:])
	right.Decrypt(code[:], code[:])
	left.Encrypt(code[:], code[:])
	return code
}

// enter asks for a PIN. 4.13
func (p *binaryPad) enter(head byte, data []byte) {
	low, high := int(data[0]), int(data[1])
	switch {
	case !p.chosen:
		p.fail(head, padNotChosen)
		return
	case low < pinMin || high > pinMax || low > high:
		p.fail(head, padLimits)
		return
	}
	e := &padEntry{head: head, low: low, high: high, number: string(data[2:])}
	e.asker.told = func(action string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiting == &e.asker { // else the host has taken its request back
			p.typed(e, action)
		}
	}
	p.waiting = &e.asker
	if action, done := p.hand.ask(p.waiting); done {
		p.typed(e, action)
	}
}

// padEntry is a PIN that is being asked for.
type padEntry struct {
	asker
	head      byte
	low, high int
	number    string
}

// typed lets the customer try again until what he types is as long as it must be.
func (p *binaryPad) typed(e *padEntry, action string) {
	for range keysMax {
		if action == KeyCancel || action == KeyBypass || len(action) >= e.low && len(action) <= e.high {
			p.finish(e, action)
			return
		}
		next, done := p.hand.ask(p.waiting)
		if !done {
			return
		}
		action = next
	}
}

// finish ends a PIN entry with what the customer did. Its permission and its key
// are used up, but for the key of one that was cancelled.
func (p *binaryPad) finish(e *padEntry, action string) {
	p.waiting, p.chosen = nil, false
	if action == KeyCancel {
		p.fail(e.head, padCancelled)
		return
	}
	used := p.key
	p.key = nil
	defer clear(used.key[:])
	if action == KeyBypass {
		p.answer(e.head)
		return
	}
	block, err := used.encipher(action, e.number)
	if err != nil {
		p.fail(e.head, padCipher)
		return
	}
	p.answer(e.head, block...)
	block.Clear()
}

// encipher makes the PIN block, in which the last twelve digits of the number are
// the account's; keys wants the check digit behind them that it leaves out again.
func (k *padKey) encipher(pin, number string) (secret.Bytes, error) {
	pinKey, err := keys.Variant(k.key, keys.UsePIN)
	if err != nil {
		return nil, err
	}
	defer clear(pinKey[:])
	return keys.EncryptPIN(0, pinKey, secret.Bytes(pin), secret.PAN(number[padNumberSize-12:]+"0"))
}
