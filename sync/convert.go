package cloudsync

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// requestOf writes a message as it goes over the wire. Texts that come from
// cards and devices are made fit first: a sale must not get stuck because a
// card's label is odd.
func requestOf(m payment.Message) wire.Request {
	return wire.Request{
		Key:          keyOf(m.Key),
		Version:      m.Version,
		At:           m.At,
		ClockTrusted: m.ClockTrusted,
		Kind:         string(m.Kind),
		AmountMinor:  m.Amount.Minor,
		Currency:     m.Amount.Currency.Code,
		Exponent:     m.Amount.Currency.Exponent,
		Receipt:      m.Receipt,
		STAN:         m.STAN,
		Entry:        m.Entry,
		CVM:          m.CVM,
		Merchant:     m.Snapshot.Merchant,
		AcquirerTID:  m.Snapshot.Terminal,
		Software:     fit(m.Snapshot.Software, wire.TextMax),
		Params:       m.Snapshot.Params,
		Devices: wire.Devices{
			Capabilities: m.Snapshot.Capabilities,
			KeyScheme:    m.Snapshot.KeyScheme,
			Reader:       fit(m.Snapshot.Reader, wire.TextMax),
			Antenna:      fit(m.Snapshot.Antenna, wire.TextMax),
			Stripe:       fit(m.Snapshot.Stripe, wire.TextMax),
			PINPad:       fit(m.Snapshot.PINPad, wire.TextMax),
			Printer:      fit(m.Snapshot.Printer, wire.TextMax),
		},
		Card:   cardOf(m.Card),
		PIN:    (*wire.PIN)(m.PIN),
		Ending: endingOf(m.Ending),
	}
}

func keyOf(k payment.Key) wire.Key {
	return wire.Key{Terminal: k.Terminal, Epoch: k.Epoch, Seq: k.Seq, Leg: string(k.Leg), Attempt: k.Attempt}
}

func cardOf(c payment.CardData) wire.Card {
	card := wire.Card(c)
	card.Label = fit(card.Label, wire.TextMax)
	return card
}

func endingOf(e *payment.Ending) *wire.Ending {
	if e == nil {
		return nil
	}
	return &wire.Ending{
		Reason:   fit(e.Reason, wire.TextMax),
		Detail:   fit(e.Detail, wire.DetailMax),
		Offline:  e.Offline,
		Code:     e.Code,
		ARC:      e.ARC,
		AuthCode: e.AuthCode,
		HostRef:  e.HostRef,
		CVM:      e.CVM,
		Chip:     (*wire.Chip)(e.Chip),
	}
}

func answerOf(a wire.Answer) payment.Answer {
	return payment.Answer{
		Key: payment.Key{
			ID:      payment.ID{Terminal: a.Key.Terminal, Epoch: a.Key.Epoch, Seq: a.Key.Seq},
			Leg:     payment.Leg(a.Key.Leg),
			Attempt: a.Key.Attempt,
		},
		Verdict:    payment.Verdict(a.Verdict),
		Code:       a.Code,
		AuthCode:   a.AuthCode,
		HostRef:    a.HostRef,
		IssuerAuth: a.IssuerAuth,
		Scripts:    a.Scripts,
	}
}

// fit makes a text that people read acceptable to the wire: valid UTF-8, no
// control characters, at most sizeMax bytes.
func fit(s string, sizeMax int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	for len(s) > sizeMax {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
