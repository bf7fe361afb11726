package payment

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/money"
)

// ErrUnexpected is a bug in the caller: an event that does not fit the state.
var ErrUnexpected = errors.New("payment: unexpected event")

// cardTriesMax bounds how often an unreadable card may be presented.
const cardTriesMax = 3

type state uint8

const (
	opening     state = iota // nothing requested yet
	waiting                  // for a card
	talking                  // a command is with the card
	choosing                 // the customer chooses an application
	enteringPIN              // the customer enters a PIN
	authorising              // the host is asked: committed, and not to be cancelled
	completing               // the host has answered, the card has the last word
	releasing                // it is decided; the card is given back
	ended
)

// Flow is one transaction. It has no I/O: Step says what to do.
type Flow struct {
	cfg   Config
	state state

	kind    Kind
	amount  money.Amount
	started time.Time
	now     Event // the one being stepped, for its time

	machine  emv.Machine
	atr      []byte
	attempt  uint8
	card     CardData
	pin      *PIN
	pinBlock []byte // sealed
	answer   *Answer
	fault    string // what failed in this attempt and left it to the card to go on

	opened    bool // the record has an entry
	sent      bool // an Authorising entry is committed
	cancelled bool // asked for, and waiting for the running action to end
	held      bool // a card was powered
	cardTries int

	refs    Ref
	work    Ref          // the one action with a result that matters now, or 0
	timer   Ref          // the armed timer, or 0
	stopped map[Ref]bool // actions whose results no longer matter
	done    Ref          // the last one that the step before had not yet made
	view    View
	do      []Action
	commit  *Entry
}

// NewFlow makes a flow for one transaction.
func NewFlow(cfg Config) *Flow {
	return &Flow{cfg: cfg, stopped: map[Ref]bool{}}
}

// Step takes what happened and returns what to commit, do and show, in this
// order. Its errors are bugs or a broken Config; the transaction then must not
// go on, and what is on disk is settled by Recover.
func (f *Flow) Step(e Event) (Step, error) {
	if _, failed := e.Body.(Failed); f.state == ended && (!failed || e.Ref != 0) {
		return Step{}, fmt.Errorf("%w: %T after the end", ErrUnexpected, e.Body)
	}
	if err := f.step(e); err != nil {
		return Step{}, fmt.Errorf("%v: %w", f.cfg.Numbers.ID, err)
	}
	if f.state == releasing && f.work == 0 && f.timer == 0 && len(f.stopped) == 0 {
		f.state = ended
	}
	f.view.Cancellable = f.mayCancel()
	return Step{Commit: f.commit, Do: f.do, View: f.view, Ended: f.state == ended}, nil
}

func (f *Flow) step(e Event) error {
	refused := f.commit
	f.now, f.do, f.commit = e, nil, nil
	if failed, ok := e.Body.(Failed); ok && e.Ref == 0 {
		return f.notCommitted(refused, failed.Err)
	}
	f.done = f.refs
	if e.Ref != 0 && f.stopped[e.Ref] {
		delete(f.stopped, e.Ref)
		return nil // the late result of an action that no longer matters
	}
	switch e.Body.(type) {
	case Cancel:
		return f.cancel()
	case Fired:
		if e.Ref == 0 || e.Ref != f.timer {
			return f.unexpected()
		}
		f.timer = 0
		return f.fired()
	case Choose:
		if f.state != choosing {
			return nil // a tap that came too late
		}
		return f.dispatch()
	case Request:
		return f.dispatch()
	case CardSeen, Response, CardGone, PINResult, HostResult, Failed:
	}
	if e.Ref == 0 || e.Ref != f.work {
		return f.unexpected()
	}
	f.work = 0
	return f.dispatch()
}

// dispatch takes requests, choices and the results of the action at work.
func (f *Flow) dispatch() error {
	if f.cancelled && f.state < authorising {
		return f.afterCancel()
	}
	switch f.state {
	case opening:
		if b, ok := f.now.Body.(Request); ok {
			return f.open(b)
		}
	case waiting:
		return f.onWaiting()
	case talking, completing:
		return f.onTalking()
	case choosing:
		if b, ok := f.now.Body.(Choose); ok {
			return f.onChoice(b)
		}
	case enteringPIN:
		return f.onPIN()
	case authorising:
		return f.onAuthorising()
	case releasing:
		return f.onReleasing()
	case ended:
	}
	return f.unexpected()
}

func (f *Flow) unexpected() error {
	return fmt.Errorf("%w: %T (ref %d) in state %d", ErrUnexpected, f.now.Body, f.now.Ref, f.state)
}

func (f *Flow) open(r Request) error {
	if r.Kind != Sale || r.Amount.Minor <= 0 {
		return fmt.Errorf("payment: cannot open a %q of %v", r.Kind, r.Amount)
	}
	f.kind, f.amount, f.started = r.Kind, r.Amount, f.now.At
	f.view = View{Kind: r.Kind, Amount: r.Amount}
	f.awaitCard(NoticeNone)
	return nil
}

