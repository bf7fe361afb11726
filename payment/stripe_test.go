package payment

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
)

// Track 2 is sealed as a chip's tag 57, whose form the acquirer knows.
func TestPackTrack2(t *testing.T) {
	for track, want := range map[string]string{
		"9999010000000011=3112101":    "9999010000000011D3112101",
		"999901000000001=311210112=3": "999901000000001D311210112D3F",
	} {
		if got := strings.ToUpper(hex.EncodeToString(packTrack2(secret.Bytes(track)))); got != want {
			t.Errorf("packTrack2(%s) = %s, want %s", track, got, want)
		}
	}
}

func TestLastDay(t *testing.T) {
	for yymm, want := range map[string]string{"3112": "311231", "2802": "280229", "2902": "290228", "9904": "990430"} {
		if got := lastDay(yymm); got != want {
			t.Errorf("lastDay(%s) = %s, want %s", yymm, got, want)
		}
	}
}

// What a service code asks for, ISO/IEC 7813.
func TestServiceCodes(t *testing.T) {
	all := StripeRules{Allowed: true, OnlinePIN: true, Signature: true, NoCVM: true}
	without := StripeRules{Allowed: true, NoCVM: true} // a PIN pad and a printer
	for code, want := range map[string][2]string{
		"100": {"pin", "not verified"}, "101": {"signature", "none"}, "102": {"signature", "none"},
		"103": {"not allowed", "not allowed"}, "104": {"not allowed", "not allowed"},
		"105": {"pin", "not verified"}, "106": {"pin", "none"}, "107": {"pin", "none"},
		"108": {"not allowed", "not allowed"}, "109": {"not allowed", "not allowed"},
	} {
		for i, rules := range []StripeRules{all, without} {
			action, err := (&stripeMachine{swipe: swipeOf(code), rules: rules}).Step(emv.Start{})
			if err != nil {
				t.Fatal(err)
			}
			if got := actionWord(action); got != want[i] {
				t.Errorf("service code %s under %+v: %s, want %s", code, rules, got, want[i])
			}
		}
	}
}

func actionWord(a emv.Action) string {
	switch a := a.(type) {
	case emv.EnterPIN:
		return "pin"
	case emv.GoOnline:
		return cvmWord(a.CVM)
	case emv.Done:
		return map[emv.Reason]string{emv.ReasonNotAllowed: "not allowed", ReasonNotVerified: "not verified"}[a.Outcome.Reason]
	}
	return "?"
}

// An event that does not fit is a bug of the caller, and never an approval.
func TestStripeMachineRefuses(t *testing.T) {
	m := &stripeMachine{swipe: swipeOf("101"), rules: StripeRules{NoCVM: true}}
	for _, e := range []emv.Event{emv.HostResult{Online: true, Approved: true}, emv.Response{}, emv.CardGone{}} {
		if a, err := m.Step(e); !errors.Is(err, emv.ErrUnexpected) {
			t.Errorf("Step(%T) = %T, %v, want ErrUnexpected", e, a, err)
		}
	}
	if _, err := m.Step(emv.Start{}); err != nil {
		t.Fatal(err)
	}
	if a, err := m.Step(emv.PINResult{}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("a PIN that nobody asked for: %T, %v", a, err)
	}
	if _, err := m.Step(emv.HostResult{Online: true, Approved: true, ARC: "00"}); err != nil {
		t.Fatal(err)
	}
	if a, err := m.Step(emv.HostResult{Online: true, Approved: true}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("after the end: %T, %v", a, err)
	}
}

// 9F33 claims the magnetic stripe where a reader is fitted and allowed, and the
// same bits say what may be done with a swiped card.
func TestStripeCapabilities(t *testing.T) {
	for name, c := range map[string]struct {
		fitted string
		params params.Stripe
		caps   string
		want   StripeRules
	}{
		"none fitted": {"", params.Stripe{Allowed: true, Fallback: true}, "2048C8", StripeRules{OnlinePIN: true, NoCVM: true}},
		"not allowed": {"stripe:/dev/ttyUSB0", params.Stripe{}, "2048C8", StripeRules{OnlinePIN: true, NoCVM: true}},
		"no fallback": {"stripe:/dev/ttyUSB0", params.Stripe{Allowed: true}, "6048C8", StripeRules{Allowed: true, OnlinePIN: true, NoCVM: true}},
		"all":         {"stripe:/dev/ttyUSB0", params.Stripe{Allowed: true, Fallback: true}, "6048C8", StripeRules{Allowed: true, Fallback: true, OnlinePIN: true, NoCVM: true}},
	} {
		terminal := generousTerminal(t)
		terminal.Fitted.PINPad, terminal.Fitted.Stripe, terminal.Params.Stripe = "visapad:/dev/ttyS3", c.fitted, c.params
		cfg, err := terminal.Config(Numbers{})
		if err != nil || cfg.Snapshot.Capabilities != c.caps || cfg.Stripe != c.want || cfg.Snapshot.Stripe != c.fitted {
			t.Errorf("%s: 9F33 %s, %+v, %v, want %s, %+v", name, cfg.Snapshot.Capabilities, cfg.Stripe, err, c.caps, c.want)
		}
		if got := terminal.TakesStripes(); got != c.want.Allowed {
			t.Errorf("%s: takes stripes: %v", name, got)
		}
	}
}

