package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
)

func TestDeviceAddresses(t *testing.T) {
	for _, good := range []Devices{
		{},
		{Reader: "none:", Antenna: "none:", Stripe: "none:", PINPad: "none:", Printer: "none:", Panel: "none:"},
		{Reader: "sim:../sim", Antenna: "sim:../sim", Stripe: "sim:../sim", PINPad: "sim:../sim", Printer: "sim:../sim", Panel: "sim:../sim"},
		{Reader: "ccid:/dev/ttyS1?baud=9600", Stripe: "stripe:/dev/ttyUSB0?baud=9600&lrc=1", PINPad: "visapad:/dev/ttyS3?baud=9600"},
		{Reader: "ccid:/dev/ttyS1?pad=plain&lang=zh"}, {Reader: "ccid:/dev/ttyS1?baud=115200&pad=enciphered"},
		{Reader: "pcsc:ACS ACR39U 00 00"}, {Reader: "pcsc:"},
		{Antenna: "ccid:/dev/ttyS2"}, {Antenna: "ccid:/dev/ttyS2?baud=9600"},
		{Printer: "escpos:/dev/usb/lp0"}, {Printer: "escpos:tcp://10.0.0.5:9100"}, {Printer: "escpos:/dev/ttyS4?baud=19200&columns=48"},
		{Panel: "panel:gpiochip0?drawer=5&tamper=6&buzzer=7&light1=17"},
	} {
		if err := good.check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, c := range []struct {
		bad  Devices
		want string
	}{
		{Devices{Reader: "/dev/ttyS1"}, "reader: "},
		{Devices{Reader: "CCID:/dev/ttyS1"}, "reader: "},
		{Devices{Reader: "ccid:/dev/ttyS1?baud=-1"}, `option baud="-1" is not a number`},
		{Devices{Reader: "ccid:/dev/ttyS1?baud=1&baud=2"}, "given 2 times"},
		{Devices{Reader: "ccid:/dev/ttyS1?pad=yes"}, `option pad="yes", want plain or enciphered`},
		{Devices{Reader: "ccid:/dev/ttyS1?pad=plain&lang=de"}, `option lang="de", want en or zh`},
		{Devices{Reader: "ccid:/dev/ttyS1?keys=plain"}, "ccid knows no option keys"},
		{Devices{Reader: "visapad:/dev/ttyS1"}, "there are ccid, pcsc, sim and none"},
		{Devices{Reader: "none:?x=1"}, "none knows no option x"},
		{Devices{Antenna: "ccid:/dev/ttyS1?lang=zh"}, "ccid knows no option lang"},
		{Devices{Antenna: "stripe:/dev/ttyS1"}, "there are ccid, sim and none"},
		{Devices{PINPad: "visapad:/dev/ttyS1?parity=e"}, "visapad knows no option parity"},
		{Devices{PINPad: "escpos:/dev/ttyS1"}, "there are visapad, sim and none"},
		{Devices{Printer: "escpos:/dev/usb/lp0?width=48"}, "escpos knows no option width"},
		{Devices{Printer: "escpos:/dev/usb/lp0?columns=wide"}, `option columns="wide"`},
		{Devices{Printer: "panel:gpiochip0"}, "there are escpos, sim and none"},
		{Devices{Panel: "ccid:/dev/ttyS1"}, "there are panel, sim and none"},
	} {
		if err := c.bad.check(); !errors.Is(err, drivers.ErrURI) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want ErrURI and %q", c.bad, err, c.want)
		}
	}
}

func TestPlugged(t *testing.T) {
	for address, want := range map[string]bool{
		"ccid:" + t.TempDir():          true,
		"ccid:/dev/no-such-line":       false,
		"escpos:tcp://127.0.0.1:1":     true, // who knows
		"ccid:/dev/no-such?baud=9600":  false,
		"escpos:relative/path/to/line": true,
	} {
		if got := plugged(address); got != want {
			t.Errorf("plugged(%q) = %t", address, got)
		}
	}
}

// TestFittedKeys: what is claimed to the card is what the address says of the
// reader's keys.
func TestFittedKeys(t *testing.T) {
	for reader, want := range map[string][2]bool{
		"none:":                          {},
		"ccid:/dev/ttyS1":                {},
		"ccid:/dev/ttyS1?pad=plain":      {true, false},
		"ccid:/dev/ttyS1?pad=enciphered": {true, true},
	} {
		cfg, err := loadConfig(installation(t, `reader = "sim:../sim"`, `reader = "`+reader+`"`, `pinpad = "sim:../sim"`, "",
			`antenna = "sim:../sim"`, "", `stripe = "sim:../sim"`, "", `printer = "sim:../sim"`, "", `panel = "sim:../sim"`, ""))
		if err != nil {
			t.Fatal(err)
		}
		h, err := openHardware(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{h.fitted.PlainPIN, h.fitted.EncipheredPIN}; got != want {
			t.Errorf("%s: plain and enciphered PINs %v, want %v", reader, got, want)
		}
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFitted(t *testing.T) {
	cfg, err := loadConfig(installation(t, `reader = "sim:../sim"`, `reader = "ccid:/dev/ttyS1?baud=9600"`, `pinpad = "sim:../sim"`, "",
		`antenna = "sim:../sim"`, `antenna = "ccid:/dev/ttyS2?baud=115200"`,
		`stripe = "sim:../sim"`, `stripe = "stripe:/dev/ttyUSB0?baud=9600&lrc=1"`, `printer = "sim:../sim"`, `printer = "escpos:/dev/usb/lp0"`, `panel = "sim:../sim"`, ""))
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHardware(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	if f := h.fitted; f.Reader != "ccid:/dev/ttyS1?baud=9600" || f.Antenna != "ccid:/dev/ttyS2?baud=115200" || f.Stripe != "stripe:/dev/ttyUSB0?baud=9600&lrc=1" || f.PINPad != "" || f.Printer != "escpos:/dev/usb/lp0" {
		t.Errorf("fitted %+v: what is none is not fitted, and nothing has to be there yet", f)
	}
	if _, _, err := h.visit(t.Context(), "approve"); !errors.Is(err, errNoShop) {
		t.Errorf("visit: %v, want errNoShop", err)
	}
}
