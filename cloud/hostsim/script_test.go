package hostsim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// The accounts with a script, and the master keys for them.
const panScript = "9999010000000056"

var (
	macKey      = hostsim.Key{0x31, 2, 3}
	encipherKey = hostsim.Key{0x32, 2, 3}
)

// withScript gives the bench one more account, which has a script.
func (b *bench) withScript(a hostsim.Account) {
	b.t.Helper()
	a.Name, a.PAN, a.PSN, a.BalanceMinor = "scripted", panScript, "01", 100_000
	b.more = []hostsim.Account{a}
	b.restart()
}

// commands takes the scripts apart: template and header of each command.
func commands(t *testing.T, scripts []byte) string {
	t.Helper()
	templates, err := tlv.Parse(scripts)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, template := range templates {
		objects, err := tlv.Parse(template.Value)
		if err != nil || len(objects) < 2 || objects[0].Tag != tlv.ScriptIdentifier || len(objects[0].Value) != 4 {
			t.Fatalf("%v: %X, %v", template.Tag, template.Value, err)
		}
		for _, o := range objects[1:] {
			if o.Tag != tlv.ScriptCommand {
				t.Errorf("%v in a script", o.Tag)
			}
			all = append(all, fmt.Sprintf("%v %X", template.Tag, o.Value[:5]))
		}
	}
	return strings.Join(all, ", ")
}

// Each rule sends what it should, with an approval or a decline as it should.
func TestScripts(t *testing.T) {
	for name, tt := range map[string]struct {
		account            hostsim.Account
		approved, declined string
	}{
		"pin-unblock":       {approved: "72 8424000008"},
		"pin-change":        {account: hostsim.Account{PIN: "4321"}, approved: "72 8424000218"},
		"limits":            {account: hostsim.Account{LowerLimit: 2, UpperLimit: 5}, approved: "71 04DA9F1409, 71 04DA9F2309"},
		"block-application": {approved: "72 841E000008", declined: "72 841E000008"},
		"block-card":        {approved: "71 8416000008", declined: "71 8416000008"},
		"wrong-mac":         {approved: "71 8424000008, 72 8424000008"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &hostsim.Memory{})
			tt.account.Script = name
			b.withScript(tt.account)
			if got := commands(t, b.want(b.request(b.sale(panScript, 1250)), "00", "").Scripts); got != tt.approved {
				t.Errorf("with an approval %q, want %q", got, tt.approved)
			}
			if got := commands(t, b.want(b.request(b.sale(panScript, 1005)), "05", "amount-ending").Scripts); got != tt.declined {
				t.Errorf("with a decline %q, want %q", got, tt.declined)
			}
		})
	}
}

// A script is secured under the card's own keys and this cryptogram, and the
// bytes of the command are those that the issuer's side makes.
func TestScriptIsTheCards(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	b.withScript(hostsim.Account{Script: "pin-unblock"})
	req := b.request(b.sale(panScript, 1250))
	d := b.want(req, "00", "")
	objects, err := keys.Open(b.key, keys.Info("dev:t1", 1, req.Key.Seq, keys.PartChip), req.Card.Chip)
	if err != nil {
		t.Fatal(err)
	}
	arqc, _ := tlv.Find(objects, tlv.ApplicationCryptogram)
	s := issuer.NewScripter(issuer.DeriveICC(macKey, panScript, "01"), issuer.DeriveICC(encipherKey, panScript, "01"), [8]byte(arqc))
	if got, ok := tlv.Find(d.Scripts, tlv.Script2, tlv.ScriptCommand); !ok || !bytes.Equal(got, s.UnblockPIN()) {
		t.Errorf("command %X", got)
	}
}

// completion is a terminal's word on a sale, with the results of scripts.
func (b *bench) completion(of wire.Request, results []byte) wire.Request {
	of.Key.Leg, of.Version = wire.LegComplete, 2
	of.Card.Chip = b.seal(&of, keys.PartChip, tlv.Append(nil, tlv.ScriptResults, results))
	return of
}

// A script is sent until a completion has told that the card took it; the same
// request has the same scripts for ever.
func TestScriptResults(t *testing.T) {
	forms(t, func(t *testing.T, s hostsim.Store) {
		b := newBench(t, s)
		b.withScript(hostsim.Account{Script: "pin-unblock"})
		complete := func(req wire.Request, results ...byte) {
			t.Helper()
			if err := b.host.Complete(t.Context(), b.completion(req, results)); err != nil {
				t.Fatal(err)
			}
		}
		first := b.request(b.sale(panScript, 1250))
		sent := b.want(first, "00", "").Scripts
		complete(first, 0x11, 0, 0, 0, 1)
		second := b.request(b.sale(panScript, 1250))
		if len(b.want(second, "00", "").Scripts) == 0 {
			t.Error("after a failure nothing is sent")
		}
		complete(second, 0x20, 0, 0, 0, 2)
		b.restart()
		if got := b.want(b.request(b.sale(panScript, 1250)), "00", "").Scripts; len(got) != 0 {
			t.Errorf("after a success %X is sent", got)
		}
		if again := b.want(first, "00", "").Scripts; !bytes.Equal(again, sent) {
			t.Errorf("the same request has %X, had %X", again, sent)
		}
		all, err := b.host.Postings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(all)
		if err != nil || !strings.Contains(string(shown), `"script_results":"1100000001"`) || !strings.Contains(string(shown), `"script_results":"2000000002"`) {
			t.Errorf("the postings do not tell the results: %s", shown)
		}
	})
}

// What cannot be read, and what is about nothing known, changes nothing.
func TestCompleteOfNothing(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	b.withScript(hostsim.Account{Script: "pin-unblock"})
	unknown := b.completion(b.request(b.sale(panScript, 1250)), []byte{0x20, 0, 0, 0, 0})
	without := b.completion(b.request(b.sale(panScript, 1250)), nil)
	broken := b.completion(b.request(b.sale(panScript, 1250)), []byte{0x20, 0, 0, 0, 0})
	broken.Card.Chip = []byte("nothing that opens")
	for _, req := range []wire.Request{unknown, without, broken} {
		if err := b.host.Complete(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
	if len(b.want(b.request(b.sale(panScript, 1250)), "00", "").Scripts) == 0 {
		t.Error("the script is taken for done")
	}
}

func TestScriptConfig(t *testing.T) {
	for name, change := range map[string]func(*hostsim.Config){
		"unknown script": func(c *hostsim.Config) { c.Accounts[0].Script = "explode" },
		"no MAC key":     func(c *hostsim.Config) { c.MAC = hostsim.Key{} },
		"no other key":   func(c *hostsim.Config) { c.Encipher = hostsim.Key{} },
		"no PIN":         func(c *hostsim.Config) { c.Accounts[0].Script = "pin-change" },
	} {
		c := hostsim.Config{IMK: imk, BDK: bdk, MAC: macKey, Encipher: encipherKey,
			Accounts: []hostsim.Account{{Name: "a", PAN: panRich, PSN: "01", Script: "block-card"}}}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hostsim.ParseConfig(text); err != nil {
			t.Fatalf("a good one: %v", err)
		}
		change(&c)
		if text, err = json.Marshal(c); err != nil {
			t.Fatal(err)
		}
		if _, err := hostsim.ParseConfig(text); !errors.Is(err, hostsim.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
