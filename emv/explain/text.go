package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// text writes a value by its format, or nothing if hex says all.
func text(t tlv.Tag, f tlv.Format, value []byte) string {
	if len(value) == 0 {
		return ""
	}
	if write := texts[t]; write != nil {
		return write(value)
	}
	switch f {
	case tlv.Alphabetic, tlv.Alphanumeric, tlv.AlphanumericSpecial:
		return characters(value)
	case tlv.Numeric:
		if d := digits(value); len(d) < 2*len(value) || d == notNumber {
			return d
		}
	case tlv.Binary, tlv.CompressedNumeric:
	}
	return ""
}

// texts are the objects whose text is more than their format.
var texts = map[tlv.Tag]func([]byte) string{
	tlv.ExpirationDate: date, tlv.EffectiveDate: date, tlv.TransactionDate: date,
	tlv.TransactionTime: clock,

	tlv.AmountAuthorised: amount, tlv.AmountOther: amount, 0x9F50: amount, 0x9F7B: amount,
	0x9F5D: spendable, 0xDF8104: amount, 0xDF8105: amount, 0xDF8123: amount, 0xDF8124: amount, 0xDF8125: amount, 0xDF8126: amount,
	tlv.AmountAuthorisedBinary: binaryAmount, tlv.AmountOtherBinary: binaryAmount,
	tlv.AmountReferenceCurrency: binaryAmount, tlv.FloorLimit: binaryAmount,

	tlv.ATC: count, tlv.LastOnlineATC: count, tlv.PINTryCounter: count,
	tlv.LowerOfflineLimit: count, tlv.UpperOfflineLimit: count,
	tlv.IssuerKeyExponent: count, tlv.ICCKeyExponent: count, tlv.PINKeyExponent: count,
	0xDF811C: count, 0xDF811D: count, 0xDF8127: count, 0xDF8307: count,

	tlv.ADFName: name, tlv.DFName: name, tlv.AID: name, tlv.DDFName: name,
	tlv.CodeTableIndex:      codeTable,
	tlv.TransactionType:     word(transactionTypes),
	tlv.EntryMode:           word(entryModes),
	tlv.AccountType:         word(accountTypes),
	tlv.ARC:                 responseCode,
	tlv.PANLast4:            fourDigits,
	tlv.SFI:                 func(v []byte) string { return "SFI " + count(v) },
	tlv.LogEntry:            logEntry,
	tlv.ApplicationPriority: priority,
	tlv.KernelIdentifier:    kernel,
	tlv.TerminalType:        word(terminalTypes),
}

// characters quotes text; what is no ASCII stays hex, for the code table that
// it is written in stands elsewhere.
func characters(value []byte) string {
	for _, b := range value {
		if b < 0x20 || b > 0x7E {
			return ""
		}
	}
	return strconv.Quote(string(value))
}

// name shows the names that are words, such as 1PAY.SYS.DDF01.
func name(value []byte) string { return characters(value) }

const notNumber = "not a number"

// digits writes format n without the zeros on the left.
func digits(value []byte) string {
	v, err := tlv.ParseNumeric(value)
	if err != nil {
		return notNumber
	}
	return strconv.FormatUint(v, 10)
}

func amount(value []byte) string {
	if v := digits(value); v != notNumber {
		return v + " minor units"
	}
	return notNumber
}

// count writes a binary number of up to eight bytes.
func count(value []byte) string {
	if len(value) > 8 {
		return ""
	}
	var v uint64
	for _, b := range value {
		v = v<<8 | uint64(b)
	}
	return strconv.FormatUint(v, 10)
}

func binaryAmount(value []byte) string { return count(value) + " minor units" }

// fourDigits are all there is to see.
func fourDigits([]byte) string { return "" }

// spendable is an amount to most kernels; kernel 2 has three bytes of bits.
func spendable(value []byte) string {
	const size = 6
	if len(value) != size {
		return ""
	}
	return amount(value)
}

