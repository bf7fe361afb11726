package cloudsync

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrCertificate says that one side's certificate is not accepted. Waiting
// does not help; somebody has to look.
var ErrCertificate = errors.New("certificate refused")

// Identity is what a terminal proves itself with, and whom it trusts.
type Identity struct {
	Terminal    string // the common name of Certificate
	Certificate tls.Certificate
	Roots       *x509.CertPool
}

// LoadIdentity reads PEM files: the CA of the cloud, the terminal's
// certificate and its key. The certificate must be the terminal's own and one
// that a client may use; whether it has expired is judged when it is used.
func LoadIdentity(terminal, caFile, certFile, keyFile string) (Identity, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return Identity{}, fmt.Errorf("cloudsync: CA certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return Identity{}, fmt.Errorf("cloudsync: CA certificate %s: %w: it holds no PEM certificate", caFile, ErrCertificate)
	}
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return Identity{}, fmt.Errorf("cloudsync: client certificate: %w", err)
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return Identity{}, fmt.Errorf("cloudsync: client key: %w", err)
	}
	defer clear(keyPEM)
	certificate, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return Identity{}, fmt.Errorf("cloudsync: client certificate %s with key %s: %w: %w", certFile, keyFile, ErrCertificate, err)
	}
	id := Identity{Terminal: terminal, Certificate: certificate, Roots: roots}
	if err := id.check(); err != nil {
		return Identity{}, fmt.Errorf("%s: %w", certFile, err)
	}
	return id, nil
}

func (id Identity) check() error {
	leaf := id.Certificate.Leaf
	if leaf == nil || id.Roots == nil {
		return fmt.Errorf("cloudsync: %w: no certificate", ErrCertificate)
	}
	if leaf.Subject.CommonName != id.Terminal {
		return fmt.Errorf("cloudsync: client %w: it is for %q, this terminal is %q", ErrCertificate, leaf.Subject.CommonName, id.Terminal)
	}
	return nil
}

// Valid judges the terminal's own certificate. A broker would refuse it too,
// with less to say about it.
func (id Identity) Valid(now time.Time) error {
	leaf := id.Certificate.Leaf
	if now.After(leaf.NotAfter) {
		return fmt.Errorf("cloudsync: client %w: it expired on %s", ErrCertificate, leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}
