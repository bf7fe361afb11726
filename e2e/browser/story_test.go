//go:build browser

package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/ui"
)

// story is an installation of its own, a window of the browser on it, and the
// glass that says what ought to be seen.
type story struct {
	*rig.Rig
	t     *testing.T
	name  string
	shop  string // the address of the simulated shop's page
	page  *page
	glass *glass
	doc   params.Document
	deck  map[string]issuer.Profile
	view  payment.View // of the sale, as the glass was told

	steps int
	began time.Time
}

// newStory starts everything, with the page of the simulated shop in a window.
// prepare may change what dev-init has written.
func newStory(t *testing.T, name string, w window, prepare func(*story)) *story {
	t.Helper()
	s := &story{t: t, name: name, began: time.Now(), deck: map[string]issuer.Profile{}}
	must(t, os.RemoveAll(filepath.Join(pictures, name)))
	must(t, os.MkdirAll(filepath.Join(pictures, name), 0o755))
	var err error
	s.Rig, err = rig.Prepare(rig.Opts{Programs: programs, Dir: t.TempDir(), Screen: true})
	must(t, err)
	t.Cleanup(s.close)
	s.edit(func(*params.Document) {})
	s.readDeck()
	if prepare != nil {
		prepare(s)
	}
	must(t, s.StartCloud())
	s.shop, err = s.StartShop(s.Screen)
	must(t, err)
	must(t, s.StartAgent(t.Context()))
	s.renewGlass()
	address := s.shop
	if w.height != whole.height {
		address = "http://" + s.Screen + "/"
	}
	s.page = s.open(w, address)
	return s
}

// open opens another window, and keeps a picture of it if the story fails.
func (s *story) open(w window, address string) *page {
	s.t.Helper()
	p := openPage(s.t, w, address)
	s.t.Cleanup(func() {
		for _, e := range p.errors() {
			s.t.Errorf("a script of the page has failed: %s", e)
		}
		if s.t.Failed() {
			s.keepOf(p, "failed")
		}
	})
	return p
}

// renewGlass is a glass as it is when the terminal has just started.
func (s *story) renewGlass() {
	s.glass = newGlass(s.t, ui.Opts{
		Merchant: s.doc.Merchant.Name, Currency: s.doc.Currencies[0], Language: receipt.English,
		Training: true, Zone: s.doc.Terminal.Timezone.Location, Slips: s.slips,
	})
	s.status(ui.Status{Online: true})
	s.glass.ui.ShowHistory(nil)
}

func (s *story) close() {
	if err := s.Close(); err != nil {
		s.t.Error(err)
	}
	if strings.Contains(s.Outputs(), "DATA RACE") {
		s.t.Error("a program has a data race")
	}
	if s.t.Failed() {
		s.t.Logf("what the programs said:\n%s", s.Outputs())
	}
}

// ends compares all books and tells how long the story was.
func (s *story) ends() {
	s.t.Helper()
	must(s.t, s.Agree(s.t.Context()))
	s.t.Logf("%s: %d pictures, %.1f s", s.name, s.steps, time.Since(s.began).Seconds())
}

// edit changes the parameters, before the terminal starts.
func (s *story) edit(change func(*params.Document)) {
	s.t.Helper()
	must(s.t, s.EditParams(func(d *params.Document) {
		change(d)
		s.doc = *d
	}))
}

func (s *story) readDeck() {
	s.t.Helper()
	data, err := os.ReadFile(s.Path("sim", "cards.json"))
	must(s.t, err)
	var deck []issuer.Profile
	must(s.t, json.Unmarshal(data, &deck))
	for _, card := range deck {
		s.deck[card.Name] = card
	}
}

// agrees waits until the browser shows what the glass does.
func (s *story) agrees(p *page, what string) {
	s.t.Helper()
	want, moving := s.glass.paint(), s.glass.moving()
	var got *image.RGBA
	agreed := false
	defer func() {
		if !agreed { // until has ended the test
			s.write(what+"-want", encoded(want))
			if got != nil {
				s.write(what+"-got", encoded(got))
			}
		}
	}()
	until(s.t, "the browser shows "+what, func() (err error) {
		if got, err = p.pixels(); err != nil {
			return err
		}
		if n := different(got, want, moving); n > 0 {
			return fmt.Errorf("%d pixels differ", n)
		}
		return nil
	})
	agreed = true
}

// sees waits for the glass' picture in the browser, and keeps one of the whole
// window.
func (s *story) sees(what string) {
	s.t.Helper()
	s.agrees(s.page, what)
	s.keep(what)
}

