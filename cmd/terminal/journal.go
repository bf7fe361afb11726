package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cloudpos/cloudpos/offline"
	"github.com/cloudpos/cloudpos/payment"
)

// checkCommand is the child process that checks a journal; it is not for
// people.
const checkCommand = "check-journal"

const listMax = 1000

func runCheck(_ context.Context, args []string, _, stderr io.Writer) (int, error) {
	if len(args) != 1 {
		return exitUsage, fmt.Errorf("%w: one path is wanted", errUsage)
	}
	return offline.CheckMain(args[0], stderr), nil
}

// recordReport is a record as it is shown: masked, and without what is sealed.
type recordReport struct {
	ID           string             `json:"id"`
	State        payment.State      `json:"state"`
	Kind         payment.Kind       `json:"kind"`
	Amount       string             `json:"amount"`
	Started      time.Time          `json:"started"`
	At           time.Time          `json:"at"`
	ClockTrusted bool               `json:"clock_trusted"`
	Receipt      uint32             `json:"receipt"`
	STANs        []uint32           `json:"stans,omitempty"`
	Card         string             `json:"card,omitempty"`
	Label        string             `json:"label,omitempty"`
	AID          string             `json:"aid,omitempty"`
	Token        string             `json:"token,omitempty"`
	Entry        string             `json:"entry,omitempty"` // how the card was read
	CVM          string             `json:"cvm,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	Detail       string             `json:"detail,omitempty"`
	Offline      bool               `json:"offline,omitempty"`
	Code         string             `json:"code,omitempty"`
	ARC          string             `json:"arc,omitempty"`
	AuthCode     string             `json:"auth_code,omitempty"`
	HostRef      string             `json:"host_ref,omitempty"`
	Chip         *payment.ChipWords `json:"chip,omitempty"`
	SignedCopy   bool               `json:"signed_copy,omitempty"`
	Printed      bool               `json:"printed"`
	Pending      payment.Leg        `json:"pending,omitempty"`
	Snapshot     payment.Snapshot   `json:"snapshot"`
}

func newRecordReport(r *payment.Record) *recordReport {
	card := r.Card()
	rep := &recordReport{
		ID: r.ID.String(), State: r.State, Kind: r.Opening.Kind, Amount: r.Opening.Amount.String(),
		Started: r.Opening.Started, At: r.At, ClockTrusted: r.ClockTrusted, Receipt: r.Opening.Receipt,
		Card: card.Masked, Entry: r.Entry(), Label: card.Label, AID: card.AID, Token: card.Token,
		CVM: r.Ending.CVM, Reason: r.Ending.Reason, Detail: r.Ending.Detail, Offline: r.Ending.Offline,
		Code: r.Ending.Code, ARC: r.Ending.ARC, AuthCode: r.Ending.AuthCode, HostRef: r.Ending.HostRef,
		Chip: r.Ending.Chip, SignedCopy: r.SignedCopy, Printed: r.Printed, Pending: r.Pending(), Snapshot: r.Opening.Snapshot,
	}
	for _, a := range r.Attempts {
		rep.STANs = append(rep.STANs, a.STAN)
	}
	return rep
}

// sentence says in a line how it stands.
func (r *recordReport) sentence() string {
	var why []string
	for _, w := range []string{r.Reason, r.Code} {
		if w != "" {
			why = append(why, w)
		}
	}
	s := strings.ToUpper(string(r.State)) + " " + r.Amount
	switch {
	case r.State == payment.Approved && r.Offline:
		return s + " " + r.Card + " by the card itself"
	case r.State == payment.Approved:
		return s + " " + r.Card + " auth " + r.AuthCode
	}
	if len(why) > 0 {
		s += " (" + strings.Join(why, ", ") + ")"
	}
	return s
}

func runJournal(_ context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	verb := ""
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	fs := newFlags("journal")
	file := configFlag(fs)
	limit := fs.Int("limit", 20, "")
	asJSON := fs.Bool("json", false, "")
	id := ""
	if verb == "show" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		id, args = args[0], args[1:]
	}
	if err := parse(fs, args, 1); err != nil {
		return exitUsage, err
	}
	if id == "" {
		id = fs.Arg(0)
	}
	if verb != "list" && verb != "show" || (verb == "show") != (id != "") || *limit < 1 || *limit > listMax {
		return exitUsage, fmt.Errorf("%w: journal list [--limit 1 to %d] or journal show ID", errUsage, listMax)
	}
	if _, err := payment.ParseID(id); verb == "show" && err != nil {
		return exitUsage, fmt.Errorf("%w: %w", errUsage, err)
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return exitError, err
	}
	reports, err := readJournal(cfg, id, *limit, stderr)
	if err != nil {
		return exitError, err
	}
	switch {
	case *asJSON && verb == "show":
		return exitApproved, encodeIndented(stdout, reports[0])
	case *asJSON:
		return exitApproved, encodeIndented(stdout, reports)
	case verb == "show":
		return exitApproved, reports[0].explain(stdout)
	}
	return exitApproved, printList(stdout, reports)
}

// readJournal asks the running terminal, or opens the journal itself.
func readJournal(cfg *Config, id string, limit int, stderr io.Writer) ([]*recordReport, error) {
	if agent := dialAgent(cfg.socket()); agent != nil {
		return agent.journal(id, limit)
	}
	journal, err := openJournal(cfg, newLog(stderr, cfg))
	if err != nil {
		return nil, err
	}
	reports, err := journalReports(journal, id, limit)
	return reports, errors.Join(err, journal.Close())
}

func journalReports(journal *offline.Journal, id string, limit int) ([]*recordReport, error) {
	if id != "" {
		parsed, err := payment.ParseID(id)
		if err != nil {
			return nil, err
		}
		r, err := journal.Load(parsed)
		if err != nil {
			return nil, err
		}
		return []*recordReport{newRecordReport(&r)}, nil
	}
	records, err := journal.List(limit)
	reports := make([]*recordReport, 0, len(records))
	for i := range records {
		reports = append(reports, newRecordReport(&records[i]))
	}
	return reports, err
}

func printList(w io.Writer, reports []*recordReport) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "ID\tWHEN\tAMOUNT\tSTATE\tCARD\tENTRY\tREASON\tTO DO")
	for _, r := range reports {
		var todo []string
		if r.Pending != "" {
			todo = append(todo, string(r.Pending))
		}
		if r.State == payment.Approved && !r.Printed {
			todo = append(todo, "print")
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Started.Local().Format("2006-01-02 15:04:05"),
			r.Amount, r.State, r.Card, r.Entry, r.Reason, strings.Join(todo, ", "))
	}
	return tw.Flush()
}

// entryWords say what an entry mode is.
var entryWords = map[string]string{
	payment.EntryChip: "chip", payment.EntryTap: "contactless", payment.EntryFallback: "stripe, for the chip failed",
	payment.EntryStripe: "stripe", payment.EntryTapTrack: "stripe, contactless",
}

// explain shows a record line by line; what is empty is left out.
func (r *recordReport) explain(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(tw, "%s\t%s\n", name, value)
		}
	}
	clock := ""
	if !r.ClockTrusted {
		clock = " (clock not trusted)"
	}
	line("transaction", r.ID)
	line("state", r.sentence())
	line("started", r.Started.Local().Format(time.RFC1123))
	line("last change", r.At.Local().Format(time.RFC1123)+clock)
	line("receipt", fmt.Sprintf("%06d", r.Receipt))
	for _, stan := range r.STANs {
		line("sent with STAN", fmt.Sprintf("%06d", stan))
	}
	line("card", strings.TrimSpace(r.Card+" "+r.Label))
	line("entry mode", strings.TrimSpace(r.Entry+" "+entryWords[r.Entry]))
	line("AID", r.AID)
	line("verified by", r.CVM)
	line("detail", r.Detail)
	line("response code", r.Code)
	line("ARC", r.ARC)
	line("authorisation", r.AuthCode)
	line("host reference", r.HostRef)
	if c := r.Chip; c != nil {
		line("cryptogram", strings.TrimSpace(c.AC+" CID "+c.CID))
		line("ATC", c.ATC)
		line("TVR", c.TVR)
		line("TSI", c.TSI) // none of a card that was tapped
		line("CVM results", c.CVM)
	}
	printed := fmt.Sprint(r.Printed)
	if r.SignedCopy && !r.Printed {
		printed = "the slip to sign, not yet the customer's"
	}
	line("printed", printed)
	line("cloud must hear", string(r.Pending))
	line("made by", fmt.Sprintf("software %s, parameters %d, 9F33 %s, keys %s", r.Snapshot.Software, r.Snapshot.Params, r.Snapshot.Capabilities, r.Snapshot.KeyScheme))
	return tw.Flush()
}

func encodeIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
