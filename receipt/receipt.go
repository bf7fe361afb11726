// Package receipt makes the slip: a pure function from what is to be told to
// the lines that a printer prints.
//
//	doc := receipt.Render(receipt.Input{Outcome: receipt.Approved, ...})
//	err := printer.Print(ctx, doc)
//	fmt.Print(receipt.Text(doc, printer.Columns()))
//
// A slip never shows more of an account number than its first six and last
// four digits, and on the customer's copy the last four only, whatever it was
// given (PCI DSS 3.4.1); it never shows an expiry date.
package receipt

import (
	"strconv"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
)

// fieldMax bounds one field in characters; labels come from cards and
// references from hosts.
const fieldMax = 80

// Outcome is how the transaction ended. The zero value is the one that does
// least harm when it is wrong.
type Outcome uint8

// The outcomes.
const (
	Declined  Outcome = iota
	Approved          // money moves
	Reversing         // in doubt, and being undone
	Reversed          // undone
	Cancelled         // by people, before anything was asked of the issuer
)

// Copy tells for whom the slip is.
type Copy uint8

// The copies.
const (
	MerchantCopy Copy = iota
	CustomerCopy
)

// CVM is how the cardholder was verified.
type CVM uint8

// The ways of verification that a slip speaks of.
const (
	NoCVM CVM = iota
	OnlinePIN
	Signature  // the merchant's copy has a line for it
	OfflinePIN // by the card
	Device     // the customer's own: a phone or a watch
)

// Entry is how the card was read.
type Entry uint8

// The ways of reading that a slip speaks of. A chip that was inserted shows by
// its cryptogram.
const (
	Chip     Entry = iota
	Swiped         // a card without a chip
	Fallback       // a card whose chip could not be read
	Tapped         // a card or device that was held to the antenna
)

// Language is the language of the slip.
type Language string

// The languages. Any other is English.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Input is what a slip tells. Empty fields have no line.
type Input struct {
	Language Language
	Copy     Copy
	Reprint  bool // not the first print of this slip
	Test     bool // not production: the slip is worth nothing

	MerchantName    string
	MerchantAddress string
	MerchantID      string
	TerminalID      string // as the acquirer knows it

	At     time.Time // printed in its own zone
	Amount money.Amount

	Outcome  Outcome
	Code     string // the host's response code: "51"
	AuthCode string
	HostRef  string
	CVM      CVM

	Masked string // secret.PAN.Masked
	Entry  Entry
	Label  string // of the card's application
	AID    string // hex, as are the four below
	AC     string
	ATC    string
	TVR    string
	TSI    string

	Receipt uint32
	STAN    uint32
	Batch   uint32
}

// Render lays out the slip of a sale.
func Render(in Input) drivers.Document {
	s := slip{words: wordsOf(in.Language)}
	if in.Test {
		s.centre(s.words.test, true)
	}
	s.add(drivers.Print{Text: clean(in.MerchantName), Align: drivers.Centre, Bold: true, Double: true})
	s.centre(clean(in.MerchantAddress), false)
	s.centre(s.words.copies[min(in.Copy, CustomerCopy)], false)
	if in.Reprint {
		s.centre(s.words.reprint, true)
	}
	s.rule()
	s.field(s.words.merchant, in.MerchantID)
	s.field(s.words.terminal, in.TerminalID)
	s.field(s.words.date, in.At.Format("2006-01-02 15:04:05 -07:00"))
	s.field(s.words.receipt, six(in.Receipt))
	s.field(s.words.stan, six(in.STAN))
	s.field(s.words.batch, six(in.Batch))
	s.rule()
	s.card(in)
	s.rule()
	s.add(drivers.Print{Text: s.words.sale + "\t" + in.Amount.String(), Bold: true, Double: true})
	s.outcome(in)
	if in.Test {
		s.centre(s.words.test, true)
	}
	return s.doc
}

