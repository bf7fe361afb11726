package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
)

var cny = money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}

// record is a sale of CNY 12.50 that has come to a state.
func record(state payment.State, ending payment.Ending) payment.Record {
	at := time.Date(2026, 3, 1, 10, 30, 0, 0, time.Local)
	card := payment.CardData{
		Masked: "999901******0011", Label: "TEST", AID: "F043504F530101", Token: "t",
		Account: []byte("sealed account"), Chip: []byte("sealed chip"), PIN: []byte("sealed PIN"),
	}
	return payment.Record{
		ID: payment.ID{Terminal: "dev:t1", Epoch: 1, Seq: 42}, State: state, Version: 2,
		Opening: payment.Opening{
			Kind: payment.Sale, Amount: money.Amount{Minor: 1250, Currency: cny}, Receipt: 7, STAN: 7, Started: at,
			Snapshot: payment.Snapshot{Software: "1.0", Params: 3, Capabilities: "204840", KeyScheme: "dukpt-tdes"},
		},
		Attempts: []payment.Attempt{{Number: 1, STAN: 7, Entry: "07", Card: card}, {Number: 2, STAN: 8, Entry: "07", Card: card}},
		Ending:   ending, At: at.Add(time.Second), ClockTrusted: true,
	}
}

func TestSentence(t *testing.T) {
	for _, c := range []struct {
		state  payment.State
		ending payment.Ending
		want   string
	}{
		{payment.Approved, payment.Ending{Code: "00", AuthCode: "123456"}, "APPROVED CNY 12.50 999901******0011 auth 123456"},
		{payment.Approved, payment.Ending{Offline: true}, "APPROVED CNY 12.50 999901******0011 by the card itself"},
		{payment.Declined, payment.Ending{Code: "51", Reason: "issuer-declined"}, "DECLINED CNY 12.50 (issuer-declined, 51)"},
		{payment.Declined, payment.Ending{Code: "51"}, "DECLINED CNY 12.50 (51)"},
		{payment.Cancelled, payment.Ending{Reason: "cancelled"}, "CANCELLED CNY 12.50 (cancelled)"},
		{payment.Authorising, payment.Ending{}, "AUTHORISING CNY 12.50"},
	} {
		r := record(c.state, c.ending)
		if got := newRecordReport(&r).sentence(); got != c.want {
			t.Errorf("%s: %q, want %q", c.state, got, c.want)
		}
	}
}

func TestPrintList(t *testing.T) {
	approved, reversing := record(payment.Approved, payment.Ending{Code: "00", AuthCode: "1"}), record(payment.Reversing, payment.Ending{Reason: "host silent"})
	reversing.ID.Seq = 43
	var out bytes.Buffer
	if err := printList(&out, []*recordReport{newRecordReport(&reversing), newRecordReport(&approved)}); err != nil {
		t.Fatal(err)
	}
	const want = "" +
		"ID           WHEN                 AMOUNT     STATE      CARD              ENTRY  REASON       TO DO\n" +
		"dev:t1/1/43  2026-03-01 10:30:00  CNY 12.50  reversing  999901******0011  07     host silent  reverse\n" +
		"dev:t1/1/42  2026-03-01 10:30:00  CNY 12.50  approved   999901******0011  07                  complete, print\n"
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &out, want)
	}
}

