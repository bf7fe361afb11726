package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/durable"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Bounds of what is read.
const (
	cardDigitsMin  = 8
	cardDigitsMax  = 19
	cardNumbersMax = 2000 // at once
)

// runParams changes the list of exceptions in a terminal's parameters. Account
// numbers come from the standard input: in arguments they would be in the
// shell's history and in the list of processes.
func runParams(_ context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("params")
	file, keyFile := configFlag(fs), fs.String("key", "", "")
	if holdCardNumber(args) {
		return fmt.Errorf("%w: card numbers are read from the standard input, never from the command line", errUsage)
	}
	if err := parse(fs, args, 3); err != nil {
		return err
	}
	verb, path := fs.Arg(1), fs.Arg(2)
	change, known := map[string]func(*params.Exceptions, secret.PAN) bool{
		"list": nil, "add": (*params.Exceptions).Add, "remove": (*params.Exceptions).Remove,
	}[verb]
	if fs.Arg(0) != "except" || !known {
		return fmt.Errorf("%w: write params except add, remove or list", errUsage)
	}
	if *keyFile == "" {
		*keyFile = filepath.Join(filepath.Dir(*file), "params.key")
	}
	p, err := openParameters(path, *keyFile)
	if err != nil {
		return err
	}
	if change == nil {
		return p.list(stdout)
	}
	if here, err := os.Stdin.Stat(); err == nil && here.Mode()&os.ModeCharDevice != 0 {
		if _, err := fmt.Fprintln(stderr, "card numbers, one a line; Ctrl-D ends"); err != nil {
			return err
		}
	}
	numbers, err := readCardNumbers(os.Stdin)
	defer func() {
		for _, n := range numbers {
			n.Clear()
		}
	}()
	if err != nil {
		return err
	}
	return p.change(stdout, verb, numbers, change)
}

// parameters is a signed document with the key that signs it.
type parameters struct {
	path    string
	key     ed25519.PrivateKey
	expires time.Time
	doc     *params.Document
}

// openParameters reads a document that the key has signed.
func openParameters(path, keyFile string) (*parameters, error) {
	text, err := readBounded(keyFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s: not the seed of an Ed25519 key in hex", keyFile)
	}
	defer clear(seed)
	p := &parameters{path: path, key: ed25519.NewKeyFromSeed(seed)}
	data, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	envelope, err := wire.Verify(p.key.Public().(ed25519.PublicKey), wire.SignedParams, data, time.Time{}, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p.expires = envelope.Expires
	if p.doc, err = params.Parse(envelope.Payload); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// change applies it to each number, and writes the next version if one of them
// made a difference.
func (p *parameters) change(out io.Writer, verb string, numbers []secret.PAN, change func(*params.Exceptions, secret.PAN) bool) error {
	if p.doc.Exceptions == nil {
		list, err := params.NewExceptions(rand.Reader)
		if err != nil {
			return err
		}
		p.doc.Exceptions = list
	}
	done := map[bool]string{true: "added", false: "is listed already"}
	if verb == "remove" {
		done = map[bool]string{true: "removed", false: "is not listed"}
	}
	var lines []string
	changed := false
	for _, n := range numbers {
		made := change(p.doc.Exceptions, n)
		changed = changed || made
		lines = append(lines, n.Masked()+" "+done[made])
	}
	if changed {
		if err := p.write(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, strings.Join(append(lines, p.sum()), "\n"))
	return err
}

// write signs the document anew, under the next version. It is good as long as
// the one before.
func (p *parameters) write() error {
	p.doc.Version++
	text, err := p.doc.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	signed, err := wire.Sign(p.key, wire.SignedParams, p.doc.Version, time.Now(), p.expires, text)
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	const readable = 0o644
	return durable.Replace(p.path, signed, readable)
}

// sum says how it stands.
func (p *parameters) sum() string {
	n := 0
	if p.doc.Exceptions != nil {
		n = len(p.doc.Exceptions.Cards)
	}
	return fmt.Sprintf("version %d, cards listed: %d", p.doc.Version, n)
}

// list shows the entries as they are written: nobody can read a number back.
func (p *parameters) list(out io.Writer) error {
	lines := []string{p.sum()}
	if p.doc.Exceptions != nil {
		for _, card := range p.doc.Exceptions.Cards {
			lines = append(lines, fmt.Sprintf("%X", card[:]))
		}
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

// holdCardNumber tells whether words of a command line may be one, in one piece
// or as it stands on a card: what is not understood would be quoted.
func holdCardNumber(words []string) bool {
	digits := 0
	for _, word := range words {
		if strings.Trim(word, "0123456789 -.,") != "" {
			digits = 0
			continue
		}
		for _, c := range word {
			if c >= '0' && c <= '9' {
				digits++
			}
		}
		if digits >= cardDigitsMin {
			return true
		}
	}
	return false
}

// isCardNumber tells whether it may be one: ISO/IEC 7812-1, 4.
func isCardNumber(word []byte) bool {
	return len(word) >= cardDigitsMin && len(word) <= cardDigitsMax && len(bytes.Trim(word, "0123456789")) == 0
}

// readCardNumbers reads one a line, with spaces as they stand on a card. What is
// wrong is told by its line, never quoted.
func readCardNumbers(r io.Reader) ([]secret.PAN, error) {
	const lineMax = 64
	buffer := make([]byte, lineMax+2)
	defer clear(buffer)
	lines := bufio.NewScanner(r)
	lines.Buffer(buffer, lineMax)
	var numbers []secret.PAN
	for n := 1; lines.Scan(); n++ {
		number := secret.PAN(bytes.ReplaceAll(lines.Bytes(), []byte(" "), nil))
		if len(number) == 0 {
			continue
		}
		numbers = append(numbers, number)
		switch {
		case !isCardNumber(number):
			return numbers, fmt.Errorf("line %d is no card number of %d to %d digits", n, cardDigitsMin, cardDigitsMax)
		case len(numbers) > cardNumbersMax:
			return numbers, fmt.Errorf("more than %d card numbers", cardNumbersMax)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return numbers, fmt.Errorf("a line of more than %d characters", lineMax)
	}
	if err := lines.Err(); err != nil {
		return numbers, err
	}
	if len(numbers) == 0 {
		return nil, errors.New("no card number on the standard input")
	}
	return numbers, nil
}
