package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/config"
	"github.com/cloudpos/cloudpos/keys"
)

// Config is cloud.toml. Paths are relative to its folder.
type Config struct {
	Data    string `toml:"data"`
	MQTT    string `toml:"mqtt"`    // "127.0.0.1:8883"; port 0 takes a free one
	Status  string `toml:"status"`  // loopback only: nobody is asked who they are
	Workers int    `toml:"workers"` // messages handled at once
	TLS     struct {
		CA   string `toml:"ca"` // of the terminals' certificates
		Cert string `toml:"cert"`
		Key  string `toml:"key"`
	} `toml:"tls"`
	Acquirer struct {
		ID  string `toml:"id"`
		Key string `toml:"key"`
	} `toml:"acquirer"`
	Issuer struct {
		File string `toml:"file"` // of the host simulator
	} `toml:"issuer"`
}

// errConfig is wrapped by what is wrong in a configuration file.
var errConfig = errors.New("configuration")

// fileMax bounds the files that the configuration names.
const fileMax = 4 << 20

func loadConfig(file string) (*Config, error) {
	cfg := &Config{Workers: 16}
	if err := config.Load(file, cfg); err != nil {
		return nil, err
	}
	for _, key := range []struct{ name, value string }{
		{"data", cfg.Data}, {"mqtt", cfg.MQTT}, {"status", cfg.Status}, {"tls.ca", cfg.TLS.CA}, {"tls.cert", cfg.TLS.Cert},
		{"tls.key", cfg.TLS.Key}, {"acquirer.id", cfg.Acquirer.ID}, {"acquirer.key", cfg.Acquirer.Key}, {"issuer.file", cfg.Issuer.File},
	} {
		if key.value == "" {
			return nil, fmt.Errorf("%w: %s: %s is missing", errConfig, file, key.name)
		}
	}
	if err := checkListen(cfg.MQTT); err != nil {
		return nil, fmt.Errorf("%w: %s: mqtt is %q, want an address like 127.0.0.1:8883", errConfig, file, cfg.MQTT)
	}
	host, _, err := net.SplitHostPort(cfg.Status)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() || checkListen(cfg.Status) != nil {
		return nil, fmt.Errorf("%w: %s: status is %q, want a loopback address like 127.0.0.1:8081", errConfig, file, cfg.Status)
	}
	const workersMax = 256
	if cfg.Workers < 1 || cfg.Workers > workersMax {
		return nil, fmt.Errorf("%w: %s: workers is %d, want 1 to %d", errConfig, file, cfg.Workers, workersMax)
	}
	dir := filepath.Dir(file)
	for _, path := range []*string{&cfg.Data, &cfg.TLS.CA, &cfg.TLS.Cert, &cfg.TLS.Key, &cfg.Acquirer.Key, &cfg.Issuer.File} {
		if !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return cfg, nil
}

// checkListen refuses what is not host:port with a number for a port.
func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err
}

// The files in the data folder.
func (c *Config) ledgerFile() string   { return filepath.Join(c.Data, "ledger.db") }
func (c *Config) hostFile() string     { return filepath.Join(c.Data, "host.db") }
func (c *Config) brokerFolder() string { return filepath.Join(c.Data, "broker") }

// credentials are what the files named in the configuration hold.
type credentials struct {
	server   tls.Certificate
	clients  *x509.CertPool
	acquirer keys.Private
	issuer   hostsim.Config
}

// credentials reads the files. Errors name the file and never quote from it.
func (c *Config) credentials() (*credentials, error) {
	var all credentials
	var err error
	if all.server, err = tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key); err != nil {
		return nil, fmt.Errorf("server certificate %s with key %s: %w", c.TLS.Cert, c.TLS.Key, err)
	}
	if end := all.server.Leaf.NotAfter; time.Now().After(end) {
		return nil, fmt.Errorf("server certificate %s: it expired on %s; no terminal would accept it", c.TLS.Cert, end.Format(time.RFC3339))
	}
	ca, err := readBounded(c.TLS.CA)
	if err != nil {
		return nil, err
	}
	all.clients = x509.NewCertPool()
	if !all.clients.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: holds no certificate", c.TLS.CA)
	}
	text, err := readBounded(c.Acquirer.Key)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	if all.acquirer, err = keys.ParsePrivate(strings.TrimSpace(string(text))); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Acquirer.Key, err)
	}
	issuer, err := readBounded(c.Issuer.File)
	if err != nil {
		return nil, err
	}
	defer clear(issuer)
	if all.issuer, err = hostsim.ParseConfig(issuer); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Issuer.File, err)
	}
	return &all, nil
}

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(data) > fileMax {
		err = fmt.Errorf("%s: more than %d bytes", file, fileMax)
	}
	return data, err
}
