package world

import (
	_ "embed" // the page for while there is no screen
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// screenPath is where the terminal's screen is, beside the page.
const screenPath = "/screen/"

// Patience with a terminal.
const (
	screenDialMax   = 2 * time.Second
	screenAnswerMax = 10 * time.Second
)

//go:embed page/waiting.html
var waitingHTML []byte

// screenProxy passes the terminal's screen on, its WebSocket included, so that
// the page and what it frames are of one origin. The request's Host stays: the
// screen compares it with the origin that the browser tells. What comes from
// another machine must have been refused before, for the screen takes it to
// come from this one.
func screenProxy(target *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: screenDialMax}).DialContext,
			ResponseHeaderTimeout: screenAnswerMax,
			DisableKeepAlives:     true, // nothing stays open when the page has gone
		},
		ErrorHandler: noScreen,
		ErrorLog:     log.New(io.Discard, "", 0), // the page tells
	}
	return http.StripPrefix(strings.TrimSuffix(screenPath, "/"), proxy)
}

// noScreen answers while no terminal does: a page that tries again, and to its
// script the bare fact.
func noScreen(rw http.ResponseWriter, r *http.Request, _ error) {
	h := rw.Header()
	h.Set("Cache-Control", "no-store")
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Error(rw, "the terminal's screen does not answer", http.StatusBadGateway)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")
	rw.WriteHeader(http.StatusBadGateway)
	_, _ = rw.Write(waitingHTML) // the browser has gone; there is nobody to tell
}
