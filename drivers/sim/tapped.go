package sim

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// ppseName is the directory of a chip in a field. EMV Contactless Book B, 3.3.1.
const ppseName = "2PAY.SYS.DDF01"

// swDevice asks the owner to unlock the phone first. EMV Contactless Book C-3,
// 5.2.
const swDevice = 0x6986

// answerTime is how long a chip in a field takes for a command.
const answerTime = 4 * time.Millisecond

// Tapped is a virtual card or phone that is held to an antenna. It answers
// command APDUs, and tells how long that took: no time passes. It knows nothing
// of readers and protocols, and is not safe for concurrent use.
type Tapped struct {
	chip     *Card
	variant  TapVariant
	taps     int
	shim     Shim          // of this tap
	unlocked bool          // the owner has unlocked the phone since the last sale
	asked    *[8]byte      // the request that the issuer has not answered yet
	kept     *heard        // the latest cryptogram, of a card that gives it again
	took     time.Duration // for the command that is answered
}

// A TapVariant is a tapped card that misbehaves, or something that stands
// between it and the reader.
type TapVariant struct {
	Name  string
	Title string // one sentence
	Of    string // the card whose chip it is

	// Shim makes what spoils the answers, for each tap, the first being 1; nil
	// spoils nothing.
	Shim   func(tap int) Shim
	Delay  time.Duration // of each answer
	Beside int           // so many taps with another card beside it
}

// NewTapped makes a chip that is tapped from a profile. random gives the numbers
// of its signatures.
func NewTapped(p issuer.Profile, random io.Reader) (*Tapped, error) {
	if p.Tap == nil {
		return nil, fmt.Errorf("%w: %s: has no antenna", issuer.ErrProfile, p.Name)
	}
	chip, err := NewCard(p, random)
	if err != nil {
		return nil, err
	}
	return &Tapped{chip: chip}, nil
}

// Variant makes a card of the chip's that misbehaves. Both are one chip: what
// one of them counts, the other has counted too.
func (t *Tapped) Variant(v TapVariant) *Tapped {
	return &Tapped{chip: t.chip, variant: v}
}

// Name is how testers call the card.
func (t *Tapped) Name() string { return cmp.Or(t.variant.Name, t.chip.chipName()) }

// Counters returns what the chip remembers without power.
func (t *Tapped) Counters() Counters { return t.chip.Counters() }

// Enter brings the chip into a field, which ends what went on before, and tells
// whether it is alone there.
func (t *Tapped) Enter() (alone bool) {
	t.taps++
	t.chip.reset()
	t.shim = nil
	if t.variant.Shim != nil {
		t.shim = t.variant.Shim(t.taps)
	}
	return t.taps > t.variant.Beside
}

// Exchange answers one command APDU with data and status word, and tells how
// long that took. Nil is a card that is gone from the field.
func (t *Tapped) Exchange(command []byte) ([]byte, time.Duration) {
	t.took = answerTime
	answer := t.answer
	if t.shim != nil {
		answer = func(command []byte) []byte { return t.shim(command, t.answer) }
	}
	data := answer(command)
	return data, t.took + t.variant.Delay
}

// answer is the chip's own.
func (t *Tapped) answer(command []byte) []byte {
	cmd, sw := parseAPDU(command)
	if sw != swOK {
		return status(nil, sw)
	}
	return status(t.dispatch(cmd))
}

// dispatch finds the command.
func (t *Tapped) dispatch(cmd apdu) ([]byte, int) {
	switch uint16(cmd.cla)<<8 | uint16(cmd.ins) {
	case 0x00A4:
		return t.selectFile(cmd)
	case 0x80A8:
		if t.generates() {
			return t.chip.getProcessingOptions(cmd)
		}
		return t.quick(cmd)
	case 0x00B2:
		return t.chip.readRecord(cmd)
	case 0x0082, 0x8416, 0x8418, 0x841E, 0x8424, 0x04DA: // what an issuer answers
		t.recall()
		return t.chip.dispatch(cmd)
	}
	if t.generates() {
		switch uint16(cmd.cla)<<8 | uint16(cmd.ins) {
		case 0x80EA:
			return t.race(cmd)
		case 0x80AE:
			return t.generate(cmd)
		case 0x80D0:
			return t.recover(cmd)
		case 0x80CA:
			return t.getData(cmd)
		}
	}
	return nil, cmd.unknown()
}

