package cloudsync_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"
)

// pki is a CA made for one test.
type pki struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{t: t, key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &p.key.PublicKey, p.key))
	p.cert = must(x509.ParseCertificate(der))
	return p
}

func (p *pki) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.cert)
	return pool
}

// issue makes a certificate which ends so long from now.
func (p *pki) issue(name string, ends time.Duration) tls.Certificate {
	p.t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(ends),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, p.cert, &key.PublicKey, p.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: must(x509.ParseCertificate(der))}
}

func (p *pki) server(ends time.Duration) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{p.issue("cloud", ends)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.roots(),
	}
}

func (p *pki) identity() cloudsync.Identity {
	return cloudsync.Identity{Terminal: terminal, Certificate: p.issue(terminal, time.Hour), Roots: p.roots()}
}

// files writes an identity as LoadIdentity reads it.
func (p *pki) files(name string) (ca, cert, key string) {
	p.t.Helper()
	dir := p.t.TempDir()
	c := p.issue(name, time.Hour)
	write := func(file, kind string, der []byte) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			p.t.Fatal(err)
		}
		return path
	}
	return write("ca.crt", "CERTIFICATE", p.cert.Raw), write("client.crt", "CERTIFICATE", c.Certificate[0]),
		write("client.key", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(c.PrivateKey)))
}
