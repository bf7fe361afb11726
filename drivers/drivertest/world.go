package drivertest

import "github.com/cloudpos/cloudpos/drivers"

// Cable is a device's connection, which people trip over.
type Cable interface {
	Unplug() // the line hangs up, and dialling finds no device
	Replug() // dialling works again; the device has lost its state
}

// ReaderWorld is what happens to a card reader. Cards are named:
//
//	CardGood  answers SELECT of the PSE with 6F … 9000, or 6A82
//	CardMute  does not answer to reset
type ReaderWorld interface {
	Cable
	Insert(card string)
	Pull()
}

// AntennaWorld is what happens in the field of an antenna. To insert a card is
// to hold it there, to pull takes all away.
type AntennaWorld interface {
	ReaderWorld
	Beside(card string) // holds another card there too
}

// The cards that the reader suites insert.
const (
	CardGood = "good"
	CardMute = "mute"
)

// StripeWorld is what happens to a reader of magnetic stripes. A card that is
// swiped while the cable is out is swiped in vain.
//
//	SwipeGood  swiped as it should be
//	SwipeBad   swiped so that track 2 is not whole
type StripeWorld interface {
	Cable
	Swipe(card string)
	Noise() // on the line, as when a lamp is switched
}

// The cards that the stripe suite swipes.
const (
	SwipeGood = "good"
	SwipeBad  = "bad"
)

// Keys is the customer before the keys of a device. They count while it asks
// for a PIN.
type Keys interface {
	TypePIN(digits string) // and enter
	PressEnter()           // without a PIN
	PressCancel()
	// WaitAsked waits until the device asks for a PIN; one that asked before and
	// does no more does not count. It fails the test after some seconds.
	WaitAsked()
}

// PINReaderWorld is what happens to a card reader with keys. The PIN of CardGood
// is RightPIN.
type PINReaderWorld interface {
	ReaderWorld
	Keys
	// Begin brings the card to where it can be asked about its PIN.
	Begin(card drivers.Card)
	// Cipher is the card's key for PINs, and a new number of the card's.
	Cipher(card drivers.Card) *drivers.PINCipher
}

// RightPIN is the PIN of CardGood.
const RightPIN = "1234"

// PadWorld is the customer before a PIN pad.
type PadWorld interface {
	Cable
	Keys
	// LoseKey makes the pad forget its working key.
	LoseKey()
}

// PrinterWorld is the paper and the lid of a printer.
type PrinterWorld interface {
	Cable
	PaperOut()
	PaperIn()
	OpenCover()
	CloseCover()
	// PaperOutAfter lets the paper end when that many more lines have been
	// printed.
	PaperOutAfter(lines int)
	// Printed is the text on the paper since the start: lines as printed,
	// trailing spaces cut, a cut as CutMark on a line of its own. Characters
	// other than ASCII may be boxes.
	Printed() []string
}

// CutMark is how PrinterWorld.Printed shows a cut.
const CutMark = "--8<--"

// DisplayWorld is what a customer sees of a display. One that is plugged in again
// is dark.
type DisplayWorld interface {
	Cable
	// Shown are the two lines, trailing spaces cut.
	Shown() [2]string
}

// ScannerWorld is what happens before a scanner. What is scanned while the cable
// is out is scanned in vain.
type ScannerWorld interface {
	Cable
	Scan(text string)
	ScanHalf(text string) // of which the end gets lost
	Noise()               // on the line, as when a lamp is switched
}

// PanelWorld is the other end of a panel's pins.
type PanelWorld interface {
	// Tamper opens or closes the tamper switch.
	Tamper(open bool)
	// DrawerPulses is how often the drawer pin went up and came down again.
	DrawerPulses() int
	// DrawerHigh tells whether the drawer pin is up now.
	DrawerHigh() bool
	// Lights tells which lights are on now.
	Lights() []bool
}
