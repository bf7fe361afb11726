package sim

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// kernelFor is a terminal that knows the deck's authority.
func kernelFor(t *testing.T) *emv.Kernel {
	t.Helper()
	var keys []oda.CAKey
	for _, ca := range madeOnce().ca {
		keys = append(keys, oda.CAKey{
			RID: ca.RID, Index: ca.Index, Modulus: ca.Modulus, Exponent: ca.Exponent, Suite: oda.Suite(ca.Suite), X: ca.X, Expiry: ca.Expiry,
		})
	}
	k, err := emv.New(emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x08, 0xCC}, Country: 156, Currency: 156, CurrencyExponent: 2,
		Applications: []emv.Application{{AID: issuer.AID, Partial: true, Version: [2]byte{0, 1}, DefaultDDOL: []byte{0x9F, 0x37, 4}}},
		CAKeys:       keys,
		CDAMode:      emv.CDAMode1, Random: func(b []byte) { _, _ = rand.Read(b) },
	}, emv.Transaction{AmountMinor: 1250, At: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sell runs a kernel against a card, with an issuer who approves.
func sell(t *testing.T, c *Card) (o emv.Outcome, commands string) {
	t.Helper()
	k := kernelFor(t)
	var event emv.Event = emv.Start{ATR: c.ATR()}
	for {
		action, err := k.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Transmit:
			commands += " " + string("0123456789ABCDEF"[a.Command[1]>>4]) + string("0123456789ABCDEF"[a.Command[1]&15])
			event = emv.Response{Data: c.Exchange(a.Command)}
		case emv.GoOnline:
			ac, _ := tlv.Find(a.Data, tlv.ApplicationCryptogram)
			master := issuer.DeriveICC(testIMK, c.p.PAN, c.p.PSN)
			answer := c.p.Computes().Answer(master, c.Counters().ATC, [8]byte(ac), [2]byte{'0', '0'})
			event = emv.HostResult{Online: true, ARC: "00", Approved: true, IssuerAuth: answer}
		case emv.Done:
			return a.Outcome, commands
		default:
			t.Fatalf("%T is not for this card", action)
		}
	}
}

// TestCardsProveThemselves: the cards of the deck against the kernel, which was
// written apart from them.
func TestCardsProveThemselves(t *testing.T) {
	tests := []struct {
		card     string
		status   emv.Status
		tvr, tsi string
		internal bool // INTERNAL AUTHENTICATE is sent
	}{
		{"approve", emv.Approved, "0000008000", "F800", true},
		{"t1", emv.Approved, "0000008000", "F800", true},
		{"static", emv.Approved, "0000008000", "F800", true},
		{"status", emv.Approved, "0000008000", "F800", true},
		{"sda", emv.Approved, "0200008000", "F800", false},
		{"cda", emv.Approved, "0000008000", "F800", false},
		{"xda", emv.Approved, "0100008000", "F800", false},
		{"forged", emv.Declined, "0400008000", "E800", false},
	}
	for _, tt := range tests {
		t.Run(tt.card, func(t *testing.T) {
			o, commands := sell(t, newCard(t, tt.card))
			if o.Status != tt.status {
				t.Errorf("status %v, %s: %s", o.Status, o.Reason, o.Detail)
			}
			tvr, _ := tlv.Find(o.Record, tlv.TVR)
			tsi, _ := tlv.Find(o.Record, tlv.TSI)
			equal(t, "TVR", tvr, unhex(t, tt.tvr))
			equal(t, "TSI", tsi, unhex(t, tt.tsi))
			if strings.Contains(commands, " 88") != tt.internal {
				t.Errorf("commands%s", commands)
			}
			if tt.status == emv.Declined && (o.Reason != emv.ReasonSignature || o.Online || strings.Count(commands, " AE") != 2) {
				t.Errorf("reason %q, online %v, commands%s, want a wrong signature, and an AAC without the issuer", o.Reason, o.Online, commands)
			}
		})
	}
}
