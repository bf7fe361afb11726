package payment

import (
	"errors"
	"fmt"
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
	opening      state = iota // nothing requested yet
	waiting                   // for a card
	pausing                   // a message stays for a moment, before the next one or the next card
	resting                   // a card that was tapped loses its power, before it is tapped again
	returning                 // not decided: a card that could not be read is given back, for another try
	talking                   // a command is with the card
	choosing                  // the customer chooses an application
	enteringPIN               // the customer enters a PIN
	verifyingPIN              // the customer enters one at the reader, for the card
	authorising               // the host is asked: committed, and not to be cancelled
	completing                // the host has answered, the card has the last word
	updating                  // the host has answered, and its answer waits for the card to be tapped again
	releasing                 // it is decided; the card is given back
	ended
)

var stateNames = [...]string{
	opening: "opening", waiting: "waiting", pausing: "pausing", resting: "resting", returning: "returning", talking: "talking", choosing: "choosing",
	enteringPIN: "entering a PIN", verifyingPIN: "verifying a PIN", authorising: "authorising",
	completing: "completing", updating: "updating", releasing: "releasing", ended: "ended",
}

// String names the state for errors.
func (s state) String() string { return stateNames[s] }

// Flow is one transaction. It has no I/O: Step says what to do.
type Flow struct {
	cfg   Config
	state state

	kind    Kind
	amount  money.Amount
	forced  bool // online, by the merchant
	started time.Time
	now     Event // the one being stepped, for its time

	machine  emv.Machine
	taps     bool // the machine waits for its card itself; see tapping.go
	atr      []byte
	swipe    *drivers.Swipe // nil: the card has a chip in the reader
	entry    string         // how the card was read
	offered  []emv.App      // the applications among which the customer chooses
	chosen   []byte         // AID of the one chosen last, or nil
	attempt  uint8          // the one after those that were sent
	pin      *PIN
	pinBlock []byte // sealed
	cardPINs int    // asked for the card, in this attempt
	answer   *Answer
	issuer   bool   // it is for the issuer to say, in this attempt
	fault    string // what failed in this attempt and left it to the card to go on

	opened    bool   // the record has an entry
	sent      bool   // an Authorising entry is committed
	giveUp    string // the reason to end once the running action has ended, or ""
	held      bool   // a card was powered
	cardTries int
	unread    bool // the card fell silent, and was not pulled
	chip      chipTries
	swipes    int // that came to nothing

	broken     drivers.Media // readers that failed in this wait
	untappable bool          // this sale's card goes to another reader
	asked      Notice        // with which a card was asked for
	prompt     Notice        // of the machine that taps
	clearing   bool          // the field is to be empty
	holding    Ref           // the timer of a message that stays, or 0
	parked     emv.Action    // that waits for it
	rested     func() error  // what follows once the card has no power
	skipped    bool          // the issuer's answer does not go to the card

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
		switch {
		case e.Ref == 0:
			return f.unexpected()
		case e.Ref == f.timer:
			f.timer = 0
			return f.fired()
		case e.Ref == f.holding:
			f.holding = 0
			return f.unpark()
		}
		return f.unexpected()
	case Choose:
		if f.state != choosing {
			return nil // a tap that came too late
		}
		return f.dispatch()
	case Request:
		return f.dispatch()
	case CardSeen, Cleared, Response, CardGone, PINResult, PINVerified, HostResult, Failed:
	}
	if e.Ref == 0 || e.Ref != f.work {
		return f.unexpected()
	}
	f.work = 0
	return f.dispatch()
}

// dispatch takes requests, choices and the results of the action at work.
func (f *Flow) dispatch() error {
	if f.giveUp != "" && f.state != releasing {
		return f.givenUp()
	}
	switch f.state {
	case opening:
		if b, ok := f.now.Body.(Request); ok {
			return f.open(b)
		}
	case waiting:
		return f.onWaiting()
	case resting:
		return f.onResting()
	case updating:
		return f.onUpdating()
	case returning:
		return f.onReturning()
	case talking, completing:
		return f.onTalking()
	case choosing:
		if b, ok := f.now.Body.(Choose); ok {
			return f.onChoice(b)
		}
	case enteringPIN:
		return f.onPIN()
	case verifyingPIN:
		return f.onCardPIN()
	case authorising:
		return f.onAuthorising()
	case releasing:
		return f.onReleasing()
	case pausing, ended:
	}
	return f.unexpected()
}

func (f *Flow) unexpected() error {
	return fmt.Errorf("%w: %T (ref %d) while %v", ErrUnexpected, f.now.Body, f.now.Ref, f.state)
}

func (f *Flow) enter(s state, screen Screen, n Notice) {
	f.state, f.view.Screen, f.view.Notice = s, screen, n
	if screen != ScreenPresentCard && screen != ScreenTapAgain {
		f.view.Media = 0
	}
}

func (f *Flow) next() Ref { f.refs++; return f.refs }

func (f *Flow) arm(d time.Duration) {
	f.timer = f.next()
	f.do = append(f.do, Arm{f.timer, d})
}

func (f *Flow) disarm() { f.stop(&f.timer) }

// stop asks an action to end and no longer listens to it. Not for Await: a card
// that came all the same has to be given back.
func (f *Flow) stop(r *Ref) {
	if *r == 0 {
		return
	}
	f.stopped[*r] = true
	f.do = append(f.do, Stop{*r})
	*r = 0
}

func (f *Flow) signal(s drivers.Signal) {
	f.view.Lights = s
	f.do = append(f.do, Signal{s})
}

// newEntry makes one for the journal; the first has the Opening.
func (f *Flow) newEntry(to State) Entry {
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
