package kernel3_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
)

// recorded is a tap that others recorded, with a terminal that is set up as
// theirs was: the commands must be the same.
func recorded(t *testing.T, name string, s *setup) emv.Action {
	t.Helper()
	var file struct{ Exchanges [][2]string }
	readVectors(t, filepath.Join("traces", name), &file)
	m, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	var event emv.Event = emv.Begin{}
	for {
		action, err := m.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Show, emv.Field, emv.Reenter:
			event = emv.Performed{}
		case emv.AwaitCard:
			event = emv.Start{}
		case emv.EnterPIN:
			event = emv.PINResult{Status: emv.PINEntered}
		case emv.Transmit:
			if at == len(file.Exchanges) || fmt.Sprintf("%X", a.Command) != file.Exchanges[at][0] {
				t.Fatalf("command %d is %X, want that of %v", at, a.Command, file.Exchanges[min(at, len(file.Exchanges)-1)])
			}
			event = emv.Response{Data: unhex(t, file.Exchanges[at][1])}
			at++
		default:
			if at != len(file.Exchanges) {
				t.Errorf("%d of %d commands were sent", at, len(file.Exchanges))
			}
			return a
		}
	}
}

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	folder := os.Getenv("EMV_VECTORS")
	if folder == "" {
		t.Skip("EMV_VECTORS names no folder with third-party traces")
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

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
	s.publishedKey(t, "A000000003", "92")
	done, ok := recorded(t, "danielhu_mock-visa-offline.json", s).(emv.Done)
	if !ok || done.Outcome.Status != emv.Approved || done.Outcome.CVM != emv.CVMNone || done.Outcome.Card.Label != "VISA CREDIT" {
		t.Errorf("the end is %+v", done.Outcome)
	}
	// Without the key, and with another amount, nothing is proven.
	s = visa(t, "amount 200", "date 190819", "ttq 24004000")
	done, _ = recorded(t, "danielhu_mock-visa-offline.json", s).(emv.Done)
	if done.Outcome.Status != emv.Declined || done.Outcome.Reason != emv.ReasonSignature {
		t.Errorf("without the key the end is %+v", done.Outcome)
	}
}

// TestTraceOnline is a tap for which the card wants the issuer and a PIN.
func TestTraceOnline(t *testing.T) {
	asked, ok := recorded(t, "danielhu_mock-visa-online.json", visa(t,
		"amount 9000", "date 200316", "ttq 24004000", "cvm 5000", "floor 5000")).(emv.GoOnline)
	if !ok || asked.CVM != emv.CVMOnlinePIN || asked.Card.PSN != "01" || !strings.HasSuffix(string(asked.Card.PAN), "0010") {
		t.Errorf("the question is CVM %v, card %v", asked.CVM, asked.Card.PAN)
	}
}

// publishedKey adds a CA key as its scheme published it.
func (s *setup) publishedKey(t *testing.T, rid, index string) {
	t.Helper()
	var file struct {
		Keys []struct{ RID, Index, Exponent, Modulus string }
	}
	readVectors(t, "capk.json", &file)
	for _, k := range file.Keys {
		if strings.EqualFold(k.RID, rid) && strings.EqualFold(k.Index, index) {
			if err := s.Set(fmt.Sprintf("ca-key %s %s %s %s", rid, index, k.Exponent, k.Modulus)); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no key %s %s", rid, index)
}
