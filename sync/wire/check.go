package wire

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Bounds of the fields, in bytes. A sender shortens a text that people read
// rather than have its message refused.
const (
	WordMax   = 32  // a machine word: kind, code, scheme
	TextMax   = 64  // a name: label, software, device
	DetailMax = 256 // a sentence for the technician
)

const (
	accountMax    = 512
	trackMax      = 256
	chipMax       = 8 << 10
	sealedPINMax  = 256
	ksnMax        = 16
	issuerAuthMax = 64 // tag 91 has 8 to 16
	scriptsMax    = 4 << 10
	amountMax     = 999_999_999_999 // 9F02 is n12
	exponentMax   = 4               // ISO 4217
	versionMax    = 1 << 16
)

// checker keeps the first thing that is wrong with a message.
type checker struct{ err error }

func check(message func(*checker)) error {
	var c checker
	message(&c)
	return c.err
}

func (c *checker) that(ok bool, field, want string) {
	if !ok && c.err == nil {
		c.err = fmt.Errorf("%w: %s: %s", ErrField, field, want)
	}
}

// text is bounded and has no control characters, so that it can stand in a log
// or on a screen.
func (c *checker) text(field, s string, sizeMax int) {
	c.that(len(s) <= sizeMax, field, fmt.Sprintf("%d bytes, at most %d", len(s), sizeMax))
	c.that(utf8.ValidString(s), field, "is not UTF-8")
	for _, r := range s {
		c.that(!unicode.IsControl(r), field, "holds a control character")
	}
}

func (c *checker) bytes(field string, b []byte, sizeMax int) {
	c.that(len(b) <= sizeMax, field, fmt.Sprintf("%d bytes, at most %d", len(b), sizeMax))
}

func (c *checker) terminal(field, terminal string) {
	c.that(CheckTerminal(terminal) == nil, field, "is not of the form tenant:device")
}

func (k *Key) check(c *checker) {
	c.terminal("key.terminal", k.Terminal)
	c.that(slices.Contains([]string{LegAuthorise, LegComplete, LegReverse, LegAdvise}, k.Leg), "key.leg", "is unknown")
	c.that(k.Attempt > 0, "key.attempt", "counts from 1")
}

func (r *Request) check(c *checker) {
	r.Key.check(c)
	c.that(r.Version > 0 && r.Version <= versionMax, "version", "is out of range")
	c.that(r.Kind != "", "kind", "is missing")
	c.text("kind", r.Kind, WordMax)
	c.that(r.AmountMinor >= 0 && r.AmountMinor <= amountMax, "amount_minor", "is out of range")
	c.that(isCurrency(r.Currency), "currency", "is not three capital letters")
	c.that(r.Exponent <= exponentMax, "exponent", "is out of range")
	c.that(r.Entry == "" || len(r.Entry) == 2 && isAll(r.Entry, isDigit), "entry", "is not two digits")
	c.text("cvm", r.CVM, WordMax)
	c.text("merchant", r.Merchant, TextMax)
	c.text("acquirer_tid", r.AcquirerTID, TextMax)
	c.text("software", r.Software, TextMax)
	r.Devices.check(c)
	r.Card.check(c)
	if r.PIN != nil {
		c.text("pin.scheme", r.PIN.Scheme, WordMax)
		c.bytes("pin.ksn", r.PIN.KSN, ksnMax)
	}
	if r.Ending != nil {
		r.Ending.check(c)
	}
}

func (d *Devices) check(c *checker) {
	c.text("devices.capabilities", d.Capabilities, WordMax)
	c.text("devices.key_scheme", d.KeyScheme, WordMax)
	c.text("devices.reader", d.Reader, TextMax)
	c.text("devices.antenna", d.Antenna, TextMax)
	c.text("devices.stripe", d.Stripe, TextMax)
	c.text("devices.pinpad", d.PINPad, TextMax)
	c.text("devices.printer", d.Printer, TextMax)
}

func (d *Card) check(c *checker) {
	c.text("card.masked", d.Masked, WordMax)
	c.text("card.token", d.Token, TextMax)
	c.text("card.aid", d.AID, WordMax)
	c.text("card.label", d.Label, TextMax)
	c.text("card.seal_key", d.SealKey, TextMax)
	c.bytes("card.account", d.Account, accountMax)
	c.bytes("card.track", d.Track, trackMax)
	c.bytes("card.chip", d.Chip, chipMax)
	c.bytes("card.pin", d.PIN, sealedPINMax)
}

func (e *Ending) check(c *checker) {
	c.text("ending.reason", e.Reason, TextMax)
	c.text("ending.detail", e.Detail, DetailMax)
	c.text("ending.code", e.Code, WordMax)
	c.text("ending.arc", e.ARC, WordMax)
	c.text("ending.auth_code", e.AuthCode, WordMax)
	c.text("ending.host_ref", e.HostRef, TextMax)
	c.text("ending.cvm", e.CVM, WordMax)
	if e.Chip != nil {
		c.text("ending.chip.ac", e.Chip.AC, WordMax)
		c.text("ending.chip.cid", e.Chip.CID, WordMax)
		c.text("ending.chip.atc", e.Chip.ATC, WordMax)
		c.text("ending.chip.tvr", e.Chip.TVR, WordMax)
		c.text("ending.chip.tsi", e.Chip.TSI, WordMax)
		c.text("ending.chip.cvm", e.Chip.CVM, WordMax)
	}
}

func (a *Answer) check(c *checker) {
	a.Key.check(c)
	c.that(slices.Contains([]string{VerdictApproved, VerdictDeclined, VerdictRecorded}, a.Verdict), "verdict", "is unknown")
	c.text("code", a.Code, WordMax)
	c.text("auth_code", a.AuthCode, WordMax)
	c.text("host_ref", a.HostRef, TextMax)
	c.bytes("issuer_auth", a.IssuerAuth, issuerAuthMax)
	c.bytes("scripts", a.Scripts, scriptsMax)
}

func (h *Hello) check(c *checker) {
	c.terminal("terminal", h.Terminal)
	c.text("software", h.Software, TextMax)
}

func (w *Welcome) check(c *checker) {
	c.that(!w.Now.IsZero(), "now", "is missing")
}

func isCurrency(s string) bool {
	return len(s) == 3 && isAll(s, func(b byte) bool { return 'A' <= b && b <= 'Z' })
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isAll(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}