func (f *Flow) awaitCard(n Notice) {
	f.enter(waiting, ScreenPresentCard, n)
	f.signal(drivers.SignalReady)
	f.work = f.next()
	f.do = append(f.do, Await{f.work})
	f.arm(f.cfg.Waits.Card)
}

func (f *Flow) onWaiting() error {
	f.disarm()
	switch b := f.now.Body.(type) {
	case CardSeen:
		f.held, f.atr = true, b.ATR
		return f.beginAttempt(NoticeNone)
	case Failed:
		return f.noCard(b.Err)
	default:
		return f.unexpected()
	}
}

func (f *Flow) noCard(err error) error {
	if !errors.Is(err, drivers.ErrCardMute) && !errors.Is(err, drivers.ErrCardGone) {
		f.view.Notice = NoticeReaderFailed
		return f.end(Cancelled, Ending{Reason: ReasonReaderFailed, Detail: err.Error()})
	}
	if f.cardTries++; f.cardTries < cardTriesMax {
		f.awaitCard(NoticeCardUnread)
		return nil
	}
	return f.end(Declined, Ending{Reason: ReasonCardUnreadable, Detail: err.Error()})
}

// beginAttempt starts the card transaction, again after a wrong PIN.
func (f *Flow) beginAttempt(n Notice) error {
	m, err := f.cfg.Kernel(emv.Transaction{
		Type:        0x00, // 9C: purchase
		AmountMinor: f.amount.Minor,
		Sequence:    f.cfg.Numbers.STANOf(f.attempt + 1),
		At:          f.now.At,
	}, f.amount.Currency)
	if err != nil {
		return err
	}
	f.machine = m
	f.attempt++
	f.answer, f.pin, f.pinBlock, f.fault = nil, nil, nil, ""
	f.view.Attempt = f.attempt
	f.enter(talking, ScreenCard, n)
	return f.tell(emv.Start{ATR: f.atr})
}

// tell steps the card's machine and turns its action into ours.
func (f *Flow) tell(e emv.Event) error {
	action, err := f.machine.Step(e)
	if err != nil {
		return err
	}
	switch a := action.(type) {
	case emv.Transmit:
		if f.state != completing {
			f.enter(talking, ScreenCard, f.view.Notice)
		}
		f.work = f.next()
		f.do = append(f.do, Transmit{f.work, a.Command})
		return nil
	case emv.Done:
		return f.cardDone(a.Outcome)
	}
	if f.state == completing {
		return fmt.Errorf("payment: the card machine wants %T after the host's answer", action)
	}
	switch a := action.(type) {
	case emv.Choose:
		f.enter(choosing, ScreenChoose, NoticeNone)
		f.view.Apps = nil
		for _, app := range a.Apps {
			f.view.Apps = append(f.view.Apps, app.Label)
		}
		f.arm(f.cfg.Waits.Choice)
	case emv.EnterPIN:
		f.askPIN(a)
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
		}
		f.view.Notice = NoticeCardRemoved
		return f.tell(emv.CardGone{})
	default:
		return f.unexpected()
	}
}

func (f *Flow) onChoice(c Choose) error {
	if c.Index >= len(f.view.Apps) || c.Index < -1 {
		return fmt.Errorf("%w: choice %d of %d", ErrUnexpected, c.Index, len(f.view.Apps))
	}
	f.disarm()
	if c.Index < 0 {
		return f.end(Cancelled, Ending{Reason: ReasonChoiceRefused})
	}
	return f.tell(emv.Choice{Index: c.Index})
}

func (f *Flow) askPIN(a emv.EnterPIN) {
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
		switch {
		case errors.Is(b.Err, drivers.ErrCancelled):
			return f.end(Cancelled, Ending{Reason: ReasonPINCancelled})
		case errors.Is(b.Err, drivers.ErrTimeout):
			return f.end(Cancelled, Ending{Reason: ReasonPINTimeout})
		default:
			f.fault = b.Err.Error()
			return f.tell(emv.PINResult{Status: emv.PINPadFault})
		}
	default:
		return f.unexpected()
	}
}

// authorise commits the attempt and then asks the host. Money rule 2.
func (f *Flow) authorise(a emv.GoOnline) error {
	parts, err := f.sealCard(a)
	if err != nil {
		return err
	}
	onDisk := parts // what a reversal needs, and no more
	onDisk.Track, onDisk.Chip = nil, nil
	f.card = onDisk
	f.enter(authorising, ScreenAuthorising, NoticeNone)
	f.view.Masked, f.view.Label = parts.Masked, parts.Label

	entry := f.entry(Authorising)
	entry.Attempt = &Attempt{
		Number: f.attempt, STAN: f.cfg.Numbers.STANOf(f.attempt),
		Entry: entryChip, Card: onDisk, CVM: cvmWord(a.CVM),
	}
	f.commit, f.sent = &entry, true

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
			IssuerAuth: b.Answer.IssuerAuth, Scripts: b.Answer.Scripts,
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
	case o.Status == emv.Approved && f.answer != nil && f.answer.Verdict != VerdictApproved:
		return errors.New("payment: card machine approves what the host declined")
	case o.Status == emv.Approved:
		return f.end(Approved, ending)
	case f.answer != nil && f.answer.Verdict == VerdictApproved:
		return f.reverse(ending)
	case f.mayRetryPIN(o):
		return f.beginAttempt(NoticeWrongPIN)
	default:
		return f.end(Declined, ending)
	}
}

