package payment

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/money"
)

// How the flow serves a machine that taps: the antenna's field, several waits
// for one card, messages that have to stay for a while. EMV Contactless Book A.

// beginTap lets the machine that taps wait for its card, and tells whether
// there is one. The readers of chips and stripes wait beside it.
func (f *Flow) beginTap() (bool, error) {
	if f.cfg.Tap == nil || f.untappable {
		return false, nil
	}
	m, err := f.cfg.Tap(f.transaction(), f.amount.Currency)
	if err != nil || m == nil {
		return false, err
	}
	f.adopt(m)
	f.taps = true
	return true, f.tell(emv.Begin{})
}

// media are those that a card may be presented to now. A second PIN is for the
// card that was tapped with the first.
func (f *Flow) media() drivers.Media {
	m := f.cfg.Media
	switch {
	case f.taps && (f.sent || f.answer != nil):
		m = drivers.Contactless
	case f.taps:
		m |= drivers.Contactless
	}
	return m &^ f.broken
}

// obeyTap does what such a machine wants beyond all others. What it shows, and
// the next card, wait until the message before has stayed long enough.
func (f *Flow) obeyTap(action emv.Action) error {
	switch a := action.(type) {
	case emv.Show:
		if f.holding != 0 {
			f.park(action)
			return nil
		}
		f.show(a.Request)
	case emv.Field:
		if !a.On {
			f.hold(a.Hold)
			return f.rest(func() error { return f.tell(emv.Performed{}) })
		}
	case emv.AwaitCard, emv.AwaitClear:
		return f.awaitTap(action)
	case emv.Reenter:
	default:
		return fmt.Errorf("payment: the card machine wants %T", action)
	}
	return f.tell(emv.Performed{})
}

// awaitTap waits for a card, or for the field to be empty.
func (f *Flow) awaitTap(action emv.Action) error {
	_, f.clearing = action.(emv.AwaitClear)
	switch {
	case f.skipped:
		return f.tell(emv.NoCard{})
	case f.holding != 0:
		f.park(action)
	case f.held:
		return f.rest(func() error { return f.obey(action) })
	case f.answer != nil:
		f.enter(updating, ScreenTapAgain, f.prompt)
		f.listen()
		f.armAnew()
	default:
		f.await(f.prompt)
		f.armAnew()
	}
	return nil
}

// armAnew gives the customer the whole time for a card again.
func (f *Flow) armAnew() {
	f.disarm()
	f.arm(f.cfg.Waits.Card)
}

// hold keeps the next message and the next card waiting.
func (f *Flow) hold(d time.Duration) {
	if d <= 0 {
		return
	}
	f.stop(&f.holding)
	f.holding = f.next()
	f.do = append(f.do, Arm{f.holding, d})
}

// park keeps an action for when the message before it has stayed long enough.
func (f *Flow) park(a emv.Action) {
	f.parked = a
	f.enter(pausing, f.view.Screen, f.view.Notice)
}

// rest takes the power from the card, if one has it, and goes on with then.
func (f *Flow) rest(then func() error) error {
	if !f.held {
		return then()
	}
	f.enter(resting, f.view.Screen, f.view.Notice)
	f.rested = then
	f.work = f.next()
	f.do = append(f.do, Release{Ref: f.work, Stay: true})
	return nil
}

func (f *Flow) onResting() error {
	switch f.now.Body.(type) {
	case CardGone, Failed: // a reader that failed will say so again
		f.held = false
		return f.rested()
	default:
		return f.unexpected()
	}
}

// unpark goes on with what has waited for the message before it.
func (f *Flow) unpark() error {
	if f.state != pausing {
		return nil
	}
	return f.obey(f.parked)
}

// show takes a message of the machine to screen and lights. What the cashier
// reads besides is the screen's business. EMV Contactless Book A, 9.
func (f *Flow) show(r emv.UIRequest) {
	f.hold(r.Hold)
	if f.state != opening { // nobody has been asked for anything yet
		f.light(signalOf(r.Status))
	}
	prompt, known := map[emv.UIMessage]Notice{
		emv.MessagePresentCard:      f.asked,
		emv.MessagePresentCardAgain: NoticeTapAgain,
		emv.MessageOneCardOnly:      NoticeOneCard,
		emv.MessageSeePhone:         NoticeSeePhone,
	}[r.Message]
	switch {
	case !known:
	case f.answer != nil:
		f.prompt = NoticeNone
		f.enter(f.state, ScreenTapAgain, NoticeNone) // which says all there is to do
	default:
		f.prompt = prompt
		f.enter(f.state, ScreenPresentCard, prompt)
		f.view.Media = f.media()
	}
}

