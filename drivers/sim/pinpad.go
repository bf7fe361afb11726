package sim

import (
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
)

// naksMax bounds the repetitions of an answer that the host does not
// understand.
const naksMax = 3

// ErrKeys is a script of key strokes that nobody can type.
var ErrKeys = errors.New("sim: neither a PIN nor a key")

// dukptStore is the pad's key memory: a key leaves it once, and only after
// that is on disk.
type dukptStore interface {
	next() (key [16]byte, ksn [10]byte, err error)
}

// pinpad is a PIN pad of the VISA packet family with DUKPT. Where the manuals
// are thin it does as follows: EOT after the request's ACK says that the
// customer cancelled; a customer who does nothing gives no answer, and the
// host sends 72; a 71 answer with KSN and no block says that he pressed enter
// without a PIN.
type pinpad struct {
	out  func([]byte, kind)
	keys dukptStore // nil holds no key: error A
	hand *hand      // the customer's

	mu      sync.Mutex
	packets visaDecoder
	waiting *asker // for the customer to answer a request, or nil
	last    []byte // the answer that waits for its ACK
	naks    int
	display []string
	entries int
}

func (p *pinpad) powerDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packets, p.last, p.naks, p.display = visaDecoder{}, nil, 0, nil
	p.rest()
}

func (p *pinpad) quiet() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packets = visaDecoder{}
}

func (p *pinpad) receive(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.packets.add(b) {
		switch {
		case e.broken:
			p.out([]byte{nak}, aside)
		case e.control == nak:
			p.repeat()
		case e.control != 0: // ACK or EOT: the host has the answer, or wants none
			p.last, p.naks = nil, 0
		case e.start == si:
			p.out([]byte{ack}, aside)
			p.manage(e.body)
		default:
			p.out([]byte{ack}, aside)
			p.request(e.body)
		}
	}
}

// repeat sends the answer again, a few times.
func (p *pinpad) repeat() {
	if p.last == nil {
		return
	}
	if p.naks++; p.naks > naksMax {
		p.last, p.naks = nil, 0
		p.out([]byte{eot}, aside)
		return
	}
	p.out(p.last, answer)
}

// reply sends a packet that the host must acknowledge.
func (p *pinpad) reply(start byte, body string) {
	p.last, p.naks = visaPacket(start, body), 0
	p.out(p.last, answer)
}

// manage answers a management packet.
func (p *pinpad) manage(body string) {
	switch {
	case body == "11": // connection test: the ACK is the answer
	case strings.HasPrefix(body, "01"): // diagnostics run at once
		p.out([]byte{eot}, aside)
	case strings.HasPrefix(body, "04"): // no master keys in here
		p.reply(si, "04F")
	case strings.HasPrefix(body, "08"), strings.HasPrefix(body, "13"):
	default:
		p.out([]byte{eot}, aside)
	}
}

// request answers a transaction packet.
func (p *pinpad) request(body string) {
	switch {
	case body == "72" || body == "Z1":
		p.last, p.display = nil, nil
		p.rest()
	case strings.HasPrefix(body, "Z2"), strings.HasPrefix(body, "Z3"):
		p.show(body[2:])
	case strings.HasPrefix(body, "Z60."), strings.HasPrefix(body, "Z62."):
		account, _, _ := strings.Cut(body[4:], "\x1c")
		p.enter(account)
	case strings.HasPrefix(body, "70."): // needs a master key
		p.reply(stx, "71A")
	case strings.HasPrefix(body, "70"):
		account, rest, _ := strings.Cut(body[2:], "\x1c")
		if code := checkAmount(rest); code != "" && accountError(account) == "" {
			p.reply(stx, "71"+code)
			return
		}
		p.display = []string{"AMOUNT " + rest[min(1, len(rest)):], "ENTER PIN"}
		p.enter(account)
	default:
		p.out([]byte{eot}, aside)
	}
}

// accountError is the error code for an account number, or "".
func accountError(account string) string {
	switch {
	case account == "":
		return "0"
	case strings.Trim(account, "0123456789") != "":
		return "4"
	case len(account) < 8:
		return "2"
	case len(account) > 19:
		return "3"
	}
	return ""
}

// checkAmount is the error code for a debit or credit mark and its amount.
func checkAmount(s string) string {
	if s == "" || s[0] != 'C' && s[0] != 'D' {
		return "5"
	}
	amount := s[1:]
	whole, cents, _ := strings.Cut(amount, ".")
	if len(amount) > 12 || whole+cents == "" || strings.Trim(whole+cents, "0123456789") != "" {
		return "8"
	}
	return ""
}

// enter asks for a PIN.
func (p *pinpad) enter(account string) {
	p.last = nil
	p.rest()
	if code := accountError(account); code != "" {
		p.reply(stx, "71"+code)
		return
	}
	if p.keys == nil {
		p.reply(stx, "71A")
		return
	}
	p.entries++
	waiting := &asker{}
	waiting.told = func(action string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiting == waiting { // else the host has taken its request back
			p.finish(action, account)
		}
	}
	p.waiting = waiting
	if action, done := p.hand.ask(waiting); done {
		p.finish(action, account)
	}
}

// finish ends a PIN request with what the customer did.
func (p *pinpad) finish(action, account string) {
	p.waiting, p.display = nil, nil
	if action == KeyCancel {
		p.out([]byte{eot}, answer)
		return
	}
	p.reply(stx, p.encipher(action, account))
}

// rest is a pad that waits for nobody.
func (p *pinpad) rest() {
	p.hand.leave(p.waiting)
	p.waiting = nil
}

// encipher is the 71 answer: 0, the KSN without its leading Fs, the block.
func (p *pinpad) encipher(pin, account string) string {
	key, ksn, err := p.keys.next()
	defer clear(key[:])
	switch {
	case errors.Is(err, keys.ErrExhausted):
		return "71F"
	case err != nil:
		return "71B" // the key memory failed: better no PIN than a key twice
	}
	serial := strings.TrimLeft(strings.ToUpper(hex.EncodeToString(ksn[:])), "F")
	if pin == KeyBypass {
		return "710" + serial
	}
	pinKey, err := keys.Variant(key, keys.UsePIN)
	if err != nil {
		return "71C"
	}
	defer clear(pinKey[:])
	block, err := keys.EncryptPIN(0, pinKey, secret.Bytes(pin), secret.PAN(account))
	if err != nil {
		return "71C"
	}
	defer block.Clear()
	return "710" + serial + strings.ToUpper(hex.EncodeToString(block))
}

// show keeps what is on the display, without the marks of prompts.
func (p *pinpad) show(text string) {
	if strings.HasPrefix(text, string(rune(sub))) {
		p.display, text = nil, text[1:]
	}
	for line := range strings.SplitSeq(text, string(rune(fs))) {
		p.display = append(p.display, strings.Trim(line, string([]byte{gs, rs, sub})))
	}
	if n := len(p.display); n > 4 {
		p.display = p.display[n-4:]
	}
}
