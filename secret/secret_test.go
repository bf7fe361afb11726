package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/secret"
)

const digits = "6234567890120123"

func TestNoPathShowsASecret(t *testing.T) {
	pan, block := secret.PAN(digits), secret.Bytes("\x1B\x9C\x18\x45canary")
	type holder struct {
		PAN   secret.PAN
		Block secret.Bytes
		Ptr   *secret.PAN
	}
	h := holder{pan, block, &pan}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", pan, block, h)
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "pan", pan, "block", block, "h", h)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "pan", pan, "block", block, "h", h)

	for _, canary := range []string{digits, "canary", fmt.Sprintf("%x", digits), fmt.Sprintf("%X", "canary"), "54 50 51"} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("%q shows in:\n%s", canary, out.String())
		}
	}
	for _, v := range []any{pan, block, h} {
		if b, err := json.Marshal(v); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("json.Marshal(%T) = %s, %v, want ErrSealed", v, b, err)
		}
	}
}

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		digits:                "623456******0123",
		"6234567890120123456": "623456*********3456",
		"4012345678909":       "401234***8909",
		"12345678":            "****5678",
		"1234":                "****",
		"":                    "",
	} {
		if got := secret.PAN(in).Masked(); got != want {
			t.Errorf("Masked(%d digits) = %q, want %q", len(in), got, want)
		}
	}
}

func TestClear(t *testing.T) {
	pan, block := secret.PAN(digits), secret.Bytes("key")
	pan.Clear()
	block.Clear()
	if strings.Trim(string(pan)+string(block), "\x00") != "" {
		t.Error("Clear left something behind")
	}
}
