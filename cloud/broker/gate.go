package broker

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// Subjects are topics with dots for slashes.
const (
	upSubjects   = "cloudpos.v1.*.*.up.*"
	downSubjects = "cloudpos.v1.*.*.down.*"
)

// gate decides who gets in, and as whom.
type gate struct {
	token string // of the workers
	kinds []string
	log   *slog.Logger

	mu      sync.Mutex
	revoked map[string]bool
}

func newGate(kinds []string, log *slog.Logger) *gate {
	return &gate{token: rand.Text(), kinds: kinds, log: log, revoked: map[string]bool{}}
}

// Check implements server.Authentication. It runs after an MQTT CONNECT was
// read, also on a resumed TLS session.
func (g *gate) Check(c server.ClientAuthentication) bool {
	if c.RemoteAddress().Network() == "pipe" {
		return g.admitWorker(c)
	}
	cn, err := g.admitTerminal(c)
	if err != nil {
		g.log.Warn("connection refused", "remote", c.RemoteAddress().String(), "why", err.Error())
		return false
	}
	g.log.Info("terminal connected", "terminal", cn, "remote", c.RemoteAddress().String())
	return true
}

func (g *gate) admitWorker(c server.ClientAuthentication) bool {
	if subtle.ConstantTimeCompare([]byte(c.GetOpts().Token), []byte(g.token)) != 1 {
		return false
	}
	c.RegisterUser(&server.User{Username: "worker", Permissions: &server.Permissions{
		Subscribe: &server.SubjectPermission{Allow: []string{upSubjects}},
		Publish:   &server.SubjectPermission{Allow: []string{downSubjects}},
	}})
	return true
}

// admitTerminal binds certificate, client id and topics to each other.
func (g *gate) admitTerminal(c server.ClientAuthentication) (cn string, err error) {
	state := c.GetTLSConnectionState()
	if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return "", fmt.Errorf("no verified certificate")
	}
	leaf := state.PeerCertificates[0]
	cn = leaf.Subject.CommonName
	if err := wire.CheckTerminal(cn); err != nil {
		return "", fmt.Errorf("common name of the certificate: %w", err)
	}
	if !hasClientID(c, cn) {
		return "", fmt.Errorf("certificate of %s: the MQTT client id is another", cn)
	}
	g.mu.Lock()
	revoked := g.revoked[cn]
	g.mu.Unlock()
	if revoked {
		return "", fmt.Errorf("certificate of %s is revoked", cn)
	}
	c.RegisterUser(&server.User{Username: cn, ConnectionDeadline: leaf.NotAfter, Permissions: g.permissions(cn)})
	return cn, nil
}

// hasClientID tells whether the MQTT client id is cn. The connection prints as
//
//	127.0.0.1:5 - mid:25 - "dev:t1"
//
// with the id quoted, so that no id can imitate another's end; anything that
// does not print so is refused.
func hasClientID(c server.ClientAuthentication, cn string) bool {
	s, ok := c.(fmt.Stringer)
	return ok && strings.HasSuffix(s.String(), " - "+strconv.Quote(cn))
}

// permissions names each up topic, since a wildcard would let a terminal fill
// the store with retained messages. An MQTT subscription to down/# is two NATS
// subscriptions.
func (g *gate) permissions(cn string) *server.Permissions {
	tenant, device, _ := strings.Cut(cn, ":")
	root := "cloudpos.v1." + tenant + "." + device
	var up []string
	for _, kind := range g.kinds {
		up = append(up, root+".up."+kind)
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: up},
		Subscribe: &server.SubjectPermission{Allow: []string{root + ".down.>", root + ".down"}},
	}
}

// revoke refuses a terminal from now on.
func (g *gate) revoke(cn string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.revoked[cn] = true
}
