package world

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strings"
)

var (
	//go:embed page/index.html
	pageHTML []byte
	//go:embed page/style.css
	pageStyle []byte
	//go:embed page/world.js
	pageScript []byte
)

// page is the page in one piece, and what a browser may let it do.
type page struct {
	body   []byte
	policy string
}

// assemble puts the page together.
func assemble(screenURL string) page {
	body := bytes.Replace(pageHTML, []byte("{{style}}"), pageStyle, 1)
	body = bytes.Replace(body, []byte("{{script}}"), pageScript, 1)
	body = bytes.Replace(body, []byte("{{screen}}"), []byte(html.EscapeString(screenURL)), 1)
	frames := "'self'"
	if u, err := url.Parse(screenURL); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, " ;,'") {
		frames += " " + u.Scheme + "://" + u.Host
	}
	return page{body, strings.Join([]string{
		"default-src 'none'",
		"style-src " + hash(pageStyle),
		"script-src " + hash(pageScript),
		"connect-src 'self'",
		"frame-src " + frames,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")}
}

// hash names a script or style that the page may have.
func hash(source []byte) string {
	sum := sha256.Sum256(source)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (w *world) servePage(rw http.ResponseWriter, _ *http.Request) {
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", w.page.policy)
	_, _ = rw.Write(w.page.body) // the browser has gone; there is nobody to tell
}