// slip collects the lines.
type slip struct {
	words words
	doc   drivers.Document
}

func (s *slip) add(p drivers.Print) {
	if p.Text != "" || p.Rule {
		s.doc = append(s.doc, p)
	}
}

func (s *slip) rule() { s.add(drivers.Print{Rule: true}) }

func (s *slip) centre(text string, bold bool) {
	s.add(drivers.Print{Text: text, Align: drivers.Centre, Bold: bold})
}

// field is a name at the left edge and its value at the right one.
func (s *slip) field(name, value string) {
	if value = clean(value); value != "" {
		s.add(drivers.Print{Text: name + "\t" + value})
	}
}

func (s *slip) card(in Input) {
	s.field(s.words.card, mask(in.Masked, in.Copy))
	if in.Entry < Entry(len(s.words.entries)) {
		s.field(s.words.entry, s.words.entries[in.Entry])
	}
	s.field(s.words.label, in.Label)
	s.field("AID", in.AID)
	s.field("AC", in.AC)
	s.field("ATC", in.ATC)
	s.field("TVR", in.TVR)
	s.field("TSI", in.TSI)
}

// outcome tells the end. Only an approval speaks of verification and has a
// line to sign.
func (s *slip) outcome(in Input) {
	word := s.words.outcomes[Declined]
	if int(in.Outcome) < len(s.words.outcomes) {
		word = s.words.outcomes[in.Outcome]
	}
	s.add(drivers.Print{Text: word, Align: drivers.Centre, Bold: true, Double: true})
	switch in.Outcome {
	case Approved:
		s.field(s.words.authCode, in.AuthCode)
		s.field(s.words.hostRef, in.HostRef)
		s.verified(in)
	case Reversing:
		s.field(s.words.hostRef, in.HostRef)
		s.centre(s.words.reversing, false)
	case Reversed:
		s.field(s.words.hostRef, in.HostRef)
		s.centre(s.words.reversed, false)
	case Cancelled:
		s.centre(s.words.nothingCharged, false)
	case Declined:
		s.field(s.words.code, in.Code)
		s.centre(s.words.reasons[in.Code], false)
		s.field(s.words.hostRef, in.HostRef)
	}
}

func (s *slip) verified(in Input) {
	switch in.CVM {
	case OnlinePIN:
		s.centre(s.words.onlinePIN, false)
	case OfflinePIN:
		s.centre(s.words.offlinePIN, false)
	case Device:
		s.centre(s.words.device, false)
	case Signature:
		if in.Copy != MerchantCopy {
			s.centre(s.words.signed, false)
			return
		}
		s.add(drivers.Print{Text: s.words.signature})
		s.doc = append(s.doc, drivers.Print{}, drivers.Print{}, drivers.Print{Rule: true})
	case NoCVM:
		s.centre(s.words.noCVM, false)
	}
}

// mask lets through the first six and last four characters of an account
// number at most, and on the customer's copy the last four only.
func mask(masked string, c Copy) string {
	const first, last = 6, 4
	b := []byte(masked)
	for i := range b {
		shown := i >= len(b)-last && len(b) > last || i < first && len(b) >= first+last+3 && c == MerchantCopy
		if !shown {
			b[i] = '*'
		}
	}
	return string(b)
}

// six writes one of the terminal's counters; zero is none.
func six(n uint32) string {
	if n == 0 {
		return ""
	}
	s := strconv.FormatUint(uint64(n), 10)
	return strings.Repeat("0", max(0, 6-len(s))) + s
}

// clean takes out what would move the print head, and cuts what is too long.
func clean(text string) string {
	runes := []rune(strings.TrimSpace(text))
	if len(runes) > fieldMax {
		runes = append(runes[:fieldMax-1], '~')
	}
	for i, r := range runes {
		if !strconv.IsPrint(r) {
			runes[i] = '?'
		}
	}
	return string(runes)
}
