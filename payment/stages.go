package payment

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
)

// The stages of a transaction up to the host's answer.

func (f *Flow) open(r Request) error {
	if r.Kind != Sale || r.Amount.Minor <= 0 {
		return fmt.Errorf("payment: cannot open a %q of %v", r.Kind, r.Amount)
	}
	f.kind, f.amount, f.forced, f.started = r.Kind, r.Amount, r.Online, f.now.At
	f.view = View{Kind: r.Kind, Amount: r.Amount}
	return f.awaitCard(NoticeNone)
}

// beginAttempt starts the card transaction with the card that was read, again
// after a wrong PIN.
func (f *Flow) beginAttempt(n Notice) error {
	m, err := f.newMachine()
	if err != nil {
		return err
	}
	f.adopt(m)
	f.enter(talking, ScreenCard, n)
	return f.tell(emv.Start{ATR: f.atr})
}

// adopt takes the machine of a new attempt.
func (f *Flow) adopt(m emv.Machine) {
	f.dropMachine()
	f.machine = m
	f.answer, f.pin, f.pinBlock, f.cardPINs, f.issuer, f.skipped = nil, nil, nil, 0, false, false
}

// dropMachine forgets the machine, and what failed with it.
func (f *Flow) dropMachine() {
	f.clearMachine()
	f.machine, f.taps, f.fault, f.unread = nil, false, "", false
}

// newMachine makes the machine that fits the way in which the card was read.
func (f *Flow) newMachine() (emv.Machine, error) {
	if f.swipe != nil {
		return &stripeMachine{swipe: f.swipe, rules: f.cfg.Stripe}, nil
	}
	return f.cfg.Kernel(f.transaction(), f.amount.Currency)
}

// transaction is what the next attempt is told of the sale.
func (f *Flow) transaction() emv.Transaction {
	return emv.Transaction{
		Type:         0x00, // 9C: purchase
		AmountMinor:  f.amount.Minor,
		Sequence:     f.cfg.Numbers.STANOf(f.attempt + 1),
		At:           f.now.At,
		ForcedOnline: f.forced,
	}
}

// tell steps the card's machine and turns its action into ours.
func (f *Flow) tell(e emv.Event) error {
	action, err := f.machine.Step(e)
	if err != nil {
		return err
	}
	return f.obey(action)
}

// obey does what the machine wants.
func (f *Flow) obey(action emv.Action) error {
	answered := f.state == completing || f.answer != nil
	switch a := action.(type) {
	case emv.Transmit:
		if answered {
			f.state = completing
		} else {
			f.enter(talking, ScreenCard, f.view.Notice)
		}
		f.work = f.next()
		f.do = append(f.do, Transmit{f.work, a.Command})
		return nil
	case emv.Done:
		return f.cardDone(a.Outcome)
	}
	if f.taps {
		switch action.(type) {
		case emv.Show, emv.Field, emv.AwaitCard, emv.AwaitClear, emv.Reenter:
			return f.obeyTap(action)
		}
	}
	if answered {
		return fmt.Errorf("payment: the card machine wants %T after the host's answer", action)
	}
	switch a := action.(type) {
	case emv.Choose:
		return f.askChoice(a)
	case emv.EnterPIN:
		f.askPIN(a)
	case emv.VerifyPIN:
		f.askCardPIN(a)
	case emv.GoOnline:
		return f.authorise(a)
	default:
		return fmt.Errorf("payment: the card machine wants %T", action)
	}
	return nil
}

func (f *Flow) onTalking() error {
	switch b := f.now.Body.(type) {
	case Response:
		return f.tell(emv.Response{Data: b.Data, Elapsed: b.Elapsed})
	case CardGone, Failed:
		if failed, ok := b.(Failed); ok {
			f.fault = failed.Err.Error()
			f.unread = errors.Is(failed.Err, drivers.ErrProtocol) || errors.Is(failed.Err, drivers.ErrTimeout)
		}
		return f.cardLost()
	default:
		return f.unexpected()
	}
}

// cardLost goes on without the card.
func (f *Flow) cardLost() error {
	if f.view.Notice = NoticeCardRemoved; f.taps {
		f.view.Notice, f.prompt = NoticeNone, NoticeTapAgain
	}
	return f.tell(emv.CardGone{})
}

// askChoice asks for an application. A further attempt of the same sale takes
// the one that was chosen before. EMV 4.4 Book 4, 11.3: after one that cannot
// be used, the customer is told to try again.
func (f *Flow) askChoice(a emv.Choose) error {
	if i := f.chosenAmong(a.Apps); i >= 0 && !a.Again {
		return f.tell(emv.Choice{Index: i})
	}
	notice := NoticeNone
	if a.Again {
		notice = NoticeTryAgain
	}
	f.enter(choosing, ScreenChoose, notice)
	f.offered, f.view.Apps = a.Apps, nil
	for _, app := range a.Apps {
		f.view.Apps = append(f.view.Apps, app.Label)
	}
	f.arm(f.cfg.Waits.Choice)
	return nil
}

// chosenAmong is where the application stands that was chosen before, or -1.
func (f *Flow) chosenAmong(apps []emv.App) int {
	return slices.IndexFunc(apps, func(app emv.App) bool { return f.chosen != nil && bytes.Equal(app.AID, f.chosen) })
}

