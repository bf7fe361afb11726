// Package drivers says what each class of payment hardware can do, and nothing
// about how a particular device does it: that is the sub-packages' business.
//
// A class is an interface here and a conformance suite in drivers/drivertest.
// Each driver (ccid, visapad, escpos, panel ...) takes a Dial, which opens its
// line anew after a replug, and follows the same rules:
//
//   - A device has one owner; its methods may be called from any goroutine, and
//     one call at a time is served. A call that must wait for another honours
//     its context.
//   - A call ends when its context ends, with ErrTimeout or ErrCancelled, and
//     leaves the device ready for the next call.
//   - A call that finds the line broken dials again, once. It repeats a request
//     only where repeating cannot act twice.
//   - Errors wrap one of the sentinels below and name the device.
package drivers

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/cloudpos/cloudpos/secret"
)

// What a caller can decide on. Drivers wrap these with what and where.
var (
	ErrNoDevice  = errors.New("no such device")              // none:, missing, unplugged
	ErrTimeout   = errors.New("no answer in time")           // the device, or the person before it
	ErrCancelled = errors.New("cancelled")                   // by the caller's context or on the device
	ErrBusy      = errors.New("in use by another process")   // a second process holds the port
	ErrProtocol  = errors.New("unintelligible answer")       // still garbage after bounded repetition
	ErrCardGone  = errors.New("card removed")                // while a command ran or before it
	ErrCardMute  = errors.New("card does not answer")        // no ATR or a wrong one
	ErrUnread    = errors.New("stripe cannot be read")       // swiped, but partly or wrongly read
	ErrCollision = errors.New("more than one card")          // in the antenna's field
	ErrPaperOut  = errors.New("out of paper")                // the slip waits
	ErrCoverOpen = errors.New("printer cover is open")       // the slip waits
	ErrHardware  = errors.New("device reports a fault")      // cutter, head, key memory
	ErrNoKey     = errors.New("device holds no such key")    // PIN pad without its working key
	ErrRefused   = errors.New("device refuses this request") // unsupported or wrong parameter

	// ErrMaybePrinted comes with another of these, for a document that may be
	// on paper as a whole although the printer has not said so.
	ErrMaybePrinted = errors.New("it may be printed")
)

// A Line is an open connection to a device: serial line, socket or
// pseudo-terminal. A net.Conn is one. Reads and writes past their deadline
// fail with os.ErrDeadlineExceeded; both may be called at the same time.
// Close unblocks them and is safe to call twice.
type Line interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Dial opens a device's line. Each call gives a new one; the old is closed
// first. It fails with ErrNoDevice or ErrBusy.
type Dial func(context.Context) (Line, error)

// Media are the ways in which a card can be read, as a set.
type Media uint8

// The media that readers offer.
const (
	Contact Media = 1 << iota
	Contactless
	Stripe
)

// Reader waits for cards.
type Reader interface {
	// Media tells what this reader reads; it does not change.
	Media() Media
	// Await returns once a card is in place and has answered to its reset. A
	// card that was there before counts. A mute or upside-down card is
	// ErrCardMute; if Await is called again, its owner gets some seconds to
	// pull it before it is tried again. A reader of stripes returns a *Swipe
	// for each card that is swiped while Await waits, not before, and fails
	// with ErrUnread when it was not read well. When ctx ends Await returns
	// ErrCancelled or ErrTimeout and no card stays powered.
	Await(ctx context.Context) (Card, error)
	io.Closer
}

// Antenna is a Reader of cards that are tapped; its Media are Contactless alone.
// Await switches the field on and fails with ErrCollision when several cards
// are in it, with ErrCardMute when one does not come up. A card's ATR is made up
// as PC/SC part 3 has it, its Release switches the field off, and what is taken
// out of the field is ErrCardGone.
type Antenna interface {
	Reader
	// Clear returns once no card is in the field. When ctx ends it returns
	// ErrCancelled or ErrTimeout.
	Clear(ctx context.Context) error
}

