package params_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/params"
)

// tapSample is a document that takes taps: the first form of the section that
// was released, which is never edited.
func tapSample(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "params-v1-contactless.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadsContactless(t *testing.T) {
	doc, err := params.Parse(tapSample(t))
	if err != nil {
		t.Fatal(err)
	}
	cny := func(transaction, device, floor, cvm int64) map[string]params.TapLimits {
		return map[string]params.TapLimits{"CNY": {TransactionMinor: transaction, DeviceMinor: device, FloorMinor: floor, CVMMinor: cvm}}
	}
	both := cny(200_00, 0, 50_00, 30_00)
	both["JPY"] = params.TapLimits{TransactionMinor: 20_000, CVMMinor: 3_000}
	want := params.Contactless{
		Applications: []params.TapApplication{
			{
				AID: params.Hex{0xF0, 'C', 'P', 'O', 'S', 3, 2}, Kernel: 2, Limits: cny(199_99, 499_99, 0, 29_99),
				Generating: &params.Generating{
					Version: params.Hex2{0, 2}, TACDenial: params.Hex5{4: 0x0C}, TACOnline: params.Hex5{0: 0x84, 2: 0x80, 4: 0x0C},
					TACDefault: params.Hex5{0: 0x84, 2: 0x80, 4: 0x0C}, DeviceCVM: true, Balance: true, MagStripe: &params.Hex2{0, 1},
					Relay: &params.Relay{GraceMin: 20, GraceMax: 50, Command: 18, Response: 24, Accuracy: 300, MismatchPercent: 50},
				},
			},
			{
				AID: params.Hex{0xF0, 'C', 'P', 'O', 'S', 3, 3}, Kernel: 3, Limits: both, ExtendedSelection: true,
				AtOnce: &params.AtOnce{TTQ: params.Hex4{0x37, 0, 0xC0, 0}, StatusCheck: true},
			},
			{
				AID: params.Hex{0xF0, 'C', 'P', 'O', 'S', 3, 7}, Kernel: 7, Limits: cny(200_00, 0, 0, 30_00),
				AtOnce: &params.AtOnce{TTQ: params.Hex4{0x37, 0, 0x40, 0}},
			},
		},
		Programs: []params.TapProgram{{Program: params.Hex{0x31, 0x02, 0x08, 0x26}, Limits: cny(100_00, 0, 0, 10_00), StatusCheck: true}},
		Torn:     &params.Torn{Taps: 4, Life: 5 * time.Minute},
	}
	if !reflect.DeepEqual(doc.Contactless, want) {
		got, _ := json.Marshal(doc.Contactless)
		t.Errorf("read %s", got)
	}
	again, err := doc.Encode()
	if err != nil || !bytes.Equal(again, tapSample(t)) {
		t.Errorf("encoded anew: %v\n%s", err, again)
	}
}

// TestWithoutContactless: nothing is tapped, and nothing is said of it.
func TestWithoutContactless(t *testing.T) {
	doc, err := params.Parse(sample(t))
	if err != nil || !reflect.ValueOf(doc.Contactless).IsZero() {
		t.Errorf("%+v, %v", doc.Contactless, err)
	}
}

// section returns the contactless part of the sample for changes.
func section(t *testing.T) map[string]any {
	t.Helper()
	var doc struct{ Contactless map[string]any }
	d := json.NewDecoder(bytes.NewReader(tapSample(t)))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.Contactless
}