// keep keeps a picture of the window.
func (s *story) keep(what string) { s.keepOf(s.page, what) }

func (s *story) keepOf(p *page, what string) {
	data, err := p.glance()
	if err != nil {
		s.t.Errorf("picture %s: %v", what, err)
		return
	}
	s.write(what, data)
}

func (s *story) write(what string, data []byte) {
	s.steps++
	file := filepath.Join(pictures, s.name, fmt.Sprintf("%02d-%s.png", s.steps, what))
	if err := os.WriteFile(file, data, 0o644); err != nil {
		s.t.Errorf("picture: %v", err)
	}
}

func encoded(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil // a picture in memory always can be
	}
	return b.Bytes()
}

// taps presses a key of the screen by its words, once it is there to be seen.
func (s *story) taps(words string) {
	s.t.Helper()
	s.agrees(s.page, "the key "+strings.ReplaceAll(words, "/", " "))
	at, err := s.glass.press(words)
	must(s.t, err)
	s.page.tapPixel(at)
}

// charges keys in an amount, digit by digit, and asks for the sale.
func (s *story) charges(newSale, plain, charge string) {
	s.t.Helper()
	s.taps(newSale)
	for _, digit := range strings.ReplaceAll(plain, ".", "") {
		s.taps(string(digit))
	}
	if !s.glass.shows(plain) {
		s.t.Fatalf("the glass does not show %s", plain)
	}
	s.sees("amount")
	s.taps(charge)
	amount, err := money.Parse(plain, s.doc.Currencies[0])
	must(s.t, err)
	s.view = payment.View{Kind: payment.Sale, Amount: amount}
	s.shows(payment.ScreenPresentCard, func(v *payment.View) {
		v.Cancellable, v.Media, v.Lights = true, drivers.Contact|drivers.Contactless|drivers.Stripe, drivers.SignalReady
	})
	s.sees("present-card")
}

// shows tells the glass the sale's next view.
func (s *story) shows(screen payment.Screen, change func(*payment.View)) {
	s.view.Screen, s.view.Notice, s.view.Cancellable = screen, payment.NoticeNone, false
	if change != nil {
		change(&s.view)
	}
	s.glass.ui.Show(s.view)
}

// inserts clicks on a card in the simulated shop.
func (s *story) inserts(card string) {
	s.t.Helper()
	s.page.click(`[data-card="` + card + `"]`)
	s.knows(card)
}

// knows lets the glass show a card.
func (s *story) knows(card string) {
	s.t.Helper()
	profile, ok := s.deck[card]
	if !ok {
		s.t.Fatalf("no card %q", card)
	}
	s.view.Masked, s.view.Label = secret.PAN(profile.PAN).Masked(), profile.Label
}

// types presses keys of the PIN pad in the simulated shop.
func (s *story) types(keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		s.page.click(`[data-key="` + key + `"]`)
	}
}

// final expects the sale's end with the card still in, takes the card, and
// expects what the screen then tells of the record.
func (s *story) final(screen payment.Screen, name string, change func(*payment.View)) booked {
	s.t.Helper()
	s.shows(screen, func(v *payment.View) {
		v.Notice = payment.NoticeRemoveCard
		if change != nil {
			change(v)
		}
	})
	s.sees(name + "-card-in")
	s.page.click("#pull")
	return s.over(name)
}

// over expects the end of a sale whose card is out.
func (s *story) over(name string) booked {
	s.t.Helper()
	if s.view.Notice == payment.NoticeRemoveCard {
		s.view.Notice = payment.NoticeNone
	}
	must(s.t, s.UntilScreen(s.t.Context(), string(payment.ScreenIdle)))
	latest := s.latest()
	s.glass.ui.Ended(payment.Result{Record: latest.record(s), View: s.view}, nil)
	s.sees(name)
	return latest
}

// status tells the glass how the terminal is.
func (s *story) status(now ui.Status) { s.glass.ui.ShowStatus(now) }

// settles waits until slips are printed and the cloud knows everything.
func (s *story) settles() {
	s.t.Helper()
	must(s.t, s.UntilSettled(s.t.Context()))
}

// paper waits for so many slips on the page, the newest with these words.
func (s *story) paper(slips int, words ...string) {
	s.t.Helper()
	script := fmt.Sprintf(`document.querySelectorAll('#paper .slip:not(.uncut)').length === %d`, slips)
	for _, w := range words {
		script += ` && document.querySelector('#paper .slip').textContent.replace(/\s/g, '').includes(` + quoted(squeezed(w)) + `)`
	}
	s.page.until(fmt.Sprintf("%d slips are printed, the newest with %q", slips, words), script)
}

