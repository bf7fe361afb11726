package drivers_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

func TestParseURI(t *testing.T) {
	opts := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	for in, want := range map[string]drivers.URI{
		"ccid:/dev/ttyS1?baud=115200":       {Scheme: "ccid", Path: "/dev/ttyS1", Opts: opts("baud", "115200")},
		"escpos:tcp://10.0.0.5:9100":        {Scheme: "escpos", Path: "tcp://10.0.0.5:9100", Opts: opts()},
		"panel:gpiochip0?drawer=5&tamper=6": {Scheme: "panel", Path: "gpiochip0", Opts: opts("drawer", "5", "tamper", "6")},
		"pcsc:ACS ACR39U 00 00":             {Scheme: "pcsc", Path: "ACS ACR39U 00 00", Opts: opts()},
		"none:":                             {Scheme: "none", Opts: opts()},
		"sim:?card=two+words":               {Scheme: "sim", Opts: opts("card", "two words")},
	} {
		got, err := drivers.ParseURI(in)
		if err != nil || got.Scheme != want.Scheme || got.Path != want.Path || !maps.Equal(got.Opts, want.Opts) {
			t.Errorf("ParseURI(%q) = %+v, %v, want %+v", in, got, err, want)
		}
		if s := got.String(); s != in {
			t.Errorf("ParseURI(%q).String() = %q", in, s)
		}
	}
	for _, in := range []string{"", "none", ":x", "CCID:/dev/x", "a b:x", "ccid:/dev/x?a=1&a=2", "ccid:x?a=%zz", "ccid:x?a;b"} {
		if got, err := drivers.ParseURI(in); !errors.Is(err, drivers.ErrURI) {
			t.Errorf("ParseURI(%q) = %+v, %v, want ErrURI", in, got, err)
		}
	}
}

func TestURIOptions(t *testing.T) {
	u, err := drivers.ParseURI("ccid:/dev/x?baud=9600&bad=x&minus=-1")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"baud": 9600, "absent": 7} {
		if got, err := u.Int(name, 7); got != want || err != nil {
			t.Errorf("Int(%q) = %d, %v, want %d", name, got, err, want)
		}
	}
	for _, name := range []string{"bad", "minus"} {
		if got, err := u.Int(name, 7); !errors.Is(err, drivers.ErrURI) {
			t.Errorf("Int(%q) = %d, %v, want ErrURI", name, got, err)
		}
	}
	if err := u.Only("baud", "bad", "minus", "more"); err != nil {
		t.Errorf("Only: %v", err)
	}
	if err := u.Only("baud"); !errors.Is(err, drivers.ErrURI) || err.Error() != "not a device address: ccid knows no option bad, minus" {
		t.Errorf("Only = %v, want one that names bad and minus", err)
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("ccid:/dev/ttyS1?baud=115200")
	f.Add("escpos:tcp://[::1]:9100?x=%20")
	f.Fuzz(func(t *testing.T, in string) {
		u, err := drivers.ParseURI(in)
		if err != nil {
			return
		}
		again, err := drivers.ParseURI(u.String())
		if err != nil || again.Scheme != u.Scheme || again.Path != u.Path || !maps.Equal(again.Opts, u.Opts) {
			t.Errorf("%q reads as %+v, and written and read again as %+v, %v", in, u, again, err)
		}
	})
}
