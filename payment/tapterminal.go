package payment

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/quick"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
)

// purchases is the one type of transaction that there is, 9C.
var purchases = []byte{0x00}

// TakesTaps tells whether an antenna is fitted and may be used.
func (t *Terminal) TakesTaps() bool {
	return t.Fitted.Antenna != "" && len(t.Params.Contactless.Applications) > 0
}

// tap is Config.Tap. Keys on elliptic curves are for XDA, which no kernel has for
// a card that is tapped; to check them, for each kernel, takes longer than all
// else.
func (t *Terminal) tap(caps [3]byte, latest []Record) func(emv.Transaction, money.Currency) (emv.Machine, error) {
	if !t.TakesTaps() {
		return nil
	}
	return func(tx emv.Transaction, c money.Currency) (emv.Machine, error) {
		tx.At = tx.At.In(t.Params.Terminal.Timezone.Location)
		terminal := t.kernelConfig(t.tapCapabilities(caps), c)
		terminal.CAKeys = slices.DeleteFunc(terminal.CAKeys, func(k oda.CAKey) bool { return k.Suite != 0 })
		terminal.Earlier = t.earlier(latest, c, tx.At)
		cfg := contactless.Config{CurrencyExponent: c.Exponent, Combinations: t.combinations(caps, c)}
		if len(cfg.Combinations) == 0 {
			return nil, nil
		}
		var err error
		if cfg.Kernels, err = t.kernels(terminal, c); err != nil {
			return nil, err
		}
		entryPoint, err := contactless.New(cfg, tx, emv.RestartA)
		if err != nil {
			return nil, err
		}
		return entryPoint, nil
	}
}

// tapCapabilities is 9F33 for a card that is tapped: no PIN goes to it, no
// kernel has XDA for it, and the slot is one to be sent to.
func (t *Terminal) tapCapabilities(caps [3]byte) [3]byte {
	if t.Fitted.Reader == "" {
		caps[0] &^= capChip
	}
	caps[1] &^= capPlainPIN | capEncipheredPIN
	caps[2] &^= capXDA
	return caps
}

// combinations are those of the applications that have limits in the currency,
// in the document's order.
func (t *Terminal) combinations(caps [3]byte, c money.Currency) (list []contactless.Combination) {
	for i := range t.Params.Contactless.Applications {
		a := &t.Params.Contactless.Applications[i]
		limits, tapped := t.tapLimits(a.Limits, c)
		if !tapped {
			continue
		}
		one := contactless.Combination{
			AID: a.AID, Kernel: contactless.KernelID(a.Kernel), Types: purchases, ExtendedSelection: a.ExtendedSelection,
		}
		if a.AtOnce != nil {
			ttq := t.qualifiers(a.TTQ, caps)
			one.TTQ, one.Limits = &ttq, entryLimits(limits, a.StatusCheck)
		} else {
			// The kernel has its own limits. What is over all of them need not
			// be tapped to be told so.
			beyond := max(limits.TransactionMinor, limits.DeviceMinor) + 1
			one.Limits = contactless.Limits{TransactionMinor: &beyond, ZeroRefused: true}
		}
		list = append(list, one)
	}
	return list
}

// tapLimits are those of a currency, if it has any. Where the cardholder must
// always be verified, the limit for it is the least.
func (t *Terminal) tapLimits(all map[string]params.TapLimits, c money.Currency) (limits params.TapLimits, tapped bool) {
	limits, tapped = all[c.Code]
	if !t.Params.CVM.NoCVM {
		limits.CVMMinor = 0
	}
	return limits, tapped
}

// entryLimits are limits as the Entry Point checks them. A sale is never for
// nothing.
func entryLimits(l params.TapLimits, statusCheck bool) contactless.Limits {
	return contactless.Limits{
		StatusCheck: statusCheck, ZeroRefused: true,
		TransactionMinor: &l.TransactionMinor, FloorMinor: &l.FloorMinor, CVMMinor: &l.CVMMinor,
	}
}

// ttqOfflinePIN tells of PINs for a card in the slot, byte 2. EMV Contactless
// Book A, 5.7.
const ttqOfflinePIN = 0x20

// qualifiers are the parameters' TTQ without what is not fitted or not allowed;
// and a terminal that can ask no issuer says so. EMV Contactless Book A, 5.7,
// and EMV 4.4 Book 4, A1.
func (t *Terminal) qualifiers(wanted params.Hex4, caps [3]byte) contactless.TTQ {
	ttq := contactless.TTQ(wanted)
	for bit, there := range map[quick.Bit]bool{
		quick.TTQContact:             t.Fitted.Reader != "",
		quick.TTQOnlinePIN:           caps[1]&capOnlinePIN != 0,
		quick.TTQSignature:           caps[1]&capSignature != 0,
		{At: 2, Mask: ttqOfflinePIN}: caps[1]&(capPlainPIN|capEncipheredPIN) != 0,
	} {
		if !there {
			ttq[bit.At-1] &^= bit.Mask
		}
	}
	const offlineOnly = 3 // second digit of the type, unattended too
	if t.Params.Terminal.Type&0x0F%offlineOnly == 0 {
		ttq[quick.TTQOfflineOnly.At-1] |= quick.TTQOfflineOnly.Mask
	}
	return ttq
}
