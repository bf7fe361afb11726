package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/explain"
)

func TestEMVDecode(t *testing.T) {
	const want = "82 application interchange profile: 1800\n" +
		"  - byte 1, bit 5: cardholder verification is supported\n" +
		"  - byte 1, bit 4: terminal risk management is to be performed\n"
	for _, args := range [][]string{
		{"82021800"}, {"8202", "1800"}, {"82 02 18 00"}, {"82 02\n", "\t1800 "}, {"8202180", "0"},
	} {
		out, errs, status, err := command(t, append([]string{"emv", "decode"}, args...)...)
		if err != nil || status != exitApproved || out != want || errs != "" {
			t.Errorf("decode %q: %d, %v, %q, %q, want %q", args, status, err, out, errs, want)
		}
	}
}

func TestEMVDecodeJSON(t *testing.T) {
	for _, args := range [][]string{{"--json", "9C", "0100"}, {"9C", "-json", "0100"}, {"9C0100", "--json"}} {
		out, _, status, err := command(t, append([]string{"emv", "decode"}, args...)...)
		var e explain.Explanation
		if unmarshal := json.Unmarshal([]byte(out), &e); err != nil || status != exitApproved || unmarshal != nil {
			t.Fatalf("decode %q: %d, %v, %q, %v", args, status, err, out, unmarshal)
		}
		if len(e.Objects) != 1 || e.Objects[0].Tag != "9C" || e.Objects[0].Text != "purchase" {
			t.Errorf("decode %q: %+v", args, e)
		}
	}
}

// TestEMVDecodeFault: what can be read is shown, and where the rest fails.
func TestEMVDecodeFault(t *testing.T) {
	tests := []struct{ in, out, want string }{
		{"9C0100 5A08 6270", "9C transaction type: 00 = purchase\n",
			"emv decode: hex digit 7: tlv: malformed: at byte 3, tag 5A: length 8, but 2 bytes are left"},
		{"70 04 9C0100 9F", "70 READ RECORD response template, 4 bytes\n  9C transaction type: 00 = purchase\n",
			"hex digit 11: tlv: malformed: at byte 5, in 70: tag cut off"},
		{"82 02 18 0G", "", "emv decode: character 11, 'G', is no hex digit"},
		{"82 02 18 0", "", "emv decode: 7 hex digits: one is missing, or one too many"},
		{"é", "", "character 1, 'é', is no hex digit"},
		{" ", "", "no hex digit at all"},
		{strings.Repeat("00", 0x10000), "", "emv decode: tlv: malformed: 65536 bytes, at most 65535"},
	}
	for _, tt := range tests {
		out, _, status, err := command(t, "emv", "decode", tt.in)
		if err == nil || status != exitError || !strings.Contains(err.Error(), tt.want) || out != tt.out {
			t.Errorf("decode %.30q: %d, %v, %q, want %q", tt.in, status, err, out, tt.want)
		}
	}
	for _, args := range [][]string{{"emv"}, {"emv", "encode", "00"}, {"emv", "decode"}, {"emv", "decode", "--xml", "00"}} {
		if _, _, status, err := command(t, args...); err == nil || status != exitUsage {
			t.Errorf("%q: %d, %v, want usage", args, status, err)
		}
	}
}

func TestEMVDecodeStandardInput(t *testing.T) {
	feed := func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "hex")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		before := os.Stdin
		os.Stdin = f
		t.Cleanup(func() {
			os.Stdin = before
			_ = f.Close()
		})
	}
	t.Run("two lines", func(t *testing.T) {
		feed(t, "9F27\n01 80\n")
		out, _, status, err := command(t, "emv", "decode", "-")
		if want := "9F27 cryptogram information data: 80\n  - bits 8 and 7: ARQC: the issuer is asked\n"; err != nil ||
			status != exitApproved || out != want {
			t.Errorf("decode -: %d, %v, %q, want %q", status, err, out, want)
		}
	})
	t.Run("without end", func(t *testing.T) {
		feed(t, strings.Repeat("00 ", hexMax))
		_, _, status, err := command(t, "emv", "decode", "-")
		if err == nil || status != exitError || !strings.Contains(err.Error(), "more than 262144 characters") {
			t.Errorf("decode -: %d, %v", status, err)
		}
	})
}
