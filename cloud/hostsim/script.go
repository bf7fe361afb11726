package hostsim

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// The scripts that an account may have its card sent.
const (
	scriptUnblockPIN = "pin-unblock"
	scriptChangePIN  = "pin-change" // to the account's
	scriptLimits     = "limits"     // the account's
	scriptBlockApp   = "block-application"
	scriptBlockCard  = "block-card"
	scriptWrongMAC   = "wrong-mac" // which no card takes
)

// A rule tells when a script is sent, and what is in it.
type rule struct {
	declined bool // with a decline too; the others wait for an approval
	make     func(s *issuer.Scripter, a *Account, id [4]byte) ([]byte, error)
}

// rules are the scripts by their names. Templates 71 come before the second
// cryptogram, 72 after it. EMV 4.4 Book 3, 10.10.
var rules = map[string]rule{
	scriptUnblockPIN: {make: func(s *issuer.Scripter, _ *Account, id [4]byte) ([]byte, error) {
		return issuer.Script(tlv.Script2, id, s.UnblockPIN()), nil
	}},
	scriptChangePIN: {make: func(s *issuer.Scripter, a *Account, id [4]byte) ([]byte, error) {
		command, err := s.ChangePIN(a.PIN)
		return issuer.Script(tlv.Script2, id, command), err
	}},
	scriptLimits: {make: func(s *issuer.Scripter, a *Account, id [4]byte) ([]byte, error) {
		lower, err := s.PutData(tlv.LowerOfflineLimit, []byte{a.LowerLimit})
		if err != nil {
			return nil, err
		}
		upper, err := s.PutData(tlv.UpperOfflineLimit, []byte{a.UpperLimit})
		return issuer.Script(tlv.Script1, id, lower, upper), err
	}},
	scriptBlockApp: {declined: true, make: func(s *issuer.Scripter, _ *Account, id [4]byte) ([]byte, error) {
		return issuer.Script(tlv.Script2, id, s.BlockApplication()), nil
	}},
	scriptBlockCard: {declined: true, make: func(s *issuer.Scripter, _ *Account, id [4]byte) ([]byte, error) {
		return issuer.Script(tlv.Script1, id, s.BlockCard()), nil
	}},
	scriptWrongMAC: {make: func(s *issuer.Scripter, _ *Account, id [4]byte) ([]byte, error) {
		before, after := s.UnblockPIN(), s.UnblockPIN()
		before[len(before)-1] ^= 0x01
		after[len(after)-1] ^= 0x01
		return append(issuer.Script(tlv.Script1, id, before), issuer.Script(tlv.Script2, id, after)...), nil
	}},
}

// checkScript tells what an account lacks for its script.
func (c *Config) checkScript(i int) error {
	a := &c.Accounts[i]
	if a.Script == "" {
		return nil
	}
	if _, known := rules[a.Script]; !known {
		return fmt.Errorf("%w: accounts[%d].script is none that is known", ErrConfig, i)
	}
	if c.MAC == (Key{}) || c.Encipher == (Key{}) {
		return fmt.Errorf("%w: accounts[%d].script needs imk_smi and imk_smc", ErrConfig, i)
	}
	if a.Script == scriptChangePIN && (len(a.PIN) < 4 || len(a.PIN) > 12) {
		return fmt.Errorf("%w: accounts[%d].script needs a PIN of 4 to 12 digits", ErrConfig, i)
	}
	return nil
}

// doneThing is what is used up once a completion has told that an account's
// script did what it should.
func doneThing(a *Account) string { return "script:" + a.Script + ":" + a.Name }

// scripts are the templates that go with a decision: those of the account's
// rule, again and again until the card has taken them.
func (h *Host) scripts(tx Tx, a *Account, c *chip, approved bool) ([]byte, error) {
	r, ok := rules[a.Script]
	if !ok || !approved && !r.declined {
		return nil, nil
	}
	done, err := tx.Used(doneThing(a))
	if err != nil || done {
		return nil, err
	}
	n, err := tx.Count()
	if err != nil {
		return nil, err
	}
	var id [4]byte
	binary.BigEndian.PutUint32(id[:], uint32(n+1))
	mac := issuer.DeriveICC(h.p.Config.MAC, a.PAN, a.PSN)
	encipher := issuer.DeriveICC(h.p.Config.Encipher, a.PAN, a.PSN)
	made, err := r.make(issuer.NewScripter(mac, encipher, c.arqc), a, id)
	if err != nil {
		return nil, fmt.Errorf("script for account %s: %w", a.Name, err)
	}
	return made, nil
}

// Complete implements ingest.Issuer: it takes note of the results of scripts.
// They are the terminal's word only, for no cryptogram covers them.
func (h *Host) Complete(ctx context.Context, req wire.Request) error {
	card := h.open(&req)
	defer card.clear()
	get, ok := card.chipGet()
	if !ok || card.account == nil {
		return nil // without scripts, or left to people: the money is as it was
	}
	results := get(tlv.ScriptResults)
	if len(results) == 0 {
		return nil
	}
	err := h.p.Store.Update(ctx, func(tx Tx) error {
		k := req.Key
		k.Leg = wire.LegAuthorise
		p, known, err := tx.Posting(k)
		if err != nil || !known || len(p.Scripts) == 0 {
			return err
		}
		p.ScriptResults = hex.EncodeToString(results)
		if succeeded(results) {
			if _, err := tx.Use(doneThing(card.account)); err != nil {
				return err
			}
		}
		return tx.Put(p)
	})
	if err != nil {
		return fmt.Errorf("hostsim: complete: %w", err)
	}
	h.p.Log.Info("host's script was run", "account", card.account.Name, "script", card.account.Script,
		"results", hex.EncodeToString(results))
	return nil
}

// succeeded tells whether each entry of 9F5B says so: five bytes, the first
// nibble 2. EMV 4.4 Book 4, A5.
func succeeded(results []byte) bool {
	const entry, nibble, success = 5, 0xF0, 0x20
	for at := 0; at < len(results); at += entry {
		if results[at]&nibble != success {
			return false
		}
	}
	return len(results) > 0 && len(results)%entry == 0
}