func (f *Flow) mayRetryPIN(o emv.Outcome) bool {
	return f.answer != nil && f.answer.Code == CodeWrongPIN && f.pin != nil &&
		f.attempt < f.cfg.PIN.AttemptsMax && f.held && o.Status == emv.Declined && !f.cancelled
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
	if to != Approved && e.Detail == "" {
		e.Detail = f.fault
	}
	entry := f.entry(to)
	entry.Ending = &e
	f.commit = &entry
	f.disarm()

	f.view.Reason, f.view.Code = e.Reason, e.Code
	f.enter(releasing, finalScreen(to), f.view.Notice)
	signal := drivers.SignalAlert
	if to == Approved {
		signal, f.view.Notice = drivers.SignalSuccess, NoticeNone
	}
	if e.Reason == ReasonHostSilent {
		f.view.Notice = NoticeHostSilent
	}
	f.signal(signal)
	f.release()
	return nil
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
	f.do = append(f.do, Release{f.work})
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
	case opening, waiting, talking, choosing, enteringPIN, ended:
	}
	if !f.mayCancel() {
		return nil
	}
	f.cancelled = true
	f.disarm()
	if f.work == 0 {
		return f.afterCancel()
	}
	f.do = append(f.do, Stop{f.work})
	return nil
}

func (f *Flow) mayCancel() bool {
	switch f.state {
	case waiting, talking, choosing, enteringPIN:
		return !f.cancelled
	case opening, authorising, completing, releasing, ended:
		return false
	}
	return false
}

// afterCancel ends the transaction once the running action has ended. What it
// brought, a card or a PIN, does not count any more.
func (f *Flow) afterCancel() error {
	if _, seen := f.now.Body.(CardSeen); seen {
		f.held = true
	}
	return f.end(Cancelled, Ending{Reason: ReasonCancelled})
}

func (f *Flow) fired() error {
	switch f.state {
	case waiting:
		f.stop(&f.work)
		return f.end(Cancelled, Ending{Reason: ReasonCardTimeout})
	case choosing:
		return f.end(Cancelled, Ending{Reason: ReasonChoiceTimeout})
	case authorising:
		f.stop(&f.work)
		return f.reverse(Ending{Reason: ReasonHostSilent, Detail: fmt.Sprintf("no answer within %v", f.cfg.Waits.Host)})
	case releasing:
		return f.cancel() // the card stays where it is; the next sale will see it
	case opening, talking, enteringPIN, completing, ended:
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
	f.view.Reason = ReasonStoreFailed
	f.enter(releasing, screen, NoticeStoreFailed)
	f.signal(drivers.SignalAlert)
	f.release()
	return nil
}

// forgetUndone drops the actions of the step that was not done, and stops
// those that still run.
func (f *Flow) forgetUndone() {
	running := append(slices.Collect(maps.Keys(f.stopped)), f.work, f.timer)
	f.work, f.timer = 0, 0
	clear(f.stopped)
	slices.Sort(running)
	for _, r := range running {
		if r != 0 && r <= f.done {
			f.stop(&r)
		}
	}
}

func (f *Flow) enter(s state, screen Screen, n Notice) {
	f.state, f.view.Screen, f.view.Notice = s, screen, n
}

func (f *Flow) next() Ref { f.refs++; return f.refs }

func (f *Flow) arm(d time.Duration) {
	f.timer = f.next()
	f.do = append(f.do, Arm{f.timer, d})
}

func (f *Flow) disarm() { f.stop(&f.timer) }

// stop asks an action to end and no longer listens to it.
func (f *Flow) stop(r *Ref) {
	if *r == 0 {
		return
	}
	f.stopped[*r] = true
	f.do = append(f.do, Stop{*r})
	*r = 0
}

func (f *Flow) signal(s drivers.Signal) { f.do = append(f.do, Signal{s}) }

// entry makes one for the journal; the first has the Opening.
func (f *Flow) entry(to State) Entry {
	e := Entry{ID: f.cfg.Numbers.ID, At: f.now.At, ClockTrusted: f.now.ClockTrusted, To: to}
	if !f.opened {
		f.opened = true
		e.Opening = &Opening{
			Kind: f.kind, Amount: f.amount, Receipt: f.cfg.Numbers.Receipt, STAN: f.cfg.Numbers.STAN,
			Started: f.started, Snapshot: f.cfg.Snapshot,
		}
	}
	return e
}
