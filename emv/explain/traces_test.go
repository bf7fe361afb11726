package explain_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/explain"
)

// strangers are a test card's own objects, which no book knows.
var strangers = map[string]bool{"DF02": true, "DF47": true}

// TestTraces explains all that recorded cards answered: contact cards, Visa and
// Mastercard contactless ones, and a UnionPay card.
func TestTraces(t *testing.T) {
	folder := os.Getenv("EMV_VECTORS")
	if folder == "" {
		t.Skip("EMV_VECTORS is not set: it names the folder with traces/")
	}
	files, err := filepath.Glob(filepath.Join(folder, "traces", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces in %s: %v", folder, err)
	}
	responses, objects := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var trace struct{ Exchanges [][2]string }
		if err := json.Unmarshal(raw, &trace); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, exchange := range trace.Exchanges {
			if strings.HasPrefix(exchange[0], "0084") {
				continue // GET CHALLENGE gives plain bytes
			}
			data, err := hex.DecodeString(exchange[1])
			if err != nil {
				t.Fatal(err)
			}
			e, err := explain.Explain(data)
			if err != nil || e.Status != strings.ToUpper(exchange[1][len(exchange[1])-4:]) {
				t.Errorf("%s: %s: %v, status %s", filepath.Base(file), exchange[1], err, e.Status)
			}
			responses++
			objects += check(t, filepath.Base(file), e.Objects)
		}
	}
	if responses < 70 || objects < 300 {
		t.Errorf("%d responses, %d objects: the traces have more", responses, objects)
	}
}

// check counts objects and reports those that are not understood.
func check(t *testing.T, file string, items []explain.Item) int {
	t.Helper()
	count := 0
	for _, item := range items {
		count += 1 + check(t, file, item.Objects)
		if item.Name == "" && !strangers[item.Tag] {
			t.Errorf("%s: %s is unknown: %s", file, item.Tag, item.Value)
		}
		for _, m := range item.Meaning {
			for _, bad := range []string{"length is wrong", "given twice", "not a list", "is wrong", "reserved"} {
				if strings.Contains(m, bad) {
					t.Errorf("%s: %s %s: %s", file, item.Tag, item.Value, m)
				}
			}
		}
		if bad := item.Text; strings.HasPrefix(bad, "not a") {
			t.Errorf("%s: %s %s: %s", file, item.Tag, item.Value, bad)
		}
	}
	return count
}
