package payment

import (
	"crypto/rand"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
)

// tappers are made once: RSA keys are slow.
var tappers = sync.OnceValue(func() (made struct {
	cards []issuer.Profile
	ca    []issuer.CAKey
	err   error
}) {
	made.cards, made.ca, made.err = issuer.TapDeck(rand.Reader, issuer.MasterKeys{AC: tableIMK}, noon)
	return made
})

// tapTerminal has all that a tap may want, and a document that allows it.
func tapTerminal(t *testing.T) *Terminal {
	t.Helper()
	data, err := os.ReadFile("../params/testdata/params-v1-contactless.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := params.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	doc.CVM = params.CVM{OnlinePIN: true, Signature: true, NoCVM: true, PlainPIN: true, EncipheredPIN: true}
	return &Terminal{
		Params: doc, Sealer: nameSealer{}, Random: func(b []byte) { _, _ = rand.Read(b) },
		Fitted: Fitted{
			Reader: "ccid:/dev/ttyS1", Antenna: "ccid:/dev/ttyS4", Stripe: "stripe:/dev/ttyS5",
			PINPad: "visapad:/dev/ttyS3", Printer: "escpos:/dev/usb/lp0", PlainPIN: true, EncipheredPIN: true,
		},
	}
}

// tapMachine is that of one sale.
func tapMachine(t *testing.T, terminal *Terminal, amountMinor int64, c money.Currency) emv.Machine {
	t.Helper()
	cfg, err := terminal.Config(Numbers{})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := cfg.Tap(emv.Transaction{AmountMinor: amountMinor, Sequence: 7, At: noon}, c)
	if err != nil {
		t.Fatal(err)
	}
	return machine
}

// TestWhereNothingIsTapped: without an antenna or the parameters there is no way
// to make a machine, and in a currency without limits there is none.
func TestWhereNothingIsTapped(t *testing.T) {
	for name, change := range map[string]func(*Terminal){
		"no antenna":    func(x *Terminal) { x.Fitted.Antenna = "" },
		"no parameters": func(x *Terminal) { x.Params.Contactless = params.Contactless{} },
	} {
		terminal := tapTerminal(t)
		change(terminal)
		cfg, err := terminal.Config(Numbers{})
		if err != nil || cfg.Tap != nil || terminal.TakesTaps() {
			t.Errorf("%s: taps are taken, %v", name, err)
		}
	}
	terminal := tapTerminal(t)
	if euro, _ := money.Lookup("EUR"); tapMachine(t, terminal, 1250, euro) != nil {
		t.Error("a currency without limits is tapped")
	}
	if tapMachine(t, terminal, 1250, cny) == nil || !terminal.TakesTaps() {
		t.Error("a currency with limits is not tapped")
	}
	if cfg, err := terminal.Config(Numbers{}); err != nil || cfg.Snapshot.Antenna != "ccid:/dev/ttyS4" {
		t.Errorf("the record says that the antenna is %q, %v", cfg.Snapshot.Antenna, err)
	}
}

// TestTapQualifiers: the TTQ claim what the parameters want, and is fitted and
// allowed.
func TestTapQualifiers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ttq    params.Hex4
		change func(*Terminal)
		want   string
	}{
		{"all there", params.Hex4{0x37, 0x20, 0xC0}, func(*Terminal) {}, "3720C000"},
		{"not wanted", params.Hex4{0x20}, func(*Terminal) {}, "20000000"},
		{"offline only, as wanted", params.Hex4{0x3F, 0x20, 0xC0}, func(*Terminal) {}, "3F20C000"},
		{"no slot", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Fitted.Reader = "" }, "2720C000"},
		{"no PIN pad", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Fitted.PINPad = "" }, "3320C000"},
		{"online PIN not allowed", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Params.CVM.OnlinePIN = false }, "3320C000"},
		{"no printer", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Fitted.Printer = "" }, "3520C000"},
		{"signature not allowed", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Params.CVM.Signature = false }, "3520C000"},
		{"nobody compares a signature", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Params.Terminal.Type = 0x25 }, "3520C000"},
		{"no keys at the reader", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Fitted.PlainPIN, x.Fitted.EncipheredPIN = false, false }, "3700C000"},
		{"plain PIN alone", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Fitted.EncipheredPIN = false }, "3720C000"},
		{"a terminal that asks nobody", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Params.Terminal.Type = 0x23 }, "3F20C000"},
		{"an unattended one", params.Hex4{0x37, 0x20, 0xC0}, func(x *Terminal) { x.Params.Terminal.Type = 0x26 }, "3D20C000"},
	} {
		terminal := tapTerminal(t)
		terminal.Params.Contactless.Applications[1].TTQ = tt.ttq
		tt.change(terminal)
		list := terminal.combinations(terminal.capabilities(), cny)
		if got := fmt.Sprintf("%X", *list[1].TTQ); got != tt.want {
			t.Errorf("%s: TTQ %s, want %s", tt.name, got, tt.want)
		}
		if list[0].TTQ != nil {
			t.Errorf("%s: kernel 2 has TTQ", tt.name)
		}
	}
}

