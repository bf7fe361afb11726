package hostsim_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
)

func TestConfig(t *testing.T) {
	good := hostsim.Config{IMK: imk, BDK: bdk, Accounts: []hostsim.Account{{Name: "a", PAN: panRich, PSN: "01", PIN: canary, Stripe: "3112201"}}}
	data, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	got, err := hostsim.ParseConfig(data)
	if err != nil || got.IMK != imk || got.BDK != bdk || got.Accounts[0] != good.Accounts[0] {
		t.Errorf("ParseConfig(%s) = %v, %v", data, got, err)
	}
	for _, bad := range []string{
		``, `[]`, `{}`, `{"imk_ac":"00"}`, string(data) + "{}",
		strings.Replace(string(data), `"psn":"01"`, `"psn":"1"`, 1),
		strings.Replace(string(data), panRich, panRich+"x", 1),
		strings.Replace(string(data), `"3112201"`, `"311220"`, 1),
		strings.Replace(string(data), `"3112201"`, `"31122O1"`, 1),
		strings.Replace(string(data), canary, "12ab", 1),
		strings.Replace(string(data), `"name"`, `"nick"`, 1),
		strings.Replace(string(data), `"balance_minor":0`, `"balance_minor":"7391"`, 1),
	} {
		_, err := hostsim.ParseConfig([]byte(bad))
		if !errors.Is(err, hostsim.ErrConfig) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), panRich) {
			t.Errorf("ParseConfig(%s) = %v, want ErrConfig without a secret", bad, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"imk_ac":"0102030405060708090a0b0c0d0e0f10","bdk":"0123456789abcdeffedcba9876543210","accounts":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := hostsim.ParseConfig(data)
		if err == nil && c.IMK == (hostsim.Key{}) {
			t.Errorf("%q has no key", data)
		}
	})
}
