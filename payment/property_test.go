package payment

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/money"
	"pgregory.net/rapid"
)

// TestMoneyRules runs transactions in which cards, customers, host and disk do
// anything at any time, and demands the money rules of each of them. A hundred
// at a time, which is what rapid does, seldom come to a fallback.
func TestMoneyRules(t *testing.T) {
	const times = 30
	for n := range times {
		t.Run(strconv.Itoa(n), rapid.MakeCheck(anySale))
	}
}

// anySale is one of them.
func anySale(t *rapid.T) {
	w := &world{t: t, open: map[Ref]Action{}, broken: rapid.Bool().Draw(t, "broken chips")}
	cfg := testConfig(w.kernel)
	cfg.Stripe = StripeRules{
		Allowed: true, Fallback: rapid.Bool().Draw(t, "fallback"),
		OnlinePIN: rapid.Bool().Draw(t, "pin"), NoCVM: rapid.Bool().Draw(t, "no cvm"),
	}
	if rapid.Bool().Draw(t, "antenna") {
		cfg.Tap = w.tap
	}
	w.flow = NewFlow(cfg)
	w.step(0, Request{Kind: Sale, Amount: amountOf(1250)})
	const stepsMax = 400
	for range stepsMax {
		if w.ended {
			w.checkEnd()
			return
		}
		w.happen()
	}
	t.Fatalf("not ended after %d steps", stepsMax)
}

// world is everything around a flow, with no sense of what is likely.
type world struct {
	t        *rapid.T
	flow     *Flow
	open     map[Ref]Action
	record   Record
	diskFull bool
	approved bool // the host's last word
	exchange *Key // the last message that went out
	again    bool // the host refused the PIN in it: another attempt may ask for one
	powered  bool // a reader gave a card, and it was not given back
	unread   int  // chips that could not be read
	selected bool // a chip that could
	swipe    *drivers.Swipe
	broken   bool // chips seldom answer
	ended    bool
}

// kernel makes a card machine that does as it likes, within its contract: it
// never approves online without an approving host.
func (w *world) kernel(emv.Transaction, money.Currency) (emv.Machine, error) {
	return &anyCard{w: w}, nil
}

type anyCard struct {
	w    *world
	host *emv.HostResult
	n    int

	selected bool
}

func (c *anyCard) Step(e emv.Event) (emv.Action, error) {
	if host, ok := e.(emv.HostResult); ok {
		c.host = &host
	}
	if c.n++; c.n > 12 {
		e = emv.CardGone{}
	}
	card := emv.Card{PAN: []byte("9999010000000017"), Track2: []byte("track")}
	if _, ok := e.(emv.CardGone); ok {
		o := emv.Outcome{Reason: "gone", Card: card}
		if alternate := !c.selected && rapid.Bool().Draw(c.w.t, "before selection"); alternate {
			o.Alternate = emv.InterfaceStripe
		} else {
			c.w.selected = true
		}
		return emv.Done{Outcome: o}, nil
	}
	words := []string{"transmit", "transmit", "declined", "refused"}
	switch {
	case c.host == nil:
		words = append(words, "choose", "pin", "card-pin", "online", "online", "offline")
	case c.host.Online && c.host.Approved:
		words = append(words, "approved", "approved")
	case !c.host.Online:
		words = append(words, "offline")
	}
	word := rapid.SampledFrom(words).Draw(c.w.t, "card")
	c.selected = c.selected || word != "transmit" && word != "choose"
	return (&scriptedCard{[]string{word}}).Step(e)
}

// happen lets one thing happen: a tap, or the result of an action.
func (w *world) happen() {
	refs := make([]Ref, 0, len(w.open))
	for r := range w.open {
		refs = append(refs, r)
	}
	slices.Sort(refs)
	pick := rapid.IntRange(-2, len(refs)-1).Draw(w.t, "what")
	switch {
	case pick == -2 && rapid.IntRange(0, 9).Draw(w.t, "hammer") == 0:
		w.step(0, Cancel{})
	case pick < 0:
		w.step(0, Choose{rapid.IntRange(-1, 1).Draw(w.t, "choice")})
	default:
		ref := refs[pick]
		a := w.open[ref]
		if _, timer := a.(Arm); timer && len(refs) > 1 && rapid.IntRange(0, 15).Draw(w.t, "in time") > 0 {
			return // or most sales would end before anything has happened
		}
		delete(w.open, ref)
		w.step(ref, w.resultOf(a))
	}
}

