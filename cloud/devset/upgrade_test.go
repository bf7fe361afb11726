package devset_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/devset"
	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// before makes a set as it was without taps.
func before(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "var")
	if err := devset.Make(dir, devset.Opts{Now: now}); err != nil {
		t.Fatal(err)
	}
	withoutTapCards(t, dir)
	cfg, err := hostsim.ParseConfig(read(t, dir, "cloud/issuer.json"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Accounts = slices.DeleteFunc(cfg.Accounts, func(a hostsim.Account) bool { return strings.HasPrefix(a.Name, "tap-") })
	write(t, dir, "cloud/issuer.json", cfg)
	doc := document(t, dir)
	doc.Contactless = params.Contactless{}
	doc.Contact.CAKeys = doc.Contact.CAKeys[:2]
	text, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(read(t, dir, "cloud/params.key"))))
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wire.Sign(ed25519.NewKeyFromSeed(seed), wire.SignedParams, doc.Version, now, now.AddDate(1, 0, 0), text)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "t1/params.json", envelope)
	put(t, dir, "t1/terminal.toml", regexp.MustCompile(`(?m)^antenna.*\n`).ReplaceAll(read(t, dir, "t1/terminal.toml"), nil))
	return dir
}

// withoutTapCards takes those from the deck.
func withoutTapCards(t *testing.T, dir string) {
	t.Helper()
	var deck []issuer.Profile
	if err := json.Unmarshal(read(t, dir, "sim/cards.json"), &deck); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "sim/cards.json", slices.DeleteFunc(deck, func(p issuer.Profile) bool { return p.Tap != nil }))
}

func write(t *testing.T, dir, path string, v any) {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, path, append(data, '\n'))
}

func put(t *testing.T, dir, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, path), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAddTaps: a set of before takes taps, with all that it had; a second time
// does nothing, and one after a cut does the rest.
func TestAddTaps(t *testing.T) {
	dir := before(t)
	paths := []string{"cloud/issuer.json", "sim/cards.json", "t1/params.json", "t1/terminal.toml"}
	was := map[string][]byte{}
	for _, path := range append(paths, "cloud/acquirer.key", "cloud/params.key", "sim/pinpad.json") {
		was[path] = read(t, dir, path)
	}
	add := func() {
		t.Helper()
		if err := devset.AddTaps(dir, now); err != nil {
			t.Fatal(err)
		}
		checkModes(t, dir)
		checkIssuer(t, dir)
		checkTaps(t, dir)
		if n := len(document(t, dir).Contact.CAKeys); n != 4 {
			t.Errorf("%d CA keys, want 4", n)
		}
	}
	add()
	if doc := document(t, dir); doc.Version != 2 || !signed(t, dir).Expires.Equal(now.AddDate(1, 0, 0)) {
		t.Errorf("parameters: version %d, good until %v", doc.Version, signed(t, dir).Expires)
	}
	for path, data := range was {
		same := bytes.Equal(read(t, dir, path), data)
		if same == slices.Contains(paths, path) {
			t.Errorf("%s is the same as before: %t", path, same)
		}
	}
	if !bytes.HasPrefix(read(t, dir, "sim/cards.json"), bytes.TrimSuffix(was["sim/cards.json"], []byte("\n]\n"))) {
		t.Error("the cards of before are others")
	}
	if text := read(t, dir, "t1/terminal.toml"); !bytes.Contains(text, []byte("reader = \"sim:../sim\"\nantenna = \"sim:../sim\"\n")) {
		t.Errorf("terminal.toml:\n%s", text)
	}
	after := map[string][]byte{}
	for _, path := range paths {
		after[path] = read(t, dir, path)
	}
	add()
	for _, path := range paths {
		if !bytes.Equal(read(t, dir, path), after[path]) {
			t.Errorf("a second time has changed %s", path)
		}
	}
	withoutTapCards(t, dir) // as if the power was cut before they were written
	add()
}

// TestAddTapsRefuses: what is no set is told in a line that quotes no secret.
func TestAddTapsRefuses(t *testing.T) {
	dir := before(t)
	for _, c := range []struct{ path, text, want string }{
		{"sim/cards.json", `[{"pan": 9999}]`, "devset: sim/cards.json: is not what dev-init has made"},
		{"cloud/issuer.json", "{}", "devset: cloud/issuer.json: hostsim: configuration: imk_ac or bdk is missing"},
		{"cloud/params.key", "00", "devset: t1/params.json: the key that signs it is none"},
		{"t1/terminal.toml", "[devices]\n", "devset: t1/terminal.toml: names no reader to put an antenna beside"},
	} {
		whole := read(t, dir, c.path)
		put(t, dir, c.path, []byte(c.text))
		if err := devset.AddTaps(dir, now); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.path, err, c.want)
		}
		put(t, dir, c.path, whole)
	}
	if err := devset.AddTaps(filepath.Join(dir, "elsewhere"), now); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("elsewhere: %v", err)
	}
}
