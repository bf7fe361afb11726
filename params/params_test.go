package params_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/params"
)

func sample(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "params-v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestReadsVersion1 reads the sample of the first released schema, which is
// never edited.
func TestReadsVersion1(t *testing.T) {
	doc, err := params.Parse(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	got := []any{
		doc.Schema, doc.Version, doc.Environment,
		doc.Merchant.ID, doc.Merchant.Name, doc.Merchant.Address, uint16(doc.Merchant.Category),
		doc.Terminal.AcquirerTerminalID, doc.Terminal.Serial, doc.Terminal.Country, byte(doc.Terminal.Type), doc.Terminal.Timezone,
		doc.Acquirer.ID, doc.Acquirer.SealKeyID, len(doc.Acquirer.SealKey),
		doc.Currencies[0].Code, doc.Currencies[1].Exponent, doc.Limits.SaleMaxMinor["JPY"],
		doc.CVM, doc.PIN, doc.Timeouts,
	}
	want := []any{
		1, 7, "development",
		"898310055330001", "云端便利店 Cloud Store", "1 Example Road, Shanghai", 5411,
		"00000001", "CP000001", 156, 0x22, "Asia/Shanghai",
		"999901", "dev-1", 64,
		"CNY", 0, 1000000,
		"{true false true false false}", "{3 4 12}", "{1m0s 30s 1m0s 30s}",
	}
	for i := range want {
		if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
			t.Errorf("field %d is %v, want %v", i, got[i], want[i])
		}
	}
	a := doc.Contact.Applications[1]
	if s := fmt.Sprintf("%X %v %X %X %X %X %d %d %d %d %X", []byte(a.AID), a.Partial, a.Version[:], a.TACDenial[:], a.TACOnline[:], a.TACDefault[:],
		a.FloorLimitMinor, a.RandomThresholdMinor, a.RandomTargetPercent, a.RandomMaximumPercent, []byte(a.DDOL)); s !=
		"F043504F530102 false 0096 0010000000 D84004F800 D84000A800 10000 2000 20 50 9F02069F3704" {
		t.Errorf("application: %s", s)
	}
	k := doc.Contact.CAKeys[0]
	if k.RID != (params.Hex5{0xF0, 'C', 'P', 'O', 'S'}) || k.Index != 1 || len(k.Modulus)*8 != 1408 ||
		!k.Expiry.Equal(time.Date(2035, 12, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("CA key: %X %d %d bits %v", k.RID, k.Index, len(k.Modulus)*8, k.Expiry)
	}
}

func TestEncodeIsParseable(t *testing.T) {
	data := sample(t)
	doc, err := params.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, data) {
		t.Errorf("encoded anew:\n%s", again)
	}
	doc.PIN.Max = 3
	if _, err := doc.Encode(); !errors.Is(err, params.ErrDocument) || !strings.Contains(err.Error(), "pin.max") {
		t.Errorf("Encode of a wrong document: %v", err)
	}
}

// set returns the sample with the value at a path like a.b.0.c replaced;
// remove takes it out.
func set(t *testing.T, path string, value any) []byte {
	t.Helper()
	var doc any
	d := json.NewDecoder(bytes.NewReader(sample(t)))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	at := doc
	steps := strings.Split(path, ".")
	for i, step := range steps {
		last := i == len(steps)-1
		switch v := at.(type) {
		case map[string]any:
			switch {
			case !last:
				at = v[step]
			case value == remove:
				if _, ok := v[step]; !ok {
					t.Fatalf("no field %s", path)
				}
				delete(v, step)
			default:
				v[step] = value
			}
		case []any:
			n := 0
			if _, err := fmt.Sscan(step, &n); err != nil {
				t.Fatal(err)
			}
			if last {
				v[n] = value
			}
			at = v[n]
		default:
			t.Fatalf("%s leads nowhere", path)
		}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var remove = &struct{ byte }{}

func TestErrorsNameTheField(t *testing.T) {
	for _, v := range []struct {
		path  string
		value any
		want  string
	}{
		{"schema", 2, "schema: want a whole number from 1 to 1, got 2"},
		{"version", 0, "version: want a whole number from 1 to 9007199254740991, got 0"},
		{"version", 1.5, "version: want a whole number from 1 to 9007199254740991, got 1.5"},
		{"version", "7", "version: want a number, got a text"},
		{"environment", "live", `environment: want production, training or development, got "live"`},
		{"merchant", []int{}, "merchant: want an object, got a list"},
		{"merchant.id", "1234567890123456", "merchant.id: want 1 to 15 letters and digits, got 16"},
		{"merchant.id", "12-34", `merchant.id: want 1 to 15 letters and digits, got "12-34"`},
		{"merchant.name", "", "merchant.name: want 1 to 40 characters, got 0"},
		{"merchant.name", "a\nb", "merchant.name: has a character that cannot be printed at byte 1"},
		{"merchant.category", "54", "merchant.category: want 4 digits, got 2"},
		{"terminal.acquirer_terminal_id", "1", "terminal.acquirer_terminal_id: want 8 letters and digits, got 1"},
		{"terminal.type", "29", "terminal.type: 29 is no terminal type of EMV Book 4, A1"},
		{"terminal.type", "31", "terminal.type: 31 is no terminal type of EMV Book 4, A1"},
		{"terminal.timezone", "Local", `terminal.timezone: want a zone like Asia/Shanghai, got "Local"`},
		{"terminal.timezone", "Mars/Olympus", `terminal.timezone: want a zone like Asia/Shanghai, got "Mars/Olympus"`},
		{"terminal.timezone", "", `terminal.timezone: want a zone like Asia/Shanghai, got ""`},
		{"terminal.country", 1000, "terminal.country: want a whole number from 1 to 999, got 1000"},
		{"acquirer.seal_key", "00", "acquirer.seal_key: want 64 hex digits, got 2"},
		{"acquirer.seal_key", strings.Repeat("00", 32), "acquirer.seal_key: is no X25519 key that can seal"},
		{"currencies", []string{}, "currencies: want 1 to 16 entries, got 0"},
		{"currencies.1", "XXX", `currencies[1]: unknown currency "XXX"`},
		{"currencies.1", "CNY", "currencies[1]: CNY is there twice"},
		{"currencies.1", 392, "currencies[1]: want a text, got a number"},
		{"currencies.1", "USD", "limits.sale_max_minor.JPY: unknown field"},
		{"limits.sale_max_minor.CNY", -1, "limits.sale_max_minor.CNY: want a whole number from 1 to 999999999999, got -1"},
		{"limits.sale_max_minor.JPY", remove, "limits.sale_max_minor.JPY: is missing"},
		{"contact.applications", nil, "contact.applications: want a list, got null"},
		{"contact.applications.0", "x", "contact.applications[0]: want an object, got a text"},
		{"contact.applications.0.tac_denial", "00000000", "contact.applications[0].tac_denial: want 10 hex digits, got 8"},
		{"contact.applications.1.tac_online", "0000000g00", `contact.applications[1].tac_online: want 10 hex digits, got "0000000g00"`},
		{"contact.applications.1.partial", "yes", "contact.applications[1].partial: want true or false, got a text"},
		{"contact.applications.1.aid", "F043504F5", "contact.applications[1].aid: want 10 to 32 hex digits, got 9"},
		{"contact.applications.1.aid", "F043504F530", "contact.applications[1].aid: want an even number of hex digits, got 11"},
		{"contact.applications.1.aid", "F043504F530101", "contact.applications[1].aid: F043504F530101 is there twice"},
		{"contact.applications.1.floor_limit_minor", uint64(1 << 32), "contact.applications[1].floor_limit_minor: want a whole number from 0 to 4294967295, got 4294967296"},
		{"contact.applications.1.random_threshold_minor", 10000, "contact.applications[1].random_threshold_minor: want a whole number from 0 to 9999, got 10000"},
		{"contact.applications.0.random_threshold_minor", 1, "contact.applications[0].random_threshold_minor: want a whole number from 0 to 0, got 1"},
		{"contact.applications.1.random_target_percent", 51, "contact.applications[1].random_target_percent: want a whole number from 0 to 50, got 51"},
		{"contact.applications.1.ddol", "9F0206", "contact.applications[1].ddol: does not ask for the unpredictable number, 9F3704"},
		{"contact.ca_keys.0.modulus", strings.Repeat("00", 176), "contact.ca_keys[0].modulus: is even or begins with zeros"},
		{"contact.ca_keys.0.exponent", "05", "contact.ca_keys[0].exponent: want 03 or 010001, got 05"},
		{"contact.ca_keys.0.expiry", "31.12.2034", `contact.ca_keys[0].expiry: want a day like 2034-12-31, got "31.12.2034"`},
		{"contact.ca_keys.0.index", "02", "contact.ca_keys[0].checksum: is not that of rid, index, modulus and exponent"},
		{"contact.ca_keys.0.checksum", strings.Repeat("00", 20), "contact.ca_keys[0].checksum: is not that of rid, index, modulus and exponent"},
		{"contact.ca_keys.0.revoked", "000001", "contact.ca_keys[0].revoked: want a list, got a text"},
		{"contact.ca_keys.0.revoked", []any{"000001", 2}, `contact.ca_keys[0].revoked[1]: want 6 hex digits, got ""`},
		{"contact.ca_keys.0.revoked", []string{"0000"}, `contact.ca_keys[0].revoked[0]: want 6 hex digits, got "0000"`},
		{"contact.ca_keys.0.revoked", []string{"00000A", "00000a"}, "contact.ca_keys[0].revoked[1]: 00000a is there twice"},
		{"contact.ca_keys.0.revoked", make([]string, 257), "contact.ca_keys[0].revoked: want 0 to 256 entries, got 257"},
		{"cvm", map[string]bool{"online_pin": false, "signature": false, "no_cvm": false}, "cvm: allows no way to verify a cardholder"},
		{"pin.attempts_max", 0, "pin.attempts_max: want a whole number from 1 to 5, got 0"},
		{"pin.min", 13, "pin.min: want a whole number from 4 to 12, got 13"},
		{"timeouts.host_seconds", 121, "timeouts.host_seconds: want a whole number from 1 to 120, got 121"},
		{"timeouts.pin_seconds", remove, "timeouts.pin_seconds: is missing"},
		{"timeouts.pni_seconds", 1, "timeouts.pni_seconds: unknown field"},
		{"Version", 9, "Version: unknown field"},
		{"a \"b\"", 9, `"a \"b\"": unknown field`},
		{"schema", remove, "schema: is missing"},
	} {
		doc, err := params.Parse(set(t, v.path, v.value))
		if doc != nil || err == nil || err.Error() != "params: "+v.want || !errors.Is(err, params.ErrDocument) {
			t.Errorf("%s = %v:\n got %v\nwant params: %s", v.path, v.value, err, v.want)
		}
	}
}

// TestRevokedMayBeLeftOut: documents of before have no revocation list, and one
// that has it comes back as it was.
func TestRevokedMayBeLeftOut(t *testing.T) {
	doc, err := params.Parse(set(t, "contact.ca_keys.0.revoked", []string{"00000A", "FFFFFE"}))
	if err != nil {
		t.Fatal(err)
	}
	want := []params.Hex3{{0, 0, 0x0A}, {0xFF, 0xFF, 0xFE}}
	if got := doc.Contact.CAKeys[0].Revoked; !slices.Equal(got, want) {
		t.Errorf("revoked %X, want %X", got, want)
	}
	data, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = params.Parse(data); err != nil || !slices.Equal(doc.Contact.CAKeys[0].Revoked, want) {
		t.Errorf("after Encode: %v, %v", doc, err)
	}
}

// TestOfflinePINMayBeLeftOut: documents of before do not speak of PINs that the
// card verifies, which are then not allowed.
func TestOfflinePINMayBeLeftOut(t *testing.T) {
	for field, want := range map[string]params.CVM{
		"plain_pin":      {OnlinePIN: true, NoCVM: true, PlainPIN: true},
		"enciphered_pin": {OnlinePIN: true, NoCVM: true, EncipheredPIN: true},
	} {
		doc, err := params.Parse(set(t, "cvm."+field, true))
		if err != nil || doc.CVM != want {
			t.Fatalf("%s: %+v, %v", field, doc, err)
		}
		data, err := doc.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if doc, err = params.Parse(data); err != nil || doc.CVM != want {
			t.Errorf("%s after Encode: %+v, %v", field, doc, err)
		}
		if _, err := params.Parse(set(t, "cvm."+field, "yes")); err == nil || err.Error() != "params: cvm."+field+": want true or false, got a text" {
			t.Errorf("%s as a text: %v", field, err)
		}
	}
}

// TestEachFieldIsNeeded takes out every field in turn.
func TestEachFieldIsNeeded(t *testing.T) {
	var doc any
	if err := json.Unmarshal(sample(t), &doc); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	var walk func(path, shown string, v any)
	walk = func(path, shown string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				paths[path+name] = shown + name
				walk(path+name+".", shown+name+".", inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s%d.", path, i), fmt.Sprintf("%s[%d].", strings.TrimSuffix(shown, "."), i), inner)
			}
		}
	}
	walk("", "", doc)
	if len(paths) < 60 {
		t.Fatalf("only %d fields found: %v", len(paths), maps.Keys(paths))
	}
	for path, shown := range paths {
		_, err := params.Parse(set(t, path, remove))
		if err == nil || err.Error() != "params: "+shown+": is missing" {
			t.Errorf("without %s: %v", path, err)
		}
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	data := string(sample(t))
	for name, v := range map[string]struct{ text, want string }{
		"empty":         {"", "params: not JSON at byte 0: unexpected EOF"},
		"cut":           {data[:len(data)/2], "unexpected EOF"},
		"a list":        {"[]", "params: document: want an object, got a list"},
		"null":          {"null", "params: document: want an object, got null"},
		"twice":         {strings.Replace(data, `"country": 156,`, `"country": 156, "country": 840,`, 1), "params: terminal.country: given twice"},
		"twice in list": {strings.Replace(data, `"index": "01",`, `"index": "01", "inde\u0078": "01",`, 1), "params: contact.ca_keys[0].index: given twice"},
		"two documents": {data + data, "params: something follows the document at byte"},
		"no UTF-8":      {strings.Replace(data, "Cloud", "Clo\xFFd", 1), "params: not UTF-8"},
		"deep":          {strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), "params: a.a.a.a.a.a.a.a: nested too deep"},
		"large":         {data + strings.Repeat(" ", params.SizeMax), "at most 262144"},
		"comment":       {"// hello\n" + data, "params: not JSON at byte"},
	} {
		doc, err := params.Parse([]byte(v.text))
		if doc != nil || err == nil || !strings.Contains(err.Error(), v.want) || !errors.Is(err, params.ErrDocument) {
			t.Errorf("%s: %v, want %s", name, err, v.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Add(tapSample(f))
	f.Add([]byte(`{"schema":1,"version":1,"currencies":["CNY"],"contact":{"applications":[{}],"ca_keys":[]}}`))
	f.Add([]byte(`[[[[[[[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := params.Parse(data)
		if err != nil {
			if !errors.Is(err, params.ErrDocument) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		first, err := doc.Encode()
		if err != nil {
			t.Fatalf("a parsed document cannot be encoded: %v", err)
		}
		again, err := params.Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("encoding is not stable: %v", err)
		}
	})
}

func ExampleParse() {
	_, err := params.Parse([]byte(`{"schema": 1, "version": 7, "environ": "production"}`))
	fmt.Println(err)
	// Output: params: environ: unknown field
}