func (w *world) resultOf(a Action) Body {
	fails := []error{drivers.ErrCancelled, drivers.ErrTimeout, drivers.ErrNoDevice, drivers.ErrCardMute, errors.New("other")}
	failed := func() Body { return Failed{Err: rapid.SampledFrom(fails).Draw(w.t, "error")} }
	ok := rapid.IntRange(0, 4).Draw(w.t, "works") > 0
	switch a := a.(type) {
	case Await:
		if a.Media&drivers.Contactless != 0 && (a.Media == drivers.Contactless || rapid.Bool().Draw(w.t, "antenna")) {
			return w.antennaResult(a, ok)
		}
		return w.awaitResult(ok)
	case Transmit:
		if ok {
			return Response{Data: []byte{0x90, 0}}
		}
		if rapid.Bool().Draw(w.t, "silent") {
			return Failed{Err: drivers.ErrProtocol}
		}
		return CardGone{}
	case Release:
		return CardGone{}
	case EnterPIN:
		if ok {
			return PINResult{drivers.PINEntry{Block: []byte("12345678"), Scheme: "x"}}
		}
	case VerifyPIN:
		return w.cardPINResult(ok)
	case Exchange:
		return w.hostResult(a, ok)
	case Arm:
		return Fired{}
	case Stop, Signal:
		w.t.Fatalf("%T has no result", a)
	}
	return failed()
}

// awaitResult is a chip, a stripe, or neither.
func (w *world) awaitResult(ok bool) Body {
	if w.broken && w.unread <= chipFailuresMax && rapid.IntRange(0, 5).Draw(w.t, "answers to reset") > 0 {
		return Failed{Err: drivers.ErrCardMute}
	}
	if ok && rapid.Bool().Draw(w.t, "chip") {
		return CardSeen{Media: drivers.Contact}
	}
	if ok {
		w.swipe = swipeOf(rapid.SampledFrom([]string{"101", "120", "103", "201", "220"}).Draw(w.t, "service"))
		return CardSeen{Media: drivers.Stripe, Swipe: w.swipe}
	}
	if rapid.IntRange(0, 4).Draw(w.t, "broken") == 0 {
		return Failed{Err: drivers.ErrNoDevice, Media: rapid.SampledFrom([]drivers.Media{0, drivers.Contact, drivers.Stripe}).Draw(w.t, "reader")}
	}
	return Failed{Err: rapid.SampledFrom([]error{drivers.ErrCardMute, drivers.ErrCardMute, drivers.ErrCardGone, drivers.ErrUnread}).Draw(w.t, "no card")}
}

func (w *world) cardPINResult(ok bool) Body {
	if ok {
		bypassed := rapid.Bool().Draw(w.t, "bypassed")
		return PINVerified{drivers.PINVerified{Bypassed: bypassed, Response: drivers.Response{Data: []byte{0x63, 0xC1}}}}
	}
	if rapid.Bool().Draw(w.t, "pulled") {
		return CardGone{}
	}
	return Failed{Err: rapid.SampledFrom([]error{
		drivers.ErrCancelled, drivers.ErrTimeout, drivers.ErrRefused, drivers.ErrHardware, drivers.ErrProtocol,
	}).Draw(w.t, "PIN error")}
}

func (w *world) hostResult(a Exchange, ok bool) Body {
	if !ok {
		return Failed{Err: rapid.SampledFrom([]error{ErrNotSent, ErrUnknown}).Draw(w.t, "host error")}
	}
	code := rapid.SampledFrom([]string{"00", "00", "51", "55"}).Draw(w.t, "code")
	answer := Answer{Key: a.Message.Key, Code: code, Verdict: VerdictDeclined}
	if code == CodeApproved {
		answer.Verdict = VerdictApproved
	}
	return HostResult{answer}
}

