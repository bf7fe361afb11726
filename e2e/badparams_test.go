package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// plainParams is the document inside the signed envelope.
func plainParams(t *testing.T, r *rig.Rig) []byte {
	t.Helper()
	data, err := os.ReadFile(r.Path("t1", "params.json"))
	must(t, err)
	var envelope wire.Envelope
	must(t, json.Unmarshal(data, &envelope))
	return envelope.Payload
}

// flipped is text with one bit of its middle turned, as a worn flash does.
func flipped(text []byte) []byte {
	out := append([]byte(nil), text...)
	out[len(out)/2] ^= 1
	return out
}

// TestBadParameters: a document that its signature does not fit is not looked
// into, and of one that is signed the line names the field.
func TestBadParameters(t *testing.T) {
	t.Parallel()
	r := prepared(t)
	file, key := r.Path("t1", "params.json"), r.Path("t1", "params.pub")
	good, err := os.ReadFile(file)
	must(t, err)
	plain := plainParams(t, r)
	check := func(name string, words ...string) {
		t.Helper()
		unchanged(t, r.Dir, func() {
			for _, args := range [][]string{{"run"}, {"sale", "--amount", "1"}} {
				refused(t, r.Terminal, 1, words, args...)
			}
		})
		if t.Failed() {
			t.Fatal(name)
		}
	}

	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	var envelope wire.Envelope
	must(t, json.Unmarshal(good, &envelope))
	sign := func(private ed25519.PrivateKey, kind string) []byte {
		data, err := wire.Sign(private, kind, envelope.Seq, envelope.Issued, envelope.Expires, plain)
		must(t, err)
		return data
	}
	raised, turned := envelope, envelope
	raised.Seq++
	turned.Payload = flipped(plain)
	encode := func(e wire.Envelope) []byte {
		data, err := json.Marshal(e)
		must(t, err)
		return data
	}
	for _, c := range []struct {
		name  string
		data  []byte
		words []string
	}{
		{"empty", nil, []string{"envelope"}},
		{"not JSON", []byte("parameters"), []string{"envelope"}},
		{"cut off", good[:len(good)/2], []string{"envelope"}},
		{"not signed", plain, []string{"envelope"}},
		{"signed by another key", sign(stranger, wire.SignedParams), []string{"the signature does not fit"}},
		{"a bit of the document is flipped", encode(turned), []string{"the signature does not fit"}},
		{"the sequence is another one", encode(raised), []string{"the signature does not fit"}},
		{"a bit of the file is flipped", flipped(good), []string{"envelope"}},
		{"too large", append(good, make([]byte, 1<<20)...), []string{"larger than"}},
	} {
		must(t, os.WriteFile(file, c.data, 0o600))
		check(c.name, append(c.words, file)...)
	}
	must(t, os.WriteFile(file, good, 0o600))

	change := func(old, new string) []byte {
		if strings.Count(string(plain), old) == 0 {
			t.Fatalf("%q is not in the parameters:\n%s", old, plain)
		}
		return []byte(strings.Replace(string(plain), old, new, 1))
	}
	for _, c := range []struct {
		name  string
		data  []byte
		words []string
	}{
		{"not JSON", []byte("{]"), []string{"not JSON at byte"}},
		{"unknown field", change(`"merchant": {`, `"merchant": {"colour": "red",`), []string{"merchant.colour: unknown field"}},
		{"unknown at the top", change(`{`, `{"extra": 1,`), []string{"extra: unknown field"}},
		{"given twice", change(`"pin": {`, `"pin": {"min": 4,`), []string{"pin.min: given twice"}},
		{"out of bounds", change(`"host_seconds": 30`, `"host_seconds": 0`), []string{"timeouts.host_seconds: want a whole number from 1 to 120, got 0"}},
		{"out of bounds above", change(`"attempts_max": 3`, `"attempts_max": 6`), []string{"pin.attempts_max: want", "got 6"}},
		{"fraction", change(`"min": 4`, `"min": 4.5`), []string{"pin.min: want a whole number", "4.5"}},
		{"wrong type", change(`"online_pin": true`, `"online_pin": "yes"`), []string{"cvm.online_pin: want true or false, got a text"}},
		{"missing", change(`"country": 156,`, ``), []string{"terminal.country: is missing"}},
		{"other schema", change(`"schema": 1`, `"schema": 2`), []string{"schema: want"}},
		{"environment", change(`"development"`, `"demo"`), []string{`environment: want`, `"demo"`}},
		{"currency", change(`"JPY"`, `"XXX"`), []string{`currencies[2]: unknown currency "XXX"`}},
		{"in a list", change(`"index": "01"`, `"index": "02"`), []string{"contact.ca_keys[0].checksum: is not that of"}},
		{"seal key", change(hexOf(t, plain), strings.Repeat("00", 32)), []string{"acquirer.seal_key: is no X25519 key"}},
	} {
		must(t, r.SignParams(c.data))
		check(c.name, append(c.words, file)...)
		must(t, os.WriteFile(file, good, 0o600))
	}

	for name, text := range map[string]string{"empty": "", "not hex": "key", "short": "00ff", "large": strings.Repeat("00", 4096)} {
		_, restore := kept(t, key)
		must(t, os.WriteFile(key, []byte(text), 0o600))
		check("public key: "+name, key)
		restore()
	}
	for _, missing := range []string{file, key} {
		must(t, os.Rename(missing, missing+"-away"))
		check("missing", missing, "no such file")
		must(t, os.Rename(missing+"-away", missing))
	}

	must(t, r.StartCloud())
	pays(t, r)
}

// hexOf is the acquirer's key in the document.
func hexOf(t *testing.T, plain []byte) string {
	t.Helper()
	doc, err := params.Parse(plain)
	must(t, err)
	if _, err := hex.DecodeString(doc.Acquirer.SealKey); err != nil || doc.Acquirer.SealKey == "" {
		t.Fatalf("seal key %q", doc.Acquirer.SealKey)
	}
	return doc.Acquirer.SealKey
}

// TestParametersThatExpired: what is in force stays so, whatever the date.
func TestParametersThatExpired(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.SignParamsUntil(time.Now().Add(-time.Hour)))
	pays(t, r)
	must(t, r.Agree(t.Context()))
}

// TestPlayDevicesInEarnest: with production parameters nothing is simulated.
func TestPlayDevicesInEarnest(t *testing.T) {
	t.Parallel()
	r := prepared(t)
	must(t, r.EditParams(func(d *params.Document) { d.Environment = params.Production }))
	unchanged(t, r.Dir, func() {
		for _, args := range [][]string{{"run"}, {"sale", "--amount", "1"}} {
			refused(t, r.Terminal, 1, []string{r.Config(), "devices.reader", "sim:../sim", "simulated devices are refused", `"production"`}, args...)
		}
		sale := []string{"sale", "--amount", "1", "--reader", "none:"}
		for _, device := range []string{"antenna", "stripe", "pinpad", "printer"} {
			refused(t, r.Terminal, 1, []string{"devices." + device, "refused"}, sale...)
			sale = append(sale, "--"+device, "none:")
		}
	})
	must(t, r.EditParams(func(d *params.Document) { d.Environment = params.Training }))
	must(t, r.StartCloud())
	pays(t, r)
}
