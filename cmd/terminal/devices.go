package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/ccid"
	"github.com/cloudpos/cloudpos/drivers/escpos"
	"github.com/cloudpos/cloudpos/drivers/none"
	"github.com/cloudpos/cloudpos/drivers/panel"
	"github.com/cloudpos/cloudpos/drivers/pcsc"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/stripe"
	"github.com/cloudpos/cloudpos/drivers/visapad"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
)

// playScheme is the scheme of simulated devices.
const playScheme = "sim"

// encipheringPad says that a reader's keys encipher PINs for the card, as those
// of the simulated one do.
const encipheringPad = "enciphered"

// hardware is the devices that were opened.
type hardware struct {
	reader  drivers.Reader
	antenna drivers.Reader
	stripe  drivers.Reader
	pinpad  drivers.PINPad
	printer drivers.Printer
	panel   drivers.Panel
	fitted  payment.Fitted
	simDir  string    // where the simulated shop is, or ""
	shop    *sim.Shop // when it runs within this process
}

// openHardware makes a driver for each address; check and refusePlay have been
// asked before. The devices themselves are
// dialled when they are first needed, so that one that is missing does not
// keep the others from working.
func openHardware(cfg *Config) (_ *hardware, err error) {
	h := &hardware{}
	defer func() {
		if err != nil {
			_ = h.close()
		}
	}()
	var u drivers.URI
	if u, err = h.resolve(cfg, cfg.Devices.Reader, "ccid", sim.ReaderLine); err != nil {
		return nil, fmt.Errorf("devices.reader: %w", err)
	}
	if h.reader, err = openReader(u); err != nil {
		return nil, fmt.Errorf("devices.reader: %w", err)
	}
	h.fitted.Reader = fitted(u)
	if keys, ok := h.reader.(drivers.PINReader); ok {
		h.fitted.PlainPIN, h.fitted.EncipheredPIN = keys.VerifiesPIN()
	}
	if u, err = h.resolve(cfg, cfg.Devices.Antenna, "ccid", sim.AntennaLine); err != nil {
		return nil, fmt.Errorf("devices.antenna: %w", err)
	}
	if h.antenna, err = openAntenna(u); err != nil {
		return nil, fmt.Errorf("devices.antenna: %w", err)
	}
	h.fitted.Antenna = fitted(u)
	if u, err = h.resolve(cfg, cfg.Devices.Stripe, "stripe", sim.StripeLine); err != nil {
		return nil, fmt.Errorf("devices.stripe: %w", err)
	}
	if h.stripe, err = openStripe(u); err != nil {
		return nil, fmt.Errorf("devices.stripe: %w", err)
	}
	h.fitted.Stripe = fitted(u)
	if u, err = h.resolve(cfg, cfg.Devices.PINPad, "visapad", sim.PINPadLine); err != nil {
		return nil, fmt.Errorf("devices.pinpad: %w", err)
	}
	if h.pinpad, err = openPINPad(u); err != nil {
		return nil, fmt.Errorf("devices.pinpad: %w", err)
	}
	h.fitted.PINPad = fitted(u)
	if u, err = h.resolve(cfg, cfg.Devices.Printer, "escpos", sim.PrinterLine); err != nil {
		return nil, fmt.Errorf("devices.printer: %w", err)
	}
	if h.printer, err = openPrinter(u); err != nil {
		return nil, fmt.Errorf("devices.printer: %w", err)
	}
	h.fitted.Printer = fitted(u)
	if u, err = h.resolve(cfg, cfg.Devices.Panel, playScheme, ""); err != nil {
		return nil, fmt.Errorf("devices.panel: %w", err)
	}
	if h.panel, err = openPanel(u); err != nil {
		return nil, fmt.Errorf("devices.panel: %w", err)
	}
	return h, nil
}

func fitted(u drivers.URI) string {
	if u.Scheme == "none" {
		return ""
	}
	return u.String()
}

// resolve turns sim:DIR into the address of the true driver on the simulated
// shop's pseudo-terminal. A shop that does not run yet is started within this
// process.
func (h *hardware) resolve(cfg *Config, address, driver, device string) (drivers.URI, error) {
	u, err := drivers.ParseURI(address)
	if err != nil || u.Scheme != playScheme {
		return u, err
	}
	if err := u.Only(); err != nil {
		return u, err
	}
	if h.simDir, err = filepath.Abs(cfg.path(u.Path)); err != nil {
		return u, err
	}
	if h.shop == nil {
		if h.shop, err = joinShop(h.simDir); err != nil {
			return u, err
		}
	}
	u = drivers.URI{Scheme: driver, Path: filepath.Join(h.simDir, device)}
	switch device {
	case sim.PrinterLine:
		u.Opts = map[string]string{"columns": "48"} // the simulated printer has paper of 80 mm
	case sim.ReaderLine:
		u.Opts = map[string]string{"pad": encipheringPad}
	}
	return u, nil
}

