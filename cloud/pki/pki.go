// Package pki makes the certificates by which terminals and cloud know each
// other: a CA, the cloud's server certificate, and one client certificate for
// each terminal, with the terminal's id as its common name.
//
//	ca, err := pki.NewCA("development", now)
//	pair, err := ca.Terminal("dev:t1", now, now.AddDate(2, 0, 0))
//	err = os.WriteFile("client.key", pair.Key, 0o600)
//
// Keys are ECDSA P-256. The CA signs leaves only. This is development grade: a
// CA key in a file.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// ErrPEM is a text without the certificate or key that it should hold.
var ErrPEM = errors.New("pki: not a PEM file of the right kind")

// Backdating lets a certificate serve on a machine whose clock is a little
// behind.
const backdating = time.Hour

const caYears = 10

// Pair is a certificate and its private key, both PEM.
type Pair struct{ Cert, Key []byte }

// TLS makes it usable.
func (p Pair) TLS() (tls.Certificate, error) { return tls.X509KeyPair(p.Cert, p.Key) }

// CA signs certificates.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pair Pair
}

// NewCA makes a CA that is good for ten years.
func NewCA(name string, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pki: CA key: %w", err)
	}
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "cloudpos CA " + name}, NotBefore: now.Add(-backdating), NotAfter: now.AddDate(caYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	ca := &CA{cert: t, key: key}
	ca.pair, err = ca.sign(t, key)
	if err != nil {
		return nil, err
	}
	return LoadCA(ca.pair)
}

// LoadCA reads what Pair gave.
func LoadCA(p Pair) (*CA, error) {
	block, _ := pem.Decode(p.Cert)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%w: CA certificate", ErrPEM)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !cert.IsCA {
		return nil, fmt.Errorf("%w: CA certificate", ErrPEM)
	}
	block, _ = pem.Decode(p.Key)
	if block == nil || block.Type != "EC PRIVATE KEY" {
		return nil, fmt.Errorf("%w: CA key", ErrPEM)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("%w: CA key, or it is not the certificate's", ErrPEM)
	}
	return &CA{cert, key, p}, nil
}

// Pair is the CA itself.
func (ca *CA) Pair() Pair { return ca.pair }

// Pool trusts this CA alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Server makes a server certificate for host names and addresses.
func (ca *CA) Server(hosts []string, now, expires time.Time) (Pair, error) {
	if len(hosts) == 0 {
		return Pair{}, errors.New("pki: a server certificate needs a host")
	}
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: hosts[0]},
		NotBefore: now.Add(-backdating), NotAfter: expires,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return ca.issue(t)
}

// Terminal makes the client certificate of a terminal.
func (ca *CA) Terminal(id string, now, expires time.Time) (Pair, error) {
	return ca.issue(&x509.Certificate{
		Subject:   pkix.Name{CommonName: id},
		NotBefore: now.Add(-backdating), NotAfter: expires,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (ca *CA) issue(t *x509.Certificate) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("pki: key of %s: %w", t.Subject.CommonName, err)
	}
	return ca.sign(t, key)
}

func (ca *CA) sign(t *x509.Certificate, key *ecdsa.PrivateKey) (Pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Pair{}, fmt.Errorf("pki: serial number: %w", err)
	}
	t.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, key.Public(), ca.key)
	if err != nil {
		return Pair{}, fmt.Errorf("pki: certificate of %s: %w", t.Subject.CommonName, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("pki: key of %s: %w", t.Subject.CommonName, err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}),
	}, nil
}
