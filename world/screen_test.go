package world_test

import (
	"image"
	"image/draw"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/web"
	"github.com/cloudpos/cloudpos/world"
)

// The true screen, framed: its page, and its pixels and touches through the
// WebSocket, under the rules of origin that it has for itself.
func TestScreenIsPassedOn(t *testing.T) {
	glass, err := web.New(web.Opts{Size: image.Pt(90, 160)})
	check(t, err)
	img := image.NewRGBA(image.Rect(0, 0, 90, 160))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	check(t, glass.Present(img, []image.Rectangle{img.Rect}))
	terminal := httptest.NewServer(glass)
	t.Cleanup(func() {
		check(t, glass.Close())
		terminal.Close()
	})
	target, err := url.Parse(terminal.URL)
	check(t, err)
	p := open(t, world.Opts{Screen: target})

	if status, body := p.get("/screen/"); status != http.StatusOK || !strings.Contains(body, "<canvas") {
		t.Errorf("the screen's page: %d %.200s", status, body)
	}
	if status, body := p.get("/screen/hello"); status != http.StatusOK || !strings.Contains(body, `"width":90`) {
		t.Errorf("hello: %d %s", status, body)
	}

	address := strings.Replace(p.url, "http", "ws", 1) + "/screen/ws"
	dialer := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"cloudpos.screen.v1"}}
	conn, answer, err := dialer.Dial(address, http.Header{"Origin": {p.url}})
	check(t, err)
	check(t, answer.Body.Close())
	defer func() { _ = conn.Close() }()
	check(t, conn.SetReadDeadline(time.Now().Add(patience)))
	kind, frame, err := conn.ReadMessage()
	check(t, err)
	if kind != websocket.BinaryMessage || len(frame) < 12 || frame[9] != 90 {
		t.Errorf("the first message: kind %d, % x", kind, frame[:min(len(frame), 12)])
	}
	check(t, conn.WriteMessage(websocket.TextMessage, []byte(`{"t":"touch","id":0,"k":"down","x":7,"y":8}`)))
	select {
	case e := <-glass.Events():
		if touch, ok := e.(screen.Touch); !ok || touch.Kind != screen.Down || touch.X != 7 || touch.Y != 8 {
			t.Errorf("the terminal was told %#v", e)
		}
	case <-time.After(patience):
		t.Error("the terminal felt no touch")
	}

	_, answer, err = dialer.Dial(address, http.Header{"Origin": {"http://evil.example"}})
	if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site: %v", err)
	}
	check(t, answer.Body.Close())
}

// While no terminal runs the frame says so and tries again; its script gets no
// page for an answer.
func TestScreenOfNoTerminal(t *testing.T) {
	p := open(t, world.Opts{Screen: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}})
	if status, body := p.get("/screen/"); status != http.StatusBadGateway || !strings.Contains(body, `http-equiv="refresh"`) {
		t.Errorf("in its place: %d %.200s", status, body)
	}
	if status, body := p.get("/screen/hello"); status != http.StatusBadGateway || strings.Contains(body, "<") {
		t.Errorf("hello: %d %.200s", status, body)
	}
	without := open(t, world.Opts{})
	if status, _ := without.get("/screen/"); status != http.StatusNotFound {
		t.Errorf("in a world without a screen: %d", status)
	}
}
