package devset_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/devset"
	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/pki"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTheSetFitsTogether makes one set, since its RSA keys take a second.
func TestTheSetFitsTogether(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "var")
	if err := devset.Make(dir, devset.Opts{Now: now, MQTTPort: 18883, StatusPort: 18081}); err != nil {
		t.Fatal(err)
	}
	t.Run("modes", func(t *testing.T) { checkModes(t, dir) })
	t.Run("certificates", func(t *testing.T) {
		ca, err := pki.LoadCA(pki.Pair{Cert: read(t, dir, "cloud/tls/ca.crt"), Key: read(t, dir, "cloud/ca.key")})
		if err != nil {
			t.Fatal(err)
		}
		if string(read(t, dir, "t1/tls/ca.crt")) != string(ca.Pair().Cert) {
			t.Error("the terminal trusts another CA")
		}
		for _, p := range []pki.Pair{
			{Cert: read(t, dir, "cloud/tls/cloud.crt"), Key: read(t, dir, "cloud/tls/cloud.key")},
			{Cert: read(t, dir, "t1/tls/client.crt"), Key: read(t, dir, "t1/tls/client.key")},
		} {
			if _, err := p.TLS(); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("parameters", func(t *testing.T) { checkParams(t, dir) })
	t.Run("issuer", func(t *testing.T) { checkIssuer(t, dir) })
	t.Run("taps", func(t *testing.T) { checkTaps(t, dir) })
	t.Run("configurations", func(t *testing.T) {
		cloud, terminal := string(read(t, dir, "cloud/cloud.toml")), string(read(t, dir, "t1/terminal.toml"))
		for _, want := range []string{`"127.0.0.1:18883"`, `"127.0.0.1:18081"`} {
			if !strings.Contains(cloud, want) {
				t.Errorf("cloud.toml lacks %s", want)
			}
		}
		for _, want := range []string{`"dev:t1"`, `"mqtts://127.0.0.1:18883"`, `"sim:../sim"`} {
			if !strings.Contains(terminal, want) {
				t.Errorf("terminal.toml lacks %s", want)
			}
		}
	})
	t.Run("once", func(t *testing.T) {
		before := read(t, dir, "cloud/acquirer.key")
		err := devset.Make(dir, devset.Opts{Now: now})
		if !errors.Is(err, devset.ErrExists) || !strings.Contains(err.Error(), dir) {
			t.Errorf("a second time: %v, want ErrExists with the folder", err)
		}
		if string(read(t, dir, "cloud/acquirer.key")) != string(before) {
			t.Error("a key was replaced")
		}
		entries, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(entries) != 1 {
			t.Errorf("beside it there is %v, %v", entries, err)
		}
	})
}

func checkModes(t *testing.T, dir string) {
	public := map[string]bool{
		"cloud/cloud.toml": true, "cloud/tls/ca.crt": true, "cloud/tls/cloud.crt": true, "t1/terminal.toml": true,
		"t1/tls/ca.crt": true, "t1/tls/client.crt": true, "t1/params.json": true, "t1/params.pub": true,
	}
	secrets := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		want := fs.FileMode(0o600)
		switch {
		case d.IsDir():
			want = 0o700
		case public[rel]:
			want = 0o644
		default:
			secrets++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", rel, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil || secrets != 8 {
		t.Errorf("%d secret files, %v; want 8", secrets, err)
	}
}

// signed is the terminal's document with the signature checked.
func signed(t *testing.T, dir string) wire.Envelope {
	t.Helper()
	pub, err := hex.DecodeString(strings.TrimSpace(string(read(t, dir, "t1/params.pub"))))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(read(t, dir, "cloud/params.key"))))
	if err != nil || !ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(pub)) {
		t.Errorf("params.key is not that of params.pub: %v", err)
	}
	envelope, err := wire.Verify(pub, wire.SignedParams, read(t, dir, "t1/params.json"), now, 1)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func checkParams(t *testing.T, dir string) {
	doc := document(t, dir)
	acquirer, err := keys.ParsePrivate(strings.TrimSpace(string(read(t, dir, "cloud/acquirer.key"))))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Acquirer.SealKey != acquirer.Public().String() || doc.Acquirer.SealKeyID != "dev-1" || doc.Environment != params.Development {
		t.Errorf("the document says %+v, %s", doc.Acquirer, doc.Environment)
	}
	var deck []issuer.Profile
	if err := json.Unmarshal(read(t, dir, "sim/cards.json"), &deck); err != nil {
		t.Fatal(err)
	}
	for _, card := range deck {
		if listed := doc.Exceptions.Lists(secret.PAN(card.PAN)); listed != (card.Name == "listed") {
			t.Errorf("card %q is on the list of exceptions: %t", card.Name, listed)
		}
	}
	if n := len(doc.Currencies); n != 4 || doc.Currencies[0].Code != "CNY" {
		t.Errorf("the document has currencies %v", doc.Currencies)
	}
}

func checkIssuer(t *testing.T, dir string) {
	cfg, err := hostsim.ParseConfig(read(t, dir, "cloud/issuer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var deck []issuer.Profile
	if err := json.Unmarshal(read(t, dir, "sim/cards.json"), &deck); err != nil {
		t.Fatal(err)
	}
	var applications []issuer.Profile
	for _, card := range deck {
		applications = append(append(applications, card), card.Others...)
	}
	if len(applications) != len(cfg.Accounts) || len(deck) < 8 {
		t.Fatalf("%d applications on %d cards, %d accounts", len(applications), len(deck), len(cfg.Accounts))
	}
	for i, card := range applications {
		a := cfg.Accounts[i]
		if err := card.Check(); err != nil {
			t.Error(err)
		}
		master := issuer.DeriveICC(cfg.IMK, a.PAN, a.PSN)
		if a.Name != card.Name || a.PAN != card.PAN || string(master[:]) != string(card.MasterKey) {
			t.Errorf("card %q and account %q do not belong together", card.Name, a.Name)
		}
		if (a.BalanceMinor == 0) != (a.Name == "decline") {
			t.Errorf("account %q begins with %d", a.Name, a.BalanceMinor)
		}
	}
	var pad struct{ IPEK, KSN string }
	if err := json.Unmarshal(read(t, dir, "sim/pinpad.json"), &pad); err != nil {
		t.Fatal(err)
	}
	ksn, err := hex.DecodeString(pad.KSN)
	if err != nil || len(ksn) != 10 {
		t.Fatalf("KSN of %d bytes, %v", len(ksn), err)
	}
	ipek, err := keys.InitialKey(cfg.BDK, [10]byte(ksn))
	if err != nil || hex.EncodeToString(ipek[:]) != strings.ToLower(pad.IPEK) {
		t.Errorf("the PIN pad's key is not derived from the issuer's (%v)", err)
	}
}

// TestRefuses fails before anything is made.
func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	occupied := filepath.Join(dir, "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, occupied, filepath.Join(occupied, "below")} {
		if err := devset.Make(path, devset.Opts{Now: now}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("Make(%s) = %v, want one line", path, err)
		}
	}
}