func TestContactlessErrorsNameTheField(t *testing.T) {
	const apps = "contactless.applications"
	for _, c := range []struct {
		app    int
		change map[string]any
		want   string
	}{
		{0, map[string]any{"aid": "F043"}, apps + "[0].aid: want 10 to 32 hex digits, got 4"},
		{0, map[string]any{"kernel": 5}, apps + "[0].kernel: want 2, 3 or 7, got 5"},
		{0, map[string]any{"kernel": 256}, apps + "[0].kernel: want a whole number from 0 to 255, got 256"},
		{0, map[string]any{"kernel": "02"}, apps + "[0].kernel: want a number, got a text"},
		{0, map[string]any{"ttq": "3700C000"}, apps + "[0].ttq: unknown field"},
		{0, map[string]any{"status_check": true}, apps + "[0].status_check: unknown field"},
		{0, map[string]any{"version": "02"}, apps + "[0].version: want 4 hex digits, got 2"},
		{0, map[string]any{"tac_denial": "00"}, apps + "[0].tac_denial: want 10 hex digits, got 2"},
		{0, map[string]any{"mag_stripe": true}, apps + "[0].mag_stripe: want a text, got true or false"},
		{0, map[string]any{"device_cvm": false}, apps + "[0].limits.CNY.transaction_device_minor: unknown field"},
		{0, map[string]any{"balance": 1}, apps + "[0].balance: want true or false, got a number"},
		{0, map[string]any{"relay": map[string]any{}}, apps + "[0].relay.grace_min_100us: is missing"},
		{0, map[string]any{"relay": map[string]any{"mismatch_percent": 101, "grace_min_100us": 0, "grace_max_100us": 0, "command_100us": 0,
			"response_100us": 0, "accuracy_100us": 0}}, apps + "[0].relay.mismatch_percent: want a whole number from 0 to 100, got 101"},
		{0, map[string]any{"limits": map[string]any{}}, apps + "[0].limits: are for no currency"},
		{0, map[string]any{"limits": map[string]any{"USD": map[string]any{}}}, apps + "[0].limits.USD: unknown field"},
		{0, map[string]any{"limits": []any{}}, apps + "[0].limits: want an object, got a list"},
		{1, map[string]any{"tac_denial": "0000000000"}, apps + "[1].tac_denial: unknown field"},
		{1, map[string]any{"relay": map[string]any{}}, apps + "[1].relay: unknown field"},
		{1, map[string]any{"ttq": "3700"}, apps + "[1].ttq: want 8 hex digits, got 4"},
		{1, map[string]any{"ttq": "B700C000"}, apps + "[1].ttq: byte 1 has 80, which is not for kernel 3"},
		{1, map[string]any{"ttq": "3780C000"}, apps + "[1].ttq: byte 2 has 80, which is not for kernel 3"},
		{1, map[string]any{"ttq": "1700C000"}, apps + "[1].ttq: byte 1 lacks 20, EMV mode"},
		{1, map[string]any{"limits": map[string]any{"CNY": map[string]any{"transaction_minor": 0, "floor_minor": 0, "cvm_minor": 0}}},
			apps + "[1].limits.CNY.transaction_minor: want a whole number from 1 to 999999999999, got 0"},
		{1, map[string]any{"limits": map[string]any{"CNY": map[string]any{"transaction_minor": 1, "floor_minor": -1, "cvm_minor": 0}}},
			apps + "[1].limits.CNY.floor_minor: want a whole number from 0 to 999999999999, got -1"},
		{1, map[string]any{"kernel": 7, "ttq": "37004000"}, "contactless.programs[0]: wants an application for kernel 3"},
		{2, map[string]any{"ttq": "3700C000"}, apps + "[2].ttq: byte 3 has 80, which is not for kernel 7"},
		{2, map[string]any{"kernel": 3, "aid": "F043504F530303"}, apps + "[2].aid: F043504F530303 is there twice for kernel 3"},
	} {
		part := section(t)
		app := part["applications"].([]any)[c.app].(map[string]any)
		for name, value := range c.change {
			app[name] = value
		}
		if _, err := params.Parse(set(t, "contactless", part)); err == nil || err.Error() != "params: "+c.want {
			t.Errorf("[%d] %v:\n got %v\nwant params: %s", c.app, c.change, err, c.want)
		}
	}
}

