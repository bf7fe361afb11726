package e2e

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/pki"
	"github.com/cloudpos/cloudpos/e2e/rig"
)

// authority is the installation's own CA.
func authority(t *testing.T, r *rig.Rig) *pki.CA {
	t.Helper()
	cert, err := os.ReadFile(r.Path("cloud", "tls", "ca.crt"))
	must(t, err)
	key, err := os.ReadFile(r.Path("cloud", "ca.key"))
	must(t, err)
	ca, err := pki.LoadCA(pki.Pair{Cert: cert, Key: key})
	must(t, err)
	return ca
}

// stranger is another CA.
func stranger(t *testing.T) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA("stranger", time.Now())
	must(t, err)
	return ca
}

// put replaces files of a folder until the end of do.
func put(t *testing.T, files map[string][]byte, do func()) {
	t.Helper()
	for path, data := range files {
		_, restore := kept(t, path)
		defer restore()
		must(t, os.WriteFile(path, data, 0o600))
	}
	do()
}

// TestBadClientCertificate: what waiting does not cure ends the start.
func TestBadClientCertificate(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	ca := authority(t, r)
	now := time.Now()
	caFile, certFile, keyFile := r.Path("t1", "tls", "ca.crt"), r.Path("t1", "tls", "client.crt"), r.Path("t1", "tls", "client.key")
	other, err := ca.Terminal("dev:t2", now, now.Add(time.Hour))
	must(t, err)
	expired, err := ca.Terminal("dev:t1", now.Add(-2*time.Hour), now.Add(-time.Hour))
	must(t, err)
	for _, c := range []struct {
		name  string
		files map[string][]byte
		words []string
	}{
		{"another terminal's", map[string][]byte{certFile: other.Cert, keyFile: other.Key}, []string{certFile, `it is for "dev:t2", this terminal is "dev:t1"`}},
		{"another key", map[string][]byte{keyFile: other.Key}, []string{certFile, keyFile, "does not match"}},
		{"no certificate", map[string][]byte{certFile: []byte("hello")}, []string{certFile, "certificate"}},
		{"no key", map[string][]byte{keyFile: []byte("hello")}, []string{keyFile}},
		{"no CA", map[string][]byte{caFile: []byte("hello")}, []string{caFile, "holds no PEM certificate"}},
	} {
		put(t, c.files, func() {
			unchanged(t, r.Dir, func() {
				for _, args := range [][]string{{"run"}, {"sale", "--amount", "1"}} {
					refused(t, r.Terminal, 1, c.words, args...)
				}
			})
		})
	}
	for _, missing := range []string{caFile, certFile, keyFile} {
		must(t, os.Rename(missing, missing+".away"))
		unchanged(t, r.Dir, func() { refused(t, r.Terminal, 1, []string{missing, "no such file"}, "run") })
		must(t, os.Rename(missing+".away", missing))
	}
	put(t, map[string][]byte{certFile: expired.Cert, keyFile: expired.Key}, func() {
		for _, args := range [][]string{{"run"}, {"sale", "--amount", "1"}} {
			refused(t, r.Terminal, 1, []string{certFile, "it expired on " + now.Add(-time.Hour).UTC().Format("2006-01-02T15")}, args...)
		}
	})
	whole(t, r.Data())
	pays(t, r)
	must(t, r.Agree(t.Context()))
}

// TestBadServerCertificate: the cloud does not start with what no terminal
// accepts.
func TestBadServerCertificate(t *testing.T) {
	t.Parallel()
	r := prepared(t)
	ca := authority(t, r)
	now := time.Now()
	caFile, certFile, keyFile := r.Path("cloud", "tls", "ca.crt"), r.Path("cloud", "tls", "cloud.crt"), r.Path("cloud", "tls", "cloud.key")
	expired, err := ca.Server([]string{"127.0.0.1"}, now.Add(-2*time.Hour), now.Add(-time.Hour))
	must(t, err)
	acquirer, issuer := r.Path("cloud", "acquirer.key"), r.Path("cloud", "issuer.json")
	text, err := os.ReadFile(issuer)
	must(t, err)
	for _, c := range []struct {
		name  string
		files map[string][]byte
		words []string
	}{
		{"expired", map[string][]byte{certFile: expired.Cert, keyFile: expired.Key}, []string{certFile, "expired on "}},
		{"another key", map[string][]byte{keyFile: expired.Key}, []string{certFile, keyFile, "does not match"}},
		{"no certificate", map[string][]byte{certFile: []byte("hello")}, []string{certFile}},
		{"no CA", map[string][]byte{caFile: []byte("hello")}, []string{caFile, "holds no certificate"}},
		{"no acquirer key", map[string][]byte{acquirer: []byte("hello")}, []string{acquirer}},
		{"no accounts", map[string][]byte{issuer: []byte("hello")}, []string{issuer, "not JSON"}},
		{"unknown field", map[string][]byte{issuer: []byte(strings.Replace(string(text), "{", `{"colour": 1,`, 1))}, []string{issuer, "colour"}},
	} {
		put(t, c.files, func() {
			unchanged(t, r.Dir, func() { refused(t, r.CloudEnds, 1, c.words, "run") })
		})
	}
	for _, missing := range []string{caFile, certFile, keyFile, acquirer, issuer} {
		must(t, os.Rename(missing, missing+".away"))
		unchanged(t, r.Dir, func() { refused(t, r.CloudEnds, 1, []string{missing, "no such file"}, "run") })
		must(t, os.Rename(missing+".away", missing))
	}
	must(t, r.StartCloud())
	pays(t, r)
}

