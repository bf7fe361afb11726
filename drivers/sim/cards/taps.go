package cards

import (
	"bytes"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Taps are the cards and phones that are held to an antenna and misbehave, and
// those that somebody stands before: each is the chip of a card of
// issuer.TapDeck.
func Taps() []sim.TapVariant {
	return slices.Concat(
		taps2(), attacks("tap-2", coveredByCDOL), attacks2(),
		taps3(), atOnceTaps("tap-3"), attacks("tap-3", coveredByPDOL), attacksAtOnce("tap-3", issuer.Kernel2),
		atOnceTaps("tap-7"), attacks("tap-7", coveredByPDOL), attacksAtOnce("tap-7", issuer.Kernel3),
	)
}

// taps2 are those for kernel 2, whose cards sign what they are and what they
// answer.
func taps2() []sim.TapVariant {
	return []sim.TapVariant{
		{Name: "tap-2-relayed", Title: "Is far away: something between card and reader takes 20 ms for each answer.", Of: "tap-2-race", Delay: 20 * time.Millisecond},
		{Name: "tap-2-hurried", Title: "Is far away, and somebody answers the race for it with what he made up.", Of: "tap-2-race",
			Shim: eachTap(instead(insRace, success([]byte{0x80, 10, 1, 2, 3, 4, 0, 20, 0, 50, 0, 24})))},
		{Name: "tap-2-claim", Title: "Something before it says that it is a phone which verifies its owner.", Of: "tap-2-pin",
			Shim: eachTap(atOnce(tlv.AIP, func(aip []byte) []tlv.Object {
				const device = 0x02 // EMV Contactless Book C-2, Annex A
				return []tlv.Object{{Tag: tlv.AIP, Value: []byte{aip[0] | device, aip[1]}}}
			}))},
		{Name: "tap-2-nocvm", Title: "Something before it says that nobody need be verified (8E).", Of: "tap-2-pin",
			Shim: eachTap(inRecord(tlv.CVMList, set(tlv.CVMList, 0, 0, 0, 0, 0, 0, 0, 0, 0x1F, 0x00)))},
		{Name: "tap-2-unknownca", Title: "Names an authority whose key the terminal does not have.", Of: "tap-2-pin",
			Shim: eachTap(inRecord(tlv.CAKeyIndex, set(tlv.CAKeyIndex, 0x77)))},
		{Name: "tap-2-phoneca", Title: "Is a phone, and names an authority whose key the terminal does not have.", Of: "tap-2-phone",
			Shim: eachTap(inRecord(tlv.CAKeyIndex, set(tlv.CAKeyIndex, 0x77)))},
		{Name: "tap-2-yes", Title: "Approves whatever it is asked, with another sale's signature.", Of: "tap-2-offline",
			Shim: eachTap(inCryptogram(first, tlv.SDAD, flip(tlv.SDAD)))},
		{Name: "tap-2-turned", Title: "What it asks the issuer is turned into an approval on its way.", Of: "tap-2",
			Shim: eachTap(inCryptogram(first, tlv.CryptogramInformation, set(tlv.CryptogramInformation, cidTC)))},
		{Name: "tap-2-unsigned", Title: "Approves by itself; the signature is taken away.", Of: "tap-2-offline",
			Shim: eachTap(inCryptogram(first, tlv.SDAD, func([]byte) []tlv.Object {
				return []tlv.Object{{Tag: tlv.ApplicationCryptogram, Value: make([]byte, 8)}}
			}))},
		{Name: "tap-2-stripe", Title: "Has the profile of a magnetic stripe alone.", Of: "tap-2",
			Shim: eachTap(stripeAlone)},
		{Name: "tap-2-early", Title: "Is taken away before its last record, and held there again.", Of: "tap-2",
			Shim: onTap(1, leaving(insRead, 4))},
		{Name: "tap-2-cut", Title: "Is taken away before anybody hears its cryptogram, and gives it again.", Of: "tap-2-torn",
			Shim: onTap(1, unheard(insGenerate))},
		{Name: "tap-2-lost", Title: "Is taken away before anybody hears its cryptogram, and makes another.", Of: "tap-2-offline",
			Shim: onTap(1, unheard(insGenerate))},
	}
}

// stripeAlone is a card for kernel 2 that is said to have no EMV mode (AIP byte
// 2). EMV Contactless Book C-2, Annex A.
func stripeAlone() sim.Shim {
	return atOnce(tlv.AIP, func(aip []byte) []tlv.Object {
		return []tlv.Object{{Tag: tlv.AIP, Value: []byte{aip[0], 0}}}
	})()
}

// insRace is EXCHANGE RELAY RESISTANCE DATA. EMV Contactless Book C-2, 5.3.
const insRace = 0xEA

// taps3 are those for kernel 3 alone.
func taps3() []sim.TapVariant {
	return []sim.TapVariant{
		{Name: "tap-3-mixup", Title: "Names an application of another scheme than its account is of, and no proof.", Of: "tap-3",
			Shim: eachTap(func() sim.Shim { return chain(renamed(otherScheme), atOnce(tlv.AIP, set(tlv.AIP, 0, 0))()) })},
		{Name: "tap-3-wallet", Title: "Is in a wallet with another card, and is then taken out.", Of: "tap-3", Beside: 1},
	}
}

// atOnceTaps are those for a kernel whose cards answer at once, and sign what
// the sale is; prefix begins the names of its cards.
func atOnceTaps(prefix string) []sim.TapVariant {
	unknownCA := eachTap(inRecord(tlv.CAKeyIndex, set(tlv.CAKeyIndex, 0x77)))
	approving := atOnce(tlv.CryptogramInformation, set(tlv.CryptogramInformation, cidTC))
	return []sim.TapVariant{
		{Name: prefix + "-claim", Title: "Something before it says that the holder was verified by a phone (9F6C).", Of: prefix + "-pin",
			Shim: eachTap(atOnce(tlv.CTQ, claim))},
		{Name: prefix + "-copy", Title: "Says so in the copy that is signed, too (9F69).", Of: prefix + "-pin",
			Shim: eachTap(func() sim.Shim {
				return chain(atOnce(tlv.CTQ, claim)(), atOnce(tlv.CardRelatedData, claimCopy)())
			})},
		{Name: prefix + "-bypass", Title: "The card is told that nobody need be verified (9F66), and the reader that a phone did it.", Of: prefix + "-pin",
			Shim: eachTap(func() sim.Shim { return chain(told(unneeded), atOnce(tlv.CTQ, claim)()) })},
		{Name: prefix + "-unsigned", Title: "Says so, and takes the signature with its copy away.", Of: prefix + "-pin",
			Shim: eachTap(func() sim.Shim {
				return chain(atOnce(tlv.CTQ, claim)(), atOnce(tlv.CardRelatedData, missing)(), atOnce(tlv.SDAD, missing)())
			})},
		{Name: prefix + "-unknownca", Title: "Approves by itself, and names an authority whose key the terminal does not have.", Of: prefix + "-offline", Shim: unknownCA},
		{Name: prefix + "-switchca", Title: "Names such an authority too, and sends its owner to the slot.", Of: prefix + "-switch", Shim: unknownCA},
		{Name: prefix + "-askca", Title: "Names such an authority too, and wants the issuer to be asked.", Of: prefix + "-ask", Shim: unknownCA},
		{Name: prefix + "-phoneca", Title: "Is a phone, and names an authority whose key the terminal does not have.", Of: prefix + "-phone", Shim: unknownCA},
		{Name: prefix + "-yes", Title: "Approves whatever it is asked, with another sale's signature.", Of: prefix,
			Shim: eachTap(func() sim.Shim { return chain(approving(), atOnce(tlv.SDAD, flip(tlv.SDAD))()) })},
		{Name: prefix + "-turned", Title: "What it asks the issuer is turned into an approval on its way.", Of: prefix, Shim: eachTap(approving)},
		{Name: prefix + "-stripe", Title: "Has the profile of a magnetic stripe alone, without a cryptogram.", Of: prefix,
			Shim: eachTap(spoil(insGPO, func([]byte) []byte {
				return []byte{0x80, 0x06, 0x00, 0x80, 0x08, 0x01, 0x01, 0x00} // AIP: stripe mode; AFL: the track
			}))},
		{Name: prefix + "-early", Title: "Is taken away before its last record, and held there again.", Of: prefix + "-offline",
			Shim: onTap(1, leaving(insRead, 4))},
		{Name: prefix + "-gone", Title: "Is taken away before it answers, and held there again.", Of: prefix,
			Shim: onTap(1, unheard(insGPO))},
	}
}

// otherScheme is an application that no account of the development set is of.
var otherScheme = []byte{0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10}

// eachTap is a shim that does the same at each tap.
func eachTap(s func() sim.Shim) func(int) sim.Shim { return func(int) sim.Shim { return s() } }

// onTap is a shim for one tap.
func onTap(which int, s func() sim.Shim) func(int) sim.Shim {
	return func(tap int) sim.Shim {
		if tap != which {
			return nil
		}
		return s()
	}
}

// chain puts shims one behind the other, the first next to the reader.
func chain(shims ...sim.Shim) sim.Shim {
	return func(command []byte, chip func([]byte) []byte) []byte {
		for _, s := range slices.Backward(shims) {
			behind := chip
			chip = func(command []byte) []byte { return s(command, behind) }
		}
		return chip(command)
	}
}

// atOnce changes an object of the answer that holds the cryptogram.
func atOnce(tag tlv.Tag, change func(value []byte) []tlv.Object) func() sim.Shim {
	return spoil(insGPO, inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
		return each(objects, tag, change)
	}))
}

