package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// page is the page in one piece, and what a browser may let it do.
type page struct {
	body   []byte
	policy string
}

// assemble puts the page together, so that one answer has all of it.
func assemble(title string, origins []string) (page, error) {
	var parts [3][]byte
	for i, name := range []string{"page/index.html", "page/style.css", "page/screen.js"} {
		part, err := pageFiles.ReadFile(name)
		if err != nil {
			return page{}, fmt.Errorf("web: page: %w", err)
		}
		parts[i] = part
	}
	body := bytes.ReplaceAll(parts[0], []byte("{{title}}"), []byte(html.EscapeString(title)))
	body = bytes.Replace(body, []byte("{{style}}"), parts[1], 1)
	body = bytes.Replace(body, []byte("{{script}}"), parts[2], 1)
	// Frames: nobody may lay another page over the screen to catch a tap.
	return page{body, strings.Join([]string{
		"default-src 'none'",
		"style-src " + hash(parts[1]),
		"script-src " + hash(parts[2]),
		"connect-src 'self' ws: wss:", // not all browsers count ws: as 'self'
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'self' " + strings.Join(origins, " "),
	}, "; ")}, nil
}

// hash names a script or style that a page may have.
func hash(source []byte) string {
	sum := sha256.Sum256(source)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// servePage serves the page, which holds nothing secret: who has a token brings
// it in the part of the address that browsers keep to themselves.
func (s *Screen) servePage(w http.ResponseWriter, r *http.Request) {
	if len(s.opts.Token) == 0 && !local(r) {
		refuse(w, errRemote)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", s.page.policy)
	_, _ = w.Write(s.page.body) // the browser has gone; there is nobody to tell
}
