package virtual

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// books is all that is written anywhere about the sales.
type books struct {
	journal   []payment.Record    // of all terminals
	ledger    []ledger.Line       // of the cloud
	unsettled []ingest.ID         // in the ledger
	host      []hostsim.Posting   // of the issuer
	opening   map[string]int64    // balances, by account
	closing   map[string]int64    // the same afterwards
	paper     map[string][]string // slips, by terminal
	told      []telling           // to the cashiers
	answers   []wire.Answer       // that left the cloud, in their order
	restarted bool                // a terminal was: a slip may be a copy
}

// differences tells, a line each, where the books do not agree. Once all has
// come to rest there is none: each sale is in journal, ledger, host and on
// paper with the same end and the same money, once; each doubtful one is
// reversed everywhere; nobody was told otherwise.
func (b *books) differences() []string {
	var d differ
	sales := b.sales()
	ids := slices.SortedFunc(maps.Keys(sales), func(a, b ingest.ID) int {
		return strings.Compare(fmt.Sprintf("%s/%d/%08d", a.Terminal, a.Epoch, a.Seq), fmt.Sprintf("%s/%d/%08d", b.Terminal, b.Epoch, b.Seq))
	})
	for _, id := range ids {
		sales[id].compare(d.about(id), b.restarted)
	}
	b.compareMoney(&d)
	b.comparePaper(&d)
	b.compareTold(&d)
	b.compareAnswers(&d)
	for _, id := range b.unsettled {
		d.about(id)("the ledger has not settled it")
	}
	return d.lines
}

// differ collects lines.
type differ struct{ lines []string }

type complain func(format string, args ...any)

func (d *differ) about(id ingest.ID) complain {
	return func(format string, args ...any) {
		d.lines = append(d.lines, fmt.Sprintf("sale %v: ", id)+fmt.Sprintf(format, args...))
	}
}

// saleBooks is what the books say of one sale.
type saleBooks struct {
	records  []payment.Record
	lines    []ledger.Line
	postings []hostsim.Posting
	slips    pieces // the customer's
	signed   pieces // the merchant's
}

// pieces are slips on paper.
type pieces struct{ originals, copies int }

// are tells whether there is one slip if there is to be one, and none else. A
// terminal that was restarted may not know whether it is on paper: then there is
// a copy, marked as one.
func (p pieces) are(wanted, restarted bool) bool {
	switch {
	case !wanted:
		return p == pieces{}
	case restarted:
		return p.originals <= 1 && p.copies <= 1 && p != pieces{}
	}
	return p == pieces{originals: 1}
}

func saleID(id payment.ID) ingest.ID {
	return ingest.ID{Terminal: id.Terminal, Epoch: id.Epoch, Seq: id.Seq}
}

// sales sorts the books by sale.
func (b *books) sales() map[ingest.ID]*saleBooks {
	sales := map[ingest.ID]*saleBooks{}
	of := func(id ingest.ID) *saleBooks {
		if sales[id] == nil {
			sales[id] = &saleBooks{}
		}
		return sales[id]
	}
	for _, r := range b.journal {
		s := of(saleID(r.ID))
		s.records = append(s.records, r)
		for _, slip := range b.paper[r.ID.Terminal] {
			of := &s.slips
			if strings.Contains(slip, "Merchant copy") {
				of = &s.signed
			}
			switch {
			case !belongs(slip, &r):
			case strings.Contains(slip, "COPY"):
				of.copies++
			default:
				of.originals++
			}
		}
	}
	for _, l := range b.ledger {
		s := of(l.ID)
		s.lines = append(s.lines, l)
	}
	for _, p := range b.host {
		s := of(ingest.SaleOf(p.Key))
		s.postings = append(s.postings, p)
	}
	return sales
}

// belongs tells whether a slip is of a record, by the receipt number on it.
func belongs(slip string, r *payment.Record) bool {
	return field(slip, "Receipt") == fmt.Sprintf("%06d", r.Opening.Receipt)
}

// field reads the value of a line of a slip.
func field(slip, name string) string {
	for line := range strings.Lines(slip) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return strings.Join(words[1:], " ")
		}
	}
	return ""
}

// compare holds the books of one sale against each other.
func (s *saleBooks) compare(wrong complain, restarted bool) {
	if len(s.records) != 1 {
		wrong("%d times in the journal, %d in the ledger, %d postings at the host", len(s.records), len(s.lines), len(s.postings))
		return
	}
	if len(s.lines) > 1 {
		wrong("%d times in the ledger", len(s.lines))
		return
	}
	r := s.records[0]
	if r.Unfinished() || r.Pending() != "" || r.ToPrint() {
		wrong("not at rest: the journal has %q, pending %q, to print %t", r.State, r.Pending(), r.ToPrint())
	}
	line := ledger.Line{}
	if len(s.lines) == 1 {
		line = s.lines[0]
		if line.AmountMinor != r.Opening.Amount.Minor || line.Currency != r.Opening.Amount.Currency.Code || line.Receipt != r.Opening.Receipt {
			wrong("journal %v receipt %d, ledger %s %d receipt %d", r.Opening.Amount, r.Opening.Receipt, line.Currency, line.AmountMinor, line.Receipt)
		}
	}
	if read := r.Entry(); line.State != "" && line.Entry != read {
		wrong("read by %q in the journal, by %q in the ledger", read, line.Entry)
	}
	for _, p := range s.postings {
		if p.Approved && p.Reason != "" {
			wrong("the host doubts what was approved: %s", p.Reason)
		}
	}
	if line.State == ingest.StateConflict {
		wrong("in conflict at the cloud: %s", line.Alarm)
	}
	held := s.held()
	if held != line.HeldMinor {
		wrong("the host holds %d, the ledger %d (%q)", held, line.HeldMinor, line.State)
	}
	s.compareEnd(wrong, &r, &line, held)
	s.compareSlips(wrong, &r, restarted)
}