// selectFile finds the directory or the application. The directory of a chip
// with contacts is not there. EMV Contactless Book B, 3.3.
func (t *Tapped) selectFile(cmd apdu) ([]byte, int) {
	switch string(cmd.data) {
	case ppseName:
		t.chip.reset()
		return t.directory(), swOK
	case pseName:
		t.chip.reset()
		return nil, swNotFound
	}
	return t.chip.selectFile(cmd)
}

// directory is the PPSE with its one application. EMV Contactless Book B, 3.3.1.
func (t *Tapped) directory() []byte {
	p := &t.chip.p
	entry := tlv.Append(nil, tlv.ADFName, p.AID)
	entry = tlv.Append(entry, tlv.ApplicationLabel, []byte(p.Label))
	entry = tlv.Append(entry, tlv.ApplicationPriority, priority(0))
	entry = tlv.Append(entry, tlv.KernelIdentifier, []byte{p.Tap.Kernel})
	discretionary := tlv.Append(nil, tlv.FCIDiscretionary, tlv.Append(nil, tlv.ApplicationTemplate, entry))
	fci := tlv.Append(nil, tlv.DFName, []byte(ppseName))
	return tlv.Append(nil, tlv.FCI, tlv.Append(fci, tlv.FCIProprietary, discretionary))
}

// recall lets the issuer's answer to the tap before come to the card, once its
// application is selected again. EMV Contactless Book C-3, 5.9.
func (t *Tapped) recall() {
	c := t.chip
	if t.asked == nil || c.at != selected {
		return
	}
	c.arqc, c.firstAC, c.chain = *t.asked, *t.asked, *t.asked
	c.at, t.asked = askedHost, nil
}

// The bits of the reader's qualifiers, 9F66 byte 2. EMV Contactless Book A, 5.7.
const (
	readerAsksIssuer = 0x80
	readerWantsCVM   = 0x40
)

// quick decides and answers with all of it: cryptogram, qualifiers and
// signature. EMV Contactless Book C-3, 5.2 and Annex C.
func (t *Tapped) quick(cmd apdu) ([]byte, int) {
	c := t.chip
	data, sw := c.optionsData(cmd)
	if sw != swOK {
		return nil, sw
	}
	c.learn(c.lists.pdol, data)
	if c.p.Tap.Device && t.reader(readerWantsCVM) && !t.unlocked {
		t.unlocked = true // the owner reads what the phone says, before the next tap
		return nil, swDevice
	}
	c.counters.ATC++
	c.at = initiated
	qualifiers := t.qualifiers()
	c.pinRight = qualifiers[1]&issuer.QualifierDevice != 0
	kind := t.choose(qualifiers)
	ac := c.cryptogram(kind, false)
	t.asked = nil
	if kind == typeARQC && qualifiers[1]&issuer.QualifierUpdate != 0 {
		t.asked = &ac
	}
	body, err := t.answerAtOnce(kind, ac, qualifiers)
	if err != nil {
		return nil, swConditions
	}
	t.unlocked = false
	return tlv.Append(nil, tlv.ResponseFormat2, body), swOK
}

// reader tells whether a bit of the second byte of 9F66 is set.
func (t *Tapped) reader(bit byte) bool {
	ttq := t.chip.amounts[tlv.TTQ]
	return len(ttq) > 1 && ttq[1]&bit != 0
}

// qualifiers are 9F6C of this sale: how its holder is verified a card says only
// if it must be.
func (t *Tapped) qualifiers() []byte {
	const ways = issuer.QualifierPIN | issuer.QualifierSignature
	q := slices.Clone([]byte(t.chip.p.Tap.Qualifiers))
	switch {
	case !t.reader(readerWantsCVM):
		q[0] &^= ways
	case t.chip.p.Tap.Device:
		q[1] |= issuer.QualifierDevice
	}
	return q
}

