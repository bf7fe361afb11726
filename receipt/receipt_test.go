package receipt_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/receipt"
	"github.com/cloudpos/cloudpos/secret"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sale(t testing.TB) receipt.Input {
	t.Helper()
	cny, err := money.Lookup("CNY")
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Input{
		MerchantName:    "Corner Store",
		MerchantAddress: "1 Example Road, Shanghai",
		MerchantID:      "898310055330001",
		TerminalID:      "00000001",
		At:              time.Date(2026, 3, 4, 12, 34, 56, 0, time.FixedZone("", 8*3600)),
		Amount:          money.Amount{Minor: 1250, Currency: cny},
		Outcome:         receipt.Approved,
		Code:            "00",
		AuthCode:        "T00017",
		HostRef:         "260304000017",
		CVM:             receipt.OnlinePIN,
		Masked:          secret.PAN("9999010000000018").Masked(),
		Label:           "CLOUDPOS TEST",
		AID:             "F043504F530101",
		AC:              "8A1B2C3D4E5F6071",
		ATC:             "0001",
		TVR:             "0000008000",
		TSI:             "E800",
		Receipt:         17,
		STAN:            18,
		Batch:           1,
	}
}

// stories are the slips of the golden files; each starts from the same sale.
var stories = map[string]func(*receipt.Input){
	"approved":  func(*receipt.Input) {},
	"customer":  func(in *receipt.Input) { in.Copy, in.CVM = receipt.CustomerCopy, receipt.NoCVM },
	"signature": func(in *receipt.Input) { in.CVM = receipt.Signature },
	"signed":    func(in *receipt.Input) { in.CVM, in.Copy = receipt.Signature, receipt.CustomerCopy },
	"card-pin":  func(in *receipt.Input) { in.CVM = receipt.OfflinePIN },
	"declined":  func(in *receipt.Input) { in.Outcome, in.Code, in.AuthCode = receipt.Declined, "51", "" },
	"reversing": func(in *receipt.Input) {
		in.Outcome, in.Code, in.AuthCode, in.HostRef = receipt.Reversing, "", "", ""
	},
	"reversed": func(in *receipt.Input) { in.Outcome, in.AuthCode = receipt.Reversed, "" },
	"cancelled": func(in *receipt.Input) {
		in.Outcome, in.AuthCode, in.HostRef, in.AC = receipt.Cancelled, "", "", ""
	},
	"swiped": func(in *receipt.Input) {
		in.Entry, in.Label, in.AID, in.AC, in.ATC, in.TVR, in.TSI = receipt.Swiped, "", "", "", "", "", ""
	},
	"fallback": func(in *receipt.Input) {
		in.Entry, in.CVM = receipt.Fallback, receipt.Signature
		in.Label, in.AID, in.AC, in.ATC, in.TVR, in.TSI = "", "", "", "", "", ""
	},
	"tapped": func(in *receipt.Input) {
		in.Entry, in.CVM, in.TSI = receipt.Tapped, receipt.NoCVM, ""
	},
	"tapped-device": func(in *receipt.Input) {
		in.Entry, in.CVM, in.Copy, in.TSI = receipt.Tapped, receipt.Device, receipt.CustomerCopy, ""
	},
	"copy": func(in *receipt.Input) { in.Reprint = true },
	"test": func(in *receipt.Input) {
		in.Test, in.MerchantName = true, "A store with a name that is long beyond reason"
	},
}

