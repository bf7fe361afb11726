package payment

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/money"
	"pgregory.net/rapid"
)

// scriptedTap is a machine that taps and does what a transcript says, one word
// after the other. Unlike a contact card it goes on when the card is gone.
type scriptedTap struct{ words []string }

// tapHold is how long a scripted message stays.
const tapHold = 1300 * time.Millisecond

func (c *scriptedTap) Step(e emv.Event) (emv.Action, error) {
	if len(c.words) == 0 {
		return nil, fmt.Errorf("the script has no word for %T", e)
	}
	word := c.words[0]
	show := func(m emv.UIMessage, s emv.UIStatus, hold time.Duration) (emv.Action, error) {
		c.words = c.words[1:]
		return emv.Show{Request: emv.UIRequest{Message: m, Status: s, Hold: hold}}, nil
	}
	done := func(o emv.Outcome) (emv.Action, error) {
		c.words = c.words[1:]
		return emv.Done{Outcome: o}, nil
	}
	switch word {
	case "present":
		return show(emv.MessagePresentCard, emv.UIReadyToRead, 0)
	case "again":
		return show(emv.MessagePresentCardAgain, emv.UIReadyToRead, 0)
	case "one-card":
		return show(emv.MessageOneCardOnly, emv.UIProcessingError, 0)
	case "see-phone":
		return show(emv.MessageSeePhone, emv.UINotReady, tapHold)
	case "see-phone-ready":
		return show(emv.MessageSeePhone, emv.UIReadyToRead, 0)
	case "read":
		return show(emv.MessageNone, emv.UICardReadOK, 0)
	case "asking":
		return show(emv.MessageAuthorising, emv.UINotReady, 0)
	case "insert":
		return show(emv.MessageInsertCard, emv.UIProcessingError, 0)
	case "await":
		c.words = c.words[1:]
		return emv.AwaitCard{}, nil
	case "clear":
		c.words = c.words[1:]
		return emv.AwaitClear{}, nil
	case "field-off":
		c.words = c.words[1:]
		return emv.Field{Hold: tapHold}, nil
	case "field-on":
		c.words = c.words[1:]
		return emv.Field{On: true}, nil
	case "reenter":
		c.words = c.words[1:]
		return emv.Reenter{}, nil
	case "other":
		return done(emv.Outcome{Status: emv.TryAnotherInterface, Reason: "another interface"})
	case "unlisted":
		return done(emv.Outcome{Reason: emv.ReasonNoApplication})
	case "unable":
		return done(emv.Outcome{Status: emv.Declined, Reason: "unable", ARC: "Z3"})
	case "offline-balance":
		return done(emv.Outcome{Status: emv.Approved, Record: []byte("\x95\x01\x80"), Parameters: emv.Parameters{
			UIOnOutcome: &emv.UIRequest{Qualifier: emv.ValueBalance, ValueMinor: 7500, Currency: cny.Numeric},
		}})
	case "online-track":
		c.words = c.words[1:]
		return emv.GoOnline{Data: []byte("\x9F\x39\x01\x91")}, nil
	}
	one := &scriptedCard{words: []string{word}}
	c.words = c.words[1:]
	return one.Step(e)
}

// tap makes a machine that taps and does as it likes, within its contract: it
// waits for its card before it has one, and approves online only what the host
// did.
func (w *world) tap(emv.Transaction, money.Currency) (emv.Machine, error) {
	if rapid.IntRange(0, 9).Draw(w.t, "untappable") == 0 {
		return nil, nil
	}
	return &anyTap{anyCard: anyCard{w: w}}, nil
}

type anyTap struct {
	anyCard
	begun, present, clearing bool
	rounds                   int
}

func (c *anyTap) Step(e emv.Event) (emv.Action, error) {
	switch e := e.(type) {
	case emv.HostResult:
		c.host = &e
	case emv.Start:
		if c.present {
			return nil, errors.New("two cards")
		}
		c.present = true
	case emv.CardGone:
		c.present = false
	case emv.Collision:
		c.clearing = true
		return emv.AwaitClear{}, nil
	case emv.Cleared:
		if !c.clearing {
			return nil, errors.New("nobody waits for an empty field")
		}
		c.clearing = false
	case emv.NoCard:
		if c.host == nil || !c.host.Online {
			return nil, errors.New("no card, and no answer of the issuer")
		}
		return c.byIssuer(), nil
	}
	if c.rounds++; c.rounds > 30 {
		return c.end(), nil
	}
	if !c.begun {
		c.begun = true
		return c.draw("other", "present", "present", "present", "await", "await")
	}
	if !c.present {
		return c.draw("await", "await", "again", "see-phone", "field-off", "field-on", "ended")
	}
	words := []string{"transmit", "transmit", "transmit", "read", "see-phone", "reenter", "lift", "ended"}
	switch {
	case c.host == nil:
		words = append(words, "pin", "online", "online", "online", "offline", "other")
	case c.host.Online:
		words = append(words, "issuer", "issuer", "issuer")
	}
	return c.draw(words...)
}

// draw does one of the words.
func (c *anyTap) draw(words ...string) (emv.Action, error) {
	switch word := rapid.SampledFrom(words).Draw(c.w.t, "tap"); word {
	case "lift":
		c.present = false
		return emv.Field{Hold: tapHold}, nil
	case "ended":
		return c.end(), nil
	case "issuer":
		return c.byIssuer(), nil
	case "await":
		return emv.AwaitCard{}, nil
	default:
		return (&scriptedTap{[]string{word}}).Step(emv.Performed{})
	}
}

// byIssuer ends as the issuer said.
func (c *anyTap) byIssuer() emv.Action {
	o := emv.Outcome{Status: emv.Declined, Reason: "declined by issuer", Online: true}
	if c.host.Approved {
		o.Status, o.Reason = emv.Approved, ""
	}
	return emv.Done{Outcome: o}
}

// end approves nothing.
func (c *anyTap) end() emv.Action {
	return emv.Done{Outcome: emv.Outcome{Reason: "ended", Online: c.host != nil && c.host.Online}}
}

// antennaResult is what an antenna says of its wait.
func (w *world) antennaResult(a Await, ok bool) Body {
	switch {
	case a.Clear && ok:
		return Cleared{}
	case a.Clear:
		return Failed{Err: rapid.SampledFrom([]error{drivers.ErrCancelled, drivers.ErrNoDevice}).Draw(w.t, "not cleared"), Media: drivers.Contactless}
	case ok:
		return CardSeen{Media: drivers.Contactless}
	}
	return Failed{Err: rapid.SampledFrom([]error{
		drivers.ErrCollision, drivers.ErrCardMute, drivers.ErrCardGone, drivers.ErrNoDevice, drivers.ErrProtocol,
	}).Draw(w.t, "no tap"), Media: drivers.Contactless}
}
