package web_test

import (
	"encoding/json"
	"image"
	"image/color"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

func TestViewOnlyDropsInput(t *testing.T) {
	for name, tc := range map[string]struct {
		opts  web.Opts
		token string
	}{
		"for all":       {web.Opts{ViewOnly: true}, ""},
		"for its token": {web.Opts{Token: secret.Bytes(token), ViewToken: secret.Bytes(viewToken)}, viewToken},
		"for all, too":  {web.Opts{Token: secret.Bytes(token), ViewOnly: true}, token},
	} {
		t.Run(name, func(t *testing.T) {
			s, server := serve(t, tc.opts)
			img := solid(color.RGBA{5, 5, 5, 255})
			check(t, s.Present(img, nil))
			b := connect(t, server, tc.token)
			b.send(map[string]any{"t": "touch", "id": 0, "k": "down", "x": 1, "y": 1})
			b.send(map[string]any{"t": "key", "name": "Return", "down": true})
			b.send(map[string]any{"t": "scroll", "x": 1, "y": 1, "dy": 5})
			// What is acknowledged came after; so the input has been handled.
			for range 3 {
				img.Pix[0]++
				check(t, s.Present(img, []image.Rectangle{img.Rect}))
				b.until(img)
			}
			select {
			case e := <-s.Events():
				t.Errorf("%s", describe(e))
			default:
			}
			if got := hello(t, server, tc.token); !got.ViewOnly {
				t.Error("the page is not told that it may only look")
			}
		})
	}
}

type greeting struct {
	Width, Height int
	ViewOnly      bool
}

func hello(t *testing.T, server *httptest.Server, token string) (g greeting) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, server.URL+"/screen/hello", nil)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	check(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { check(t, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("hello: %s", response.Status)
	}
	check(t, json.NewDecoder(response.Body).Decode(&g))
	return g
}

func TestTokenIsAsked(t *testing.T) {
	_, server := serve(t, web.Opts{Token: secret.Bytes(token), ViewToken: secret.Bytes(viewToken)})
	for _, wrong := range []string{"", "wrong", token + "x", token[:len(token)-1], strings.ToUpper(token)} {
		_, status, err := dial(t, server, wrong)
		if err == nil || status != http.StatusUnauthorized {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
	for _, right := range []string{token, viewToken} {
		b, _, err := dial(t, server, right)
		check(t, err)
		if got := b.conn.Subprotocol(); got != "cloudpos.screen.v1" {
			t.Errorf("subprotocol %q came back", got)
		}
		check(t, b.conn.Close())
	}
}

func TestWhoIsRefused(t *testing.T) {
	open, err := web.New(web.Opts{Size: size, Origins: []string{"http://world.example"}})
	check(t, err)
	guarded, err := web.New(web.Opts{Size: size, Token: secret.Bytes(token)})
	check(t, err)
	const here, away = "127.0.0.1:4711", "192.0.2.7:4711"
	for _, tc := range []struct {
		name                     string
		screen                   *web.Screen
		path, from, host, origin string
		want                     int
	}{
		{"this machine", open, "/hello", here, "localhost:8080", "", 200},
		{"this machine, IPv6", open, "/hello", "[::1]:4711", "[::1]:8080", "", 200},
		{"its own page", open, "/hello", here, "127.0.0.1:8080", "http://127.0.0.1:8080", 200},
		{"a page that may", open, "/hello", here, "127.0.0.1:8080", "http://world.example", 200},
		{"another machine", open, "/hello", away, "localhost:8080", "", 403},
		{"another machine, page", open, "/", away, "localhost:8080", "", 403},
		{"a name that points here", open, "/hello", here, "evil.example", "", 403},
		{"a page elsewhere", open, "/hello", here, "127.0.0.1:8080", "http://evil.example", 403},
		{"a page nowhere", open, "/ws", here, "127.0.0.1:8080", "null", 403},
		{"another port", open, "/ws", here, "127.0.0.1:8080", "http://127.0.0.1:9999", 403},
		{"no token", guarded, "/hello", away, "shop.example", "", 401},
		{"no token, at home", guarded, "/ws", here, "127.0.0.1", "", 401},
		{"no token, page", guarded, "/", away, "shop.example", "", 200},
		{"no such page", open, "/etc/passwd", here, "localhost", "", 404},
	} {
		r := httptest.NewRequest(http.MethodGet, tc.path, nil)
		r.RemoteAddr, r.Host = tc.from, tc.host
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		w := httptest.NewRecorder()
		tc.screen.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: %d %s, want %d", tc.name, w.Code, w.Body, tc.want)
		}
	}
	check(t, open.Close())
	check(t, guarded.Close())
}

func TestViewersAreBounded(t *testing.T) {
	_, server := serve(t, web.Opts{})
	for range 8 {
		connect(t, server, "")
	}
	_, status, err := dial(t, server, "")
	if err == nil || status != http.StatusServiceUnavailable {
		t.Errorf("the ninth viewer: %v", err)
	}
}

func TestOptions(t *testing.T) {
	for name, opts := range map[string]web.Opts{
		"no size":     {},
		"too large":   {Size: image.Pt(9000, 100)},
		"short token": {Size: size, Token: secret.Bytes("secret")},
		"long token":  {Size: size, Token: secret.Bytes(strings.Repeat("x", 257))},
		"no token":    {Size: size, ViewToken: secret.Bytes(viewToken)},
		"no origin":   {Size: size, Origins: []string{"*"}},
		"a policy":    {Size: size, Origins: []string{"http://a.example;script-src"}},
	} {
		if _, err := web.New(opts); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
