package devset

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/durable"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// The files of a terminal.
const (
	paramsFile   = "t1/params.json"
	terminalFile = "t1/terminal.toml"
)

// AddTaps gives a set of before what it lacks for cards that are tapped: the
// cards, their accounts, the key above them, the parameters, and an antenna for
// the terminal. Nothing else changes. Programs see it when they start. After a
// cut it is called again: what is there already is left alone, and the cards,
// which tell that, come after all that they need.
func AddTaps(dir string, now time.Time) error {
	steps := []func(string, time.Time) error{addTapCards, addAntenna}
	for _, step := range steps {
		if err := step(dir, now); err != nil {
			return fmt.Errorf("devset: %w", err)
		}
	}
	return nil
}

// addTapCards adds all but the antenna.
func addTapCards(dir string, now time.Time) error {
	var deck []issuer.Profile
	if err := readJSON(dir, cardsFile, &deck); err != nil {
		return err
	}
	if slices.ContainsFunc(deck, func(p issuer.Profile) bool { return p.Tap != nil }) {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, issuerFile))
	if err != nil {
		return err
	}
	bank, err := hostsim.ParseConfig(data)
	if err != nil {
		return fmt.Errorf("%s: %w", issuerFile, err)
	}
	cards, ca, err := issuer.TapDeck(rand.Reader, issuer.MasterKeys{AC: bank.IMK, MAC: bank.MAC, Encipher: bank.Encipher}, now)
	if err != nil {
		return err
	}
	if err := allowTaps(dir, now, caKeys(ca)); err != nil {
		return fmt.Errorf("%s: %w", paramsFile, err)
	}
	made := accountsOf(cards)
	bank.Accounts = append(slices.DeleteFunc(bank.Accounts, func(a hostsim.Account) bool {
		return slices.ContainsFunc(made, func(b hostsim.Account) bool { return a.PAN == b.PAN })
	}), made...)
	if err := replaceJSON(dir, issuerFile, bank); err != nil {
		return err
	}
	return replaceJSON(dir, cardsFile, append(deck, cards...))
}

// allowTaps signs parameters with the authority's keys, which replace those of
// an earlier try.
func allowTaps(dir string, now time.Time, authority []params.CAKey) error {
	text, err := os.ReadFile(filepath.Join(dir, "cloud/params.key"))
	if err != nil {
		return err
	}
	seed, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return errors.New("the key that signs it is none")
	}
	key := ed25519.NewKeyFromSeed(seed)
	data, err := os.ReadFile(filepath.Join(dir, paramsFile))
	if err != nil {
		return err
	}
	envelope, err := wire.Verify(key.Public().(ed25519.PublicKey), wire.SignedParams, data, time.Time{}, 0)
	if err != nil {
		return err
	}
	doc, err := params.Parse(envelope.Payload)
	if err != nil {
		return err
	}
	doc.Version++
	doc.Contactless = contactless()
	doc.Contact.CAKeys = append(slices.DeleteFunc(doc.Contact.CAKeys, func(k params.CAKey) bool {
		return slices.ContainsFunc(authority, func(a params.CAKey) bool { return a.RID == k.RID && a.Index == k.Index })
	}), authority...)
	if text, err = doc.Encode(); err != nil {
		return err
	}
	signed, err := wire.Sign(key, wire.SignedParams, doc.Version, now, envelope.Expires, text)
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(dir, paramsFile), signed, publicMode)
}

// addAntenna gives the terminal a simulated antenna, beside its reader.
func addAntenna(dir string, _ time.Time) error {
	path := filepath.Join(dir, terminalFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	starts := func(word string) func([]byte) bool {
		return func(line []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(line), []byte(word)) }
	}
	if slices.ContainsFunc(lines, starts("antenna")) {
		return nil
	}
	reader := slices.IndexFunc(lines, starts("reader"))
	if reader < 0 {
		return fmt.Errorf("%s: names no reader to put an antenna beside", terminalFile)
	}
	lines = slices.Insert(lines, reader+1, []byte("antenna = \"sim:../sim\"\n"))
	return durable.Replace(path, bytes.Join(lines, nil), publicMode)
}

func readJSON(dir, path string, into any) error {
	data, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		return err
	}
	if json.Unmarshal(data, into) != nil { // an error would quote what is a secret
		return fmt.Errorf("%s: is not what dev-init has made", path)
	}
	return nil
}

func replaceJSON(dir, path string, v any) error {
	f, err := written(path, v)
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(dir, path), f.data, secretMode)
}
