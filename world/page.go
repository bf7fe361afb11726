package world

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"net/http"
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

// assemble puts the page together, with the terminal's screen or without.
func assemble(screen bool) page {
	var frame []byte
	if screen {
		frame = []byte(strings.TrimPrefix(screenPath, "/")) // from the page
	}
	body := bytes.Replace(pageHTML, []byte("{{style}}"), pageStyle, 1)
	body = bytes.Replace(body, []byte("{{script}}"), pageScript, 1)
	body = bytes.Replace(body, []byte("{{screen}}"), frame, 1)
	return page{body, strings.Join([]string{
		"default-src 'none'",
		"style-src " + hash(pageStyle),
		"script-src " + hash(pageScript),
		"connect-src 'self'",
		"frame-src 'self'",
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