// TestContactlessBounds are the values beside the applications.
func TestContactlessBounds(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"applications", []any{}, "contactless.applications: want 1 to 64 entries, got 0"},
		{"programs", []any{}, "contactless.programs: want 1 to 4 entries, got 0"},
		{"torn", map[string]any{"taps": 0, "seconds": 300}, "contactless.torn.taps: want a whole number from 1 to 255, got 0"},
		{"torn", map[string]any{"taps": 1, "seconds": 65536}, "contactless.torn.seconds: want a whole number from 1 to 65535, got 65536"},
		{"allowed", true, "contactless.allowed: unknown field"},
	} {
		part := section(t)
		part[c.name] = c.value
		if _, err := params.Parse(set(t, "contactless", part)); err == nil || err.Error() != "params: "+c.want {
			t.Errorf("%s: got %v, want params: %s", c.name, err, c.want)
		}
	}
	if _, err := params.Parse(set(t, "contactless", true)); err == nil || !strings.Contains(err.Error(), "contactless: want an object") {
		t.Errorf("contactless is true: %v", err)
	}
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"program", "", "program: want 2 to 32 hex digits, got 0"},
		{"limits", map[string]any{}, "limits: are for no currency"},
		{"status_check", "yes", "status_check: want true or false, got a text"},
		{"aid", "31", "aid: unknown field"},
	} {
		part := section(t)
		part["programs"].([]any)[0].(map[string]any)[c.name] = c.value
		want := "params: contactless.programs[0]." + c.want
		if _, err := params.Parse(set(t, "contactless", part)); err == nil || err.Error() != want {
			t.Errorf("program's %s: got %v, want %s", c.name, err, want)
		}
	}
	part := section(t)
	programs := part["programs"].([]any)
	part["programs"] = append(programs, programs[0])
	want := "params: contactless.programs[1].program: 31020826 is there twice"
	if _, err := params.Parse(set(t, "contactless", part)); err == nil || err.Error() != want {
		t.Errorf("a program twice: %v", err)
	}
}

// TestContactlessFieldsAreNeeded takes out every field in turn: those that may
// be left out are named here.
func TestContactlessFieldsAreNeeded(t *testing.T) {
	const app = "contactless.applications[%d]."
	free := map[string]bool{"contactless.torn": true, "contactless.programs": true, "contactless.programs[0].status_check": true}
	for i, names := range [][]string{
		{"balance", "mag_stripe", "relay"}, {"extended_selection", "status_check", "limits.CNY", "limits.JPY"}, {},
	} {
		for _, name := range names {
			free[fmt.Sprintf(app, i)+name] = true
		}
	}
	part := section(t)
	count := 0
	var walk func(shown string, v any)
	walk = func(shown string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				path := shown + "." + name
				delete(v, name)
				_, err := params.Parse(set(t, "contactless", part))
				switch {
				case free[path] && err != nil:
					t.Errorf("without %s: %v", path, err)
				case !free[path] && err == nil:
					t.Errorf("without %s: nothing is said", path)
				case err != nil && !strings.HasPrefix(err.Error(), "params: contactless."):
					t.Errorf("without %s: %v", path, err)
				}
				v[name] = inner
				count++
				walk(path, inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s[%d]", shown, i), inner)
			}
		}
	}
	walk("contactless", part)
	if count < 50 {
		t.Errorf("only %d fields found", count)
	}
}

// TestDocumentedContactless: the example that people copy is a good one.
func TestDocumentedContactless(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "contactless.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```json\n")
	block, _, ended := strings.Cut(block, "```")
	if !ended {
		t.Fatal("docs/contactless.md has no example")
	}
	doc, err := params.Parse(set(t, "contactless", json.RawMessage(block)))
	if err != nil || len(doc.Contactless.Applications) != 3 || len(doc.Contactless.Programs) != 1 || doc.Contactless.Torn == nil {
		t.Errorf("%+v, %v", doc, err)
	}
}