// ledger waits until the cloud's newest sale on the page is so.
func (s *story) ledger(state string) {
	s.t.Helper()
	s.page.until("the cloud's books say "+state,
		`document.querySelector('#ledger .state')?.textContent === `+quoted(state))
}

// booked is a transaction as terminal journal tells it.
type booked struct {
	ID       string             `json:"id"`
	State    payment.State      `json:"state"`
	Amount   string             `json:"amount"`
	Started  time.Time          `json:"started"`
	Receipt  uint32             `json:"receipt"`
	STANs    []uint32           `json:"stans"`
	Card     string             `json:"card"`
	Label    string             `json:"label"`
	AID      string             `json:"aid"`
	CVM      string             `json:"cvm"`
	Reason   string             `json:"reason"`
	Code     string             `json:"code"`
	AuthCode string             `json:"auth_code"`
	HostRef  string             `json:"host_ref"`
	Chip     *payment.ChipWords `json:"chip"`
	Printed  bool               `json:"printed"`
}

// latest is the newest transaction.
func (s *story) latest() booked {
	s.t.Helper()
	stdout, stderr, status, err := s.Terminal(s.t.Context(), "journal", "list", "--json", "--limit", "1")
	must(s.t, err)
	var all []booked
	if status == 0 {
		err = json.Unmarshal([]byte(stdout), &all)
	}
	if err != nil || len(all) != 1 {
		s.t.Fatalf("journal: status %d, %v: %s%s", status, err, stdout, stderr)
	}
	return all[0]
}

// record is the transaction as the screen is told of it.
func (b booked) record(s *story) payment.Record {
	code, plain, _ := strings.Cut(b.Amount, " ")
	currency, err := money.Lookup(code)
	must(s.t, err)
	amount, err := money.Parse(plain, currency)
	must(s.t, err)
	id, err := payment.ParseID(b.ID)
	must(s.t, err)
	r := payment.Record{
		ID: id, State: b.State, Version: 1, Printed: b.Printed,
		Opening: payment.Opening{Kind: payment.Sale, Amount: amount, Receipt: b.Receipt, Started: b.Started},
		Ending: payment.Ending{Reason: b.Reason, Code: b.Code, AuthCode: b.AuthCode, HostRef: b.HostRef,
			CVM: b.CVM, Chip: b.Chip},
	}
	for i, stan := range b.STANs {
		r.Attempts = append(r.Attempts, payment.Attempt{Number: uint8(i + 1), STAN: stan,
			Card: payment.CardData{Masked: b.Card, Label: b.Label, AID: b.AID}})
	}
	return r
}

// slips are what a receipt has to tell of a record that is approved.
func (s *story) slips(r *payment.Record) []receipt.Input {
	card := r.Card()
	in := receipt.Input{
		Copy: receipt.CustomerCopy, Test: true,
		MerchantName: s.doc.Merchant.Name, MerchantAddress: s.doc.Merchant.Address, MerchantID: s.doc.Merchant.ID,
		TerminalID: s.doc.Terminal.AcquirerTerminalID,
		At:         r.Opening.Started.In(s.doc.Terminal.Timezone.Location),
		Amount:     r.Opening.Amount, Outcome: receipt.Approved,
		Code: r.Ending.Code, AuthCode: r.Ending.AuthCode, HostRef: r.Ending.HostRef,
		Masked: card.Masked, Label: card.Label, AID: card.AID,
		Receipt: r.Opening.Receipt, STAN: r.Attempt().STAN,
	}
	if r.Ending.CVM == "online-pin" {
		in.CVM = receipt.OnlinePIN
	}
	if c := r.Ending.Chip; c != nil {
		in.AC, in.ATC, in.TVR, in.TSI = c.AC, c.ATC, c.TVR, c.TSI
	}
	return []receipt.Input{in}
}

// is compares what the journal says of a sale.
func (b booked) is(t testing.TB, want booked) {
	t.Helper()
	if b.State != want.State || b.Amount != want.Amount || b.Reason != want.Reason || b.Code != want.Code || b.CVM != want.CVM {
		t.Errorf("the journal says %q %s, reason %q, code %q, CVM %q; want %q %s, %q, %q, %q",
			b.State, b.Amount, b.Reason, b.Code, b.CVM, want.State, want.Amount, want.Reason, want.Code, want.CVM)
	}
}
