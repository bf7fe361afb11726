// Package config reads the programs' configuration files, which are TOML.
//
// Reading is strict. A key that the program does not know is refused, since a
// misspelt one would otherwise silently have no effect, and so is a value of
// the wrong type. The error is one line that says which file, line and key:
//
//	terminal.toml:12: devices.raeder: unknown key
//
// This is the home of the TOML module; what the keys mean is for each program.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// fileMax bounds a configuration file.
const fileMax = 1 << 20

// ErrConfig is a file that was read but does not say what it must.
var ErrConfig = errors.New("config")

// Load reads the file at path into v, a pointer to a struct with toml tags.
// Fields that the file does not name keep their value, so defaults are set
// before. After an error v is of no use.
func Load(path string, v any) error {
	text, err := read(path)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	meta, err := toml.Decode(text, v)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrConfig, where(path, err))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0]
		return fmt.Errorf("%w: %s:%d: %s: unknown key", ErrConfig, path, lineOf(text, key), key)
	}
	return nil
}

func read(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return "", err
	}
	if len(text) > fileMax {
		return "", fmt.Errorf("%s: more than %d bytes", path, fileMax)
	}
	return string(text), nil
}

// typeError is how the TOML module words a value of the wrong type, which has
// no position other than in its text.
var (
	typeError = regexp.MustCompile(`^toml: line (\d+) \(last key "(.*)"\): (.*)$`)
	wrongType = regexp.MustCompile(`^incompatible types: TOML value has type (\S+); destination has type (\S+)$`)
)

// where puts file, line and key before what is wrong.
func where(path string, err error) string {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		if parse.LastKey == "" {
			return fmt.Sprintf("%s:%d: %s", path, parse.Position.Line, parse.Message)
		}
		return fmt.Sprintf("%s:%d: %s: %s", path, parse.Position.Line, parse.LastKey, parse.Message)
	}
	m := typeError.FindStringSubmatch(err.Error())
	if m == nil {
		return path + ": " + strings.TrimPrefix(err.Error(), "toml: ")
	}
	return fmt.Sprintf("%s:%s: %s: %s", path, m[1], m[2], wrongType.ReplaceAllString(m[3], "want $2, got $1"))
}

// lineOf finds the line that names key, or the table or inline table that
// holds it; the TOML module does not tell. 1 if it is written in a way that
// this does not see.
func lineOf(text string, key toml.Key) int {
	want, table, line := plain(key.String()), "", 1
	for i, s := range strings.Split(text, "\n") {
		s = strings.TrimSpace(s)
		name, _, assigned := strings.Cut(s, "=")
		switch {
		case strings.HasPrefix(s, "["):
			s, _, _ = strings.Cut(s, "#")
			table = plain(strings.Trim(s, "[] \t"))
			name = ""
		case assigned && !strings.HasPrefix(s, "#"):
			name = plain(name)
		default:
			continue
		}
		full := strings.Trim(table+"."+name, ".")
		if full == want {
			return i + 1
		}
		if strings.HasPrefix(want, full+".") {
			line = i + 1
		}
	}
	return line
}

// plain is a dotted key without quotes and space.
func plain(key string) string {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if q, err := strconv.Unquote(p); err == nil {
			p = q
		}
		parts[i] = strings.Trim(p, `"'`)
	}
	return strings.Join(parts, ".")
}
