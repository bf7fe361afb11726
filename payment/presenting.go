package payment

import (
	"errors"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
)

// How a card comes to be read: inserted, tapped, swiped, or after several tries.

// awaitCard asks for a card and waits a while for it.
func (f *Flow) awaitCard(n Notice) error {
	f.asked, f.prompt, f.broken = n, n, 0
	if begun, err := f.beginTap(); begun || err != nil {
		return err
	}
	f.dropMachine()
	f.await(n)
	f.arm(f.cfg.Waits.Card)
	return nil
}

// await waits for a card, as long as the timer goes.
func (f *Flow) await(n Notice) {
	f.enter(waiting, ScreenPresentCard, n)
	if !f.taps || f.view.Lights == drivers.SignalOff { // else the machine says so
		f.signal(drivers.SignalReady)
	}
	f.listen()
}

// listen has the readers wait for a card.
func (f *Flow) listen() {
	f.view.Media = f.media()
	f.work = f.next()
	f.do = append(f.do, Await{f.work, f.view.Media, f.taps && f.clearing})
}

func (f *Flow) onWaiting() error {
	switch b := f.now.Body.(type) {
	case CardSeen:
		if f.taps && b.Media == drivers.Contactless {
			return f.tapped(b)
		}
		f.take(b)
		if f.swipe != nil {
			return f.swiped()
		}
		f.disarm()
		return f.beginAttempt(NoticeNone)
	case Cleared:
		f.disarm()
		return f.tell(emv.Cleared{})
	case Failed:
		if f.taps && b.Media == drivers.Contactless && unheard(b.Err) {
			return f.notTapped(b.Err)
		}
		return f.noCard(b)
	default:
		return f.unexpected()
	}
}

// take notes a card that a reader gave.
func (f *Flow) take(c CardSeen) {
	if f.swipe = c.Swipe; f.swipe != nil {
		return
	}
	f.held, f.atr, f.entry = true, c.ATR, EntryChip
	if f.view.Tapped = c.Media == drivers.Contactless; f.view.Tapped {
		f.entry, f.fault, f.unread = EntryTap, "", false
	}
}

// swiped decides what a swiped card is good for.
func (f *Flow) swiped() error {
	if !f.cfg.Stripe.Allowed {
		return errors.New("payment: a card was swiped, and no stripes are taken")
	}
	if f.entry = f.chip.entry(f.cfg.Stripe, f.swipe); f.entry != "" {
		f.disarm()
		f.view.Swiped = true
		return f.beginAttempt(NoticeNone)
	}
	f.swipe.Clear()
	f.swipe = nil
	return f.swipeAgain(NoticeInsertChip, ReasonChipNotUsed, "service code of a chip card")
}

// swipeAgain asks once more after a swipe that came to nothing. The time for a
// card goes on, so the sale ends in any case; that nobody can swipe for ever is
// for the sake of the log.
func (f *Flow) swipeAgain(n Notice, reason, detail string) error {
	if f.swipes++; f.swipes == swipesMax {
		f.disarm()
		return f.end(Declined, Ending{Reason: reason, Detail: detail})
	}
	f.await(n)
	return nil
}

// noCard takes why no card was read.
func (f *Flow) noCard(failed Failed) error {
	err := failed.Err
	mute := errors.Is(err, drivers.ErrCardMute)
	switch {
	case errors.Is(err, drivers.ErrUnread):
		return f.swipeAgain(NoticeStripeUnread, ReasonCardUnreadable, err.Error())
	case !mute && !errors.Is(err, drivers.ErrCardGone):
		return f.readerFailed(failed)
	case f.chip.exhausted(f.cfg.Stripe):
		f.await(NoticeSwipe) // the card is still in the reader, or in there again
		return nil
	}
	f.disarm()
	if mute {
		f.chip.fail()
	}
	if f.oneMoreTry() {
		return f.awaitCard(f.tryNotice())
	}
	return f.end(Declined, Ending{Reason: ReasonCardUnreadable, Detail: err.Error()})
}

// readerFailed goes on with the other readers, as long as the time for a card
// does. Those of stripes are not left alone: most cards want to be inserted.
func (f *Flow) readerFailed(failed Failed) error {
	f.broken |= failed.Media
	left := f.media()
	if failed.Media == 0 || left&(drivers.Contact|drivers.Contactless) == 0 {
		f.disarm()
		f.view.Notice = NoticeReaderFailed
		return f.end(Cancelled, Ending{Reason: ReasonReaderFailed, Detail: failed.Err.Error()})
	}
	notice := f.view.Notice
	if f.broken&drivers.Contact != 0 {
		notice = NoticeReaderFailed
	}
	f.await(notice)
	return nil
}

// oneMoreTry counts a card that could not be read, and tells whether there is
// anything else to try.
func (f *Flow) oneMoreTry() bool {
	f.cardTries++
	return f.cardTries < cardTriesMax || f.cardTries < insertedMax && f.chip.exhausted(f.cfg.Stripe)
}

// tryNotice says what to try.
func (f *Flow) tryNotice() Notice {
	if f.chip.exhausted(f.cfg.Stripe) {
		return NoticeSwipe
	}
	return NoticeCardUnread
}

// chipUnread gives a card back that fell silent before its application was
// selected, for another try. Nobody has been asked for anything yet.
func (f *Flow) chipUnread() error {
	f.chip.fail()
	f.view.Notice = NoticeNone
	if !f.oneMoreTry() {
		return f.end(Declined, Ending{Reason: ReasonCardUnreadable})
	}
	f.dropMachine()
	f.chosen = nil // the next card may be another one
	f.held = false
	f.enter(returning, ScreenPresentCard, f.tryNotice())
	f.signal(drivers.SignalAlert)
	f.work = f.next()
	f.do = append(f.do, Release{Ref: f.work})
	f.arm(f.cfg.Waits.Card)
	return nil
}

// onReturning waits for the next card once this one was pulled.
func (f *Flow) onReturning() error {
	switch f.now.Body.(type) {
	case CardGone, Failed:
		f.disarm()
		return f.awaitCard(f.view.Notice)
	default:
		return f.unexpected()
	}
}
