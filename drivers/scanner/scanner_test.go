package scanner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/secret"
)

const payment = "137777777777770001"

// await plays wires and awaits codes, each for a minute and a half of virtual
// time.
func await(t *testing.T, opts Opts, codes int, wires ...string) (got []string, err error) {
	t.Helper()
	d := New(drivertest.NewPlayback(t, wires...), opts)
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range codes {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		code, err := d.Await(ctx)
		cancel()
		if err != nil {
			return got, err
		}
		got = append(got, code.AIM+string(code.Text))
	}
	return got, nil
}

// What comes over a line, in all the pieces and with all the dirt that there
// may be.
func TestLines(t *testing.T) {
	line := func(text string) string { return "~ 2s\n< \"" + text + "\" 0D\n" }
	for name, c := range map[string]struct {
		opts  Opts
		wires []string
		want  string // codes, with a space between them
		err   error  // instead
	}{
		"CR":                            {wires: []string{line(payment)}, want: payment},
		"LF":                            {wires: []string{"~ 2s\n< \"123\" 0A"}, want: "123"},
		"tab":                           {wires: []string{"~ 2s\n< \"123\" 09"}, want: "123"},
		"CR LF, and LF CR for the next": {wires: []string{"~ 2s\n< \"123\" 0D 0A\n~ 2s\n< 0A 0D \"456\" 0A 0D"}, want: "123 456"},
		"after more than a minute":      {wires: []string{"~ 75s\n< \"123\" 0D"}, want: "123"},
		"in pieces":                     {wires: []string{"~ 2s\n< \"12\"\n~ 200ms\n< \"3\"\n~ 200ms\n< 0D"}, want: "123"},
		"two at once: the first counts": {wires: []string{"~ 2s\n< \"123\" 0D \"456\" 0D\n" + line("789")}, want: "123 789"},
		"GS1, and Chinese":              {wires: []string{"~ 2s\n< \"0109\" 1D \"10A\" 0D\n" + line("咖啡")}, want: "0109\x1D10A 咖啡"},
		"a prefix":                      {opts: Opts{Prefix: "#"}, wires: []string{line("#123")}, want: "123"},
		"AIM":                           {opts: Opts{AIM: true}, wires: []string{line("]Q1" + payment)}, want: "]Q1" + payment},
		"a prefix, and AIM":             {opts: Opts{Prefix: "\x02", AIM: true}, wires: []string{"~ 2s\n< 02 \"]C0123\" 0D"}, want: "]C0123"},
		"AIM that nobody asked for":     {wires: []string{line("]Q1" + payment)}, want: "]Q1" + payment},
		"the same goods twice":          {wires: []string{line("123") + line("123")}, want: "123 123"},
		"a payment code held":           {wires: []string{line(payment) + line(payment) + line(payment) + line("28"+payment)}, want: payment + " 28" + payment},
		"a payment code, and later":     {wires: []string{line(payment) + "~ 2s\n" + line(payment)}, want: payment + " " + payment},
		"scanned before, and now":       {wires: []string{"< \"12\"\n~ 2s\n< \"3\" 0D"}, want: "3"},
		"hung up between two":           {wires: []string{"! hang up", line("123")}, want: "123"},
		"hung up while waiting":         {wires: []string{"~ 3s\n! hang up", line("123")}, want: "123"},
		"hung up in a code, and again":  {wires: []string{"~ 2s\n< \"12\"\n! hang up", line("123")}, want: "123"},
		"gone for good":                 {wires: []string{"~ 2s\n! hang up"}, err: drivers.ErrNoDevice},
		"no end":                        {wires: []string{"~ 2s\n< \"" + payment + "\""}, err: drivers.ErrProtocol},
		"an end too late":               {wires: []string{"~ 2s\n< \"" + payment + "\"\n~ 300ms\n< 0D"}, err: drivers.ErrProtocol},
		"empty lines only":              {wires: []string{"~ 2s\n< 0D 0A 09 0D"}, err: drivers.ErrTimeout},
		"nobody":                        {wires: []string{""}, err: drivers.ErrTimeout},
		"no prefix":                     {opts: Opts{Prefix: "#"}, wires: []string{line(payment)}, err: drivers.ErrProtocol},
		"no AIM":                        {opts: Opts{AIM: true}, wires: []string{line(payment)}, err: drivers.ErrProtocol},
		"AIM without a modifier":        {opts: Opts{AIM: true}, wires: []string{line("]Q")}, err: drivers.ErrProtocol},
		"AIM of no letter":              {opts: Opts{AIM: true}, wires: []string{line("]11" + payment)}, err: drivers.ErrProtocol},
		"AIM, and nothing":              {opts: Opts{AIM: true}, wires: []string{line("]Q1")}, err: drivers.ErrProtocol},
		"no text":                       {wires: []string{"~ 2s\n< FF \"" + payment + "\" 0D"}, err: drivers.ErrProtocol},
		"a control character":           {wires: []string{"~ 2s\n< \"" + payment + "\" 1B 0D"}, err: drivers.ErrProtocol},
		"as long as can be":             {wires: []string{line(strings.Repeat("x", drivers.CodeMax))}, want: strings.Repeat("x", drivers.CodeMax)},
		"longer":                        {wires: []string{line(strings.Repeat(payment, 57))}, err: drivers.ErrProtocol},
		"longer than the longest line":  {wires: []string{line(strings.Repeat(payment, 60))}, err: drivers.ErrProtocol},
		"never quiet":                   {wires: []string{"< \"" + strings.Repeat("x", 70_000) + "\""}, err: drivers.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				codes := max(1, len(strings.Fields(c.want)))
				got, err := await(t, c.opts, codes, c.wires...)
				if !errors.Is(err, c.err) || strings.Join(got, " ") != c.want {
					t.Fatalf("Await = %q, %v, want %q, %v", got, err, c.want, c.err)
				}
				if err != nil && strings.Contains(err.Error(), "777") {
					t.Errorf("%q quotes the code", err)
				}
			})
		})
	}
}

