package drivertest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// op is one line of a wire.
type op struct {
	kind byte // > < ~ !
	data []byte
	wait time.Duration
	line int
}

// parse reads a wire: lines of "> bytes" (the driver writes), "< bytes" (the
// device answers), "~ 200ms" (nothing happens for a while) and "! hang up".
// Bytes are hex pairs and "quoted text". What follows a # is a remark.
func parse(script string) ([]op, error) {
	var ops []op
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		o := op{kind: line[0], line: i + 1}
		rest := strings.TrimSpace(line[1:])
		var err error
		switch o.kind {
		case '>', '<':
			o.data, err = parseBytes(rest)
		case '~':
			o.wait, err = time.ParseDuration(rest)
		case '!':
		default:
			err = fmt.Errorf("a line begins with > < ~ ! or #")
		}
		if err != nil {
			return nil, fmt.Errorf("wire, line %d: %w", i+1, err)
		}
		ops = append(ops, o)
	}
	return ops, nil
}

// parseBytes reads hex pairs and quoted text.
func parseBytes(s string) ([]byte, error) {
	var out []byte
	for s != "" {
		var word string
		switch s[0] {
		case ' ', '\t':
			s = s[1:]
			continue
		case '#':
			return out, nil
		case '"':
			text, rest, ok := strings.Cut(s[1:], `"`)
			if !ok {
				return nil, fmt.Errorf("a quote without end")
			}
			out, s = append(out, text...), rest
			continue
		}
		end := strings.IndexAny(s, " \t\"#")
		if end < 0 {
			end = len(s)
		}
		word, s = s[:end], s[end:]
		b, err := hex.DecodeString(word)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", word, err)
		}
		out = append(out, b...)
	}
	return out, nil
}