// joinShop starts the simulated shop, and gives nil when it runs already.
func joinShop(dir string) (*sim.Shop, error) {
	if client, err := sim.Dial(dir); err == nil {
		return nil, client.Close()
	}
	return openShop(dir)
}

// check refuses addresses that no driver understands. Nothing is dialled.
func (d Devices) check() error {
	for _, device := range []struct {
		name, address string
		open          func(drivers.URI) (io.Closer, error)
	}{
		{"reader", d.Reader, func(u drivers.URI) (io.Closer, error) { return openReader(u) }},
		{"antenna", d.Antenna, func(u drivers.URI) (io.Closer, error) { return openAntenna(u) }},
		{"stripe", d.Stripe, func(u drivers.URI) (io.Closer, error) { return openStripe(u) }},
		{"pinpad", d.PINPad, func(u drivers.URI) (io.Closer, error) { return openPINPad(u) }},
		{"printer", d.Printer, func(u drivers.URI) (io.Closer, error) { return openPrinter(u) }},
		{"panel", d.Panel, checkPanel},
	} {
		if device.address == "" {
			continue
		}
		if err := checkAddress(device.address, device.open); err != nil {
			return fmt.Errorf("%s: %w", device.name, err)
		}
	}
	return nil
}

func checkAddress(address string, open func(drivers.URI) (io.Closer, error)) error {
	u, err := drivers.ParseURI(address)
	if err != nil {
		return err
	}
	if u.Scheme == playScheme {
		return u.Only()
	}
	dev, err := open(u)
	if err != nil {
		return err
	}
	return dev.Close()
}

// checkPanel takes no pins.
func checkPanel(u drivers.URI) (io.Closer, error) {
	if u.Scheme == "panel" {
		return none.Panel(), u.Only(panelPins...)
	}
	return openPanel(u)
}

// refusePlay keeps simulated devices from serving in earnest.
func (d Devices) refusePlay(env params.Environment) error {
	if env == params.Development || env == params.Training {
		return nil
	}
	for _, device := range []struct{ name, address string }{
		{"reader", d.Reader}, {"antenna", d.Antenna}, {"stripe", d.Stripe}, {"pinpad", d.PINPad}, {"printer", d.Printer}, {"panel", d.Panel},
	} {
		if strings.HasPrefix(device.address, playScheme+":") {
			return fmt.Errorf("devices.%s: %s: simulated devices are refused, since the parameters say %q", device.name, device.address, env)
		}
	}
	if u, err := drivers.ParseURI(d.Reader); err == nil && u.Opts["pad"] == encipheringPad {
		return fmt.Errorf("devices.reader: %s: only the simulated reader enciphers PINs for a card, and it is refused, since the parameters say %q", d.Reader, env)
	}
	return nil
}

func openReader(u drivers.URI) (drivers.Reader, error) {
	switch u.Scheme {
	case "none":
		return none.Reader(), u.Only()
	case "ccid":
		baud, err := u.Int("baud", 115200)
		if err != nil {
			return nil, err
		}
		opts := ccid.Opts{Name: u.String()}
		if err = readerKeys(u, &opts); err == nil {
			err = u.Only("baud", "pad", "lang")
		}
		return ccid.New(port.Serial(u.Path, port.Mode{Baud: baud, StopBits: 2, RTSLow: true}), opts), err
	case "pcsc":
		return pcsc.New(port.Unix(pcsc.Socket), pcsc.Opts{Name: u.String(), Reader: u.Path}), u.Only()
	}
	return nil, unknownDriver(u, "ccid, pcsc")
}

// readerKeys reads the options that tell of a reader's keys: what they are good
// for, and in which language it asks.
func readerKeys(u drivers.URI, opts *ccid.Opts) error {
	pads := map[string]ccid.Pad{"plain": ccid.PlainPad, encipheringPad: ccid.EncipheredPad}
	languages := map[string]ccid.Language{"en": ccid.English, "zh": ccid.Chinese}
	var known bool
	if word, given := u.Opts["pad"]; given {
		if opts.Pad, known = pads[word]; !known {
			return fmt.Errorf("%w: ccid: option pad=%q, want plain or enciphered", drivers.ErrURI, word)
		}
	}
	if word, given := u.Opts["lang"]; given {
		if opts.Language, known = languages[word]; !known {
			return fmt.Errorf("%w: ccid: option lang=%q, want en or zh", drivers.ErrURI, word)
		}
	}
	return nil
}

func openAntenna(u drivers.URI) (drivers.Reader, error) {
	switch u.Scheme {
	case "none":
		return none.Reader(), u.Only()
	case "ccid":
		baud, err := u.Int("baud", 115200)
		if err == nil {
			err = u.Only("baud")
		}
		return ccid.NewAntenna(port.Serial(u.Path, port.Mode{Baud: baud, StopBits: 2, RTSLow: true}), ccid.Opts{Name: u.String()}), err
	}
	return nil, unknownDriver(u, "ccid")
}