func (w *world) step(ref Ref, b Body) {
	if card, seen := b.(CardSeen); seen && card.Swipe == nil {
		w.powered = true
	}
	if failed, ok := b.(Failed); ok && failed.Media != drivers.Contactless && (errors.Is(failed.Err, drivers.ErrCardMute) ||
		errors.Is(failed.Err, drivers.ErrProtocol) && !w.flow.view.Tapped) {
		w.unread++
	}
	if h, ok := b.(HostResult); ok && w.exchange != nil && h.Answer.Key == *w.exchange {
		w.approved = h.Answer.Verdict == VerdictApproved
		w.again = h.Answer.Code == CodeWrongPIN
	}
	s, err := w.flow.Step(Event{At: time.Unix(0, 0), Ref: ref, Body: b})
	if err != nil {
		w.t.Fatalf("step %T: %v", b, err)
	}
	if s.Commit != nil && (w.diskFull || rapid.IntRange(0, 14).Draw(w.t, "disk") == 0) {
		w.diskFull = true // and stays so
		w.step(0, Failed{Err: ErrStore})
		return
	}
	if s.Commit != nil {
		if err := w.record.Apply(*s.Commit); err != nil {
			w.t.Fatalf("entry does not follow: %v", err)
		}
	}
	for _, a := range s.Do {
		w.take(s, a)
	}
	if s.View.Screen == ScreenApproved && w.record.State != Approved {
		w.t.Fatalf("told approved, on disk %q", w.record.State)
	}
	if s.View.Cancellable && w.record.State == Authorising && w.approved && s.View.Screen != ScreenTapAgain {
		w.t.Fatal("cancellable although the host approved")
	}
	w.ended = s.Ended
}

// take checks an action as it is about to be done.
func (w *world) take(s Step, a Action) {
	switch a := a.(type) {
	case Exchange:
		if s.Commit == nil || s.Commit.To != Authorising || w.record.State != Authorising {
			w.t.Fatal("something is sent that is not on disk")
		}
		if int(a.Message.Key.Attempt) != len(w.record.Attempts) {
			w.t.Fatalf("attempt %d is sent, %d are on disk", a.Message.Key.Attempt, len(w.record.Attempts))
		}
		w.checkEntry(a.Message)
		w.exchange, w.approved, w.again = &a.Message.Key, false, false
		w.open[a.Ref] = a
	case Await:
		w.open[a.Ref] = a
	case Transmit:
		w.open[a.Ref] = a
	case Release:
		w.open[a.Ref], w.powered = a, false
	case EnterPIN:
		w.open[a.Ref] = a
	case VerifyPIN:
		if w.exchange != nil && w.record.State == Authorising && !w.again {
			w.t.Fatal("a PIN is asked for after the host was")
		}
		w.open[a.Ref] = a
	case Arm:
		w.open[a.Ref] = a
	case Stop, Signal:
	}
}

// checkEntry demands that a stripe goes out where it may, and never offline nor
// in the stead of a chip that was read.
func (w *world) checkEntry(m Message) {
	switch m.Entry {
	case EntryFallback:
		if w.unread < chipFailuresMax || w.selected || !w.flow.cfg.Stripe.Fallback || !w.swipe.Chip() {
			w.t.Fatalf("fallback after %d chips that could not be read, one that could: %v", w.unread, w.selected)
		}
	case EntryStripe:
		if w.swipe.Chip() {
			w.t.Fatal("the stripe of a chip card as that of a card without")
		}
	}
	w.selected = w.selected || m.Entry == EntryChip
	if m.Entry != EntryChip && m.Entry != EntryTap && m.Card.Chip != nil {
		w.t.Fatal("a stripe with chip data")
	}
}

// checkEnd demands that nothing is open, that no card was left with power, and
// that disk and host agree, after a restart at the latest.
func (w *world) checkEnd() {
	if w.powered {
		w.t.Fatal("ended with power on a card")
	}
	if len(w.open) != 0 {
		w.t.Fatalf("ended with %d actions running", len(w.open))
	}
	if w.record.Version == 0 && w.exchange != nil {
		w.t.Fatal("something was sent and nothing is on disk")
	}
	if w.record.Unfinished() {
		if !w.diskFull {
			w.t.Fatal("ended unfinished")
		}
		entries, err := Recover(func(yield func(Record, error) bool) { yield(w.record, nil) }, time.Unix(1, 0), true)
		if err != nil || len(entries) != 1 {
			w.t.Fatalf("Recover = %d entries, %v", len(entries), err)
		}
		if err := w.record.Apply(entries[0]); err != nil {
			w.t.Fatal(err)
		}
	}
	if w.approved && w.record.State != Approved && w.record.State != Reversing {
		w.t.Fatalf("the host approved and the record is %q", w.record.State)
	}
	if w.record.State == Approved && !w.approved && !w.record.Ending.Offline {
		w.t.Fatal("approved online without the host")
	}
	if a := w.record.Attempt(); a != nil && a.Entry != EntryChip && a.Entry != EntryTap && w.record.Ending.Offline {
		w.t.Fatal("a stripe was approved offline")
	}
	if w.swipe != nil && slices.ContainsFunc(append([]byte(w.swipe.PAN), w.swipe.Track2...), func(b byte) bool { return b != 0 }) {
		w.t.Fatal("the swipe was not cleared")
	}
}
