package pki

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(p.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.TLS(); err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestCertificatesServeTheirPurposeOnly(t *testing.T) {
	made, err := NewCA("test", now)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := LoadCA(made.Pair())
	if err != nil {
		t.Fatal(err)
	}
	year := now.AddDate(1, 0, 0)
	server, err := ca.Server([]string{"localhost", "127.0.0.1", "::1"}, now, year)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Terminal("dev:t1", now, year)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewCA("other", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		cert  Pair
		roots *CA
		use   x509.ExtKeyUsage
		host  string
		at    time.Time
		good  bool
	}{
		{"server by name", server, ca, x509.ExtKeyUsageServerAuth, "localhost", now, true},
		{"server by address", server, ca, x509.ExtKeyUsageServerAuth, "127.0.0.1", now, true},
		{"server by IPv6 address", server, ca, x509.ExtKeyUsageServerAuth, "::1", now, true},
		{"server elsewhere", server, ca, x509.ExtKeyUsageServerAuth, "example.com", now, false},
		{"server as client", server, ca, x509.ExtKeyUsageClientAuth, "", now, false},
		{"client", client, ca, x509.ExtKeyUsageClientAuth, "", now, true},
		{"client as server", client, ca, x509.ExtKeyUsageServerAuth, "", now, false},
		{"client expired", client, ca, x509.ExtKeyUsageClientAuth, "", year.Add(time.Second), false},
		{"client of another CA", client, other, x509.ExtKeyUsageClientAuth, "", now, false},
	} {
		_, err := parse(t, c.cert).Verify(x509.VerifyOptions{
			Roots: c.roots.Pool(), KeyUsages: []x509.ExtKeyUsage{c.use}, DNSName: c.host, CurrentTime: c.at,
		})
		if (err == nil) != c.good {
			t.Errorf("%s: %v, want good: %v", c.name, err, c.good)
		}
	}
	if cn := parse(t, client).Subject.CommonName; cn != "dev:t1" {
		t.Errorf("common name %q", cn)
	}
}

func TestLoadCARefuses(t *testing.T) {
	ca, err := NewCA("test", now)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewCA("other", now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Terminal("dev:t1", now, now.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]Pair{
		"nothing":     {},
		"a leaf":      leaf,
		"another key": {ca.Pair().Cert, other.Pair().Key},
		"no key":      {ca.Pair().Cert, ca.Pair().Cert},
	} {
		if _, err := LoadCA(p); !errors.Is(err, ErrPEM) {
			t.Errorf("%s: %v, want ErrPEM", name, err)
		}
	}
}
