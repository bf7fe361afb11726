package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/params"
)

func TestLoadConfig(t *testing.T) {
	file := installation(t)
	cfg, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file)
	if cfg.Terminal != "dev:t1" || cfg.Language != "en" || cfg.Data != filepath.Join(dir, "data") ||
		cfg.TLS.Key != filepath.Join(dir, "tls", "client.key") || cfg.Params.File != filepath.Join(dir, "params.json") ||
		cfg.socket() != filepath.Join(dir, "data", "terminal.sock") {
		t.Errorf("configuration %+v: paths are relative to its folder", cfg)
	}
	edit(t, file, `data = "data"`, `data = "/var/lib/cloudpos"`, `reader = "sim:../sim"`, "", `antenna = "sim:../sim"`, "", `stripe = "sim:../sim"`, "", `panel = "sim:../sim"`, "")
	if cfg, err = loadConfig(file); err != nil || cfg.Data != "/var/lib/cloudpos" || cfg.Devices.Reader != "none:" || cfg.Devices.Antenna != "none:" || cfg.Devices.Stripe != "none:" {
		t.Errorf("%v: data %q, reader %q; want the absolute path, and no reader", err, cfg.Data, cfg.Devices.Reader)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`terminal = "dev:t1"`, ``, "terminal is missing"},
		{`terminal = "dev:t1"`, `terminal = "t1"`, "terminal: "},
		{`data = "data"`, ``, "data is missing"},
		{`cloud = "mqtts://127.0.0.1:1"`, ``, "cloud is missing"},
		{`mqtts://127.0.0.1:1`, `mqtts://127.0.0.1`, "write it like mqtts://cloud.example:8883"},
		{`mqtts://127.0.0.1:1`, `mqtts://:1`, "write it like mqtts://cloud.example:8883"},
		{`mqtts://127.0.0.1:1`, `mqtts://user@host:1`, "write it like mqtts://cloud.example:8883"},
		{`mqtts://127.0.0.1:1`, `mqtts://host:70000`, "write it like mqtts://cloud.example:8883"},
		{`mqtts://127.0.0.1:1`, `tcp://host:1`, "write it like mqtts://cloud.example:8883"},
		{`ca = "tls/ca.crt"`, ``, "tls.ca is missing"},
		{`file = "params.json"`, ``, "params.file is missing"},
		{`data = "data"`, "data = \"data\"\nlanguage = \"fr\"", "language is \"fr\", want en or zh"},
		{`reader = "sim:../sim"`, `reader = "sim:../sim?x=1"`, "devices.reader: not a device address: sim knows no option x"},
		{`reader = "sim:../sim"`, `reader = "pcsc:ACS ACR39U?baud=9600"`, "devices.reader: not a device address: pcsc knows no option baud"},
		{`antenna = "sim:../sim"`, `antenna = "pn532:/dev/ttyS1"`, `devices.antenna: not a device address: no driver "pn532"`},
		{`antenna = "sim:../sim"`, `antenna = "ccid:/dev/ttyS1?pad=plain"`, `devices.antenna: not a device address: ccid knows no option pad`},
		{`stripe = "sim:../sim"`, `stripe = "ccid:/dev/ttyS1"`, `devices.stripe: not a device address: no driver "ccid"`},
		{`stripe = "sim:../sim"`, `stripe = "stripe:/dev/ttyS1?lrc=2"`, `devices.stripe: not a device address: stripe: option lrc is 2, want 0 or 1`},
		{`stripe = "sim:../sim"`, `stripe = "stripe:/dev/ttyS1?tracks=2"`, `devices.stripe: not a device address: stripe knows no option tracks`},
		{`pinpad = "sim:../sim"`, `pinpad = "ccid:/dev/ttyS1"`, `devices.pinpad: not a device address: no driver "ccid"`},
		{`printer = "sim:../sim"`, `printer = "escpos:/dev/usb/lp0?columns=x"`, `devices.printer: not a device address`},
		{`panel = "sim:../sim"`, `panel = "ccid:/dev/ttyS1"`, `devices.panel: not a device address: no driver "ccid"`},
		{`panel = "sim:../sim"`, `panel = "panel:gpiochip0?lamp=1"`, `devices.panel: not a device address: panel knows no option lamp`},
	} {
		file := installation(t, c.old, c.new)
		_, err := loadConfig(file)
		if !errors.Is(err, errConfig) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q for %q: %v, want %q and the file's name", c.new, c.old, err, c.want)
		}
	}
}

func TestLoadParamsErrors(t *testing.T) {
	file := installation(t)
	cfg, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := loadParams(cfg); err != nil || doc.Environment != params.Development {
		t.Fatalf("%v, %+v", err, doc)
	}
	for _, c := range []struct{ path, text, want string }{
		{cfg.Params.File, "", "envelope"},
		{cfg.Params.File, "{}", "envelope"},
		{cfg.Params.Key, "00", "not an Ed25519 public key"},
		{cfg.Params.Key, strings.Repeat("00", 32), "the signature does not fit"},
		{cfg.Params.Key, strings.Repeat("0", 2000), "larger than 1024 bytes"},
	} {
		good, err := os.ReadFile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range map[string][]byte{c.path: []byte(c.text)} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := loadParams(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s is %.20q: %v, want %q", filepath.Base(c.path), c.text, err, c.want)
		}
		if err := os.WriteFile(c.path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusePlay(t *testing.T) {
	none := Devices{Reader: "none:", Antenna: "none:", Stripe: "none:", PINPad: "none:", Printer: "none:", Panel: "none:"}
	for _, c := range []struct {
		over Devices
		want string
	}{
		{Devices{}, ""},
		{Devices{Reader: "sim:../sim"}, "devices.reader"},
		{Devices{Antenna: "sim:../sim"}, "devices.antenna"},
		{Devices{Stripe: "sim:../sim"}, "devices.stripe"},
		{Devices{PINPad: "sim:../sim"}, "devices.pinpad"},
		{Devices{Printer: "sim:../sim"}, "devices.printer"},
		{Devices{Reader: "ccid:/dev/sim:1"}, ""},
		{Devices{Reader: "ccid:/dev/ttyS1?pad=plain"}, ""},
		{Devices{Reader: "ccid:/dev/ttyS1?pad=enciphered"}, "devices.reader"},
	} {
		d := none.with(c.over)
		for _, env := range []params.Environment{params.Development, params.Training} {
			if err := d.refusePlay(env); err != nil {
				t.Errorf("%+v for %s: %v", c.over, env, err)
			}
		}
		err := d.refusePlay(params.Production)
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v in production: %v, want %q", c.over, err, c.want)
		}
	}
}