func (s *saleBooks) held() (minor int64) {
	for _, p := range s.postings {
		minor += p.HeldMinor()
	}
	return minor
}

// compareEnd demands the ledger's end that goes with the journal's.
func (s *saleBooks) compareEnd(wrong complain, r *payment.Record, line *ledger.Line, held int64) {
	if r.State == payment.Approved {
		want := ingest.StateCompleted
		if r.Ending.Offline {
			want = ingest.StateAdvised
		}
		if line.State != want || held != r.Opening.Amount.Minor {
			wrong("the journal has %q over %v, the ledger %q, the host holds %d", r.State, r.Opening.Amount, line.State, held)
		}
		if !r.Ending.Offline && (line.AuthCode != r.Ending.AuthCode || line.HostRef != r.Ending.HostRef || line.AuthCode == "") {
			wrong("authorisation %q reference %q in the journal, %q and %q in the ledger", r.Ending.AuthCode, r.Ending.HostRef, line.AuthCode, line.HostRef)
		}
		return
	}
	if held != 0 {
		wrong("the journal has %q (%s), the host holds %d", r.State, r.Ending.Reason, held)
	}
	switch r.State {
	case payment.Reversed:
		if line.State != ingest.StateReversed {
			wrong("the journal has it reversed (%s), the ledger has %q", r.Ending.Reason, line.State)
		}
	case payment.Declined, payment.Cancelled:
		unheard := line.State == "" && r.Ending.Code == ""
		if !unheard && line.State != ingest.StateDeclined || r.Ending.Code != "" && line.Code != r.Ending.Code {
			wrong("the journal has %q (%s, code %q), the ledger %q code %q", r.State, r.Ending.Reason, r.Ending.Code, line.State, line.Code)
		}
	case payment.Authorising, payment.Reversing, payment.Approved: // at rest above
	}
}

// compareSlips demands one slip of what is sold, and one more where the customer
// signs, and none of anything else.
func (s *saleBooks) compareSlips(wrong complain, r *payment.Record, restarted bool) {
	if !s.slips.are(r.State == payment.Approved, restarted) {
		wrong("the journal has %q, on paper there are %d slips and %d copies", r.State, s.slips.originals, s.slips.copies)
	}
	if !s.signed.are(r.Signs(), restarted) {
		wrong("the journal has %q, signed: %t, on paper there are %d slips to sign and %d copies", r.State, r.Signs(), s.signed.originals, s.signed.copies)
	}
}

// compareMoney demands that balances moved by what is held, and no more.
func (b *books) compareMoney(d *differ) {
	held := map[string]int64{}
	for _, p := range b.host {
		held[p.Account] += p.HeldMinor()
	}
	for _, account := range slices.Sorted(maps.Keys(b.opening)) {
		if moved := b.opening[account] - b.closing[account]; moved != held[account] {
			d.lines = append(d.lines, fmt.Sprintf("account %s: %d is gone, its postings hold %d", account, moved, held[account]))
		}
	}
}

// comparePaper demands that each slip is of a sale, and says what was sold.
func (b *books) comparePaper(d *differ) {
	for _, terminal := range slices.Sorted(maps.Keys(b.paper)) {
		for _, slip := range b.paper[terminal] {
			owners := 0
			for _, r := range b.journal {
				if r.ID.Terminal != terminal || !belongs(slip, &r) {
					continue
				}
				owners++
				if sum := field(slip, "SALE"); sum != r.Opening.Amount.String() || field(slip, "Authorisation") != r.Ending.AuthCode {
					d.about(saleID(r.ID))("sold %v (%s), the slip says %s (%s)", r.Opening.Amount, r.Ending.AuthCode, sum, field(slip, "Authorisation"))
				}
			}
			if owners != 1 {
				d.lines = append(d.lines, fmt.Sprintf("%s: a slip with receipt number %s belongs to %d sales", terminal, field(slip, "Receipt"), owners))
			}
		}
	}
}

// compareTold demands that the cashiers heard the truth: goods are handed over
// for what is approved, and for nothing else.
func (b *books) compareTold(d *differ) {
	states := map[payment.ID]payment.State{}
	for _, r := range b.journal {
		states[r.ID] = r.State
	}
	for _, t := range b.told {
		approved := t.screen == payment.ScreenApproved
		if state := states[t.id]; approved != (state == payment.Approved) || t.screen == payment.ScreenInDoubt && state != payment.Reversed {
			d.about(saleID(t.id))("the cashier was told %q, the journal has %q", t.screen, state)
		}
	}
}

// compareAnswers demands that a sale whose reversal is acknowledged was not
// approved afterwards, say to a late copy of its authorisation.
func (b *books) compareAnswers(d *differ) {
	reversed := map[ingest.ID]bool{}
	for _, a := range b.answers {
		id := ingest.SaleOf(a.Key)
		reversed[id] = reversed[id] || a.Key.Leg == wire.LegReverse
		if reversed[id] && a.Verdict == wire.VerdictApproved {
			d.about(id)("the cloud has acknowledged the reversal and then approved %s/%d", a.Key.Leg, a.Key.Attempt)
		}
	}
}