// Card is a powered card, or a *Swipe. It is good until Release, or until it is
// taken away.
type Card interface {
	// ATR is the answer to reset; the caller must not change it.
	ATR() []byte
	// Exchange sends one command APDU and returns the whole response: GET
	// RESPONSE and a corrected Le are the driver's work. The command is never
	// sent twice. It fails with ErrCardGone, ErrTimeout or ErrProtocol, after
	// which the card is of no further use.
	Exchange(ctx context.Context, command []byte) (Response, error)
	// Gone returns nil once the card was pulled, ctx's end as ErrCancelled.
	Gone(ctx context.Context) error
	// Release takes the power from the card. The second call does nothing.
	Release(ctx context.Context) error
}

// Response is what a card answered.
type Response struct {
	Data    []byte        // with SW1 SW2 at its end, so never shorter than 2
	Elapsed time.Duration // by a monotonic clock, from the command's last byte out to the answer's first byte in
}

// PINReader is a reader with keys of its own, at which a customer enters a PIN
// for the card: the reader builds the command and gives it to the card, so that
// a clear PIN never enters this process. Its cards are PINCards.
type PINReader interface {
	Reader
	// VerifiesPIN tells for which PINs: as they are, or enciphered for the card.
	// It does not change.
	VerifiesPIN() (plain, enciphered bool)
}

// PINCard is the card of a PINReader.
type PINCard interface {
	Card
	// VerifyPIN asks the customer for a PIN and lets the card look at it. The
	// card is asked once at most. It fails with ErrCancelled when the customer
	// or ctx cancelled, ErrTimeout when the customer did nothing, ErrRefused or
	// ErrHardware when the reader cannot take the PIN: the card is then as good
	// as before. After any other error it is of no further use; ErrCardGone is
	// also a card that does not answer. A PIN that was complete before ctx ended
	// may still be verified.
	VerifyPIN(ctx context.Context, v PINVerification) (PINVerified, error)
}

// PINVerification asks for a PIN for the card.
type PINVerification struct {
	Command [4]byte       // the header of VERIFY
	Cipher  *PINCipher    // nil: the block goes to the card as it is
	Min     int           // digits, 4 to 12
	Max     int           // digits, 4 to 12
	Timeout time.Duration // for the customer, not for the wire
}

// PINCipher is what a PIN for the card is enciphered with, by RSA as in EMV 4.4
// Book 2, 7.2.
type PINCipher struct {
	Modulus, Exponent []byte
	Challenge         []byte // 8 bytes that the card has given for this
}

// PINVerified is what came of it.
type PINVerified struct {
	Bypassed bool     // the customer pressed enter without a PIN; the rest is empty
	Response Response // the card's; its Elapsed has the customer's time in it
}

// PINRequest asks a PIN of the customer.
type PINRequest struct {
	PAN     secret.PAN    // goes into the PIN block
	Amount  string        // shown to the customer: "CNY 12.50"
	Min     int           // digits, 4 to 12
	Max     int           // digits, 4 to 12
	Timeout time.Duration // for the customer, not for the wire
}

// PINEntry is an enciphered PIN. A clear PIN never leaves the pad.
type PINEntry struct {
	Bypassed bool         // the customer pressed enter without a PIN; the rest is empty
	Block    secret.Bytes // 8 bytes, enciphered under the scheme's working key
	Format   uint8        // ISO 9564-1 format: 0 or 3
	Scheme   string       // SchemeTDESDUKPT
	KSN      []byte       // 10 bytes, left-filled with FF
}

// SchemeTDESDUKPT is X9.24-1 DUKPT with two-key TDES.
const SchemeTDESDUKPT = "dukpt-tdes"

