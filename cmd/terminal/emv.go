package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/cloudpos/cloudpos/emv/explain"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// hexMax bounds what is read of the standard input, in characters: more than
// the largest data that tlv takes, with a space behind each byte.
const hexMax = 256 << 10

// runEMV explains card data that somebody has: of a log, a host, a reader.
func runEMV(_ context.Context, args []string, stdout, _ io.Writer) (int, error) {
	if len(args) == 0 || args[0] != "decode" {
		return exitUsage, fmt.Errorf("%w: emv decode HEX [--json]", errUsage)
	}
	words, asJSON, err := decodeWords(args[1:])
	if err != nil {
		return exitUsage, err
	}
	written := strings.Join(words, " ")
	if len(words) == 1 && words[0] == "-" {
		if written, err = readHex(os.Stdin); err != nil {
			return exitError, fmt.Errorf("emv decode: %w", err)
		}
	}
	data, err := parseHex(written)
	if err != nil {
		return exitError, fmt.Errorf("emv decode: %w", err)
	}
	return decode(stdout, data, asJSON)
}

// decodeWords takes the option out from between the words.
func decodeWords(args []string) (words []string, asJSON bool, err error) {
	fs := newFlags("emv decode")
	fs.BoolVar(&asJSON, "json", false, "")
	for {
		if err := parse(fs, args, len(args)); err != nil {
			return nil, false, err
		}
		if fs.NArg() == 0 {
			break
		}
		words, args = append(words, fs.Arg(0)), fs.Args()[1:]
	}
	if len(words) == 0 {
		return nil, false, fmt.Errorf("%w: emv decode HEX [--json]", errUsage)
	}
	return words, asJSON, nil
}

func readHex(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, hexMax+1))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	if len(raw) > hexMax {
		return "", fmt.Errorf("standard input: more than %d characters", hexMax)
	}
	return string(raw), nil
}

// parseHex reads digits with space anywhere between them. An error counts
// characters as they were written, and shows no digit: they may be a card's.
func parseHex(written string) ([]byte, error) {
	var digits strings.Builder
	place := 0
	for _, r := range written {
		place++
		switch {
		case unicode.IsSpace(r):
		case strings.ContainsRune("0123456789abcdefABCDEF", r):
			digits.WriteRune(r)
		default:
			return nil, fmt.Errorf("character %d, %q, is no hex digit", place, r)
		}
	}
	switch {
	case digits.Len() == 0:
		return nil, errors.New("no hex digit at all")
	case digits.Len()%2 != 0:
		return nil, fmt.Errorf("%d hex digits: one is missing, or one too many", digits.Len())
	}
	return hex.DecodeString(digits.String())
}

// decode prints what can be read and reports the fault, if there is one.
func decode(stdout io.Writer, data []byte, asJSON bool) (int, error) {
	e, fault := explain.Explain(data)
	var err error
	if asJSON {
		err = encodeIndented(stdout, e)
	} else {
		_, err = io.WriteString(stdout, e.String())
	}
	if fault == nil {
		return exitApproved, err
	}
	var syntax *tlv.SyntaxError
	if errors.As(fault, &syntax) {
		fault = fmt.Errorf("hex digit %d: %w", 2*syntax.Offset+1, fault)
	}
	return exitError, errors.Join(fmt.Errorf("emv decode: %w", fault), err)
}
