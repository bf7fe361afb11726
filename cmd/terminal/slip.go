package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/offline"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// printSlip is the spooler's way to the printer.
func (t *terminal) printSlip(ctx context.Context, r payment.Record, slip payment.Mark, reprint bool) error {
	err := t.hardware.printer.Print(ctx, receipt.Render(t.slip(&r, slip, reprint)))
	if errors.Is(err, drivers.ErrMaybePrinted) {
		return fmt.Errorf("%w: %w", offline.ErrMaybePrinted, err)
	}
	return err
}

// slips are all slips of a record, as they are shown.
func (t *terminal) slips(r *payment.Record) []receipt.Input {
	var all []receipt.Input
	for _, slip := range r.Slips() {
		all = append(all, t.slip(r, slip, false))
	}
	return all
}

// slip tells the record to the receipt, for one of its slips.
func (t *terminal) slip(r *payment.Record, slip payment.Mark, reprint bool) receipt.Input {
	card := r.Card()
	in := receipt.Input{
		Language: receipt.Language(t.cfg.Language), Copy: receipt.CustomerCopy, Reprint: reprint,
		Test:         t.params.Environment != params.Production,
		MerchantName: t.params.Merchant.Name, MerchantAddress: t.params.Merchant.Address, MerchantID: t.params.Merchant.ID,
		TerminalID: t.params.Terminal.AcquirerTerminalID,
		At:         r.Opening.Started.In(t.params.Terminal.Timezone.Location), Amount: r.Opening.Amount,
		Outcome: slipOutcome(r.State), Code: r.Ending.Code, AuthCode: r.Ending.AuthCode, HostRef: r.Ending.HostRef,
		Masked: card.Masked, Label: card.Label, AID: card.AID,
		Entry:   slipEntry(r.Entry()),
		Receipt: r.Opening.Receipt, STAN: r.Opening.STAN,
	}
	if a := r.Attempt(); a != nil {
		in.STAN = a.STAN
	}
	if slip == payment.SignedCopy {
		in.Copy = receipt.MerchantCopy
	}
	switch {
	case r.Signs():
		in.CVM = receipt.Signature
	case r.Ending.CVM == "online-pin":
		in.CVM = receipt.OnlinePIN
	case r.Ending.CVM == "offline-pin":
		in.CVM = receipt.OfflinePIN
	case r.Ending.CVM == "device":
		in.CVM = receipt.Device
	}
	if c := r.Ending.Chip; c != nil {
		in.AC, in.ATC, in.TVR, in.TSI = c.AC, c.ATC, c.TVR, c.TSI
	}
	return in
}

// slipEntry tells how the card was read, as ISO 8583 has it.
func slipEntry(mode string) receipt.Entry {
	switch mode {
	case payment.EntryStripe:
		return receipt.Swiped
	case payment.EntryFallback:
		return receipt.Fallback
	case payment.EntryTap, payment.EntryTapTrack:
		return receipt.Tapped
	}
	return receipt.Chip
}

func slipOutcome(s payment.State) receipt.Outcome {
	switch s {
	case payment.Approved:
		return receipt.Approved
	case payment.Reversing, payment.Authorising:
		return receipt.Reversing
	case payment.Reversed:
		return receipt.Reversed
	case payment.Cancelled:
		return receipt.Cancelled
	case payment.Declined:
		return receipt.Declined
	}
	return receipt.Declined
}