// light sets lights and tone. What tells of success ends by itself.
func (f *Flow) light(s drivers.Signal) {
	if s != f.view.Lights && (s != drivers.SignalOff || f.view.Lights != drivers.SignalSuccess) {
		f.signal(s)
	}
}

// signalOf is what lights and tones tell of a status. EMV Contactless Book A,
// 9.2.
func signalOf(s emv.UIStatus) drivers.Signal {
	switch s {
	case emv.UIIdle:
		return drivers.SignalIdle
	case emv.UIReadyToRead, emv.UIProcessing:
		return drivers.SignalReady
	case emv.UICardReadOK:
		return drivers.SignalSuccess
	case emv.UIProcessingError:
		return drivers.SignalAlert
	case emv.UINotReady:
	}
	return drivers.SignalOff
}

// tapped goes on with a card that was held to the antenna.
func (f *Flow) tapped(c CardSeen) error {
	f.disarm()
	f.take(c)
	if f.answer != nil {
		f.enter(completing, ScreenCard, NoticeNone)
	} else {
		f.enter(talking, ScreenCard, NoticeNone)
	}
	return f.tell(emv.Start{ATR: c.ATR})
}

// notTapped tells the machine of a card that did not come up, or of several.
func (f *Flow) notTapped(err error) error {
	f.disarm()
	if errors.Is(err, drivers.ErrCollision) {
		return f.tell(emv.Collision{})
	}
	f.prompt = NoticeTapAgain
	return f.tell(emv.CardGone{})
}

// unheard tells whether an error of the antenna is one card's, not the reader's.
func unheard(err error) bool {
	return errors.Is(err, drivers.ErrCollision) || errors.Is(err, drivers.ErrCardMute) || errors.Is(err, drivers.ErrCardGone)
}

// onUpdating waits for the card that the issuer's answer goes to. A reader that
// failed, or a customer who has gone, leaves the sale as the issuer has decided.
func (f *Flow) onUpdating() error {
	f.disarm()
	switch b := f.now.Body.(type) {
	case CardSeen:
		if !f.skipped {
			return f.tapped(b)
		}
		f.take(b)
	case Cleared:
		if !f.skipped {
			return f.tell(emv.Cleared{})
		}
	case Failed:
		if !f.skipped && unheard(b.Err) {
			return f.notTapped(b.Err)
		}
	default:
		return f.unexpected()
	}
	f.enter(completing, ScreenTapAgain, NoticeNone)
	return f.tell(emv.NoCard{})
}

// skip leaves the issuer's answer where it is: nobody taps again.
func (f *Flow) skip() {
	f.skipped = true
	if f.state == updating {
		f.disarm()
		f.do = append(f.do, Stop{f.work})
	}
}

// otherInterface asks for the card's chip, or stripe, if there is a reader for
// it: Try Another Interface, and a card of which nothing may be tapped, or not at
// this amount, which is to be inserted, swiped, or another one. EMV Contactless
// Book A, 6.2 and 9.4.
func (f *Flow) otherInterface(e Ending) error {
	if f.cfg.Media == 0 {
		return f.end(Declined, e)
	}
	if f.view.Tapped { // or it was known before anybody tapped
		f.asked = NoticeInsertCard
	}
	f.dropMachine()
	f.untappable, f.view.Tapped = true, false
	f.view.Masked, f.view.Label = "", ""
	return f.rest(func() error { return f.awaitCard(f.asked) })
}

// balanceOf is what a card that approved says that it still holds.
func (f *Flow) balanceOf(o emv.Outcome) money.Amount {
	r := o.UIOnOutcome
	if o.Status != emv.Approved || r == nil || r.Qualifier != emv.ValueBalance || r.Currency != f.amount.Currency.Numeric {
		return money.Amount{}
	}
	return money.Amount{Minor: r.ValueMinor, Currency: f.amount.Currency}
}

// entryOf is how the card was read, as the data for the issuer says where they
// do: a tap may have given a stripe's track. 9F39.
func (f *Flow) entryOf(data []byte) string {
	if mode, _ := tlv.Find(data, tlv.EntryMode); len(mode) == 1 && fmt.Sprintf("%02X", mode) == EntryTapTrack {
		return EntryTapTrack
	}
	return f.entry
}
