package payment

import (
	"bytes"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/secret"
)

// askingCard asks for a PIN and gives a copy of its data with that.
type askingCard struct{ ask func(emv.Card) emv.Action }

func (c askingCard) Step(emv.Event) (emv.Action, error) {
	return c.ask(emv.Card{PAN: secret.PAN("9999010000000017"), Track2: secret.Bytes("track")}), nil
}

// The copies of a card's data that come with a wish for a PIN are cleared: what
// the pad needs of them by whoever asks the pad, the rest by the flow.
func TestPINRequestsLeaveNoCopies(t *testing.T) {
	for name, tc := range map[string]struct {
		action func(emv.Card) emv.Action
		pan    bool // goes on to the PIN pad
	}{
		"PIN pad": {func(c emv.Card) emv.Action { return emv.EnterPIN{Card: c} }, true},
		"reader":  {func(c emv.Card) emv.Action { return emv.VerifyPIN{Card: c, Command: []byte{0, 0x20, 0, 0x80}} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			var given emv.Card
			f := NewFlow(testConfig(func(emv.Transaction, money.Currency) (emv.Machine, error) {
				return askingCard{func(c emv.Card) emv.Action { given = c; return tc.action(c) }}, nil
			}))
			for _, e := range []Event{
				{Body: Request{Kind: Sale, Amount: amountOf(1250)}},
				{Ref: 1, Body: CardSeen{Media: drivers.Contact, ATR: []byte{0x3B}}},
			} {
				if _, err := f.Step(e); err != nil {
					t.Fatal(err)
				}
			}
			if f.view.Masked != "999901******0017" {
				t.Errorf("the screen shows %q", f.view.Masked)
			}
			if !empty(given.Track2) || empty(given.PAN) != !tc.pan {
				t.Errorf("track cleared: %t, number cleared: %t, want true, %t", empty(given.Track2), empty(given.PAN), !tc.pan)
			}
		})
	}
}

// A PIN that comes when the sale has been cancelled is dropped, and its block
// cleared.
func TestUnwantedPINIsCleared(t *testing.T) {
	f := NewFlow(testConfig(func(emv.Transaction, money.Currency) (emv.Machine, error) {
		return &scriptedCard{[]string{"pin"}}, nil
	}))
	block := secret.Bytes("12345678")
	for _, e := range []Event{
		{Body: Request{Kind: Sale, Amount: amountOf(1250)}},
		{Ref: 1, Body: CardSeen{Media: drivers.Contact, ATR: []byte{0x3B}}},
		{Body: Cancel{}},
		{Ref: 3, Body: PINResult{drivers.PINEntry{Block: block}}},
	} {
		if _, err := f.Step(e); err != nil {
			t.Fatal(err)
		}
	}
	if f.view.Screen != ScreenCancelled || !empty(block) {
		t.Errorf("screen %s, block cleared: %t", f.view.Screen, empty(block))
	}
}

// empty tells whether there is nothing but zeros.
func empty(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