// impostor listens with a certificate and counts who did not take it.
func impostor(t *testing.T, pair pki.Pair) (address string, refusals func() int) {
	t.Helper()
	cert, err := pair.TLS()
	must(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}})
	must(t, err)
	met := make(chan struct{}, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if err := conn.(*tls.Conn).Handshake(); err != nil {
				met <- struct{}{}
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		<-done
	})
	return listener.Addr().String(), func() int { return len(met) }
}

// TestRefusedByThePeer: the terminal keeps trying, says once why, tells it to
// who asks, and a sale is declined with the reason in its detail.
func TestRefusedByThePeer(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{HostSeconds: 3})
	now := time.Now()
	certFile, keyFile := r.Path("t1", "tls", "client.crt"), r.Path("t1", "tls", "client.key")
	foreign, err := stranger(t).Terminal("dev:t1", now, now.Add(time.Hour))
	must(t, err)
	strange, err := stranger(t).Server([]string{"127.0.0.1"}, now, now.Add(time.Hour))
	must(t, err)
	expired, err := authority(t, r).Server([]string{"127.0.0.1"}, now.Add(-2*time.Hour), now.Add(-time.Hour))
	must(t, err)
	elsewhere, err := authority(t, r).Server([]string{"cloud.example"}, now, now.Add(time.Hour))
	must(t, err)

	refusedLater := func(name string, attempts func() int, words ...string) {
		t.Helper()
		before := attempts()
		must(t, r.StartAgentAlone())
		report, err := r.Sale(t.Context(), "--amount", "7.00", "--card", "approve")
		if err != nil || report.Exit != 3 || report.Record == nil || report.Record.Code != "" {
			t.Errorf("%s: exit %d, %v, want it declined without the cloud: %+v", name, report.Exit, err, report)
			return
		}
		must(t, r.Until(t.Context(), "three attempts were refused", func() (bool, error) { return attempts()-before >= 3, nil }))
		status, err := r.Status()
		must(t, err)
		must(t, r.Agent.Stop())
		line := ""
		for l := range strings.Lines(r.Agent.Output()) {
			if strings.Contains(l, "WARN") {
				line += l
			}
		}
		if status.Online {
			t.Errorf("%s: the terminal says that it is online", name)
		}
		for where, text := range map[string]string{"detail": report.Record.Detail, "status": status.Link, "log": line} {
			for _, w := range words {
				if !strings.Contains(text, w) {
					t.Errorf("%s: want %q in the %s: %s", name, w, where, text)
				}
			}
		}
		oneLine(t, name, line)
		if !strings.Contains(report.Record.Detail, "the cloud cannot be reached, nothing was sent") {
			t.Errorf("%s: detail %q", name, report.Record.Detail)
		}
	}
	put(t, map[string][]byte{certFile: foreign.Cert, keyFile: foreign.Key}, func() {
		refusedLater("another CA's client", func() int { return logged(r.Cloud.Output(), "WARN", "TLS handshake error") },
			r.MQTT, "our certificate refused by the broker")
	})
	for name, c := range map[string]struct {
		pair pki.Pair
		why  string
	}{
		"another CA's server": {strange, "certificate signed by unknown authority"},
		"expired server":      {expired, "has expired"},
		"server elsewhere":    {elsewhere, "cannot validate certificate for 127.0.0.1"},
	} {
		address, attempts := impostor(t, c.pair)
		_, restore := kept(t, r.Config())
		must(t, r.Via(address))
		refusedLater(name, attempts, address, "the broker's certificate refused", c.why)
		restore()
	}

	must(t, r.StartAgent(t.Context()))
	pays(t, r)
	must(t, r.Agree(t.Context()))
	postings, err := r.Host()
	must(t, err)
	if len(postings) != 1 {
		t.Errorf("the host was asked %d times, want once: %+v", len(postings), postings)
	}
}
