package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/cloud/store"
	"github.com/cloudpos/cloudpos/money"
)

// runLedger reads the database files; a running cloud is not disturbed.
func runLedger(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := newFlags("ledger")
	file, terminal, asJSON := configFlag(fs), fs.String("terminal", "", ""), fs.Bool("json", false, "")
	if err := parse(fs, args, 1); err != nil {
		return err
	}
	show, path := showSales, (*Config).ledgerFile
	switch fs.Arg(0) {
	case "list":
	case "host":
		show, path = showPostings, (*Config).hostFile
	default:
		return fmt.Errorf("%w: no book %q, there are list and host", errUsage, fs.Arg(0))
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	db, err := store.OpenReader(path(cfg))
	if err != nil {
		return err
	}
	err = show(ctx, db, stdout, *terminal, *asJSON)
	return errors.Join(store.Explain(err), db.Close())
}

func showSales(ctx context.Context, db *sql.DB, out io.Writer, terminal string, asJSON bool) error {
	lines, err := ledger.ReadSQL(ctx, db).List(ctx, ledger.Query{Terminal: terminal})
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(out, lines)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "FIRST HEARD\tSALE\tSTATE\tAMOUNT\tCARD\tENTRY\tCODE\tAUTH\tRECEIPT") // Flush tells
	for _, l := range lines {
		_, _ = fmt.Fprintf(t, "%s\t%v\t%s\t%s\t%s\t%s\t%s\t%s\t%06d\n", l.First.Format(time.RFC3339), l.ID, l.State,
			amount(l.AmountMinor, l.Currency), l.Masked, l.Entry, l.Code, l.AuthCode, l.Receipt)
	}
	return t.Flush()
}

func showPostings(ctx context.Context, db *sql.DB, out io.Writer, terminal string, asJSON bool) error {
	all, err := hostsim.ReadSQL(db).Postings(ctx, ledger.ListMax)
	if err != nil {
		return err
	}
	var postings []hostsim.Posting
	for _, p := range all {
		if terminal == "" || p.Terminal == terminal {
			postings = append(postings, p)
		}
	}
	if asJSON {
		return writeJSON(out, postings)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "TIME\tSALE\tLEG\tACCOUNT\tAMOUNT\tCODE\tREASON\tREVERSED") // Flush tells
	for _, p := range postings {
		reversed := ""
		if p.Reversed {
			reversed = "reversed"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s/%d/%d\t%s/%d\t%s\t%s\t%s\t%s\t%s\n", p.At.Format(time.RFC3339), p.Terminal, p.Epoch, p.Seq,
			p.Leg, p.Attempt, p.Account, amount(p.AmountMinor, p.Currency), p.Code, p.Reason, reversed)
	}
	return t.Flush()
}

// amount writes minor units as people do; the ledger holds known currencies
// only.
func amount(minor int64, currency string) string {
	c, err := money.Lookup(currency)
	if err != nil {
		c = money.Currency{Code: currency}
	}
	return money.Amount{Minor: minor, Currency: c}.String()
}

// writeJSON writes a list, empty rather than null.
func writeJSON[T any](out io.Writer, list []T) error {
	if list == nil {
		list = []T{}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(list)
}
