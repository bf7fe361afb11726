package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
	"github.com/cloudpos/cloudpos/ui"
)

// settleWait is how long a sale without a running terminal waits, after its
// outcome is known, for the slip and for the cloud's acknowledgement. What is
// not done by then stays in the journal and is done at the next start.
const settleWait = 5 * time.Second

// consoleColumns is the width of a slip on the console.
const consoleColumns = 32

// saleRequest is a sale as it is asked for, here or through the socket.
type saleRequest struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency,omitempty"` // the parameters' first when empty
	Card     string `json:"card,omitempty"`     // of the simulated deck, to be inserted
	Online   bool   `json:"online,omitempty"`   // the issuer is to be asked in any case
}

func (r saleRequest) amount(doc *params.Document) (money.Amount, error) {
	c := doc.Currencies[0]
	if r.Currency != "" {
		var err error
		if c, err = money.Lookup(r.Currency); err != nil {
			return money.Amount{}, err
		}
	}
	return money.Parse(r.Amount, c)
}

// requestError is a sale that was asked for in a wrong way; nothing was begun.
type requestError struct{ error }

func (e requestError) Unwrap() error { return e.error }

// saleReport is what a sale came to.
type saleReport struct {
	Exit   int            `json:"exit"`
	Record *recordReport  `json:"record,omitempty"`
	Screen payment.Screen `json:"screen,omitempty"`
	Slip   string         `json:"slip,omitempty"`
	Advice string         `json:"advice,omitempty"` // what it means and what to do next
	Error  string         `json:"error,omitempty"`
}

// report judges a result. An error that left the money in doubt is in doubt
// first of all.
func (t *terminal) report(res payment.Result, err error) saleReport {
	r := saleReport{Screen: res.View.Screen, Exit: exitError, Advice: ui.Advice(receipt.Language(t.cfg.Language), res.View)}
	if err != nil {
		r.Error = oneLine(err)
	}
	if res.Record.Version > 0 {
		r.Record = newRecordReport(&res.Record)
		if err == nil {
			r.Exit = exitOf(&res.Record)
		}
	}
	switch {
	case res.View.Screen == payment.ScreenInDoubt:
		r.Exit = exitInDoubt
	case err == nil && (r.Exit == exitApproved || r.Exit == exitDeclined && res.Record.Attempt() != nil):
		for i, slip := range t.slips(&res.Record) {
			if i > 0 {
				r.Slip += "\n"
			}
			r.Slip += receipt.Text(receipt.Render(slip), consoleColumns)
		}
	}
	return r
}

func exitOf(r *payment.Record) int {
	switch r.State {
	case payment.Approved:
		return exitApproved
	case payment.Declined:
		return exitDeclined
	case payment.Cancelled:
		if r.Ending.Reason == payment.ReasonReaderFailed {
			return exitError
		}
		return exitCancelled
	case payment.Authorising, payment.Reversing, payment.Reversed:
		return exitInDoubt
	}
	return exitError
}

func runSale(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	fs := newFlags("sale")
	file := configFlag(fs)
	var req saleRequest
	fs.StringVar(&req.Amount, "amount", "", "")
	fs.StringVar(&req.Currency, "currency", "", "")
	fs.StringVar(&req.Card, "card", "", "")
	fs.BoolVar(&req.Online, "online", false, "")
	asJSON := fs.Bool("json", false, "")
	var over Devices
	fs.StringVar(&over.Reader, "reader", "", "")
	fs.StringVar(&over.Antenna, "antenna", "", "")
	fs.StringVar(&over.Stripe, "stripe", "", "")
	fs.StringVar(&over.PINPad, "pinpad", "", "")
	fs.StringVar(&over.Printer, "printer", "", "")
	if err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	if req.Amount == "" {
		return exitUsage, fmt.Errorf("%w: --amount is missing", errUsage)
	}
	if err := over.check(); err != nil {
		return exitUsage, fmt.Errorf("%w: --%w", errUsage, err)
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return exitError, err
	}
	report, err := saleSomehow(ctx, cfg, req, over, stderr)
	if _, wrong := errors.AsType[requestError](err); wrong {
		return exitUsage, err
	}
	if err != nil {
		return exitError, err
	}
	if *asJSON {
		return report.Exit, json.NewEncoder(stdout).Encode(report)
	}
	return report.Exit, report.print(stdout)
}

// saleSomehow sells through the running terminal, or opens the parts itself.
func saleSomehow(ctx context.Context, cfg *Config, req saleRequest, over Devices, stderr io.Writer) (saleReport, error) {
	if agent := dialAgent(cfg.socket()); agent != nil {
		if over != (Devices{}) {
			return saleReport{}, fmt.Errorf("%w: --reader, --antenna, --stripe, --pinpad and --printer are for a sale of its own; a terminal is running on %s", errUsage, cfg.socket())
		}
		return agent.sell(ctx, req)
	}
	cfg.Devices = cfg.Devices.with(over)
	t, err := openTerminal(cfg, newLog(stderr, cfg))
	if err != nil {
		return saleReport{}, err
	}
	t.start()
	res, err := t.sell(ctx, req)
	if err != nil && res.Record.Version == 0 && res.View.Screen == "" {
		return saleReport{}, errors.Join(err, t.close())
	}
	report := t.report(res, err)
	t.awaitSettled(ctx, res.Record.ID)
	return report, t.close()
}

// awaitSettled gives slip and cloud a moment before the process ends.
func (t *terminal) awaitSettled(ctx context.Context, id payment.ID) {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	for {
		changed := t.journal.Changed()
		r, err := t.journal.Load(id)
		if err != nil || r.Pending() == "" && !r.ToPrint() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// print tells a person.
func (r saleReport) print(w io.Writer) error {
	if r.Slip != "" {
		if _, err := fmt.Fprintln(w, r.Slip); err != nil {
			return err
		}
	}
	line := "ERROR"
	if r.Record != nil {
		line = r.Record.sentence()
		if r.Record.Detail != "" && r.Exit != exitApproved {
			line += ": " + r.Record.Detail
		}
	}
	if r.Exit == exitInDoubt {
		line = "NOT PAID: the sale is being reversed. Do not hand over goods."
		if r.Record != nil && r.Record.Reason != "" {
			line += " (" + r.Record.Reason + ")"
		}
	}
	if r.Error != "" {
		line += " (" + r.Error + ")"
	}
	if r.Advice != "" && r.Exit != exitInDoubt { // which says so already
		line += "\n" + r.Advice
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