// PINPad asks for PINs.
type PINPad interface {
	// Ready tells whether the pad answers, without disturbing its display.
	Ready(ctx context.Context) error
	// EnterPIN fails with ErrCancelled when the customer or ctx cancelled,
	// ErrTimeout when the customer did nothing, ErrNoKey, ErrNoDevice. A PIN
	// that was complete before ctx ended may still be returned.
	EnterPIN(ctx context.Context, r PINRequest) (PINEntry, error)
	io.Closer
}

// PINKey is a key for PINs that a pad holds, as far as the pad tells.
type PINKey struct {
	Scheme string // SchemeTDESDUKPT
	KSN    []byte // the one that the next PIN will have; 10 bytes, left-filled with FF
}

// PINKeyHolder is a PINPad that says which keys it holds, so that a technician
// sees which is missing. Not every pad can.
type PINKeyHolder interface {
	PINPad
	// PINKeys uses up no key, and gives none for a pad to which none was loaded.
	PINKeys(ctx context.Context) ([]PINKey, error)
}

// Align is where a line of print stands.
type Align uint8

// The alignments.
const (
	Left Align = iota
	Centre
	Right
)

// Print is one line of a document. The zero value is an empty line.
type Print struct {
	Text   string // one line; a tab pushes what follows to the right edge
	Align  Align
	Bold   bool
	Double bool   // twice as wide and high
	Rule   bool   // a line across the paper, instead of text
	QR     string // a QR code of this content, instead of text
}

// Document is what a printer prints, from the top; it ends with a cut.
type Document []Print

// PrinterStatus is what the printer says of itself.
type PrinterStatus struct {
	PaperLow  bool
	PaperOut  bool
	CoverOpen bool
	Fault     bool // cutter or head; needs a person
}

// Printer prints slips.
type Printer interface {
	// Columns is the number of characters in a line of plain text.
	Columns() int
	Status(ctx context.Context) (PrinterStatus, error)
	// Print returns nil once the printer has said that all of it is on paper.
	// After an error the next Print marks the broken piece void. With
	// ErrMaybePrinted it may be no broken piece: what is printed instead should
	// say that it is a copy.
	Print(ctx context.Context, d Document) error
	io.Closer
}

// Scanner reads bar codes and two-dimensional codes.
type Scanner interface {
	// Await returns the next code that is scanned while it waits, not before,
	// and whole: what breaks off or is no text is ErrProtocol, and the code is
	// scanned again. A payment code that was returned and is scanned again
	// within a second or two is still held there, and is passed over, also by
	// the next Await. No error quotes a code.
	Await(ctx context.Context) (Code, error)
	io.Closer
}

// Display is what the customer reads at the counter: two lines of characters.
type Display interface {
	// Columns is the number of characters in a line.
	Columns() int
	// Show replaces both lines, without a moment in which they are dark. A tab
	// pushes what follows to the right edge, where it stands whole or is
	// ErrRefused: half an amount is another amount. Of the rest of a line what
	// does not fit is cut. A character that the display does not have is a
	// question mark. A display says nothing, so nil means that all of it is on
	// its way and no more.
	Show(ctx context.Context, upper, lower string) error
	// Clear empties both lines.
	Clear(ctx context.Context) error
	io.Closer
}

// Signal is what lights and buzzer tell, in the words of EMV Contactless Book A.
type Signal uint8

// The signals of a panel.
const (
	SignalOff     Signal = iota // all dark
	SignalIdle                  // first light blinks
	SignalReady                 // present card: first light on
	SignalSuccess               // lights one after the other, then the long tone
	SignalAlert                 // two short low tones
)

// Panel is the wiring around the screen: lights, buzzer, drawer, tamper switch.
type Panel interface {
	Show(ctx context.Context, s Signal) error
	// OpenDrawer gives one bounded pulse.
	OpenDrawer(ctx context.Context) error
	// Tampered reads the switch now.
	Tampered(ctx context.Context) (bool, error)
	io.Closer
}

// Pin is one line of GPIO.
type Pin interface {
	Out(high bool) error
	Read() (high bool, err error)
	io.Closer
}