// What was put together in the driver's memory is wiped with the code.
func TestParseKeepsNothing(t *testing.T) {
	line := secret.Bytes("]Q1" + payment)
	code, err := parse(line, Opts{AIM: true})
	if err != nil {
		t.Fatal(err)
	}
	line.Clear()
	if string(code.Text) != payment {
		t.Error("the code is part of the line")
	}
	if got := fmt.Sprintf("%v %#v %x", code, code, code); strings.Contains(got, "777") || strings.Contains(got, "373737") {
		t.Errorf("%q quotes the code", got)
	}
}

// Whatever comes in a line, a code is text of a bounded size, and an error is
// ErrProtocol and quotes nothing.
func FuzzParse(f *testing.F) {
	for _, s := range []string{payment, "#]Q1" + payment, "]Q1", "#", "", "\x1D", "\xFF", "#]q", "x\r"} {
		f.Add([]byte(s), "#", true)
		f.Add([]byte(s), "", false)
	}
	f.Fuzz(func(t *testing.T, line []byte, prefix string, aim bool) {
		code, err := parse(line, Opts{Prefix: prefix, AIM: aim})
		if err != nil {
			if !errors.Is(err, drivers.ErrProtocol) || len(code.Text) > 0 {
				t.Fatalf("parse(%q) = %v, %v", line, code, err)
			}
			return
		}
		if n := len(code.Text); n == 0 || n > drivers.CodeMax || aim != (len(code.AIM) == aimSize) {
			t.Fatalf("parse(%q) gives %d characters of %q", line, n, code.AIM)
		}
		if prefix+code.AIM+string(code.Text) != string(line) || strings.ContainsAny(string(code.Text), "\x00\r\n\t\x1B\x7F") {
			t.Fatalf("parse(%q) = %q, %q", line, code.AIM, string(code.Text))
		}
	})
}
