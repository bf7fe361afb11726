package kernel2

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv"
)

// Bounds of a configuration.
const (
	applicationsMax = 64
	messagesMax     = 16
	aidMin, aidMax  = 5, 16
	amountMaxMinor  = 999_999_999_999 // n12
	mismatchMax     = 100             // percent
	cvmCapsKnown    = capOnlinePIN | capSignature | capNoCVM
	holdMax         = 25500 * time.Millisecond      // one byte of 100 ms
	messageHoldMax  = 99_999_900 * time.Millisecond // n6 of 100 ms
)

// Config is what the kernel is told of its terminal. EMV Contactless Book C-2,
// Annex A.
type Config struct {
	// Terminal is what the terminal is. Its applications and CDA mode are the
	// contact kernel's.
	Terminal     emv.Config
	Applications []Application
	// Torn remembers cryptograms that were cut off, or is nil: then there is no
	// recovery. It is the caller's, and lives longer than a transaction.
	Torn *TornLog
}

// Application is what the terminal accepts of one application. NewApplication
// fills in what Book C-2, Annex A gives as default: no limit allows anything.
type Application struct {
	AID     []byte  // or the beginning of one; the longest that fits is taken
	Version [2]byte // 9F09
	// TACDenial, TACOnline and TACDefault are DF8121, DF8122 and DF8120.
	TACDenial, TACOnline, TACDefault [5]byte

	// Limits: what is over them goes online, elsewhere, or needs a CVM.
	FloorMinor       int64 // DF8123
	LimitMinor       int64 // DF8124
	LimitDeviceMinor int64 // DF8125: if the phone can verify its owner
	CVMMinor         int64 // DF8126

	// CVMRequired and CVMNotRequired are byte 2 of 9F33 over the CVM limit and
	// up to it: DF8118 and DF8119.
	CVMRequired, CVMNotRequired byte

	// What the reader can do: DF811B.
	DeviceCVM bool       // the phone verifies its owner
	Relay     *Relay     // relay resistance, or nil; the reader must time its responses
	MagStripe *MagStripe // for cards without EMV mode, or nil

	BalanceBefore, BalanceAfter bool          // read it before or after GENERATE AC
	Category                    byte          // 9F53, or 0
	FieldOff                    time.Duration // DF8130
	MessageHold                 time.Duration // DF812D
	PhoneMessages               []PhoneMessage
}

// Relay bounds the time that a card may take for EXCHANGE RELAY RESISTANCE
// DATA. Times are in units of 100 microseconds. EMV Contactless Book C-2, state R1.
type Relay struct {
	GraceMin         uint16 // DF8132
	GraceMax         uint16 // DF8133
	CommandExpected  uint16 // DF8134
	ResponseExpected uint16 // DF8135
	Accuracy         uint16 // DF8136
	Mismatch         uint8  // DF8137, percent
}

// NewRelay has the defaults of Book C-2, Annex A.
func NewRelay() *Relay {
	return &Relay{
		GraceMin: 0x0014, GraceMax: 0x0032, CommandExpected: 0x0012, ResponseExpected: 0x0018,
		Accuracy: 0x012C, Mismatch: 0x32,
	}
}

// A PhoneMessage is shown if DF4B has Value where Mask has ones: one row of
// DF8131. EMV Contactless Book C-2, Annex A.
type PhoneMessage struct {
	Mask, Value [3]byte
	Message     emv.UIMessage
	Status      emv.UIStatus
}

// NewApplication has the defaults of Book C-2, Annex A.
func NewApplication(aid []byte) Application {
	tac := [5]byte{0x84, 0x00, 0x00, 0x00, 0x0C}
	row := func(b2, b3 byte) PhoneMessage {
		bits := [3]byte{0, b2, b3}
		return PhoneMessage{Mask: bits, Value: bits, Message: emv.MessageSeePhone}
	}
	return Application{
		AID: aid, Version: [2]byte{0x00, 0x02}, TACDenial: tac, TACOnline: tac, TACDefault: tac,
		FieldOff: 1300 * time.Millisecond, MessageHold: 1300 * time.Millisecond,
		PhoneMessages: []PhoneMessage{
			row(0x00, 0x01), row(0x08, 0x00), row(0x04, 0x00), row(0x01, 0x00), row(0x02, 0x00),
			{Message: emv.MessageNotAuthorised},
		},
	}
}

// check refuses a configuration that the kernel would stumble over.
func (c *Config) check() error {
	if err := c.Terminal.Check(); err != nil {
		return err
	}
	if len(c.Applications) == 0 || len(c.Applications) > applicationsMax {
		return fmt.Errorf("%d applications, want 1 to %d", len(c.Applications), applicationsMax)
	}
	seen := map[string]bool{}
	for i := range c.Applications {
		a := &c.Applications[i]
		if seen[string(a.AID)] {
			return fmt.Errorf("application %X twice", a.AID)
		}
		seen[string(a.AID)] = true
		if err := a.check(); err != nil {
			return fmt.Errorf("application %X: %w", a.AID, err)
		}
	}
	return nil
}

func (a *Application) check() error {
	if len(a.AID) < aidMin || len(a.AID) > aidMax {
		return fmt.Errorf("AID of %d bytes, want %d to %d", len(a.AID), aidMin, aidMax)
	}
	for _, limit := range []int64{a.FloorMinor, a.LimitMinor, a.LimitDeviceMinor, a.CVMMinor} {
		if limit < 0 || limit > amountMaxMinor {
			return fmt.Errorf("limit %d", limit)
		}
	}
	switch {
	case (a.CVMRequired|a.CVMNotRequired)&^cvmCapsKnown != 0:
		return fmt.Errorf("CVM capabilities %02X and %02X claim what this kernel cannot do", a.CVMRequired, a.CVMNotRequired)
	case a.Relay != nil && a.Relay.Mismatch > mismatchMax:
		return fmt.Errorf("relay resistance mismatch of %d percent", a.Relay.Mismatch)
	case a.FieldOff < 0 || a.FieldOff > holdMax || a.MessageHold < 0 || a.MessageHold > messageHoldMax:
		return errors.New("hold time out of range")
	case len(a.PhoneMessages) > messagesMax:
		return fmt.Errorf("%d phone messages, at most %d", len(a.PhoneMessages), messagesMax)
	}
	return a.MagStripe.check()
}

// application finds the one that fits a card's name best.
func (c *Config) application(name []byte) *Application {
	var best *Application
	for i := range c.Applications {
		a := &c.Applications[i]
		if bytes.HasPrefix(name, a.AID) && (best == nil || len(a.AID) > len(best.AID)) {
			best = a
		}
	}
	return best
}
