package payment

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
)

// testDeck is made once: RSA keys are slow.
var testDeck = sync.OnceValue(func() (made struct {
	cards map[string]issuer.Profile
	ca    []issuer.CAKey
	err   error
}) {
	cards, ca, err := issuer.Deck(rand.Reader, issuer.MasterKeys{AC: tableIMK}, noon)
	made.cards, made.ca, made.err = map[string]issuer.Profile{}, ca, err
	for _, p := range cards {
		made.cards[p.Name] = p
	}
	return made
})

// generousTerminal has parameters that would let any card pay without its
// issuer: a floor limit, and no action codes.
func generousTerminal(t *testing.T) *Terminal {
	t.Helper()
	made := testDeck()
	if made.err != nil {
		t.Fatal(made.err)
	}
	var caKeys []params.CAKey
	for _, ca := range made.ca {
		caKeys = append(caKeys, params.CAKey{
			RID: ca.RID, Index: params.Hex1(ca.Index), Modulus: ca.Modulus, Exponent: ca.Exponent,
			Suite: params.Hex1(ca.Suite), X: ca.X, Expiry: params.Date{Time: ca.Expiry},
		})
	}
	return &Terminal{
		Params: &params.Document{
			Terminal: params.Terminal{Type: 0x22, Country: 156, Timezone: params.Timezone{Location: time.UTC}},
			Contact: params.Contact{
				Applications: []params.Application{{AID: issuer.AID, Partial: true, Version: params.Hex2{0, 1}, FloorLimitMinor: 100_000}},
				CAKeys:       caKeys,
			},
			CVM: params.CVM{OnlinePIN: true, NoCVM: true},
		},
		Sealer: glassSealer{&table{}}, Random: func(b []byte) { _, _ = rand.Read(b) },
	}
}

// requests are P1 of both GENERATE AC, with an issuer who cannot be asked.
func requests(t *testing.T, terminal *Terminal, card string) (asked []string) {
	t.Helper()
	cfg, err := terminal.Config(Numbers{})
	if err != nil {
		t.Fatal(err)
	}
	yuan, _ := money.Lookup("CNY")
	machine, err := cfg.Kernel(emv.Transaction{AmountMinor: 1250, At: noon}, yuan)
	if err != nil {
		t.Fatal(err)
	}
	chip, err := sim.NewCard(testDeck().cards[card], rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var event emv.Event = emv.Start{ATR: chip.ATR()}
	for {
		action, err := machine.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Transmit:
			if a.Command[1] == 0xAE {
				asked = append(asked, fmt.Sprintf("%02X", a.Command[2]))
			}
			event = emv.Response{Data: chip.Exchange(a.Command)}
		case emv.GoOnline:
			event = emv.HostResult{}
		case emv.Done:
			return asked
		default:
			t.Fatalf("%T is not for this card", action)
		}
	}
}

// TestOfflineOnlyWhenProved: whatever the parameters say, a card pays without
// its issuer only after DDA, or with CDA or XDA. Without the issuer, these are
// asked for a TC after all, and the card's own ARQC is the reason why it had to
// be asked.
func TestOfflineOnlyWhenProved(t *testing.T) {
	unknownCA := func(d *params.Document) { d.Contact.CAKeys = nil }
	tests := []struct {
		name, card string
		change     func(*params.Document)
		want       string
	}{
		{"DDA", "approve", nil, "40 40"},
		{"CDA", "cda", nil, "50 50"},
		{"XDA", "xda", nil, "48 48"},
		{"SDA proves nothing of the chip", "sda", nil, "80 00"},
		{"SDA failed", "sda", unknownCA, "80 00"},
		{"DDA failed", "approve", unknownCA, "80 00"},
		{"CDA failed", "cda", unknownCA, "80 00"},
		{"XDA failed, which shows after the ARQC", "xda", unknownCA, "48 08"},
		{"XDA not allowed", "xda", func(d *params.Document) { d.Contact.XDA = false }, "80 00"},
		{"revoked", "cda", func(d *params.Document) { d.Contact.CAKeys[0].Revoked = []params.Hex3{{0, 0, 1}} }, "80 00"},
		{"another is revoked", "cda", func(d *params.Document) { d.Contact.CAKeys[0].Revoked = []params.Hex3{{0, 0, 2}} }, "50 50"},
		{"revoked on a curve", "xda", func(d *params.Document) { d.Contact.CAKeys[1].Revoked = []params.Hex3{{0, 0, 1}} }, "48 08"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			terminal := generousTerminal(t)
			terminal.Params.Contact.XDA = true
			if tt.change != nil {
				tt.change(terminal.Params)
			}
			if got := strings.Join(requests(t, terminal, tt.card), " "); got != tt.want {
				t.Errorf("GENERATE AC %s, want %s", got, tt.want)
			}
		})
	}
}