func (f *Flow) onChoice(c Choose) error {
	if c.Index >= len(f.view.Apps) || c.Index < -1 {
		return fmt.Errorf("%w: choice %d of %d", ErrUnexpected, c.Index, len(f.view.Apps))
	}
	f.disarm()
	if c.Index < 0 {
		return f.end(Cancelled, Ending{Reason: ReasonChoiceRefused})
	}
	f.chosen, f.view.Notice = f.offered[c.Index].AID, NoticeNone
	return f.tell(emv.Choice{Index: c.Index})
}

// askPIN hands the number on to the PIN pad, and whoever asks it clears it.
func (f *Flow) askPIN(a emv.EnterPIN) {
	a.Card.Track2.Clear()
	f.enter(enteringPIN, ScreenPIN, f.view.Notice)
	f.view.Masked, f.view.Label = a.Card.PAN.Masked(), a.Card.Label
	f.work = f.next()
	f.do = append(f.do, EnterPIN{f.work, drivers.PINRequest{
		PAN: a.Card.PAN, Amount: f.amount.String(),
		Min: f.cfg.PIN.Min, Max: f.cfg.PIN.Max, Timeout: f.cfg.Waits.PIN,
	}})
}

func (f *Flow) onPIN() error {
	switch b := f.now.Body.(type) {
	case PINResult:
		if b.Entry.Bypassed {
			return f.tell(emv.PINResult{Status: emv.PINBypassed})
		}
		if err := f.sealPIN(b.Entry); err != nil {
			return err
		}
		return f.tell(emv.PINResult{Status: emv.PINEntered})
	case Failed:
		if reason := pinGivenUp(b.Err); reason != "" {
			return f.end(Cancelled, Ending{Reason: reason})
		}
		f.fault = b.Err.Error()
		return f.tell(emv.PINResult{Status: emv.PINPadFault})
	default:
		return f.unexpected()
	}
}

// pinGivenUp is the reason of a customer who enters no PIN and so ends the sale,
// or "" where it is the device that failed.
func pinGivenUp(err error) string {
	switch {
	case errors.Is(err, drivers.ErrCancelled):
		return ReasonPINCancelled
	case errors.Is(err, drivers.ErrTimeout):
		return ReasonPINTimeout
	}
	return ""
}

// authorise commits the attempt and then asks the host. Money rule 2.
func (f *Flow) authorise(a emv.GoOnline) error {
	defer forget(a.Card)
	parts, err := f.sealCard(a)
	if err != nil {
		return err
	}
	onDisk := parts // what a reversal needs, and no more
	onDisk.Track, onDisk.Chip = nil, nil
	f.enter(authorising, ScreenAuthorising, NoticeNone)
	f.view.Masked, f.view.Label = parts.Masked, parts.Label

	f.attempt++
	entry := f.newEntry(Authorising)
	entry.Attempt = &Attempt{
		Number: f.attempt, STAN: f.cfg.Numbers.STANOf(f.attempt),
		Entry: f.entryOf(a.Data), Card: onDisk, CVM: cvmWord(a.CVM),
	}
	f.commit, f.sent, f.issuer = &entry, true, true

	parts.PIN = f.pinBlock
	f.work = f.next()
	f.do = append(f.do, Exchange{f.work, Message{
		Key:     Key{ID: f.cfg.Numbers.ID, Leg: Authorise, Attempt: f.attempt},
		Version: int(f.attempt), At: f.now.At, ClockTrusted: f.now.ClockTrusted,
		Kind: f.kind, Amount: f.amount, Receipt: f.cfg.Numbers.Receipt,
		STAN: entry.Attempt.STAN, Entry: entry.Attempt.Entry, CVM: entry.Attempt.CVM,
		Card: parts, PIN: f.pin, Snapshot: f.cfg.Snapshot,
	}})
	f.arm(f.cfg.Waits.Host)
	return nil
}

func (f *Flow) onAuthorising() error {
	f.disarm()
	switch b := f.now.Body.(type) {
	case HostResult:
		if b.Answer.Verdict != VerdictApproved && b.Answer.Verdict != VerdictDeclined {
			return f.reverse(Ending{Reason: ReasonHostUnintelligible, Detail: "verdict " + string(b.Answer.Verdict)})
		}
		f.answer = &b.Answer
		f.enter(completing, ScreenAuthorising, NoticeNone)
		return f.tell(emv.HostResult{
			Online: true, ARC: b.Answer.Code, Approved: b.Answer.Verdict == VerdictApproved,
			AuthCode: b.Answer.AuthCode, IssuerAuth: b.Answer.IssuerAuth, Scripts: b.Answer.Scripts,
		})
	case Failed:
		if errors.Is(b.Err, ErrNotSent) {
			f.fault = b.Err.Error()
			f.enter(completing, ScreenAuthorising, NoticeNone)
			return f.tell(emv.HostResult{Online: false})
		}
		return f.reverse(Ending{Reason: ReasonHostSilent, Detail: b.Err.Error()})
	default:
		return f.unexpected()
	}
}
