package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
)

func TestExitOf(t *testing.T) {
	for _, c := range []struct {
		state  payment.State
		reason string
		want   int
	}{
		{payment.Approved, "", 0},
		{payment.Declined, "", 3},
		{payment.Cancelled, payment.ReasonCancelled, 4},
		{payment.Cancelled, payment.ReasonCardTimeout, 4},
		{payment.Cancelled, payment.ReasonPINTimeout, 4},
		{payment.Cancelled, payment.ReasonReaderFailed, 1},
		{payment.Authorising, "", 5},
		{payment.Reversing, "", 5},
		{payment.Reversed, "", 5},
		{"", "", 1},
	} {
		r := record(c.state, payment.Ending{Reason: c.reason})
		if got := exitOf(&r); got != c.want {
			t.Errorf("%q, %q: exit %d, want %d", c.state, c.reason, got, c.want)
		}
	}
}

// installed is a terminal with its configuration and parameters alone.
func installed(t *testing.T) *terminal {
	t.Helper()
	cfg, err := loadConfig(installation(t))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := loadParams(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &terminal{cfg: cfg, params: doc}
}

func TestReport(t *testing.T) {
	terminal := installed(t)
	failed := errors.New("the journal cannot be written")
	asked, unasked := record(payment.Declined, payment.Ending{Code: "51"}), record(payment.Declined, payment.Ending{Reason: "not-accepted", Detail: "Book 1, 12.4"})
	unasked.Attempts = nil
	referred := record(payment.Declined, payment.Ending{Code: "01", Reason: "referral"})
	for _, c := range []struct {
		name    string
		record  payment.Record
		screen  payment.Screen
		err     error
		exit    int
		slip    string
		printed string
		advice  string
	}{
		{"approved", record(payment.Approved, payment.Ending{Code: "00", AuthCode: "123456"}), payment.ScreenApproved, nil, 0, "APPROVED", "APPROVED CNY 12.50 999901******0011 auth 123456", "Paid. Hand over the goods."},
		{"declined", asked, payment.ScreenDeclined, nil, 3, "DECLINED", "DECLINED CNY 12.50 (51)", "Not enough money in the account. Ask for another card or a smaller amount."},
		{"referred", referred, payment.ScreenDeclined, nil, 3, "Call the card issuer", "DECLINED CNY 12.50 (referral, 01)", "The bank wants to be called first. This sale is not paid. Call the bank's authorisation desk and start a new sale when it agrees, or ask for another card."},
		{"never sent", unasked, payment.ScreenDeclined, nil, 3, "", "DECLINED CNY 12.50 (not-accepted): Book 1, 12.4", "The card was refused. Ask for another card or another way to pay."},
		{"cancelled", record(payment.Cancelled, payment.Ending{Reason: "cancelled"}), payment.ScreenCancelled, nil, 4, "", "CANCELLED CNY 12.50 (cancelled)", "You cancelled the sale. Nothing was charged."},
		{"in doubt", record(payment.Reversing, payment.Ending{Reason: "host silent"}), payment.ScreenInDoubt, nil, 5, "", "NOT PAID: the sale is being reversed. Do not hand over goods. (host silent)", ""},
		{"not stored, asked", record(payment.Authorising, payment.Ending{}), payment.ScreenInDoubt, failed, 5, "", "NOT PAID: the sale is being reversed. Do not hand over goods. (the journal cannot be written)", ""},
		{"not stored, not asked", payment.Record{}, payment.ScreenFault, failed, 1, "", "ERROR (the journal cannot be written)", "The terminal could not go on. Restart the terminal. If it happens again, call service."},
		{"failed with a record", asked, payment.ScreenFault, failed, 1, "", "DECLINED CNY 12.50 (51) (the journal cannot be written)", "The terminal could not go on. Restart the terminal. If it happens again, call service."},
	} {
		r := terminal.report(payment.Result{Record: c.record, View: payment.View{Screen: c.screen, Reason: c.record.Ending.Reason, Code: c.record.Ending.Code}}, c.err)
		if r.Exit != c.exit || (r.Slip != "") != (c.slip != "") || !strings.Contains(r.Slip, c.slip) {
			t.Errorf("%s: exit %d, slip:\n%s\nwant exit %d and %q in the slip", c.name, r.Exit, r.Slip, c.exit, c.slip)
		}
		var out bytes.Buffer
		if err := r.print(&out); err != nil {
			t.Fatal(err)
		}
		text, _ := strings.CutPrefix(out.String(), r.Slip)
		line, advice, _ := strings.Cut(strings.TrimSpace(text), "\n")
		if line != c.printed || advice != c.advice {
			t.Errorf("%s: printed %q, want %q and %q", c.name, out.String(), c.printed, c.advice)
		}
	}
}

// TestSlipSaysHow: the slip says how the customer was verified.
func TestSlipSaysHow(t *testing.T) {
	terminal := installed(t)
	for word, want := range map[string]string{
		"online-pin": "PIN verified online", "offline-pin": "PIN verified by the card", "none": "No verification",
	} {
		r := terminal.report(payment.Result{
			Record: record(payment.Approved, payment.Ending{Code: "00", AuthCode: "123456", CVM: word}),
			View:   payment.View{Screen: payment.ScreenApproved},
		}, nil)
		if !strings.Contains(r.Slip, want) {
			t.Errorf("%s: %q is not on the slip:\n%s", word, want, r.Slip)
		}
	}
}

// TestSlipsToSign: what the customer signs comes first, then what he keeps.
func TestSlipsToSign(t *testing.T) {
	terminal := installed(t)
	r := terminal.report(payment.Result{
		Record: record(payment.Approved, payment.Ending{Code: "00", AuthCode: "123456", CVM: "signature"}),
		View:   payment.View{Screen: payment.ScreenApproved, Signs: true},
	}, nil)
	first, second, found := strings.Cut(r.Slip, "\n\n  ") // the margin of the second one's head
	if !found || !strings.Contains(first, "Merchant copy") || !strings.Contains(first, "Signature:") {
		t.Errorf("first comes:\n%s", first)
	}
	if !strings.Contains(second, "Customer copy") || !strings.Contains(second, "With signature") || strings.Contains(second, "Signature:") {
		t.Errorf("then comes:\n%s", second)
	}
	if !strings.Contains(r.Advice, "Compare the signature") {
		t.Errorf("the advice is %q", r.Advice)
	}
}

func TestAmountOf(t *testing.T) {
	doc := installed(t).params
	for _, c := range []struct {
		request saleRequest
		want    string
		err     error
	}{
		{saleRequest{Amount: "12.50"}, "CNY 12.50", nil},
		{saleRequest{Amount: "12", Currency: "JPY"}, "JPY 12", nil},
		{saleRequest{Amount: "12.5", Currency: "JPY"}, "", money.ErrAmount},
		{saleRequest{Amount: "12", Currency: "XXX"}, "", money.ErrCurrency},
		{saleRequest{Amount: ""}, "", money.ErrAmount},
	} {
		got, err := c.request.amount(doc)
		if !errors.Is(err, c.err) || err == nil && got.String() != c.want {
			t.Errorf("%+v: %v, %v; want %s, %v", c.request, got, err, c.want, c.err)
		}
	}
}
