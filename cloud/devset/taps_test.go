package devset_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
)

// checkTaps holds the set's cards to the antenna of a terminal with the set's
// parameters: small amounts need no PIN, larger ones do, and the largest cannot
// be tapped. A card that is near is believed with 19 ms of noise, one that is
// not, is not with none.
func checkTaps(t *testing.T, dir string) {
	doc := document(t, dir)
	var deck []issuer.Profile
	if err := json.Unmarshal(read(t, dir, "sim/cards.json"), &deck); err != nil {
		t.Fatal(err)
	}
	terminal := &payment.Terminal{
		Params: doc, Fitted: payment.Fitted{Reader: "sim:", Antenna: "sim:", PINPad: "sim:", Printer: "sim:"},
		Sealer: payment.AcquirerSealer{}, Random: func(b []byte) { _, _ = rand.Read(b) },
	}
	kernels, races := map[byte]bool{}, 0
	for _, p := range deck {
		if p.Tap == nil || p.Behaviour != "" {
			continue
		}
		sell := func(minor int64, code string, noise time.Duration) string {
			return tap(t, terminal, p, minor, code, noise)
		}
		if got := sell(99_99, "CNY", 0); got != "emv.GoOnline" {
			t.Errorf("%s, 99.99: %s", p.Name, got)
		}
		if len(p.Keys) > 0 {
			kernels[p.Tap.Kernel] = true
			for code, minor := range map[string]int64{"CNY": 100_00, "EUR": 50_00, "JPY": 10_000, "USD": 50_00} {
				got := []string{sell(minor-1, code, 0), sell(minor, code, 0), sell(10*minor-1, code, 0), sell(10*minor, code, 0)}
				if want := "[emv.GoOnline emv.EnterPIN emv.EnterPIN emv.Done]"; fmt.Sprint(got) != want {
					t.Errorf("%s, %s at its limits: %v, want %s", p.Name, code, got, want)
				}
			}
		}
		if p.Tap.Race != nil {
			races++
			if near, far := sell(12_50, "CNY", 19*time.Millisecond), sell(12_50, "CNY", 20*time.Millisecond); near != "emv.GoOnline" || far != "emv.Done" {
				t.Errorf("%s: near %s, far %s", p.Name, near, far)
			}
		}
	}
	if len(kernels) != 3 || races == 0 {
		t.Errorf("cards of kernels %v, %d that show that they are near", kernels, races)
	}
}

// tap plays a card up to the first thing that is not between it and its kernel.
func tap(t *testing.T, terminal *payment.Terminal, p issuer.Profile, minor int64, code string, noise time.Duration) string {
	t.Helper()
	c, err := money.Lookup(code)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := terminal.Config(payment.Numbers{})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := cfg.Tap(emv.Transaction{AmountMinor: minor, Sequence: 1, At: now}, c)
	if err != nil {
		t.Fatal(err)
	}
	chip, err := sim.NewTapped(p, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var event emv.Event = emv.Begin{}
	for {
		action, err := machine.Step(event)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		switch a := action.(type) {
		case emv.Show, emv.Field, emv.Reenter:
			event = emv.Performed{}
		case emv.AwaitCard:
			chip.Enter()
			event = emv.Start{}
		case emv.Transmit:
			answer, took := chip.Exchange(a.Command)
			event = emv.Response{Data: answer, Elapsed: took + noise}
		default:
			if done, is := action.(emv.Done); is && done.Outcome.Status == emv.Approved {
				t.Errorf("%s: approved without the issuer", p.Name)
			}
			return fmt.Sprintf("%T", action)
		}
	}
}

// document is what the set's terminal is told, after checking who says it.
func document(t *testing.T, dir string) *params.Document {
	t.Helper()
	envelope := signed(t, dir)
	doc, err := params.Parse(envelope.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
