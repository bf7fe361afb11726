package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

func next(t *testing.T, s *web.Screen) screen.Event {
	t.Helper()
	select {
	case e, ok := <-s.Events():
		if !ok {
			t.Fatal("the events are closed")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event")
	}
	return nil
}

func nextTouch(t *testing.T, s *web.Screen) screen.Touch {
	t.Helper()
	touch, ok := next(t, s).(screen.Touch)
	if !ok {
		t.Fatal("no touch")
	}
	return touch
}

func TestTouchesAndKeysArrive(t *testing.T) {
	s, server := serve(t, web.Opts{})
	b := connect(t, server, "")
	for _, tc := range []struct {
		send string
		want string // "" nothing comes
	}{
		{`{"t":"touch","id":0,"k":"down","x":10.5,"y":20}`, "touch 0 down 10.5,20"},
		{`{"t":"touch","id":0,"k":"down","x":1,"y":2}`, ""}, // it is down
		{`{"t":"touch","id":3,"k":"down","x":1,"y":2}`, "touch 3 down 1,2"},
		{`{"t":"touch","id":3,"k":"move","x":-5,"y":9999}`, "touch 3 move 0,209"},
		{`{"t":"touch","id":0,"k":"up","x":11,"y":21}`, "touch 0 up 11,21"},
		{`{"t":"touch","id":0,"k":"up","x":11,"y":21}`, ""}, // it is up
		{`{"t":"touch","id":3,"k":"cancel","x":1,"y":1}`, "touch 3 cancel 1,1"},
		{`{"t":"key","name":"Return","down":true}`, "key Return 0 true"},
		{`{"t":"key","name":"Return","down":false}`, "key Return 0 false"},
		{`{"t":"key","name":"","rune":"好","down":true}`, "key  22909 true"},
		{`{"t":"scroll","x":1,"y":2,"dx":0,"dy":-40}`, "scroll 1,2 0,-40"},
		{`{"t":"scroll","x":1,"y":2,"dx":0,"dy":-1e30}`, "scroll 1,2 0,-300"},
	} {
		check(t, b.conn.WriteMessage(websocket.TextMessage, []byte(tc.send)))
		if tc.want == "" {
			continue
		}
		if got := describe(next(t, s)); got != tc.want {
			t.Errorf("%s gave %q, want %q", tc.send, got, tc.want)
		}
	}
}

func describe(e screen.Event) string {
	switch e := e.(type) {
	case screen.Touch:
		return fmt.Sprintf("touch %d %s %v,%v", e.Finger, [...]string{"down", "move", "up", "cancel"}[e.Kind], e.X, e.Y)
	case screen.Key:
		return fmt.Sprintf("key %s %d %v", e.Name, e.Rune, e.Down)
	case screen.Scroll:
		return fmt.Sprintf("scroll %v,%v %v,%v", e.X, e.Y, e.DX, e.DY)
	}
	return fmt.Sprintf("%T", e)
}

// Two viewers' fingers are different fingers.
func TestFingersOfViewersDiffer(t *testing.T) {
	s, server := serve(t, web.Opts{})
	seen := map[int]bool{}
	for range 3 {
		b := connect(t, server, "")
		b.send(map[string]any{"t": "touch", "id": 0, "k": "down", "x": 1, "y": 1})
		seen[nextTouch(t, s).Finger] = true
	}
	if len(seen) != 3 {
		t.Errorf("three viewers' first fingers are %v", seen)
	}
}

func TestNonsenseEndsTheViewer(t *testing.T) {
	_, server := serve(t, web.Opts{})
	for _, send := range []string{
		"", "{", `{"t":"reboot"}`, `{"t":"touch","id":10,"k":"down"}`, `{"t":"touch","id":-1,"k":"down"}`,
		`{"t":"touch","id":0,"k":"sit"}`, `{"t":"key","rune":"ab","down":true}`,
		`{"t":"key","name":"` + strings.Repeat("x", 33) + `"}`, `{"t":"ack","seq":-1}`, strings.Repeat(" ", 5000),
	} {
		b := connect(t, server, "")
		check(t, b.conn.WriteMessage(websocket.TextMessage, []byte(send)))
		if _, _, err := b.conn.ReadMessage(); err == nil {
			t.Errorf("%.40q was answered", send)
		}
	}
}