func TestExplain(t *testing.T) {
	r := record(payment.Declined, payment.Ending{
		Code: "05", Reason: "issuer-declined", Detail: "no such device", ARC: "05", HostRef: "000000000009", CVM: "online-pin",
		Chip: &payment.ChipWords{AC: "A1B2", CID: "00", ATC: "0001", TVR: "0080008000", TSI: "E800", CVM: "1F0002"},
	})
	r.ClockTrusted = false
	var out bytes.Buffer
	if err := newRecordReport(&r).explain(&out); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	var stans []string
	for line := range strings.Lines(out.String()) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if got[name] = strings.TrimSpace(value); name == "sent with STAN" {
			stans = append(stans, got[name])
		}
	}
	for name, want := range map[string]string{
		"transaction": "dev:t1/1/42", "state": "DECLINED CNY 12.50 (issuer-declined, 05)", "receipt": "000007",
		"card": "999901******0011 TEST", "AID": "F043504F530101", "verified by": "online-pin", "detail": "no such device",
		"response code": "05", "host reference": "000000000009", "cryptogram": "A1B2 CID 00", "ATC": "0001",
		"TVR": "0080008000", "TSI": "E800", "entry mode": "07 contactless", "CVM results": "1F0002", "printed": "false",
		"made by": "software 1.0, parameters 3, 9F33 204840, keys dukpt-tdes",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if strings.Join(stans, " ") != "000007 000008" || !strings.HasSuffix(got["last change"], "(clock not trusted)") {
		t.Errorf("STANs %v, last change %q", stans, got["last change"])
	}
	if _, empty := got["authorisation"]; empty {
		t.Errorf("what is empty is shown:\n%s", &out)
	}
}

// TestExplainPrinted: which of the slips are on paper.
func TestExplainPrinted(t *testing.T) {
	r := record(payment.Approved, payment.Ending{CVM: "signature"})
	for _, want := range []string{"false", "the slip to sign, not yet the customer's", "true"} {
		var out bytes.Buffer
		if err := newRecordReport(&r).explain(&out); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^printed +` + want + `$`).MatchString(out.String()) {
			t.Errorf("want printed: %s, got\n%s", want, &out)
		}
		if owed := r.Owed(); owed != "" {
			if err := r.Apply(payment.Entry{ID: r.ID, Mark: owed}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What is sealed is of no use to a reader, and is not shown.
func TestReportsHoldNothingSealed(t *testing.T) {
	r := record(payment.Approved, payment.Ending{ChipData: []byte("sealed end")})
	for i := range r.Attempts {
		r.Attempts[i].Card.Track = []byte("sealed track")
	}
	data, err := json.Marshal(newRecordReport(&r))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"sealed", "c2VhbGVk"} { // in base64
		if bytes.Contains(data, []byte(part)) {
			t.Errorf("%q is in %s", part, data)
		}
	}
}

func TestJournalOfOneThatDoesNotRun(t *testing.T) {
	t.Setenv("CLOUDPOS_CONFIG", installation(t, `reader = "sim:../sim"`, `reader = "none:"`, `antenna = "sim:../sim"`, "", `stripe = "sim:../sim"`, ""))
	// Nobody can present a card: the sale is cancelled, and is in the journal.
	if _, _, status, err := command(t, "sale", "--amount", "12.50", "--pinpad", "none:", "--printer", "none:"); err != nil || status != exitError {
		t.Fatalf("sale: status %d, %v, want %d: there is no reader", status, err, exitError)
	}
	stdout, _, status, err := command(t, "journal", "list")
	if err != nil || status != exitApproved || strings.Count(stdout, "\n") != 2 || !strings.Contains(stdout, "dev:t1/1/1 ") || !strings.Contains(stdout, "reader failed") {
		t.Errorf("list: status %d, %v:\n%s", status, err, stdout)
	}
	stdout, _, _, err = command(t, "journal", "list", "--json", "--limit", "1")
	var list []recordReport
	if err != nil || json.Unmarshal([]byte(stdout), &list) != nil || len(list) != 1 || list[0].ID != "dev:t1/1/1" || list[0].State != payment.Cancelled {
		t.Errorf("list --json: %v: %s", err, stdout)
	}
	stdout, _, _, err = command(t, "journal", "show", "dev:t1/1/1")
	if err != nil || !strings.Contains(stdout, "CANCELLED CNY 12.50 (reader failed)") {
		t.Errorf("show: %v: %s", err, stdout)
	}
	stdout, _, _, err = command(t, "journal", "show", "--json", "dev:t1/1/1")
	var one recordReport
	if err != nil || json.Unmarshal([]byte(stdout), &one) != nil || one.Amount != "CNY 12.50" || one.Detail == "" {
		t.Errorf("show --json: %v: %s", err, stdout)
	}
	if _, _, status, err := command(t, "journal", "show", "dev:t1/1/2"); err == nil || status != exitError {
		t.Errorf("one that is not there: status %d, %v", status, err)
	}
}
