package payment

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
)

// The ways in which a transaction ends: decided, cancelled, timed out, not stored.

// cardDone ends the attempt by what the card's machine says, and the
// transaction with it unless a wrong PIN may be tried again.
func (f *Flow) cardDone(o emv.Outcome) error {
	ending, err := f.cardEnding(o)
	if err != nil {
		return err
	}
	switch {
	case o.Status == emv.Approved && (f.answer != nil) != o.Online:
		return fmt.Errorf("payment: card machine says online %t, host answered %t", o.Online, f.answer != nil)
	case o.Status == emv.Approved && f.answer != nil && !f.hostApproved():
		return errors.New("payment: card machine approves what the host declined")
	case o.Status == emv.Approved:
		f.view.Balance = f.balanceOf(o)
		return f.end(Approved, ending)
	case f.hostApproved():
		return f.reverse(ending)
	case f.mayRetryPIN(o) && f.taps:
		return f.awaitCard(NoticeWrongPIN)
	case f.mayRetryPIN(o):
		return f.beginAttempt(NoticeWrongPIN)
	case f.answer == nil && (o.Status == emv.TryAnotherInterface || f.taps && o.Reason == emv.ReasonNoApplication):
		return f.otherInterface(ending)
	case o.Alternate&emv.InterfaceStripe != 0 && f.unread && !f.sent:
		return f.chipUnread()
	default:
		return f.end(Declined, ending)
	}
}

// hostApproved tells whether the host has approved this attempt.
func (f *Flow) hostApproved() bool { return f.answer != nil && f.answer.Verdict == VerdictApproved }

func (f *Flow) mayRetryPIN(o emv.Outcome) bool {
	return f.answer != nil && f.answer.Code == CodeWrongPIN && f.pin != nil &&
		f.attempt < f.cfg.PIN.AttemptsMax && o.Status == emv.Declined && f.giveUp == ""
}

// reverse commits that the transaction must be undone, before anything else.
// Money rule 3. The card is given back as it is: without a second GENERATE AC
// it has approved nothing.
func (f *Flow) reverse(e Ending) error { return f.end(Reversing, e) }

// end commits the last state of the flow, tells it, and gives the card back.
func (f *Flow) end(to State, e Ending) error {
	if !f.sent && to == Reversing {
		return errors.New("payment: a reversal of what was never sent")
	}
	switch {
	case to == Approved || f.fault == "":
	case e.Detail == "":
		e.Detail = f.fault
	default:
		e.Detail += ": " + f.fault
	}
	f.forgetCard()
	entry := f.newEntry(to)
	entry.Ending = &e
	f.commit = &entry
	f.disarm()
	f.stop(&f.holding)
	if f.taps && f.view.Notice == f.prompt {
		f.view.Notice = NoticeNone
	}

	f.view.Reason, f.view.Code = e.Reason, e.Code
	f.view.Signs = to == Approved && e.CVM == cvmSignature
	f.enter(releasing, finalScreen(to), f.view.Notice)
	signal := drivers.SignalAlert
	if to == Approved {
		signal, f.view.Notice = drivers.SignalSuccess, NoticeNone
	}
	if e.Reason == ReasonHostSilent {
		f.view.Notice = NoticeHostSilent
	}
	if f.view.Tapped {
		f.light(signal) // which has told already that the card was read
	} else {
		f.signal(signal)
	}
	f.release()
	return nil
}

// clearMachine clears the card's data once it is of no further use.
func (f *Flow) clearMachine() {
	if m, ok := f.machine.(interface{ Clear() }); ok {
		m.Clear()
	}
}

// forgetCard clears what is known of the card, at the end.
func (f *Flow) forgetCard() {
	f.clearMachine()
	if f.cfg.Forget != nil {
		f.cfg.Forget()
	}
	if f.swipe != nil {
		f.swipe.Clear()
		f.swipe = nil
	}
}

func finalScreen(s State) Screen {
	switch s {
	case Approved:
		return ScreenApproved
	case Declined:
		return ScreenDeclined
	case Cancelled:
		return ScreenCancelled
	case Reversing, Reversed, Authorising:
		return ScreenInDoubt
	}
	return ScreenFault
}