func openStripe(u drivers.URI) (drivers.Reader, error) {
	switch u.Scheme {
	case "none":
		return none.Reader(), u.Only()
	case "stripe":
		baud, err := u.Int("baud", 9600)
		if err != nil {
			return nil, err
		}
		lrc, err := u.Int("lrc", 0)
		if err == nil && lrc > 1 {
			err = fmt.Errorf("%w: stripe: option lrc is %d, want 0 or 1", drivers.ErrURI, lrc)
		}
		if err == nil {
			err = u.Only("baud", "lrc")
		}
		return stripe.New(port.Serial(u.Path, port.Mode{Baud: baud}), stripe.Opts{Name: u.String(), LRC: lrc == 1}), err
	}
	return nil, unknownDriver(u, "stripe")
}

func openPINPad(u drivers.URI) (drivers.PINPad, error) {
	switch u.Scheme {
	case "none":
		return none.PINPad(), u.Only()
	case "visapad":
		baud, err := u.Int("baud", 9600)
		if err == nil {
			err = u.Only("baud")
		}
		return visapad.New(port.Serial(u.Path, port.Mode{Baud: baud}), visapad.Opts{Name: u.String()}), err
	}
	return nil, unknownDriver(u, "visapad")
}

func openPrinter(u drivers.URI) (drivers.Printer, error) {
	switch u.Scheme {
	case "none":
		return none.Printer(), u.Only()
	case "escpos":
		columns, err := u.Int("columns", 32)
		if err != nil {
			return nil, err
		}
		baud, err := u.Int("baud", 115200)
		if err == nil {
			err = u.Only("baud", "columns")
		}
		dial := port.Serial(u.Path, port.Mode{Baud: baud})
		if addr, ok := strings.CutPrefix(u.Path, "tcp://"); ok {
			dial = port.TCP(addr)
		} else if strings.HasPrefix(u.Path, "/dev/usb/") {
			dial = port.File(u.Path)
		}
		return escpos.New(dial, escpos.Opts{Name: u.String(), Columns: columns}), err
	}
	return nil, unknownDriver(u, "escpos")
}

func openPanel(u drivers.URI) (drivers.Panel, error) {
	switch u.Scheme {
	case "none":
		return none.Panel(), u.Only()
	case "panel":
		return openPins(u)
	case playScheme:
		return panel.New(panel.Pins(sim.OpenPanel(u.Path)), panel.Opts{Name: u.String()}), nil
	}
	return nil, unknownDriver(u, "panel")
}

// panelPins are the options of a panel's address.
var panelPins = []string{"drawer", "tamper", "buzzer", "light1", "light2", "light3", "light4"}

// openPins takes the panel's lines from a GPIO chip by the names in the
// address: panel:gpiochip0?drawer=5&tamper=6&light1=17.
func openPins(u drivers.URI) (_ drivers.Panel, err error) {
	if err := u.Only(panelPins...); err != nil {
		return nil, err
	}
	chip, err := port.Pins(u.Path)
	if err != nil {
		return nil, err
	}
	var taken []drivers.Pin
	pin := func(name string) drivers.Pin {
		if _, named := u.Opts[name]; !named || err != nil {
			return nil
		}
		var n int
		if n, err = u.Int(name, 0); err != nil {
			return nil
		}
		var p drivers.Pin
		if p, err = chip.Pin(n); err != nil {
			return nil
		}
		taken = append(taken, p)
		return p
	}
	pins := panel.Pins{Drawer: pin("drawer"), Tamper: pin("tamper"), Buzzer: pin("buzzer")}
	for i, name := range panelPins[3:] {
		pins.Lights[i] = pin(name)
	}
	if err != nil {
		for _, p := range taken {
			_ = p.Close()
		}
		return nil, err
	}
	return panel.New(pins, panel.Opts{}), nil
}

func unknownDriver(u drivers.URI, known string) error {
	return fmt.Errorf("%w: no driver %q, there are %s, sim and none", drivers.ErrURI, u.Scheme, known)
}

func (h *hardware) close() error {
	var errs []error
	if h.reader != nil {
		errs = append(errs, h.reader.Close())
	}
	if h.antenna != nil {
		errs = append(errs, h.antenna.Close())
	}
	if h.stripe != nil {
		errs = append(errs, h.stripe.Close())
	}
	if h.pinpad != nil {
		errs = append(errs, h.pinpad.Close())
	}
	if h.printer != nil {
		errs = append(errs, h.printer.Close())
	}
	if h.panel != nil {
		errs = append(errs, h.panel.Close())
	}
	if h.shop != nil {
		errs = append(errs, h.shop.Close())
	}
	return errors.Join(errs...)
}

// plugged tells whether a device's path exists, for the line that is printed
// at start: a missing device is no reason not to start, but to be told.
func plugged(u string) bool {
	parsed, err := drivers.ParseURI(u)
	if err != nil || !strings.HasPrefix(parsed.Path, "/") {
		return true
	}
	_, err = os.Stat(parsed.Path)
	return err == nil
}
