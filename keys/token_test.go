package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/secret"
)

func TestTokensSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.key")
	pan, other := secret.PAN("9999010000000018"), secret.PAN("9999010000000026")
	first, err := OpenTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	token := first.Token(pan)
	if len(token) != 32 || token != second.Token(pan) {
		t.Errorf("tokens %q and %q", token, second.Token(pan))
	}
	if token == first.Token(other) {
		t.Error("two numbers share a token")
	}
	elsewhere, err := OpenTokens(filepath.Join(t.TempDir(), "token.key"))
	if err != nil {
		t.Fatal(err)
	}
	if token == elsewhere.Token(pan) {
		t.Error("two keys give the same token")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	first.Clear()
	if got := first.Token(pan); got != "" {
		t.Errorf("token after Clear = %q", got)
	}
}

func TestTokenKeyIsNeverReplaced(t *testing.T) {
	good := strings.Repeat("5a", 32) + "\n"
	for name, v := range map[string]struct {
		text string
		mode fs.FileMode
	}{
		"empty":     {"", 0o600},
		"short":     {good[2:], 0o600},
		"long":      {good + "\n", 0o600},
		"no hex":    {"zz" + good[2:], 0o600},
		"readable":  {good, 0o644},
		"group may": {good, 0o640},
	} {
		path := filepath.Join(t.TempDir(), "token.key")
		if err := os.WriteFile(path, []byte(v.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, v.mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenTokens(path)
		if !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "5a5a") {
			t.Errorf("%s: %v, want ErrKeyFile with the path and no key", name, err)
		}
		if left, _ := os.ReadFile(path); string(left) != v.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := OpenTokens(t.TempDir()); err == nil {
		t.Error("a folder was taken for a key")
	}
	if _, err := OpenTokens(filepath.Join(t.TempDir(), "none", "token.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

// TestPowerCutWhileMakingTheKey starts with what a cut before the rename
// leaves behind.
func TestPowerCutWhileMakingTheKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token.key")
	if err := os.WriteFile(path+".new", []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenTokens(path); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "token.key" {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

func TestNoKeyShows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.key")
	if err := os.WriteFile(path, []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := OpenTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	priv, _ := pair(t)
	text, _ := priv.Hex()
	d := device(t)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", tokens, priv, d)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "t", tokens, "p", priv, "d", d)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "t", tokens, "p", priv, "d", d)
	shown := strings.ToLower(out.String())
	for _, canary := range []string{"5a5a", "ZZZZ", "90 90", text[:8], fmt.Sprintf("%x", d.registers[0][:4])} {
		if strings.Contains(shown, strings.ToLower(canary)) {
			t.Errorf("%q shows in %s", canary, shown)
		}
	}
	if b, err := json.Marshal(priv); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("json.Marshal = %s, %v", b, err)
	}
}
