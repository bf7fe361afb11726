package sim

import (
	"cmp"
	"fmt"
	"io"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Status words, ISO/IEC 7816-4 and EMV 4.4 Book 3, table 5.
const (
	swOK              = 0x9000
	swAuthFailed      = 0x6300
	swTriesLeft       = 0x63C0
	swWrongLength     = 0x6700
	swBlocked         = 0x6983
	swConditions      = 0x6985
	swNoMAC           = 0x6987
	swWrongMAC        = 0x6988
	swInvalidated     = 0x6283
	swWrongData       = 0x6A80
	swNotSupported    = 0x6A81
	swNotFound        = 0x6A82
	swRecordNotFound  = 0x6A83
	swWrongParameters = 0x6A86
	swNoReference     = 0x6A88
	swUnknownINS      = 0x6D00
	swUnknownCLA      = 0x6E00
)

// pinTriesMax is what the PIN try counter starts with.
const pinTriesMax = 3

// pseName is the payment system environment. EMV 4.4 Book 1, 11.3.4.
const pseName = "1PAY.SYS.DDF01"

// pseSFI is the directory's file.
const pseSFI = 1

// progress is how far a transaction has come; each step needs the one before.
type progress uint8

const (
	idle       progress = iota // no file selected
	inPSE                      // the directory can be read
	selected                   // application selected
	initiated                  // GET PROCESSING OPTIONS done
	askedHost                  // first GENERATE AC answered with an ARQC
	hostAnswer                 // EXTERNAL AUTHENTICATE done, well or not
	finished                   // last GENERATE AC done
)

// Card is a virtual EMV chip: it answers command APDUs. It knows nothing of
// readers and protocols, and is not safe for concurrent use.
type Card struct {
	application                // the selected one, or the first
	applications []application // never empty
	next         int           // the place after the one that was selected
	random       io.Reader

	variant   Variant   // how it misbehaves; the zero one does not
	shim      Shim      // of this power-up
	counters  *Counters // shared with the chip's variants
	at        progress
	amounts   map[tlv.Tag][]byte // what the terminal told in the last list
	told      []byte             // all that it told for PDOL, CDOL1 and CDOL2
	raced     []byte             // exchanged against relays, for the signature
	arqc      [8]byte
	firstAC   [8]byte // of the first GENERATE AC, whatever its type
	chain     [8]byte // what the MAC of the next script command begins with
	arc       [2]byte // authenticated by the issuer
	trusted   bool    // the issuer's answer was right
	failed    bool    // it was wrong
	challenge []byte  // given for one PIN, or nil
	pinRight  bool
}

// Counters are what a chip remembers without power. It holds a PIN, so it
// prints masked; only its JSON has it in the clear, for a file of mode 0600.
type Counters struct {
	ATC        uint16 `json:"atc"`         // 9F36
	LastOnline uint16 `json:"last_online"` // 9F13
	PINTries   int    `json:"pin_tries"`   // 9F17
	// Of a card that is tapped: what was spent without the issuer, in minor units.
	Spent int64 `json:"spent,omitempty"`

	// What the issuer has changed since the card was made.
	PIN         string `json:"pin,omitempty"`
	CardBlocked bool   `json:"card_blocked,omitempty"`
	Blocked     uint8  `json:"blocked,omitempty"`     // a bit for each application that is, the first the lowest
	LowerLimit  *uint8 `json:"lower_limit,omitempty"` // 9F14
	UpperLimit  *uint8 `json:"upper_limit,omitempty"` // 9F23
}

// Format masks the PIN for every fmt verb.
func (k Counters) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[ATC %d, last online %d, %d tries]", k.ATC, k.LastOnline, k.PINTries)
}

// NewCard makes a chip from a profile. random gives the numbers of its
// signatures and challenges.
func NewCard(p issuer.Profile, random io.Reader) (*Card, error) {
	all, err := newApplications(p)
	if err != nil {
		return nil, err
	}
	counters := &Counters{PINTries: pinTriesMax}
	if p.Behaviour == issuer.NoTries {
		counters.PINTries = 0
	}
	return &Card{application: all[0], applications: all, random: random, counters: counters}, nil
}

// Name is how testers call the card.
func (c *Card) Name() string { return cmp.Or(c.variant.Name, c.chipName()) }

// Counters returns what the chip remembers without power.
func (c *Card) Counters() Counters { return *c.counters }

// Restore sets what the chip remembers without power.
func (c *Card) Restore(k Counters) { *c.counters = k }

// ATR powers the chip up, which ends any transaction, and returns its answer
// to reset; nil when it is mute. EMV 4.4 Book 1, 8.3: the basic answers.
func (c *Card) ATR() []byte {
	c.reset()
	c.shim = nil
	if c.variant.Shim != nil {
		c.shim = c.variant.Shim()
	}
	switch {
	case c.variant.ATR != nil:
		return append([]byte{}, c.variant.ATR...)
	case c.p.Behaviour == issuer.Mute, c.p.Behaviour == issuer.NoChip:
		return nil
	case c.p.Protocol == 1:
		// TB1 TC1 TD1, TD2, TA3 = IFSC 254, TB3 = BWI 4 CWI 5, TCK.
		atr := []byte{0x3B, 0xE0, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45}
		return append(atr, xor(atr[1:]))
	}
	return []byte{0x3B, 0x60, 0x00, 0x00}
}

