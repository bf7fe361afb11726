package params

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// depthMax bounds how deep a document nests; the schema needs all of them.
const depthMax = 8

// tree reads JSON into maps, slices, strings, numbers and booleans. Package
// json by itself would take a name twice, in any case, and bytes which are no
// UTF-8.
func tree(data []byte) (any, error) {
	if len(data) > SizeMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrDocument, len(data), SizeMax)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrDocument)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := branch(d, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the document at byte %d", ErrDocument, d.InputOffset())
	}
	return v, nil
}

func branch(d *json.Decoder, path string, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, notJSON(d, err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth == depthMax {
		return nil, fmt.Errorf("%w: %s: nested too deep", ErrDocument, path)
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := branch(d, fmt.Sprintf("%s[%d]", path, len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token() // the closing bracket
		return list, notJSON(d, err)
	}
	fields := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, notJSON(d, err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("%w: not JSON at byte %d", ErrDocument, d.InputOffset())
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("%w: %s: given twice", ErrDocument, join(path, name))
		}
		if fields[name], err = branch(d, join(path, name), depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token() // the closing brace
	return fields, notJSON(d, err)
}

func notJSON(d *json.Decoder, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: not JSON at byte %d: %w", ErrDocument, d.InputOffset(), err)
}

// join makes the path of a field. A name that is no plain word is quoted.
func join(path, name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || name == "" {
		name = fmt.Sprintf("%.40q", name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// reader keeps the first problem. What it returns after one is zero.
type reader struct {
	err error
	// A missing field waits in missing until its object's end: a field that is
	// too many there is told first, since it may be the same one, misspelt.
	// Until then nothing else is found wrong.
	missing string
	owner   *object
}

func (r *reader) fail(path, format string, args ...any) {
	if r.err == nil && r.owner == nil {
		r.err = fmt.Errorf("%w: %s: %s", ErrDocument, path, fmt.Sprintf(format, args...))
	}
}

// object is a JSON object being read. Each field is taken once; end then
// refuses what was not taken.
type object struct {
	r      *reader
	path   string
	fields map[string]any
}

func (r *reader) object(path string, v any) *object {
	fields, ok := v.(map[string]any)
	if !ok {
		r.fail(path, "want an object, got %s", kind(v))
	}
	return &object{r: r, path: path, fields: maps.Clone(fields)}
}

func (o *object) end() {
	missing, mine := o.r.missing, o.r.owner == o
	if mine {
		o.r.owner = nil
	}
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		o.r.fail(join(o.path, name), "unknown field")
	}
	if mine {
		o.r.fail(missing, "is missing")
	}
}

// take returns a field's value and path, or false when there is none.
func (o *object) take(name string) (v any, path string, ok bool) {
	v, ok = o.fields[name]
	path = join(o.path, name)
	if !ok && o.r.owner == nil {
		o.r.missing, o.r.owner = path, o
	}
	delete(o.fields, name)
	return v, path, ok
}

// has tells whether a field that may be left out is there.
func (o *object) has(name string) bool {
	_, ok := o.fields[name]
	return ok
}

func (o *object) object(name string, read func(*object)) {
	v, path, ok := o.take(name)
	if !ok {
		return
	}
	inner := o.r.object(path, v)
	read(inner)
	inner.end()
}

// list reads countMin to countMax values.
func (o *object) list(name string, countMin, countMax int, read func(path string, v any)) {
	v, path, ok := o.take(name)
	if !ok {
		return
	}
	values, ok := v.([]any)
	if !ok {
		o.r.fail(path, "want a list, got %s", kind(v))
		return
	}
	if len(values) < countMin || len(values) > countMax {
		o.r.fail(path, "want %d to %d entries, got %d", countMin, countMax, len(values))
		return
	}
	for i, v := range values {
		read(fmt.Sprintf("%s[%d]", path, i), v)
	}
}

func (o *object) boolean(name string) bool {
	v, path, ok := o.take(name)
	b, is := v.(bool)
	if ok && !is {
		o.r.fail(path, "want true or false, got %s", kind(v))
	}
	return b
}

func (o *object) number(name string, least, most uint64) uint64 {
	v, path, ok := o.take(name)
	if !ok {
		return 0
	}
	return o.r.number(path, v, least, most)
}

// number is a whole one, written in digits alone.
func (r *reader) number(path string, v any, least, most uint64) uint64 {
	n, is := v.(json.Number)
	if !is {
		r.fail(path, "want a number, got %s", kind(v))
		return 0
	}
	u, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil || u < least || u > most {
		r.fail(path, "want a whole number from %d to %d, got %.20s", least, most, n.String())
		return 0
	}
	return u
}

func (o *object) text(name string) (s, path string, ok bool) {
	v, path, ok := o.take(name)
	if !ok {
		return "", path, false
	}
	s, ok = v.(string)
	if !ok {
		o.r.fail(path, "want a text, got %s", kind(v))
	}
	return s, path, ok
}

// words is text for people: lenMin to lenMax characters, printable.
func (o *object) words(name string, lenMin, lenMax int) string {
	s, path, ok := o.text(name)
	if !ok {
		return ""
	}
	if n := utf8.RuneCountInString(s); n < lenMin || n > lenMax {
		o.r.fail(path, "want %d to %d characters, got %d", lenMin, lenMax, n)
		return ""
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }); i >= 0 {
		o.r.fail(path, "has a character that cannot be printed at byte %d", i)
		return ""
	}
	return s
}

const (
	digits      = "0123456789"
	alphanumber = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// code is text for machines, of the characters given.
func (o *object) code(name string, lenMin, lenMax int, of, what string) string {
	s, path, ok := o.text(name)
	if !ok {
		return ""
	}
	want := fmt.Sprintf("%d to %d", lenMin, lenMax)
	if lenMin == lenMax {
		want = strconv.Itoa(lenMin)
	}
	switch {
	case strings.Trim(s, of) != "":
		o.r.fail(path, "want %s %s, got %.40q", want, what, s)
		return ""
	case len(s) < lenMin || len(s) > lenMax:
		o.r.fail(path, "want %s %s, got %d", want, what, len(s))
		return ""
	}
	return s
}

// hex is lenMin to lenMax bytes, or nil after a problem.
func (o *object) hex(name string, lenMin, lenMax int) Hex {
	s := o.code(name, 2*lenMin, 2*lenMax, digits+"ABCDEFabcdef", "hex digits")
	if len(s)%2 != 0 {
		o.r.fail(join(o.path, name), "want an even number of hex digits, got %d", len(s))
		return nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil // told by code
	}
	return b
}

func (o *object) hex2(name string) (h Hex2) { copy(h[:], o.hex(name, 2, 2)); return h }
func (o *object) hex5(name string) (h Hex5) { copy(h[:], o.hex(name, 5, 5)); return h }

func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	}
	return "null"
}
