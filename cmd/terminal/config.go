package main

import (
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/config"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Config is terminal.toml. Paths are relative to its folder.
type Config struct {
	Terminal string `toml:"terminal"` // "dev:t1", as in the client certificate
	Data     string `toml:"data"`
	Cloud    string `toml:"cloud"`    // "mqtts://127.0.0.1:8883"
	Language string `toml:"language"` // of the slip: "en" or "zh"
	// MinEpoch is the last epoch that the cloud knows of this terminal. It is
	// needed only when both journal and epoch file were lost.
	MinEpoch uint32 `toml:"min_epoch"`
	TLS      struct {
		CA   string `toml:"ca"`
		Cert string `toml:"cert"`
		Key  string `toml:"key"`
	} `toml:"tls"`
	Params struct {
		File string `toml:"file"`
		Key  string `toml:"key"` // public; whoever holds the other half may configure this terminal
	} `toml:"params"`
	Devices Devices `toml:"devices"`
	Screen  Screen  `toml:"screen"`

	file, dir string
}

// Devices are addresses; see drivers.ParseURI.
type Devices struct {
	Reader  string `toml:"reader"`
	Antenna string `toml:"antenna"` // for cards that are tapped
	Stripe  string `toml:"stripe"`  // reader of magnetic stripes
	PINPad  string `toml:"pinpad"`
	Printer string `toml:"printer"`
	Panel   string `toml:"panel"`
}

// with gives d with the addresses that over names.
func (d Devices) with(over Devices) Devices {
	return Devices{
		Reader: cmp.Or(over.Reader, d.Reader), Antenna: cmp.Or(over.Antenna, d.Antenna), Stripe: cmp.Or(over.Stripe, d.Stripe),
		PINPad: cmp.Or(over.PINPad, d.PINPad), Printer: cmp.Or(over.Printer, d.Printer), Panel: cmp.Or(over.Panel, d.Panel),
	}
}

// cloudScheme is the only way to the cloud: MQTT over TLS.
const cloudScheme = "mqtts://"

// errConfig is wrapped by what is wrong in a configuration file.
var errConfig = errors.New("configuration")

func loadConfig(file string) (*Config, error) {
	cfg := &Config{Language: "en", file: file, dir: filepath.Dir(file), Devices: Devices{"none:", "none:", "none:", "none:", "none:", "none:"},
		Screen: Screen{Output: "none:", Size: "720x1280"}}
	if err := config.Load(file, cfg); err != nil {
		return nil, err
	}
	for _, key := range []struct{ name, value string }{
		{"terminal", cfg.Terminal}, {"data", cfg.Data}, {"cloud", cfg.Cloud}, {"tls.ca", cfg.TLS.CA}, {"tls.cert", cfg.TLS.Cert},
		{"tls.key", cfg.TLS.Key}, {"params.file", cfg.Params.File}, {"params.key", cfg.Params.Key},
	} {
		if key.value == "" {
			return nil, fmt.Errorf("%w: %s: %s is missing", errConfig, file, key.name)
		}
	}
	if err := wire.CheckTerminal(cfg.Terminal); err != nil {
		return nil, fmt.Errorf("%w: %s: terminal: %w", errConfig, file, err)
	}
	if !isBroker(cfg.Cloud) {
		return nil, fmt.Errorf("%w: %s: cloud is %q, write it like mqtts://cloud.example:8883", errConfig, file, cfg.Cloud)
	}
	if cfg.Language != "en" && cfg.Language != "zh" {
		return nil, fmt.Errorf("%w: %s: language is %q, want en or zh", errConfig, file, cfg.Language)
	}
	if err := cfg.Devices.check(); err != nil {
		return nil, fmt.Errorf("%w: %s: devices.%w", errConfig, file, err)
	}
	if err := cfg.Screen.check(); err != nil {
		return nil, fmt.Errorf("%w: %s: screen.%w", errConfig, file, err)
	}
	for _, path := range []*string{&cfg.Data, &cfg.TLS.CA, &cfg.TLS.Cert, &cfg.TLS.Key, &cfg.Params.File, &cfg.Params.Key} {
		*path = cfg.path(*path)
	}
	return cfg, nil
}

// isBroker tells whether an address is mqtts://host:port.
func isBroker(address string) bool {
	rest, ok := strings.CutPrefix(address, cloudScheme)
	host, port, err := net.SplitHostPort(rest)
	if !ok || err != nil || host == "" || strings.ContainsAny(host, "/@ ") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func (c *Config) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// socket is where a running terminal listens.
func (c *Config) socket() string { return filepath.Join(c.Data, "terminal.sock") }

// loadParams reads the signed parameter document and trusts nothing of it
// before its signature.
func loadParams(cfg *Config) (*params.Document, error) {
	text, err := readBounded(cfg.Params.Key, 1<<10)
	if err != nil {
		return nil, err
	}
	pub, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(pub) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: %s: not an Ed25519 public key in hex", errConfig, cfg.Params.Key)
	}
	data, err := readBounded(cfg.Params.File, 2*params.SizeMax)
	if err != nil {
		return nil, err
	}
	// A document does not expire while it is in force: a terminal that was in
	// a drawer for a year must start, and learns of newer ones from the cloud.
	envelope, err := wire.Verify(pub, wire.SignedParams, data, time.Time{}, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Params.File, err)
	}
	doc, err := params.Parse(envelope.Payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Params.File, err)
	}
	return doc, nil
}

func readBounded(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: larger than %d bytes", file, most)
	}
	return data, err
}