// A card that is swiped while a reader for chips waits too is sold with, and
// nothing of it is left in memory.
func TestRunSwiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter()
		swipe := swipeOf("120")
		c.parts.Readers = []drivers.Reader{&fakeReader{media: drivers.Contact, empty: true}, &swipeReader{swipe: swipe, after: time.Second}}
		c.parts.Configure = withStripes(c.parts.Configure)
		res := c.sell(t, t.Context())
		a := res.Record.Attempt()
		if res.Record.State != Approved || a == nil || a.Entry != EntryStripe || a.CVM != "online-pin" || !res.View.Swiped {
			t.Errorf("record %q, attempt %+v, swiped %t", res.Record.State, a, res.View.Swiped)
		}
		if got := c.host.sent; len(got) != 1 || got[0].Card.Track == nil || got[0].Card.Chip != nil || got[0].Entry != EntryStripe {
			t.Errorf("sent %d messages, want one with track and without chip", len(got))
		}
		if strings.Trim(string(swipe.PAN)+string(swipe.Track2), "\x00") != "" {
			t.Error("the swipe was not cleared")
		}
	})
}

// A chip and a stripe at once: the chip wins, and the stripe is dropped.
func TestRunChipBeatsStripe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter("declined")
		swipe := swipeOf("101")
		c.parts.Readers = append(c.parts.Readers, &swipeReader{swipe: swipe})
		c.parts.Configure = withStripes(c.parts.Configure)
		res := c.sell(t, t.Context())
		if res.Record.State != Declined || res.View.Swiped || c.reader.cards != 1 {
			t.Errorf("record %q, swiped %t, %d cards powered", res.Record.State, res.View.Swiped, c.reader.cards)
		}
		if strings.Trim(string(swipe.PAN)+string(swipe.Track2), "\x00") != "" {
			t.Error("the swipe was not cleared")
		}
	})
}

// A stripe that is read badly makes the chip's reader let go, so that the
// customer hears of it; the swipe after it counts.
func TestRunSwipedBadly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter()
		c.parts.Readers = []drivers.Reader{&fakeReader{media: drivers.Contact, empty: true}, &swipeReader{swipe: swipeOf("101"), bad: 2}}
		c.parts.Configure = withStripes(c.parts.Configure)
		if res := c.sell(t, t.Context()); res.Record.State != Approved {
			t.Errorf("record %q, reason %q", res.Record.State, res.Record.Ending.Reason)
		}
	})
}

// Without a reader for chips nobody waits for a swipe, unless none is fitted.
func TestRunStripeAlone(t *testing.T) {
	for name, c := range map[string]struct {
		media drivers.Media
		want  State
	}{"reader missing": {drivers.Contact, Cancelled}, "none fitted": {0, Approved}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				counter := newCounter()
				stripe := &swipeReader{swipe: swipeOf("101"), after: time.Second, listens: true}
				counter.parts.Readers = []drivers.Reader{&fakeReader{err: drivers.ErrNoDevice}, stripe}
				configure := withStripes(counter.parts.Configure)
				counter.parts.Configure = func(n Numbers) (Config, error) {
					cfg, err := configure(n)
					cfg.Media = c.media | drivers.Stripe
					return cfg, err
				}
				if res := counter.sell(t, t.Context()); res.Record.State != c.want {
					t.Errorf("record %q, reason %q, want %q", res.Record.State, res.Record.Ending.Reason, c.want)
				}
			})
		})
	}
}

func withStripes(configure func(Numbers) (Config, error)) func(Numbers) (Config, error) {
	return func(n Numbers) (Config, error) {
		cfg, err := configure(n)
		cfg.Stripe = StripeRules{Allowed: true, Fallback: true, OnlinePIN: true, NoCVM: true}
		return cfg, err
	}
}