// claim are qualifiers that say that a device has verified its owner.
func claim([]byte) []tlv.Object {
	return []tlv.Object{{Tag: tlv.CTQ, Value: []byte{0, issuer.QualifierDevice}}}
}

// claimCopy says it where their copy is: after the version and the card's
// number. EMV Contactless Book C-3, Annex A.
func claimCopy(related []byte) []tlv.Object {
	const copyAt = 5
	value := slices.Clone(related)
	copy(value[copyAt:], []byte{0, issuer.QualifierDevice})
	return []tlv.Object{{Tag: tlv.CardRelatedData, Value: value}}
}

// told changes what GET PROCESSING OPTIONS tells the card.
func told(change func(data []byte)) sim.Shim {
	return func(command []byte, chip func([]byte) []byte) []byte {
		const head = 7 // CLA INS P1 P2 Lc 83 L
		if ins(command) == insGPO && len(command) > head {
			command = slices.Clone(command)
			change(command[head:])
		}
		return chip(command)
	}
}

// unneeded are the reader's qualifiers, which the cards want first, without the
// demand to verify the holder. EMV Contactless Book A, 5.7.
func unneeded(data []byte) {
	const wanted = 0x40 // byte 2
	if len(data) > 1 {
		data[1] &^= wanted
	}
}

// renamed gives the application another name, wherever it is named.
func renamed(name []byte) sim.Shim {
	return func(command []byte, chip func([]byte) []byte) []byte {
		if ins(command) == insSelect {
			command = bytes.Replace(command, name, issuer.AIDTap3, 1)
		}
		return bytes.ReplaceAll(chip(command), issuer.AIDTap3, name)
	}
}

// leaving is a card that is gone when an instruction comes for the n-th time,
// and does not hear it.
func leaving(instruction byte, n int) func() sim.Shim {
	return func() sim.Shim {
		count := 0
		return func(command []byte, chip func([]byte) []byte) []byte {
			if ins(command) == instruction {
				count++
			}
			if count >= n {
				return nil
			}
			return chip(command)
		}
	}
}

// unheard is a card that does what it is told by an instruction, and is gone
// before anybody hears it.
func unheard(instruction byte) func() sim.Shim {
	return func() sim.Shim {
		gone := false
		return func(command []byte, chip func([]byte) []byte) []byte {
			if gone {
				return nil
			}
			answer := chip(command)
			if gone = ins(command) == instruction; gone {
				return nil
			}
			return answer
		}
	}
}