// reset forgets what a chip forgets without power.
func (c *Card) reset() {
	c.at, c.amounts, c.told, c.raced, c.arqc, c.arc = idle, nil, nil, nil, [8]byte{}, [2]byte{}
	c.trusted, c.failed, c.pinRight, c.challenge = false, false, false, nil
	c.firstAC, c.chain = [8]byte{}, [8]byte{}
	c.application, c.next = c.applications[0], 0
}

// apdu is a command taken apart.
type apdu struct {
	cla, ins, p1, p2 byte
	data             []byte
}

// Exchange answers one command APDU, short form, with data and status word; nil
// is a card that stays silent.
func (c *Card) Exchange(command []byte) []byte {
	if c.shim != nil {
		return c.shim(command, c.answer)
	}
	return c.answer(command)
}

// answer is the chip's own.
func (c *Card) answer(command []byte) []byte {
	cmd, sw := parseAPDU(command)
	if sw != swOK {
		return status(nil, sw)
	}
	return status(c.dispatch(cmd))
}

// parseAPDU reads the four cases of ISO/IEC 7816-3, 12.1 without extended
// lengths.
func parseAPDU(b []byte) (apdu, int) {
	if len(b) < 4 || len(b) > 5+255+1 {
		return apdu{}, swWrongLength
	}
	cmd := apdu{cla: b[0], ins: b[1], p1: b[2], p2: b[3]}
	if len(b) <= 5 {
		return cmd, swOK
	}
	n := int(b[4])
	if n == 0 || len(b) != 5+n && len(b) != 5+n+1 {
		return apdu{}, swWrongLength
	}
	cmd.data = b[5 : 5+n]
	return cmd, swOK
}

// dispatch finds the command. EMV 4.4 Book 3, 6.5.
func (c *Card) dispatch(cmd apdu) ([]byte, int) {
	switch uint16(cmd.cla)<<8 | uint16(cmd.ins) {
	case 0x00A4:
		return c.selectFile(cmd)
	case 0x00B2:
		return c.readRecord(cmd)
	case 0x80A8:
		return c.getProcessingOptions(cmd)
	case 0x0088:
		return c.internalAuthenticate(cmd)
	case 0x80AE:
		return c.generateAC(cmd)
	case 0x0082:
		return nil, c.externalAuthenticate(cmd)
	case 0x80CA:
		return c.getData(cmd)
	case 0x0084:
		return c.getChallenge()
	case 0x0020:
		return nil, c.verify(cmd)
	case 0x8416, 0x8418, 0x841E, 0x8424, 0x04DA:
		return nil, c.script(cmd)
	case 0x8016, 0x8018, 0x801E, 0x8024, 0x00DA: // the same without secure messaging
		return nil, swNoMAC
	case 0x00C0: // GET RESPONSE, of which nothing waits
		return nil, swConditions
	}
	return nil, cmd.unknown()
}

// unknown is the answer to a command that the card does not have: with a class
// of another world or with one that it knows.
func (cmd apdu) unknown() int {
	if cmd.cla&^0x84 != 0 {
		return swUnknownCLA
	}
	return swUnknownINS
}

// readRecord reads the directory, or a record of the initiated application.
func (c *Card) readRecord(cmd apdu) ([]byte, int) {
	if cmd.p2&0x07 != 0x04 || cmd.p1 == 0 {
		return nil, swWrongParameters
	}
	sfi := cmd.p2 >> 3
	switch {
	case c.at == inPSE && sfi == pseSFI && cmd.p1 == 1:
		return c.directory(), swOK
	case c.at == inPSE && sfi == pseSFI:
		return nil, swRecordNotFound
	case c.at < initiated:
		return nil, swConditions
	}
	known := false
	for _, r := range c.p.Records {
		known = known || r.SFI == sfi
		if r.SFI == sfi && r.Number == cmd.p1 {
			return c.written(r.Data), swOK
		}
	}
	if known {
		return nil, swRecordNotFound
	}
	return nil, swNotFound
}

// getData answers with the counters. EMV 4.4 Book 3, 6.5.7.
func (c *Card) getData(cmd apdu) ([]byte, int) {
	if c.at < selected {
		return nil, swConditions
	}
	tag := tlv.Tag(cmd.p1)<<8 | tlv.Tag(cmd.p2)
	switch tag {
	case tlv.ATC:
		return tlv.Append(nil, tag, number(c.counters.ATC)), swOK
	case tlv.LastOnlineATC:
		return tlv.Append(nil, tag, number(c.counters.LastOnline)), swOK
	case tlv.PINTryCounter:
		return tlv.Append(nil, tag, []byte{byte(c.counters.PINTries)}), swOK
	}
	return nil, swNoReference
}

// number is a counter as the card sends it.
func number(n uint16) []byte { return []byte{byte(n >> 8), byte(n)} }

// status appends the status word.
func status(data []byte, sw int) []byte {
	return append(append([]byte{}, data...), byte(sw>>8), byte(sw))
}

// xor is the checksum of more than one protocol here.
func xor(b []byte) (sum byte) {
	for _, x := range b {
		sum ^= x
	}
	return sum
}
