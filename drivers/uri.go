package drivers

import (
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// ErrURI is returned for a device address that cannot be read.
var ErrURI = errors.New("not a device address")

// URI names a device: which driver, where, and how.
//
//	ccid:/dev/ttyS1?baud=115200
//	escpos:tcp://10.0.0.5:9100
//	panel:gpiochip0?drawer=5&tamper=6
//	none:
type URI struct {
	Scheme string            // the driver: "ccid"
	Path   string            // "/dev/ttyS1", "tcp://10.0.0.5:9100", "" for none:
	Opts   map[string]string // what follows the question mark
}

// ParseURI reads an address. Option names may occur once.
func ParseURI(s string) (URI, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return URI{}, fmt.Errorf("%w: %q, write it like ccid:/dev/ttyS1?baud=115200", ErrURI, s)
	}
	path, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return URI{}, fmt.Errorf("%w: %q: %w", ErrURI, s, err)
	}
	u := URI{Scheme: scheme, Path: path, Opts: map[string]string{}}
	for name, vs := range values {
		if len(vs) != 1 {
			return URI{}, fmt.Errorf("%w: %q: option %s is given %d times", ErrURI, s, name, len(vs))
		}
		u.Opts[name] = vs[0]
	}
	return u, nil
}

// String writes the address as ParseURI reads it.
func (u URI) String() string {
	if len(u.Opts) == 0 {
		return u.Scheme + ":" + u.Path
	}
	values := url.Values{}
	for name, v := range u.Opts {
		values.Set(name, v)
	}
	return u.Scheme + ":" + u.Path + "?" + values.Encode()
}

// Int returns a numeric option, or def when it is absent.
func (u URI) Int(name string, def int) (int, error) {
	v, ok := u.Opts[name]
	if !ok {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %s: option %s=%q is not a number", ErrURI, u.Scheme, name, v)
	}
	return n, nil
}

// Only refuses options that the driver does not know, so that a misspelt one
// is not silently without effect.
func (u URI) Only(names ...string) error {
	var unknown []string
	for name := range u.Opts {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return fmt.Errorf("%w: %s knows no option %s", ErrURI, u.Scheme, strings.Join(unknown, ", "))
}