func (f *Flow) release() {
	if !f.held {
		return
	}
	f.work = f.next()
	f.do = append(f.do, Release{Ref: f.work})
	f.arm(f.cfg.Waits.Card)
	if f.view.Notice == NoticeNone {
		f.view.Notice = NoticeRemoveCard
	}
}

func (f *Flow) onReleasing() error {
	switch f.now.Body.(type) {
	case CardGone, Failed:
		f.disarm()
		if f.view.Notice == NoticeRemoveCard {
			f.view.Notice = NoticeNone
		}
		return nil
	default:
		return f.unexpected()
	}
}

// cancel takes the cashier's wish. A running action is asked to end, and its
// result decides; from Authorising on it is refused. Once it is decided, a
// cancel means that nobody waits for the card to be pulled.
func (f *Flow) cancel() error {
	switch f.state {
	case authorising, completing:
		f.view.Notice = NoticeTooLate
	case releasing:
		f.stop(&f.work)
		f.disarm()
	case pausing, resting, updating:
		if f.answer != nil {
			if f.mayCancel() {
				f.skip()
			}
			return nil
		}
	case opening, waiting, returning, talking, choosing, enteringPIN, verifyingPIN, ended:
	}
	if !f.mayCancel() {
		return nil
	}
	return f.abandon(ReasonCancelled)
}

func (f *Flow) mayCancel() bool {
	switch f.state {
	case waiting, returning, talking, choosing, enteringPIN, verifyingPIN:
		return f.giveUp == ""
	case pausing, resting, updating:
		return f.giveUp == "" && (f.answer == nil || f.view.Screen == ScreenTapAgain && !f.skipped)
	case opening, authorising, completing, releasing, ended:
		return false
	}
	return false
}

// abandon ends the transaction before Authorising, but not before the running
// action has ended: it may yet bring a card, which then has power.
func (f *Flow) abandon(reason string) error {
	f.giveUp = reason
	f.disarm()
	if f.work == 0 {
		return f.givenUp()
	}
	f.do = append(f.do, Stop{f.work})
	return nil
}

// givenUp ends the transaction once the running action has ended. What it
// brought, a card or a PIN, does not count any more.
func (f *Flow) givenUp() error {
	switch b := f.now.Body.(type) {
	case CardSeen:
		f.take(b)
	case PINResult:
		b.Entry.Block.Clear()
	}
	return f.end(Cancelled, Ending{Reason: f.giveUp})
}

func (f *Flow) fired() error {
	switch f.state {
	case waiting, returning:
		return f.abandon(ReasonCardTimeout)
	case choosing:
		return f.end(Cancelled, Ending{Reason: ReasonChoiceTimeout})
	case authorising:
		f.stop(&f.work)
		return f.reverse(Ending{Reason: ReasonHostSilent, Detail: fmt.Sprintf("no answer within %v", f.cfg.Waits.Host)})
	case updating:
		f.skip()
		return nil
	case releasing:
		return f.cancel() // the card stays where it is; the next sale will see it
	case opening, pausing, resting, talking, enteringPIN, verifyingPIN, completing, ended:
	}
	return f.unexpected()
}

// notCommitted is told when the entry of the step before could not be stored:
// nothing of that step was done. The card is given back. What is on disk is
// settled before the next transaction.
func (f *Flow) notCommitted(refused *Entry, err error) error {
	if refused == nil {
		return fmt.Errorf("%w: %w without an entry", ErrUnexpected, err)
	}
	screen := ScreenFault
	if first := refused.To == Authorising && refused.Attempt.Number == 1; first {
		f.sent, f.opened = false, false
	} else if f.sent {
		screen = ScreenInDoubt
	}
	f.forgetUndone()
	f.forgetCard()
	f.view.Reason, f.view.Signs = ReasonStoreFailed, false
	f.enter(releasing, screen, NoticeStoreFailed)
	f.signal(drivers.SignalAlert)
	f.release()
	return nil
}

// forgetUndone drops the actions of the step that was not done, and stops
// those that still run.
func (f *Flow) forgetUndone() {
	running := append(slices.Collect(maps.Keys(f.stopped)), f.work, f.timer, f.holding)
	f.work, f.timer, f.holding = 0, 0, 0
	clear(f.stopped)
	slices.Sort(running)
	for _, r := range running {
		if r != 0 && r <= f.done {
			f.stop(&r)
		}
	}
}
