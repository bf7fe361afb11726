package payment

import (
	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
)

// Screen is what the cashier looks at.
type Screen string

// The screens of a transaction, in the order in which a sale meets them.
const (
	ScreenIdle        Screen = "idle"
	ScreenPresentCard Screen = "present-card"
	ScreenCard        Screen = "card" // the card is being read: leave it in
	ScreenChoose      Screen = "choose"
	ScreenPIN         Screen = "pin"
	ScreenAuthorising Screen = "authorising"
	ScreenTapAgain    Screen = "tap-again" // the issuer has answered, and its answer goes to the card: cancelling skips that
	ScreenApproved    Screen = "approved"
	ScreenDeclined    Screen = "declined"
	ScreenCancelled   Screen = "cancelled"
	ScreenInDoubt     Screen = "in-doubt" // no answer: it is being reversed
	ScreenFault       Screen = "fault"    // the terminal could not store it
)

// Notice is what is said beside the screen.
type Notice string

// The notices.
const (
	NoticeNone         Notice = ""
	NoticeTooLate      Notice = "too-late"      // it cannot be cancelled any more
	NoticeWrongPIN     Notice = "wrong-pin"     // try again
	NoticeTryAgain     Notice = "try-again"     // the chosen application cannot be used: another one
	NoticeCardUnread   Notice = "card-unread"   // pull it, turn it, insert it again
	NoticeRemoveCard   Notice = "remove-card"   // done with it
	NoticeCardRemoved  Notice = "card-removed"  // too early
	NoticeHostSilent   Notice = "host-silent"   // reversed for want of an answer
	NoticeStoreFailed  Notice = "store-failed"  // disk full or read-only
	NoticeReaderFailed Notice = "reader-failed" // no card reader
	NoticeInsertChip   Notice = "insert-chip"   // it was swiped, and has a chip
	NoticeSwipe        Notice = "swipe"         // its chip cannot be read
	NoticeStripeUnread Notice = "stripe-unread" // swipe it again
	NoticeInsertCard   Notice = "insert-card"   // this cannot be tapped: the slot
	NoticeTapAgain     Notice = "tap-again"     // it was taken away too early
	NoticeOneCard      Notice = "one-card"      // there are several in the field
	NoticeSeePhone     Notice = "see-phone"     // it has something to say; then tap it again
)

// View is a picture of the transaction. It is a value: whoever holds one may
// keep it.
type View struct {
	Screen      Screen
	Notice      Notice
	Kind        Kind
	Amount      money.Amount
	Cancellable bool
	Media       drivers.Media  // with ScreenPresentCard: how a card may be presented
	Lights      drivers.Signal // what the four lights of an antenna show; EMV Contactless Book A, 9
	Apps        []string       // with ScreenChoose
	OnReader    bool           // with ScreenPIN: it is entered at the reader, for the card
	PINTries    int            // with OnReader: how often it may still be wrong; 0 is not known
	Masked      string         // once the card is known
	Label       string
	Swiped      bool   // the card: it is in the customer's hand, not in a reader
	Tapped      bool   // the card: held to the antenna, and to be taken away once it is read
	Reason      string // with the final screens
	Code        string
	Signs       bool         // with ScreenApproved: the customer signs, and the merchant compares
	Balance     money.Amount // with ScreenApproved: what the card says that it still holds; no currency: nothing
}

// Final tells whether the transaction is decided.
func (v View) Final() bool {
	switch v.Screen {
	case ScreenApproved, ScreenDeclined, ScreenCancelled, ScreenInDoubt, ScreenFault:
		return true
	case ScreenIdle, ScreenPresentCard, ScreenCard, ScreenChoose, ScreenPIN, ScreenAuthorising, ScreenTapAgain:
		return false
	}
	return false
}

// Undecided tells whether a transaction runs that can still end in any way.
func (v View) Undecided() bool { return v.Screen != ScreenIdle && v.Screen != "" && !v.Final() }

// Reasons of the flow's own. A card machine's reasons stand beside them.
const (
	ReasonCancelled          = "cancelled"             // by the cashier
	ReasonCardTimeout        = "card timeout"          // nobody presented a card
	ReasonCardUnreadable     = "card unreadable"       // it never answered to a reset
	ReasonChipNotUsed        = "chip not used"         // it was swiped again and again
	ReasonChoiceRefused      = "choice refused"        // none of the applications was wanted
	ReasonChoiceTimeout      = "choice timeout"        // nobody chose
	ReasonHostSilent         = "host silent"           // no answer until the deadline
	ReasonHostUnintelligible = "host unintelligible"   // an answer without a verdict
	ReasonNotVerified        = "customer not verified" // no PIN, and no other way
	ReasonPINCancelled       = "PIN cancelled"         // by the customer
	ReasonPINTimeout         = "PIN timeout"           // the customer did nothing
	ReasonReaderFailed       = "reader failed"         // no card reader
	ReasonRestart            = "restart"               // the terminal went down in between
	ReasonStoreFailed        = "store failed"          // the journal could not be written
)
