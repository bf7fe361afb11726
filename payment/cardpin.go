package payment

import (
	"errors"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
)

// The PIN that the card verifies: the reader asks for it and gives it to the
// card, and what comes here is the card's answer.

func (f *Flow) askCardPIN(a emv.VerifyPIN) {
	defer forget(a.Card)
	notice := f.view.Notice
	if f.cardPINs++; f.cardPINs > 1 {
		notice = NoticeWrongPIN // EMV 4.4 Book 4, 6.3.4.1
	}
	f.enter(verifyingPIN, ScreenPIN, notice)
	f.view.Masked, f.view.Label = a.Card.PAN.Masked(), a.Card.Label
	f.view.OnReader, f.view.PINTries = true, max(a.TriesLeft, 0)
	request := drivers.PINVerification{
		Command: [4]byte(a.Command), Min: f.cfg.PIN.Min, Max: f.cfg.PIN.Max, Timeout: f.cfg.Waits.PIN,
	}
	if k := a.Cipher; k != nil {
		request.Cipher = &drivers.PINCipher{Modulus: k.Modulus, Exponent: k.Exponent, Challenge: k.Challenge}
	}
	f.work = f.next()
	f.do = append(f.do, VerifyPIN{f.work, request})
}

func (f *Flow) onCardPIN() error {
	f.view.OnReader, f.view.PINTries, f.view.Notice = false, 0, NoticeNone
	switch b := f.now.Body.(type) {
	case PINVerified:
		if b.Verified.Bypassed {
			return f.tell(emv.PINResult{Status: emv.PINBypassed})
		}
		r := b.Verified.Response
		return f.tell(emv.Response{Data: r.Data, Elapsed: r.Elapsed})
	case CardGone:
		return f.cardLost()
	case Failed:
		if reason := pinGivenUp(b.Err); reason != "" {
			return f.end(Cancelled, Ending{Reason: reason})
		}
		f.fault = b.Err.Error()
		if errors.Is(b.Err, drivers.ErrRefused) || errors.Is(b.Err, drivers.ErrHardware) {
			return f.tell(emv.PINResult{Status: emv.PINPadFault})
		}
		return f.cardLost()
	default:
		return f.unexpected()
	}
}