// TestTapCapabilities: 9F33 of a tap has no slot that is not there, no PIN for
// the card and no XDA.
func TestTapCapabilities(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Terminal)
		want   string
	}{
		{"all there", func(*Terminal) {}, "6068C8"},
		{"XDA", func(x *Terminal) { x.Params.Contact.XDA = true }, "6068C8"},
		{"no slot", func(x *Terminal) { x.Fitted.Reader = "" }, "4068C8"},
		{"no PIN pad", func(x *Terminal) { x.Fitted.PINPad = "" }, "6028C8"},
		{"no printer", func(x *Terminal) { x.Fitted.Printer = "" }, "6048C8"},
		{"never without verification", func(x *Terminal) { x.Params.CVM.NoCVM = false }, "6060C8"},
	} {
		terminal := tapTerminal(t)
		terminal.Params.Stripe.Allowed = true
		tt.change(terminal)
		if got := fmt.Sprintf("%X", terminal.tapCapabilities(terminal.capabilities())); got != tt.want {
			t.Errorf("%s: 9F33 %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestCombinations: applications come in the document's order, with the limits
// of the currency.
func TestCombinations(t *testing.T) {
	terminal := tapTerminal(t)
	minor := func(v int64) *int64 { return &v }
	ttq3, ttq7 := contactless.TTQ{0x37, 0, 0xC0, 0}, contactless.TTQ{0x37, 0, 0x40, 0}
	aid := func(kernel byte) []byte { return []byte{0xF0, 'C', 'P', 'O', 'S', 3, kernel} }
	visa := contactless.Combination{
		AID: aid(3), Kernel: contactless.Kernel3, Types: []byte{0}, TTQ: &ttq3, ExtendedSelection: true,
		Limits: contactless.Limits{
			StatusCheck: true, ZeroRefused: true,
			TransactionMinor: minor(200_00), FloorMinor: minor(50_00), CVMMinor: minor(30_00),
		},
	}
	want := []contactless.Combination{
		{
			AID: aid(2), Kernel: contactless.Kernel2, Types: []byte{0},
			Limits: contactless.Limits{ZeroRefused: true, TransactionMinor: minor(500_00)},
		},
		visa,
		{
			AID: aid(7), Kernel: contactless.Kernel7, Types: []byte{0}, TTQ: &ttq7,
			Limits: contactless.Limits{ZeroRefused: true, TransactionMinor: minor(200_00), FloorMinor: minor(0), CVMMinor: minor(30_00)},
		},
	}
	if got := terminal.combinations(terminal.capabilities(), cny); !reflect.DeepEqual(got, want) {
		t.Errorf("combinations in CNY: %+v", got)
	}
	visa.Limits.TransactionMinor, visa.Limits.FloorMinor, visa.Limits.CVMMinor = minor(20_000), minor(0), minor(3_000)
	yen, _ := money.Lookup("JPY")
	if got := terminal.combinations(terminal.capabilities(), yen); !reflect.DeepEqual(got, []contactless.Combination{visa}) {
		t.Errorf("combinations in JPY: %+v", got)
	}
	kernels, err := terminal.kernels(terminal.kernelConfig(terminal.capabilities(), yen), yen)
	if err != nil || len(kernels) != 1 || kernels[contactless.Kernel3] == nil {
		t.Errorf("kernels for JPY: %v, %v", kernels, err)
	}
	terminal.Params.CVM.NoCVM = false
	for _, c := range terminal.combinations(terminal.capabilities(), cny)[1:] {
		if *c.Limits.CVMMinor != 0 {
			t.Errorf("kernel %v does not verify every cardholder", c.Kernel)
		}
	}
}

// TestGenerating: what the parameters say reaches kernel 2.
func TestGenerating(t *testing.T) {
	terminal := tapTerminal(t)
	book := kernel2.NewApplication(nil)
	want := kernel2.Application{
		AID: []byte{0xF0, 'C', 'P', 'O', 'S', 3, 2}, Version: [2]byte{0, 2}, TACDenial: [5]byte{4: 0x0C},
		TACOnline: [5]byte{0x84, 0, 0x80, 0x08, 0x0C}, TACDefault: [5]byte{0x84, 0, 0x80, 0x08, 0x0C},
		LimitMinor: 199_99, LimitDeviceMinor: 499_99, CVMMinor: 29_99, CVMRequired: 0x60, CVMNotRequired: 0x08,
		DeviceCVM: true, BalanceAfter: true,
		Relay:     &kernel2.Relay{GraceMin: 20, GraceMax: 50, CommandExpected: 18, ResponseExpected: 24, Accuracy: 300, Mismatch: 50},
		MagStripe: &kernel2.MagStripe{Version: [2]byte{0, 1}, CVMOver: emv.CVMOnlinePIN, CVMBelow: emv.CVMNone},
		FieldOff:  book.FieldOff, MessageHold: book.MessageHold, PhoneMessages: book.PhoneMessages,
	}
	generating := func() kernel2.Application {
		caps := terminal.tapCapabilities(terminal.capabilities())
		list := terminal.generating(caps[1], cny)
		if len(list) != 1 {
			t.Fatalf("%d applications of kernel 2", len(list))
		}
		return list[0]
	}
	if got := generating(); !reflect.DeepEqual(got, want) {
		t.Errorf("application of kernel 2:\n%+v, want\n%+v", got, want)
	}
	p := terminal.Params.Contactless.Applications[0].Generating
	*p = params.Generating{}
	terminal.Params.Contactless.Applications[0].Limits["CNY"] = params.TapLimits{TransactionMinor: 1, FloorMinor: 2}
	got := generating()
	if sure := [5]byte{0x84, 0, 0x80, 0x08, 0x0C}; got.TACOnline != sure || got.TACDefault != sure || got.TACDenial != [5]byte{} {
		t.Errorf("without action codes: online %X, default %X, denial %X", got.TACOnline, got.TACDefault, got.TACDenial)
	}
	if got.Relay != nil || got.MagStripe != nil || got.DeviceCVM || got.BalanceAfter || got.LimitMinor != 1 || got.FloorMinor != 2 {
		t.Errorf("what is left out: %+v", got)
	}
	p.MagStripe = &params.Hex2{0, 1}
	terminal.Fitted.PINPad = ""
	if got := generating(); got.CVMRequired != 0x20 || got.MagStripe.CVMOver != emv.CVMSignature {
		t.Errorf("without PIN pad: %02X, %v", got.CVMRequired, got.MagStripe)
	}
	terminal.Fitted.Printer = ""
	if got := generating(); got.CVMRequired != 0 || got.MagStripe != nil {
		t.Errorf("without PIN pad and printer: %02X, %v", got.CVMRequired, got.MagStripe)
	}
	terminal.Params.CVM.NoCVM = false
	if got := generating(); got.CVMNotRequired != 0 || got.CVMMinor != 0 {
		t.Errorf("never without verification: %02X, over %d", got.CVMNotRequired, got.CVMMinor)
	}
}

// TestPrograms: dynamic limits reach kernel 3, in the currencies that have them.
func TestPrograms(t *testing.T) {
	terminal := tapTerminal(t)
	limit, floor, cvm := int64(100_00), int64(0), int64(10_00)
	want := []kernel3.LimitSet{{Program: []byte{0x31, 0x02, 0x08, 0x26}, Limits: contactless.Limits{
		StatusCheck: true, ZeroRefused: true, TransactionMinor: &limit, FloorMinor: &floor, CVMMinor: &cvm,
	}}}
	if got := terminal.programs(cny); !reflect.DeepEqual(got, want) {
		t.Errorf("programs in CNY: %+v", got)
	}
	if yen, _ := money.Lookup("JPY"); terminal.programs(yen) != nil {
		t.Error("programs in JPY, which have no limits there")
	}
}

// TestTornLog: one log serves all sales, where the parameters want one.
func TestTornLog(t *testing.T) {
	terminal := tapTerminal(t)
	tapMachine(t, terminal, 1250, cny)
	first := terminal.torn
	tapMachine(t, terminal, 1250, cny)
	if first == nil || terminal.torn != first {
		t.Errorf("the second sale has another log: %p, %p", first, terminal.torn)
	}
	terminal = tapTerminal(t)
	terminal.Params.Contactless.Torn = nil
	if tapMachine(t, terminal, 1250, cny); terminal.torn != nil {
		t.Error("taps are remembered, and nobody wants it")
	}
}

// TestLatestForTaps: the latest sales are looked up where kernel 2 compares
// them with its floor limit.
func TestLatestForTaps(t *testing.T) {
	for _, floor := range []int64{0, 1} {
		terminal := tapTerminal(t)
		for i := range terminal.Params.Contact.Applications {
			terminal.Params.Contact.Applications[i].FloorLimitMinor = 0
		}
		limits := terminal.Params.Contactless.Applications[0].Limits
		limits["CNY"] = params.TapLimits{TransactionMinor: 1, FloorMinor: floor}
		asked := false
		terminal.Latest = func(int) ([]Record, error) {
			asked = true
			return nil, nil
		}
		if _, err := terminal.Config(Numbers{}); err != nil || asked != (floor > 0) {
			t.Errorf("floor limit %d: asked %t, %v", floor, asked, err)
		}
	}
}

// tapOnce plays a card up to the first thing that is not between it and its
// kernel.
func tapOnce(t *testing.T, machine emv.Machine, chip *sim.Tapped) emv.Action {
	t.Helper()
	var event emv.Event = emv.Begin{}
	for {
		action, err := machine.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Show, emv.Field:
			event = emv.Performed{}
		case emv.AwaitCard:
			chip.Enter()
			event = emv.Start{}
		case emv.Transmit:
			answer, took := chip.Exchange(a.Command)
			event = emv.Response{Data: answer, Elapsed: took}
		default:
			return action
		}
	}
}

// TestTapsOfVirtualCards: for a card of each kernel the issuer is asked below
// the limits; above, a PIN is asked for, if there is a PIN pad.
func TestTapsOfVirtualCards(t *testing.T) {
	deck := tappers()
	if deck.err != nil {
		t.Fatal(deck.err)
	}
	for _, kernel := range []byte{issuer.Kernel2, issuer.Kernel3, issuer.Kernel7} {
		at := slices.IndexFunc(deck.cards, func(p issuer.Profile) bool { return p.Tap.Kernel == kernel && p.PIN != "" })
		unverified := "emv.Done"
		if kernel == issuer.Kernel2 { // the card's signed list has a way without a PIN, and the issuer sees it
			unverified = "emv.GoOnline"
		}
		for _, tt := range []struct {
			amountMinor int64
			fitted      bool
			want        string
		}{
			{12_50, true, "emv.GoOnline"}, {35_00, true, "emv.EnterPIN"}, {35_00, false, unverified}, {600_00, true, "emv.Done"},
		} {
			terminal := tapTerminal(t)
			if !tt.fitted {
				terminal.Fitted.PINPad, terminal.Fitted.Printer = "", ""
			}
			trust(terminal, deck.ca)
			chip, err := sim.NewTapped(deck.cards[at], rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			action := tapOnce(t, tapMachine(t, terminal, tt.amountMinor, cny), chip)
			if got := fmt.Sprintf("%T", action); got != tt.want {
				t.Errorf("kernel %d, %d, PIN pad %t: %s, want %s: %+v", kernel, tt.amountMinor, tt.fitted, got, tt.want, action)
			}
			if done, is := action.(emv.Done); is && done.Outcome.Status == emv.Approved {
				t.Errorf("kernel %d, %d, PIN pad %t: approved", kernel, tt.amountMinor, tt.fitted)
			}
		}
	}
}

// trust adds the keys of the cards' authorities to the parameters.
func trust(terminal *Terminal, authorities []issuer.CAKey) {
	for _, ca := range authorities {
		terminal.Params.Contact.CAKeys = append(terminal.Params.Contact.CAKeys, params.CAKey{
			RID: ca.RID, Index: params.Hex1(ca.Index), Modulus: ca.Modulus, Exponent: ca.Exponent,
			Suite: params.Hex1(ca.Suite), X: ca.X, Expiry: params.Date{Time: ca.Expiry},
		})
	}
}

// TestForcedOnlineAtATap: cards that approve by themselves below the floor limit
// do not where the merchant wants the issuer asked.
func TestForcedOnlineAtATap(t *testing.T) {
	deck := tappers()
	if deck.err != nil {
		t.Fatal(deck.err)
	}
	for _, p := range deck.cards {
		if !strings.HasSuffix(p.Name, "-offline") {
			continue
		}
		for _, forced := range []bool{false, true} {
			terminal := tapTerminal(t)
			trust(terminal, deck.ca)
			for _, a := range terminal.Params.Contactless.Applications {
				a.Limits["CNY"] = params.TapLimits{TransactionMinor: 200_00, DeviceMinor: 200_00, FloorMinor: 50_00, CVMMinor: 30_00}
			}
			if g := terminal.Params.Contactless.Applications[0].Generating; g != nil {
				g.TACOnline = params.Hex5{}
			}
			cfg, err := terminal.Config(Numbers{})
			if err != nil {
				t.Fatal(err)
			}
			machine, err := cfg.Tap(emv.Transaction{AmountMinor: 12_50, Sequence: 7, At: noon, ForcedOnline: forced}, cny)
			if err != nil {
				t.Fatal(err)
			}
			chip, err := sim.NewTapped(p, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			action := tapOnce(t, machine, chip)
			done, _ := action.(emv.Done)
			_, asks := action.(emv.GoOnline)
			if asks != forced || !asks && done.Outcome.Status != emv.Approved {
				t.Errorf("%s, forced online %t: %+v", p.Name, forced, action)
			}
		}
	}
}

// TestTornForgotten: what a tap that broke off has left is there for the next tap
// of the sale, and gone with the sale, account number and all.
func TestTornForgotten(t *testing.T) {
	deck := tappers()
	if deck.err != nil {
		t.Fatal(deck.err)
	}
	at := slices.IndexFunc(deck.cards, func(p issuer.Profile) bool { return p.Name == "tap-2-torn" })
	for _, ended := range []bool{false, true} {
		terminal := tapTerminal(t)
		trust(terminal, deck.ca)
		chip, err := sim.NewTapped(deck.cards[at], rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if recovers(t, tapMachine(t, terminal, 12_50, cny), chip, true) {
			t.Fatal("the first tap recovers one before")
		}
		if ended {
			cfg := testConfig(nil)
			sale, err := terminal.Config(Numbers{})
			if err != nil {
				t.Fatal(err)
			}
			cfg.Forget = sale.Forget
			endSale(t, NewFlow(cfg))
		}
		if got := recovers(t, tapMachine(t, terminal, 12_50, cny), chip, false); got == ended {
			t.Errorf("sale ended %t: the next tap recovers the one before: %t", ended, got)
		}
	}
}

// recovers taps a card once, and tells whether it was asked for the cryptogram of
// a tap before: RECOVER AC. One that is cut is gone before its cryptogram is heard.
func recovers(t *testing.T, machine emv.Machine, chip *sim.Tapped, cut bool) (asked bool) {
	t.Helper()
	var event emv.Event = emv.Begin{}
	for tapped := false; ; {
		action, err := machine.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Show, emv.Field:
			event = emv.Performed{}
		case emv.AwaitCard:
			if tapped {
				return asked
			}
			tapped = true
			chip.Enter()
			event = emv.Start{}
		case emv.Transmit:
			const generate, recovery = 0xAE, 0xD0
			asked = asked || a.Command[1] == recovery
			answer, took := chip.Exchange(a.Command)
			if event = (emv.Response{Data: answer, Elapsed: took}); cut && a.Command[1] == generate {
				event = emv.CardGone{}
			}
		default:
			return asked
		}
	}
}

// endSale opens a sale whose readers are missing.
func endSale(t *testing.T, f *Flow) {
	t.Helper()
	s, err := f.Step(Event{At: noon, Body: Request{Kind: Sale, Amount: amountOf(12_50)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range s.Do {
		if await, is := a.(Await); is {
			s, err = f.Step(Event{At: noon, Ref: await.Ref, Body: Failed{Err: drivers.ErrNoDevice}})
		}
	}
	if err != nil || s.Commit == nil || s.Commit.To != Cancelled {
		t.Fatalf("the sale goes on: %+v, %v", s, err)
	}
}
