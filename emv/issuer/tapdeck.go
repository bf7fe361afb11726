package issuer

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// tapCAIndex is the key index of the authority over the cards that are tapped;
// those of the other deck come before it.
const tapCAIndex = CAIndex + 2

// tapDeck is what can be tapped, by the names that testers use.
func tapDeck() []Order {
	return slices.Concat(generating(), atOnce(Kernel3), updating(), atOnce(Kernel7))
}

// generating are the cards for kernel 2.
func generating() []Order {
	return []Order{
		{Name: "tap-2", Title: "Leaves it to the issuer, who approves.", PAN: tapPAN(Kernel2, 1), Tap: &Tap{Kernel: Kernel2}},
		{
			Name: "tap-2-pin", Title: "Wants an online PIN for large amounts, which is 1234.", PAN: tapPAN(Kernel2, 2), PIN: testPIN,
			CVM: cvmOnlinePINOrNone, Keys: []string{testPIN}, Tap: &Tap{Kernel: Kernel2},
		},
		{
			Name: "tap-2-sign", Title: "Wants its owner's signature for large amounts.", PAN: tapPAN(Kernel2, 3), CVM: cvmSignatureOrNone,
			Tap: &Tap{Kernel: Kernel2},
		},
		{
			Name: "tap-2-offline", Title: "Approves by itself, where it may, while it has money, 100.00 in all, and signs that.", PAN: tapPAN(Kernel2, 4), Offline: true,
			Tap: &Tap{Kernel: Kernel2, SpendMinor: 10000},
		},
		{
			Name: "tap-2-phone", Title: "Is a phone: for large amounts its owner unlocks it and taps again.", PAN: tapPAN(Kernel2, 5),
			Tap: &Tap{Kernel: Kernel2, Device: true},
		},
		{
			Name: "tap-2-race", Title: "Shows that it is near (relay resistance).", PAN: tapPAN(Kernel2, 6),
			Tap: &Tap{Kernel: Kernel2, Race: &Race{Min: 20, Max: 50, Estimate: 24}},
		},
		{
			Name: "tap-2-torn", Title: "Approves by itself, and gives a cryptogram again that nobody heard.", PAN: tapPAN(Kernel2, 7), Offline: true,
			Tap: &Tap{Kernel: Kernel2, Recovers: true},
		},
		{Name: "tap-2-no", Title: "Declines by itself.", PAN: tapPAN(Kernel2, 8), Behaviour: SaysNo, Tap: &Tap{Kernel: Kernel2}},
		{
			Name: "tap-2-forged", Title: "Approves by itself, with a signature for another sale.", PAN: tapPAN(Kernel2, 9), Offline: true, Behaviour: Forged,
			Tap: &Tap{Kernel: Kernel2},
		},
	}
}

// atOnce are cards for a kernel whose cards answer with their cryptogram at once.
func atOnce(kernel byte) []Order {
	prefix := fmt.Sprintf("tap-%d", kernel)
	plain := func() *Tap { return &Tap{Kernel: kernel, Qualifiers: Hex{0, 0}} }
	return []Order{
		{Name: prefix, Title: "Leaves it to the issuer, who approves.", PAN: tapPAN(kernel, 1), Tap: plain()},
		{
			Name: prefix + "-pin", Title: "Wants an online PIN for large amounts, which is 1234.", PAN: tapPAN(kernel, 2), PIN: testPIN,
			Keys: []string{testPIN}, Tap: &Tap{Kernel: kernel, Qualifiers: Hex{QualifierPIN, 0}},
		},
		{
			Name: prefix + "-sign", Title: "Wants its owner's signature for large amounts.", PAN: tapPAN(kernel, 3),
			Tap: &Tap{Kernel: kernel, Qualifiers: Hex{QualifierSignature, 0}},
		},
		{
			Name: prefix + "-offline", Title: "Approves by itself, where it may, while it has money, 100.00 in all, and signs that.", PAN: tapPAN(kernel, 4), Offline: true,
			Tap: &Tap{Kernel: kernel, Qualifiers: Hex{0, 0}, SpendMinor: 10000},
		},
		{
			Name: prefix + "-switch", Title: "Approves by itself; who cannot authenticate it shall take the slot.", PAN: tapPAN(kernel, 5), Offline: true,
			Tap: &Tap{Kernel: kernel, Qualifiers: Hex{QualifierSwitch, 0}},
		},
		{
			Name: prefix + "-ask", Title: "Approves by itself; who cannot authenticate it shall ask the issuer.", PAN: tapPAN(kernel, 6), Offline: true,
			Tap: &Tap{Kernel: kernel, Qualifiers: Hex{QualifierOnline, 0}},
		},
		{
			Name: prefix + "-phone", Title: "Is a phone: for large amounts its owner unlocks it and taps again.", PAN: tapPAN(kernel, 7),
			Tap: &Tap{Kernel: kernel, Qualifiers: Hex{0, 0}, Device: true},
		},
		{Name: prefix + "-no", Title: "Declines by itself.", PAN: tapPAN(kernel, 9), Behaviour: SaysNo, Tap: plain()},
		{
			Name: prefix + "-forged", Title: "Approves by itself, with a signature for another sale.", PAN: tapPAN(kernel, 10), Offline: true, Behaviour: Forged,
			Tap: plain(),
		},
	}
}

// updating is a card that takes the issuer's answer, which kernel 3 alone brings
// it.
func updating() []Order {
	return []Order{{
		Name: "tap-3-update", Title: "Takes the issuer's answer at a second tap: another PIN (1234) for its old one.", PAN: tapPAN(Kernel3, 8),
		PIN: testPIN, OldPIN: oldPIN,
		Tap: &Tap{Kernel: Kernel3, Qualifiers: Hex{0, QualifierUpdate}},
	}}
}

// TapList tells which cards TapDeck makes, without making them.
func TapList() []Listing { return listings(tapDeck()) }

// TapDeck makes the cards and phones of the development set that are tapped,
// and an authority of their own above them, as Deck does.
func TapDeck(random io.Reader, keys MasterKeys, now time.Time) ([]Profile, []CAKey, error) {
	orders := tapDeck()
	for i, o := range orders {
		o.Label = "CLOUDPOS TAP"
		switch o.Tap.Kernel {
		case Kernel2:
			o.AID, o.Proof = AIDTap2, ProofCDA
		case Kernel3:
			o.AID = AIDTap3
		case Kernel7:
			o.AID = AIDTap7
		}
		orders[i] = o
	}
	return makeDeck(random, keys, now, tapCAIndex, orders)
}

// tapRange is how many account numbers the cards of one kernel have at most.
const tapRange = 100_000_000

// tapPAN is the account number of a kernel's n-th card.
func tapPAN(kernel byte, n int) string { return pan(int(kernel)*tapRange + n) }
