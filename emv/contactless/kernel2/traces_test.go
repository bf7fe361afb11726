package kernel2_test

import (
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/oda"
)

// mastercard is a reader in Belgium for Mastercard cards that takes cards in
// both modes, as that of the recorded taps.
func mastercard(t *testing.T, currency uint16, un uint32, settings ...string) *setup {
	t.Helper()
	s := newSetup(t)
	for _, setting := range append(settings, "entry-point", "magstripe", "additional 6000F00001", "floor 10000") {
		if err := s.Set(setting); err != nil {
			t.Fatal(err)
		}
	}
	s.app.AID = []byte{0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10}
	c := &s.config.Terminal
	c.Country, c.Currency, c.CAKeys = 56, currency, nil
	c.Random = func(b []byte) { b[0], b[1], b[2], b[3] = byte(un>>24), byte(un>>16), byte(un>>8), byte(un) }
	return s
}

// TestTraceOffline is a tap that the card approves, with a genuine signature.
func TestTraceOffline(t *testing.T) {
	s := mastercard(t, 978, 0x33BCA47D, "amount 1", "terminal-type 26")
	s.tx.At = time.Date(2019, 8, 19, 0, 0, 0, 0, time.UTC)
	s.config.Terminal.CAKeys = taptest.PublishedKeys(t, "A000000004", "F3")
	done, ok := taptest.Recorded(t, "danielhu_mock-msc-offline.json", s).(emv.Done)
	if !ok || done.Outcome.Status != emv.Approved || done.Outcome.CVM != emv.CVMNone || done.Outcome.Card.Label != "MasterCard" {
		t.Errorf("the end is %+v", done.Outcome)
	}
}

// TestTraceOnline is a tap for which the card wants the issuer and a PIN. Its
// signature is genuine.
func TestTraceOnline(t *testing.T) {
	s := mastercard(t, 840, 0xABABABAB, "amount 9000")
	s.tx.At = time.Date(2020, 3, 16, 0, 0, 0, 0, time.UTC)
	for _, key := range taptest.PublishedKeys(t, "A000000004", "FA") {
		if len(key.Modulus) == 144 { // as long as the issuer's certificate
			s.config.Terminal.CAKeys = []oda.CAKey{key}
		}
	}
	asked, ok := taptest.Recorded(t, "danielhu_mock-msc-online.json", s).(emv.GoOnline)
	if !ok || asked.CVM != emv.CVMOnlinePIN || asked.Card.PSN != "01" {
		t.Errorf("the question is CVM %v, card %v", asked.CVM, asked.Card.PAN)
	}
}