// choose is the card's own risk management: it approves what its balance bears,
// unless the reader wants the issuer, or a PIN goes there.
func (t *Tapped) choose(qualifiers []byte) byte {
	c := t.chip
	switch {
	case c.p.Behaviour == issuer.SaysNo || c.blocked():
		return typeAAC
	case !c.p.Offline || !t.bears() || t.reader(readerAsksIssuer) || qualifiers[0]&issuer.QualifierPIN != 0:
		return typeARQC
	}
	t.spend()
	return typeTC
}

// amount is what the reader told, or -1.
func (t *Tapped) amount() int64 {
	amount, err := tlv.ParseNumeric(t.chip.amounts[tlv.AmountAuthorised])
	if err != nil {
		return -1
	}
	return int64(amount)
}

// bears tells whether the balance, if there is one, is enough.
func (t *Tapped) bears() bool {
	limit, amount := t.chip.p.Tap.SpendMinor, t.amount()
	return amount >= 0 && (limit == 0 || amount <= limit-t.chip.counters.Spent)
}

// spend takes the amount from the balance, if there is one.
func (t *Tapped) spend() {
	if t.chip.p.Tap.SpendMinor > 0 {
		t.chip.counters.Spent += t.amount()
	}
}

// balance is what may still be spent.
func (t *Tapped) balance() []byte {
	const size = 6
	return tlv.AppendNumeric(nil, uint64(t.chip.p.Tap.SpendMinor-t.chip.counters.Spent), size)
}

// answerAtOnce are the objects of the answer. The signature covers the amount,
// the reader's number and a copy of the qualifiers. EMV Contactless Book C-3,
// Annex C.
func (t *Tapped) answerAtOnce(kind byte, ac [8]byte, qualifiers []byte) ([]byte, error) {
	c := t.chip
	related, err := t.related(qualifiers)
	if err != nil {
		return nil, err
	}
	covered := slices.Concat(c.amounts[tlv.UnpredictableNumber], c.amounts[tlv.AmountAuthorised], c.amounts[tlv.TransactionCurrency], related)
	if c.p.Behaviour == issuer.Forged {
		covered = nil // as one who replays what he has recorded
	}
	signed, err := issuer.SignDynamic(c.key, number(c.counters.ATC), covered)
	if err != nil {
		return nil, err
	}
	b := tlv.Append(tlv.Append(nil, tlv.AIP, c.p.AIP), tlv.AFL, c.p.AFL)
	if len(c.p.Tap.Track) > 0 {
		b = tlv.Append(b, tlv.Track2, c.p.Tap.Track)
	}
	b = append(b, c.acObjects(kind, ac, false)...)
	b = tlv.Append(b, tlv.CTQ, qualifiers)
	b = tlv.Append(b, tlv.CardRelatedData, related)
	b = append(b, t.money(kind)...)
	return tlv.Append(b, tlv.SDAD, signed), nil
}

// related is 9F69: version, a number of the chip's own and a copy of the
// qualifiers, and for kernel 7 one byte more. EMV Contactless Book C-3, Annex A.
func (t *Tapped) related(qualifiers []byte) ([]byte, error) {
	const version, numberSize = 0x01, 4
	related := make([]byte, 1+numberSize)
	related[0] = version
	if _, err := io.ReadFull(t.chip.random, related[1:]); err != nil {
		return nil, err
	}
	related = append(related, qualifiers...)
	if t.chip.p.Tap.Kernel == issuer.Kernel7 {
		related = append(related, 0)
	}
	return related, nil
}

// money are the objects of a balance: for kernel 7 it is electronic cash, with a
// code for what was spent of it. EMV Contactless Book C-3, Annex A and JR/T
// 0025.12.
func (t *Tapped) money(kind byte) []byte {
	p := &t.chip.p
	switch {
	case p.Tap.SpendMinor == 0:
		return nil
	case p.Tap.Kernel != issuer.Kernel7:
		return tlv.Append(nil, tlv.AvailableOffline, t.balance())
	}
	b := tlv.Append(nil, tlv.CashBalance, t.balance())
	if kind == typeTC {
		b = tlv.Append(b, tlv.CashAuthorisation, []byte("ECC001"))
	}
	return b
}
