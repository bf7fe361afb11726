package devset

import (
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/params"
)

// contactless is how the set's cards are tapped: every sale goes to the issuer,
// and from some amount on its cardholder is verified. All kernels have the same
// limits, which kernel 2 wants to know one less: with it, an equal amount is
// not yet beyond.
func contactless() params.Contactless {
	atOnce := map[string]params.TapLimits{}
	generating := map[string]params.TapLimits{}
	for code, l := range map[string]params.TapLimits{
		"CNY": {CVMMinor: 100_00, TransactionMinor: 1_000_00, DeviceMinor: 5_000_00},
		"EUR": {CVMMinor: 50_00, TransactionMinor: 500_00, DeviceMinor: 2_500_00},
		"JPY": {CVMMinor: 10_000, TransactionMinor: 100_000, DeviceMinor: 500_000},
		"USD": {CVMMinor: 50_00, TransactionMinor: 500_00, DeviceMinor: 2_500_00},
	} {
		atOnce[code] = params.TapLimits{CVMMinor: l.CVMMinor, TransactionMinor: l.TransactionMinor}
		generating[code] = params.TapLimits{CVMMinor: l.CVMMinor - 1, TransactionMinor: l.TransactionMinor - 1, DeviceMinor: l.DeviceMinor - 1}
	}
	const lifeOfTorn = 5 * time.Minute // EMV Contactless Book C-2, DF811C
	return params.Contactless{
		Applications: []params.TapApplication{
			{AID: issuer.AIDTap2, Kernel: issuer.Kernel2, Limits: generating, Generating: &params.Generating{
				Version: params.Hex2{0x00, 0x01}, // as the cards of the set have it
				// EMV Contactless Book C-2, Annex A. Denial: a card that cannot prove
				// itself, or may be elsewhere; service not allowed. Online and
				// default: also what makes its word doubtful, and a PIN that only
				// the issuer can verify.
				TACDenial:  params.Hex5{0x84, 0x10, 0x00, 0x00, 0x0C},
				TACOnline:  params.Hex5{0xF4, 0x50, 0x84, 0x80, 0x0C},
				TACDefault: params.Hex5{0xF4, 0x50, 0x84, 0x80, 0x0C},
				DeviceCVM:  true, Balance: true, Relay: relay(),
			}},
			// EMV Contactless Book A, 5.7: EMV mode, slot, online PIN, signature,
			// cards prove themselves for the issuer too; phones, and the issuer's
			// answer to the card.
			{AID: issuer.AIDTap3, Kernel: issuer.Kernel3, Limits: atOnce, AtOnce: &params.AtOnce{TTQ: params.Hex4{0x37, 0x00, 0xC0, 0x00}}},
			{AID: issuer.AIDTap7, Kernel: issuer.Kernel7, Limits: atOnce, AtOnce: &params.AtOnce{TTQ: params.Hex4{0x37, 0x00, 0x40, 0x00}}},
		},
		Torn: &params.Torn{Taps: 4, Life: lifeOfTorn},
	}
}

// relay has the defaults of EMV Contactless Book C-2, Annex A, but for the
// grace. The set's card takes 7.7 ms, of which 4.2 ms are the way, and says that
// it takes 5 ms at most without the way; somebody in between takes 20 ms more. A
// pseudo-terminal adds what the machine's other work makes it. With 18 ms of
// grace a card is near up to 27.2 ms: just less than what a relay takes, to leave
// all the room there is to a busy machine.
func relay() *params.Relay {
	return &params.Relay{GraceMin: 20, GraceMax: 180, Command: 18, Response: 24, Accuracy: 300, MismatchPercent: 50}
}
