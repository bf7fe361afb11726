package taptest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
)

// Recorded plays a tap that others recorded, among the traces of EMV_VECTORS,
// with a terminal that is set up as theirs was. The commands must be the same;
// what comes after the last one is returned: emv.GoOnline, or emv.Done.
func Recorded(t testing.TB, name string, tap Tap) emv.Action {
	t.Helper()
	var file struct{ Exchanges [][2]string }
	readVectors(t, filepath.Join("traces", name), &file)
	m, err := tap.Open()
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

// PublishedKeys are CA keys as their scheme published them, in EMV_VECTORS: of
// test cards there may be several under one index.
func PublishedKeys(t testing.TB, rid, index string) []oda.CAKey {
	t.Helper()
	var file struct {
		Keys []struct{ RID, Index, Exponent, Modulus string }
	}
	readVectors(t, "capk.json", &file)
	var keys []oda.CAKey
	for _, k := range file.Keys {
		if strings.EqualFold(k.RID, rid) && strings.EqualFold(k.Index, index) {
			key := oda.CAKey{Index: unhex(t, index)[0], Exponent: unhex(t, k.Exponent), Modulus: unhex(t, k.Modulus)}
			copy(key.RID[:], unhex(t, rid))
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		t.Fatalf("no key %s %s", rid, index)
	}
	return keys
}

func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	folder := os.Getenv("EMV_VECTORS")
	if folder == "" {
		t.Skip("EMV_VECTORS names no folder with third-party traces and keys")
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
