package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// typed gives a command its standard input.
func typed(t *testing.T, text string, args ...string) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "typed")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = f
	defer func() {
		os.Stdin = before
		_ = f.Close()
	}()
	return command(t, args...)
}

// inForce reads a set's parameters as its terminal does.
func inForce(t *testing.T, dir string) (wire.Envelope, *params.Document) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "t1/params.pub"))
	if err != nil {
		t.Fatal(err)
	}
	pub, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "t1/params.json"))
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wire.Verify(ed25519.PublicKey(pub), wire.SignedParams, data, time.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := params.Parse(envelope.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return envelope, doc
}

// Cards are listed and removed; each change is a version of its own, and what
// the terminal can check.
func TestParamsExcept(t *testing.T) {
	const first, second = "9999010000001234", "9999010000005678"
	dir := devSet(t)
	config, document := filepath.Join(dir, "cloud/cloud.toml"), filepath.Join(dir, "t1/params.json")
	made, _ := inForce(t, dir)
	for _, c := range []struct {
		verb, typed, want string
		version           uint64
		listed            []string
	}{
		{"add", first + "\n", "999901******1234 added\nversion 2, cards listed: 2\n", 2, []string{first}},
		{"add", " 9999 0100 0000 5678\n\n" + first, "999901******5678 added\n999901******1234 is listed already\nversion 3, cards listed: 3\n", 3, []string{first, second}},
		{"add", second, "999901******5678 is listed already\nversion 3, cards listed: 3\n", 3, []string{first, second}},
		{"remove", first, "999901******1234 removed\nversion 4, cards listed: 2\n", 4, []string{second}},
		{"remove", first, "999901******1234 is not listed\nversion 4, cards listed: 2\n", 4, []string{second}},
	} {
		out, err := typed(t, c.typed, "params", "except", c.verb, "--config", config, document)
		if err != nil || out != c.want {
			t.Fatalf("%s %q: %v, %q, want %q", c.verb, c.typed, err, out, c.want)
		}
		envelope, doc := inForce(t, dir)
		if doc.Version != c.version || envelope.Seq != c.version || !envelope.Expires.Equal(made.Expires) {
			t.Errorf("%s: version %d, sequence %d, good until %v, want %d until %v", c.verb, doc.Version, envelope.Seq, envelope.Expires, c.version, made.Expires)
		}
		for _, pan := range []string{first, second} {
			if got := doc.Exceptions.Lists(secret.PAN(pan)); got != slices.Contains(c.listed, pan) {
				t.Errorf("after %s %q: lists %s: %t", c.verb, c.typed, pan, got)
			}
		}
	}
	_, doc := inForce(t, dir)
	out, err := command(t, "params", "except", "list", "--config", config, document)
	card := doc.Exceptions.Card(secret.PAN(second))
	if err != nil || !strings.HasPrefix(out, "version 4, cards listed: 2\n") || !strings.HasSuffix(out, "\n"+strings.ToUpper(hex.EncodeToString(card[:]))+"\n") {
		t.Errorf("list: %v, %s", err, out)
	}
}

// A document that never had a list gets one.
func TestParamsExceptFirst(t *testing.T) {
	dir := devSet(t)
	document, key := filepath.Join(dir, "t1/params.json"), filepath.Join(dir, "cloud/params.key")
	p, err := openParameters(document, key)
	if err != nil {
		t.Fatal(err)
	}
	p.doc.Exceptions = nil
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	if out, err := command(t, "params", "except", "list", "--key", key, document); err != nil || out != "version 2, cards listed: 0\n" {
		t.Errorf("list: %v, %q", err, out)
	}
	if out, err := typed(t, "9999010000001234", "params", "except", "add", "--key", key, document); err != nil || !strings.HasSuffix(out, "\nversion 3, cards listed: 1\n") {
		t.Errorf("add: %v, %q", err, out)
	}
	if _, doc := inForce(t, dir); !doc.Exceptions.Lists(secret.PAN("9999010000001234")) {
		t.Error("the card is not listed")
	}
}

// What is wrong changes nothing, and no number is quoted.
func TestParamsExceptRefuses(t *testing.T) {
	dir := devSet(t)
	config, document := filepath.Join(dir, "cloud/cloud.toml"), filepath.Join(dir, "t1/params.json")
	other := filepath.Join(dir, "other.key")
	if err := os.WriteFile(other, []byte(strings.Repeat("01", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, typed, want string
		args              []string
	}{
		{"nothing typed", "\n \n", "no card number", nil},
		{"too short", "9999010000001234\n1234567\n", "line 2 is no card number", nil},
		{"too long", "99990100000012345678", "line 1 is no card number", nil},
		{"no digits", "999901000000123a", "line 1 is no card number", nil},
		{"a line without end", strings.Repeat("9", 100), "a line of more than 64 characters", nil},
		{"too many", strings.Repeat("9999010000001234\n", cardNumbersMax+1), "more than 2000 card numbers", nil},
		{"a key that did not sign it", "9999010000001234", "the signature does not fit", []string{"--key", other}},
		{"no key", "9999010000001234", "none.key: no such file", []string{"--key", filepath.Join(dir, "none.key")}},
		{"no key but a document", "9999010000001234", "not the seed of an Ed25519 key", []string{"--key", document}},
	} {
		args := append([]string{"params", "except", "add", "--config", config, document}, c.args...)
		out, err := typed(t, c.typed, args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(out+err.Error(), "9999") {
			t.Errorf("%s: %v, %q, want %q and no number", c.name, err, out, c.want)
		}
	}
	after, err := os.ReadFile(document)
	if err != nil || string(after) != string(before) {
		t.Errorf("the document has changed, %v", err)
	}
	for _, args := range [][]string{{"params"}, {"params", "except", "add"}, {"params", "except", "burn", document}, {"params", "accept", "add", document}, {"params", "except", "add", document, "9999010000001234"},
		{"params", "except", "add", document, "9999 0100 0000 1234"}, {"params", "except", "add", document, "9999-0100-0000-1234"},
		{"params", "except", "add", document, "9999", "0100", "0000", "1234"}, {"params", "except", "add", "9999010000001234,"}} {
		var out strings.Builder
		if status, err := run(t.Context(), args, &out, &out); status != exitUsage || err == nil || strings.Contains(err.Error(), "9999") {
			t.Errorf("%v: exit status %d, %v, want usage and no number", args[:len(args)-1], status, err)
		}
	}
}

// Whatever is typed, only card numbers come of it, and an error quotes none.
func FuzzReadCardNumbers(f *testing.F) {
	f.Add("9999010000001234\n")
	f.Add(" 9999 0100 0000 5678\r\n\n12345678")
	f.Add("9999010000001234567890")
	f.Add(strings.Repeat("1", 70))
	f.Fuzz(func(t *testing.T, text string) {
		numbers, err := readCardNumbers(strings.NewReader(text))
		if err == nil && len(numbers) == 0 || len(numbers) > cardNumbersMax+1 {
			t.Errorf("%q: %d numbers and no error", text, len(numbers))
		}
		for i, n := range numbers {
			if !isCardNumber(n) && (err == nil || i < len(numbers)-1) {
				t.Errorf("%q: %q is taken for a card number", text, []byte(n))
			}
			if err != nil && strings.Contains(err.Error(), string(n)) && len(n) >= cardDigitsMin {
				t.Errorf("%q: the error quotes it: %v", text, err)
			}
		}
	})
}
