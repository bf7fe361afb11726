package kernel3_test

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

// visa is a reader in the United States for Visa cards.
func visa(t *testing.T, settings ...string) *setup {
	t.Helper()
	s := newSetup()
	for _, setting := range append(settings, "aid A0000000031010", "currency 840", "random ABABABAB") {
		if err := s.Set(setting); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestTraceOffline is a tap that the card approves. Its signature is genuine.
func TestTraceOffline(t *testing.T) {
	s := visa(t, "amount 200", "date 190819", "ttq 24004000")
	s.Terminal.CAKeys = taptest.PublishedKeys(t, "A000000003", "92")
	done, ok := taptest.Recorded(t, "danielhu_mock-visa-offline.json", s).(emv.Done)
	if !ok || done.Outcome.Status != emv.Approved || done.Outcome.CVM != emv.CVMNone || done.Outcome.Card.Label != "VISA CREDIT" {
		t.Errorf("the end is %+v", done.Outcome)
	}
	// Without the key, and with another amount, nothing is proven.
	s = visa(t, "amount 200", "date 190819", "ttq 24004000")
	done, _ = taptest.Recorded(t, "danielhu_mock-visa-offline.json", s).(emv.Done)
	if done.Outcome.Status != emv.Declined || done.Outcome.Reason != emv.ReasonSignature {
		t.Errorf("without the key the end is %+v", done.Outcome)
	}
}

// TestTraceOnline is a tap for which the card wants the issuer and a PIN.
func TestTraceOnline(t *testing.T) {
	asked, ok := taptest.Recorded(t, "danielhu_mock-visa-online.json", visa(t,
		"amount 9000", "date 200316", "ttq 24004000", "cvm 5000", "floor 5000")).(emv.GoOnline)
	if !ok || asked.CVM != emv.CVMOnlinePIN || asked.Card.PSN != "01" || !strings.HasSuffix(string(asked.Card.PAN), "0010") {
		t.Errorf("the question is CVM %v, card %v", asked.CVM, asked.Card.PAN)
	}
}