// TestCapabilities: 9F33 says what is fitted and allowed.
func TestCapabilities(t *testing.T) {
	const pad, printer = "visapad:/dev/ttyS3", "escpos:/dev/usb/lp0"
	for _, tt := range []struct {
		name   string
		fitted Fitted
		cvm    params.CVM
		kind   params.Type
		want   string
	}{
		{"nothing", Fitted{}, params.CVM{OnlinePIN: true, Signature: true, NoCVM: true}, 0x22, "2008C8"},
		{"a PIN pad", Fitted{PINPad: pad}, params.CVM{OnlinePIN: true, NoCVM: true}, 0x22, "2048C8"},
		{"a PIN pad, not allowed", Fitted{PINPad: pad}, params.CVM{NoCVM: true}, 0x22, "2008C8"},
		{"a printer", Fitted{Printer: printer}, params.CVM{Signature: true}, 0x22, "2020C8"},
		{"a printer, not allowed", Fitted{Printer: printer}, params.CVM{NoCVM: true}, 0x22, "2008C8"},
		{"a printer, nobody there", Fitted{Printer: printer}, params.CVM{Signature: true}, 0x25, "2000C8"},
		{"all of it", Fitted{PINPad: pad, Printer: printer}, params.CVM{OnlinePIN: true, Signature: true, NoCVM: true}, 0x21, "2068C8"},
	} {
		terminal := generousTerminal(t)
		terminal.Fitted, terminal.Params.CVM, terminal.Params.Terminal.Type = tt.fitted, tt.cvm, tt.kind
		cfg, err := terminal.Config(Numbers{})
		if err != nil || cfg.Snapshot.Capabilities != tt.want {
			t.Errorf("with %s: 9F33 %s, %v, want %s", tt.name, cfg.Snapshot.Capabilities, err, tt.want)
		}
	}
}

// TestAdditional: 9F40 says what people can press, read and take away.
func TestAdditional(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fitted Fitted
		screen bool
		want   string
	}{
		{"nothing", Fitted{}, false, "6000000000"},
		{"a screen", Fitted{}, true, "6000A02001"},
		{"a PIN pad", Fitted{PINPad: "visapad:/dev/ttyS3"}, false, "6000A01000"},
		{"a reader with keys", Fitted{PlainPIN: true}, false, "6000A01000"},
		{"a printer", Fitted{Printer: "escpos:/dev/usb/lp0"}, false, "600000C000"},
		{"all of it", Fitted{PINPad: "visapad:/dev/ttyS3", Printer: "escpos:/dev/usb/lp0"}, true, "6000A0F001"},
	} {
		terminal := Terminal{Fitted: tt.fitted, Screen: tt.screen}
		if got := fmt.Sprintf("%X", terminal.additional()); got != tt.want {
			t.Errorf("with %s: 9F40 %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestPreferredName: a card whose name has letters of code table 1 is called by
// it where there is a screen to show them, else by its label.
func TestPreferredName(t *testing.T) {
	for screen, want := range map[bool]string{true: "Prüfkarte Köln", false: "CLOUDPOS TEST"} {
		terminal := generousTerminal(t)
		terminal.Screen = screen
		x := newTable(t, "umlaut", true)
		cfg, err := terminal.Config(Numbers{ID: ID{"dev:t1", 1, 1}, STAN: 1, Receipt: 1})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Sealer = glassSealer{x}
		x.flow = NewFlow(cfg)
		x.sell()
		if x.view.Label != want || x.sent.Label != want || x.ending.To != Approved {
			t.Errorf("with a screen %t: %s, shown %q, sent %q, want %q", screen, x.ending.To, x.view.Label, x.sent.Label, want)
		}
	}
}