func TestGolden(t *testing.T) {
	for name, change := range stories {
		for _, language := range []receipt.Language{receipt.English, receipt.Chinese} {
			for _, columns := range []int{32, 48} {
				in := sale(t)
				in.Language = language
				if language == receipt.Chinese {
					in.MerchantName, in.MerchantAddress = "街角便利店", "上海市示例路1号"
				}
				change(&in)
				file := fmt.Sprintf("%s-%s-%d.txt", name, language, columns)
				t.Run(file, func(t *testing.T) {
					golden(t, filepath.Join("testdata", file), receipt.Text(receipt.Render(in), columns))
				})
			}
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
	}
}

// TestNeverMoreThanMasked gives a slip what it must not get.
func TestNeverMoreThanMasked(t *testing.T) {
	const pan = "9999017777778018"
	for name, change := range stories {
		in := sale(t)
		in.Masked = pan
		change(&in)
		text := receipt.Text(receipt.Render(in), 48)
		if strings.Contains(text, "7777") {
			t.Errorf("%s shows the middle of the number:\n%s", name, text)
		}
		if !strings.Contains(text, "******8018") {
			t.Errorf("%s does not show the last four digits:\n%s", name, text)
		}
		if in.Copy == receipt.CustomerCopy && strings.Contains(text, "999901*") {
			t.Errorf("the customer's copy shows the first six digits:\n%s", text)
		}
	}
}

// TestHostileFields gives a slip what a bad card or host may send.
func TestHostileFields(t *testing.T) {
	in := sale(t)
	in.Label = "\x1b@\x10\x04\x01VISA\t\n\xff"
	in.HostRef = strings.Repeat("9", 10_000)
	in.Outcome, in.CVM, in.Copy, in.Language = 200, 200, 200, "xx"
	doc := receipt.Render(in)
	for _, p := range doc {
		if strings.ContainsAny(p.Text, "\x1b\x10\x04\x01\n") || strings.Count(p.Text, "\t") > 1 || len(p.Text) > 200 {
			t.Errorf("line %q", p.Text)
		}
	}
	if text := receipt.Text(doc, 32); !strings.Contains(text, "DECLINED") || strings.Contains(text, "APPROVED") {
		t.Errorf("an unknown outcome is shown as:\n%s", text)
	}
}

// TestOnlyApprovalLooksApproved reads each slip as a hurried cashier does.
func TestOnlyApprovalLooksApproved(t *testing.T) {
	for outcome, want := range map[receipt.Outcome]bool{
		receipt.Approved: true, receipt.Declined: false, receipt.Reversing: false, receipt.Reversed: false, receipt.Cancelled: false,
	} {
		for language, word := range map[receipt.Language]string{receipt.English: "APPROVED", receipt.Chinese: "成功"} {
			in := sale(t)
			in.Outcome, in.Language = outcome, language
			text := receipt.Text(receipt.Render(in), 32)
			if strings.Contains(text, word) != want || strings.Contains(text, in.AuthCode) != want {
				t.Errorf("outcome %d:\n%s", outcome, text)
			}
		}
	}
}

func TestText(t *testing.T) {
	for name, v := range map[string]struct {
		p    drivers.Print
		want string
	}{
		"empty":          {drivers.Print{}, ""},
		"tab":            {drivers.Print{Text: "a\tb"}, "a              b"},
		"wide tab":       {drivers.Print{Text: "金额\t十元"}, "金额        十元"},
		"no room":        {drivers.Print{Text: "12345678\t87654321"}, "12345678\n        87654321"},
		"exactly":        {drivers.Print{Text: "12345678\t7654321"}, "12345678 7654321"},
		"centre":         {drivers.Print{Text: "金额", Align: drivers.Centre}, "      金额"},
		"right":          {drivers.Print{Text: "金额", Align: drivers.Right}, "            金额"},
		"rule":           {drivers.Print{Rule: true}, "----------------"},
		"words":          {drivers.Print{Text: "one two three four"}, "one two three\nfour"},
		"no break":       {drivers.Print{Text: "0123456789ABCDEFG"}, "0123456789ABCDEF\nG"},
		"wide at edge":   {drivers.Print{Text: "0123456789ABCDE金"}, "0123456789ABCDE\n金"},
		"double":         {drivers.Print{Text: "123456789", Double: true}, "12345678\n9"},
		"double no room": {drivers.Print{Text: "SALE\t12.50", Double: true}, "SALE\n           12.50"},
		"qr":             {drivers.Print{QR: "x"}, "[x]"},
		"control":        {drivers.Print{Text: "a\x1b\nb"}, "a??b"},
	} {
		if got := receipt.Text(drivers.Document{v.p}, 16); got != v.want+"\n" {
			t.Errorf("%s: %q, want %q", name, got, v.want+"\n")
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("商户\t金额 12.50", 32, false)
	f.Add("a \t\t b", -5, true)
	f.Fuzz(func(t *testing.T, text string, columns int, double bool) {
		got := receipt.Text(drivers.Document{{Text: text, Double: double}}, columns)
		columns = min(max(columns, 16), 96)
		for line := range strings.Lines(got) {
			ascii := strings.IndexFunc(line, func(r rune) bool { return r > unicode.MaxASCII }) < 0
			if n := len(strings.TrimRight(line, "\n")); ascii && n > columns {
				t.Errorf("%q: line %q of %d characters on %d columns", text, line, n, columns)
			}
		}
	})
}

func ExampleText() {
	in := receipt.Input{
		MerchantName: "Corner Store",
		At:           time.Date(2026, 3, 4, 12, 34, 56, 0, time.UTC),
		Amount:       money.Amount{Minor: 1250, Currency: money.Currency{Code: "CNY", Exponent: 2}},
		Outcome:      receipt.Approved,
		Masked:       secret.PAN("9999010000000018").Masked(),
	}
	fmt.Print(receipt.Text(receipt.Render(in), 32))
	// Output:
	//           Corner Store
	//          Merchant copy
	// --------------------------------
	// Date  2026-03-04 12:34:56 +00:00
	// --------------------------------
	// Card            999901******0018
	// --------------------------------
	// SALE                   CNY 12.50
	//             APPROVED
	//         No verification
}
