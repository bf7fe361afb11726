package cards

import (
	"bytes"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Somebody between card and reader, who changes what one tells the other.

// covered is where a card of the development set is told what its cryptogram
// covers: the instruction, and how many bytes stand before the amount.
type covered struct {
	instruction byte
	head        int
}

var (
	coveredByCDOL = covered{insGenerate, 5} // CLA INS P1 P2 Lc
	coveredByPDOL = covered{insGPO, 11}     // and 83 L, 9F66
)

// Where things stand in what a cryptogram covers, which all cards of the
// development set want in one order: 9F02, 9F03, 9F1A, 95, 5F2A, 9A, 9C, 9F37.
const (
	amountAt   = 0
	currencyAt = 19
	numberAt   = 25
	coversMin  = 29
)

// attacks are those that every kernel knows; prefix begins the names of its
// cards.
func attacks(prefix string, where covered) []sim.TapVariant {
	return []sim.TapVariant{
		{Name: prefix + "-cheap", Title: "Something before it tells it a smaller amount than the cashier's.", Of: prefix,
			Shim: eachTap(where.changed(func(data []byte) { copy(data[amountAt:], []byte{0, 0, 0, 0, 0, 1}) }))},
		{Name: prefix + "-abroad", Title: "Something before it tells it another currency than the cashier's.", Of: prefix,
			Shim: eachTap(where.changed(func(data []byte) { copy(data[currencyAt:], []byte{0x03, 0x60}) }))},
		{Name: prefix + "-preplay", Title: "Was asked in another shop, for a number that this one was hoped to draw.", Of: prefix,
			Shim: eachTap(where.changed(func(data []byte) { copy(data[numberAt:], []byte{0, 0, 0, 1}) }))},
		{Name: prefix + "-short", Title: "Approves by itself; its certificates are taken out of the list of records.", Of: prefix + "-offline",
			Shim: eachTap(atOnce(tlv.AFL, withoutCertificates))},
	}
}

// changed is somebody who changes what the cryptogram covers, on its way to the
// card.
func (c covered) changed(change func(data []byte)) func() sim.Shim {
	return always(func(command []byte, chip func([]byte) []byte) []byte {
		if ins(command) == c.instruction && len(command) >= c.head+coversMin {
			command = slices.Clone(command)
			change(command[c.head:])
		}
		return chip(command)
	})
}

// withoutCertificates leaves files without signed records out of a list of
// records: those are the account's track and the certificates. What is left is
// what the card's certificate would have vouched for. EMV 4.4 Book 3, 10.2.
func withoutCertificates(list []byte) []tlv.Object {
	var kept []byte
	for entry := range slices.Chunk(list, 4) {
		if len(entry) == 4 && entry[3] > 0 {
			kept = append(kept, entry...)
		}
	}
	return []tlv.Object{{Tag: tlv.AFL, Value: kept}}
}

// attacks2 are those on kernel 2 alone.
func attacks2() []sim.TapVariant {
	unsigning := atOnce(tlv.AIP, func(aip []byte) []tlv.Object {
		const combined = 0x01 // byte 1
		return []tlv.Object{{Tag: tlv.AIP, Value: []byte{aip[0] &^ combined, aip[1]}}}
	})
	mindless := func() sim.Shim {
		nothing := make([]byte, 5)
		return chain(inRecord(tlv.IACDenial, set(tlv.IACDenial, nothing...))(),
			inRecord(tlv.IACOnline, set(tlv.IACOnline, nothing...))(), inRecord(tlv.IACDefault, set(tlv.IACDefault, nothing...))())
	}
	return []sim.TapVariant{
		{Name: "tap-2-bare", Title: "Says that it cannot prove itself (AIP), and that nobody need be verified (8E).", Of: "tap-2-pin",
			Shim: eachTap(func() sim.Shim {
				return chain(unsigning(), inRecord(tlv.CVMList, set(tlv.CVMList, 0, 0, 0, 0, 0, 0, 0, 0, 0x1F, 0x00))())
			})},
		{Name: "tap-2-codes", Title: "Is far away, and its issuer is said to mind nothing (9F0D, 9F0E, 9F0F).", Of: "tap-2-race",
			Shim: eachTap(mindless), Delay: 20 * time.Millisecond},
		{Name: "tap-2-phonestripe", Title: "Is a phone that is said to know the magnetic stripe alone.", Of: "tap-2-phone", Shim: eachTap(stripeAlone)},
		{Name: "tap-2-kernel", Title: "Its directory names another kernel than its application is for.", Of: "tap-2",
			Shim: eachTap(forKernel(issuer.Kernel3))},
	}
}

// attacksAtOnce are those on kernels whose cards answer at once.
func attacksAtOnce(prefix string, other byte) []sim.TapVariant {
	// What a card can prove, and what proves its wishes, taken away.
	unproven := func() sim.Shim {
		return chain(atOnce(tlv.AIP, set(tlv.AIP, 0, 0))(), atOnce(tlv.CardRelatedData, missing)(), atOnce(tlv.SDAD, missing)())
	}
	return []sim.TapVariant{
		{Name: prefix + "-slip", Title: "Says that it cannot prove itself, and that a signature on paper will do.", Of: prefix + "-pin",
			Shim: eachTap(func() sim.Shim {
				return chain(unproven(), atOnce(tlv.CTQ, set(tlv.CTQ, issuer.QualifierSignature, 0))())
			})},
		{Name: prefix + "-wishless", Title: "Says that it cannot prove itself; its wish for the PIN is taken away.", Of: prefix + "-pin",
			Shim: eachTap(func() sim.Shim { return chain(unproven(), atOnce(tlv.CTQ, missing)()) })},
		{Name: prefix + "-alone", Title: "The card is told that the issuer need not be asked (9F66), and approves.", Of: prefix + "-offline",
			Shim: eachTap(func() sim.Shim { return told(unasked) })},
		{Name: prefix + "-kernel", Title: "Its directory names another kernel than its application is for.", Of: prefix,
			Shim: eachTap(forKernel(other))},
	}
}

// unasked are the reader's qualifiers, which the cards want first, without the
// demand to ask the issuer. EMV Contactless Book A, 5.7.
func unasked(data []byte) {
	const wanted = 0x80 // byte 2
	if len(data) > 1 {
		data[1] &^= wanted
	}
}

// forKernel names another kernel in the directory's entry. EMV Contactless Book
// B, 3.3.1.
func forKernel(kernel byte) func() sim.Shim {
	identifier := tlv.Append(nil, tlv.KernelIdentifier, nil)
	identifier[len(identifier)-1] = 1
	return spoil(insSelect, func(data []byte) []byte {
		at := bytes.Index(data, identifier)
		if at < 0 {
			return data
		}
		changed := slices.Clone(data)
		changed[at+len(identifier)] = kernel
		return changed
	})
}
