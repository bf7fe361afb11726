package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
)

// Why a viewer is refused.
var (
	errToken  = errors.New("the token is missing or wrong")
	errRemote = errors.New("without a token this screen is for its own machine only, by a name like localhost or 127.0.0.1")
	errOrigin = errors.New("the page comes from another site")
)

// Subprotocols of the WebSocket. A browser can set no header of its own on one,
// so the token travels as a second subprotocol, which is never answered:
// unlike a query it is in no server's log.
const (
	protocol    = "cloudpos.screen.v1"
	tokenPrefix = "token."
)

// right is what a viewer may do.
type right uint8

const (
	nothing right = iota
	look
	touch
)

// judge tells what a request may do, and why nothing.
func (o *Opts) judge(r *http.Request) (right, error) {
	if !o.sameOrigin(r) {
		return nothing, errOrigin
	}
	if len(o.Token) == 0 {
		if !local(r) {
			return nothing, errRemote
		}
		return o.atMost(touch), nil
	}
	given := tokenOf(r)
	// Both are compared, always: what matches does not show in the time.
	all, some := equal(given, o.Token), len(o.ViewToken) > 0 && equal(given, o.ViewToken)
	switch {
	case all:
		return o.atMost(touch), nil
	case some:
		return look, nil
	}
	return nothing, errToken
}

func (o *Opts) atMost(r right) right {
	if o.ViewOnly {
		return look
	}
	return r
}

// equal compares in constant time, the length included.
func equal(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// tokenOf finds the token in a request: the page has it in the subprotocol or
// as a bearer.
func tokenOf(r *http.Request) []byte {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return []byte(bearer)
	}
	for _, p := range websocket.Subprotocols(r) {
		if coded, ok := strings.CutPrefix(p, tokenPrefix); ok {
			token, err := base64.RawURLEncoding.DecodeString(coded)
			if err == nil {
				return token
			}
		}
	}
	return nil
}

// sameOrigin refuses pages of other sites, which a browser would let connect.
// Programs send no origin.
func (o *Opts) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || slices.Contains(o.Origins, origin)
}

// local tells whether a request comes from this machine and was meant for it:
// a foreign name that points to 127.0.0.1 is a page's trick (DNS rebinding).
func local(r *http.Request) bool { return loopback(r.RemoteAddr) && loopback(r.Host) }

// loopback tells whether an address, with or without port, is this machine's
// own.
func loopback(address string) bool {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