// date writes YYMMDD. Years from 50 on are of the last century: EMV 4.4
// Book 4, 6.7.3.
func date(value []byte) string {
	century := "20"
	if len(value) > 0 && value[0] >= 0x50 {
		century = "19"
	}
	day, err := time.Parse("20060102", fmt.Sprintf("%s%X", century, value))
	if err != nil {
		return "not a date"
	}
	return day.Format(time.DateOnly)
}

func clock(value []byte) string {
	at, err := time.Parse("150405", fmt.Sprintf("%X", value))
	if err != nil {
		return "not a time"
	}
	return at.Format(time.TimeOnly)
}

func codeTable(value []byte) string { return "ISO/IEC 8859-" + digits(value) }

// word looks up a value of one byte.
func word(words map[byte]string) func([]byte) string {
	return func(value []byte) string {
		if len(value) != 1 {
			return ""
		}
		return words[value[0]]
	}
}

var transactionTypes = map[byte]string{
	0x00: "purchase", 0x01: "cash", 0x09: "purchase with cashback", 0x17: "cash disbursement",
	0x20: "refund", 0x30: "available funds", 0x31: "balance",
}

var entryModes = map[byte]string{
	0x05: "chip, contact", 0x07: "chip, contactless", 0x91: "magnetic stripe data, contactless",
}

// EMV 4.4 Book 3, Annex G.
var accountTypes = map[byte]string{
	0x00: "default", 0x10: "savings", 0x20: "cheque or debit", 0x30: "credit",
}

// EMV 4.4 Book 4, Annex A1.
var terminalTypes = map[byte]string{
	0x11: "of a financial institution, attended, online only",
	0x12: "of a financial institution, attended, offline with online capability",
	0x13: "of a financial institution, attended, offline only",
	0x14: "of a financial institution, unattended, online only",
	0x15: "of a financial institution, unattended, offline with online capability",
	0x16: "of a financial institution, unattended, offline only",
	0x21: "of a merchant, attended, online only",
	0x22: "of a merchant, attended, offline with online capability",
	0x23: "of a merchant, attended, offline only",
	0x24: "of a merchant, unattended, online only",
	0x25: "of a merchant, unattended, offline with online capability",
	0x26: "of a merchant, unattended, offline only",
	0x34: "of the cardholder, unattended, online only",
	0x35: "of the cardholder, unattended, offline with online capability",
	0x36: "of the cardholder, unattended, offline only",
}

// responseCode knows the codes that a terminal makes. EMV 4.4 Book 4, A6.
func responseCode(value []byte) string {
	quoted := characters(value)
	switch string(value) {
	case "Y1":
		return quoted + ", offline approved"
	case "Z1":
		return quoted + ", offline declined"
	case "Y3":
		return quoted + ", unable to go online, offline approved"
	case "Z3":
		return quoted + ", unable to go online, offline declined"
	}
	return quoted
}

// logEntry is EMV 4.4 Book 3, Annex D2.
func logEntry(value []byte) string {
	if len(value) != 2 {
		return ""
	}
	return fmt.Sprintf("SFI %d, at most %d records", value[0], value[1])
}

// priority is EMV 4.4 Book 1, 12.2.3.
func priority(value []byte) string {
	if len(value) != 1 {
		return ""
	}
	parts := []string{"no priority"}
	if place := value[0] & 0x0F; place != 0 {
		parts[0] = fmt.Sprintf("priority %d", place)
	}
	if value[0]&0x80 != 0 {
		parts = append(parts, "the cardholder must confirm")
	}
	return strings.Join(parts, ", ")
}

// kernel is the requested kernel of EMV Contactless Book B, 3.3.2.5.
func kernel(value []byte) string {
	const short = 0x3F
	switch {
	case value[0]&0x80 == 0:
		return fmt.Sprintf("kernel %d", value[0]&short)
	case value[0]&0x40 == 0:
		return fmt.Sprintf("domestic kernel %d", value[0]&short)
	}
	return fmt.Sprintf("domestic kernel %d, proprietary", value[0]&short)
}
