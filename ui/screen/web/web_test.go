package web_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/cloudpos/cloudpos/ui/screen"
	"github.com/cloudpos/cloudpos/ui/screen/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come; it is never slept.
const patience = 20 * time.Second

// size is no multiple of a tile's side.
var size = image.Pt(300, 210)

const (
	token     = "correct horse battery"
	viewToken = "only for looking at it"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve opens a screen and a server for it.
func serve(t testing.TB, opts web.Opts) (*web.Screen, *httptest.Server) {
	t.Helper()
	if opts.Size == (image.Point{}) {
		opts.Size = size
	}
	s, err := web.New(opts)
	check(t, err)
	server := httptest.NewServer(http.StripPrefix("/screen", s))
	t.Cleanup(func() {
		check(t, s.Close())
		server.Close()
	})
	return s, server
}

// browser is a viewer: it puts tiles together.
type browser struct {
	t        testing.TB
	conn     *websocket.Conn
	img      *image.RGBA
	sequence uint32
	messages int
	bytes    int
	more     bool
	damaged  []image.Rectangle // of the last message
}

// dial connects, or returns the status of the refusal.
func dial(t testing.TB, server *httptest.Server, token string) (b *browser, status int, err error) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"cloudpos.screen.v1"}}
	if token != "" {
		dialer.Subprotocols = append(dialer.Subprotocols, "token."+base64.RawURLEncoding.EncodeToString([]byte(token)))
	}
	conn, response, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/screen/ws", nil)
	if response != nil {
		status = response.StatusCode
		defer func() { _ = response.Body.Close() }()
	}
	if err != nil {
		return nil, status, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	check(t, conn.SetReadDeadline(time.Now().Add(patience)))
	return &browser{t: t, conn: conn}, status, nil
}

func connect(t testing.TB, server *httptest.Server, token string) *browser {
	t.Helper()
	b, _, err := dial(t, server, token)
	check(t, err)
	return b
}

// receive draws one message.
func (b *browser) receive() {
	b.t.Helper()
	kind, m, err := b.conn.ReadMessage()
	check(b.t, err)
	if kind != websocket.BinaryMessage || m[0] != 1 {
		b.t.Fatalf("message of kind %d begins % x", kind, m[:1])
	}
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(m[at:])) }
	if b.img == nil {
		b.img = image.NewRGBA(image.Rect(0, 0, u16(8), u16(10)))
	}
	if got := binary.BigEndian.Uint32(m[4:]); got != b.sequence+1 {
		b.t.Fatalf("sequence %d after %d", got, b.sequence)
	}
	b.sequence++
	b.messages++
	b.bytes += len(m)
	b.more, b.damaged = m[1]&1 != 0, nil
	at := 12
	for range u16(2) {
		r := image.Rect(u16(at), u16(at+2), u16(at)+u16(at+4), u16(at+2)+u16(at+6))
		length := int(binary.BigEndian.Uint32(m[at+8:]))
		at += 12
		if r.Dx() > 128 || r.Dy() > 128 || !r.In(b.img.Rect) {
			b.t.Fatalf("tile %v on a screen of %v", r, b.img.Rect)
		}
		tile, err := png.Decode(bytes.NewReader(m[at : at+length]))
		check(b.t, err)
		if tile.Bounds().Size() != r.Size() {
			b.t.Fatalf("tile %v has a PNG of %v", r, tile.Bounds())
		}
		draw.Draw(b.img, r, tile, image.Point{}, draw.Src)
		b.damaged = append(b.damaged, r)
		at += length
	}
	if at != len(m) {
		b.t.Fatalf("%d bytes after the last tile", len(m)-at)
	}
}

func (b *browser) send(v any) {
	b.t.Helper()
	check(b.t, b.conn.WriteJSON(v))
}

func (b *browser) ack() {
	b.t.Helper()
	b.send(map[string]any{"t": "ack", "seq": b.sequence})
}

// until receives and acknowledges until the picture is want.
func (b *browser) until(want *image.RGBA) {
	b.t.Helper()
	for b.img == nil || !bytes.Equal(b.img.Pix, want.Pix) {
		b.receive()
		b.ack()
	}
}

// solid is an image of one colour.
func solid(c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return img
}

// scribble changes a random rectangle: one colour, few colours or noise.
func scribble(r *rand.Rand, img *image.RGBA) image.Rectangle {
	x, y := r.IntN(img.Rect.Dx()), r.IntN(img.Rect.Dy())
	where := image.Rect(x, y, x+1+r.IntN(img.Rect.Dx()-x), y+1+r.IntN(img.Rect.Dy()-y))
	colours := []int{1, 5, 300, 1 << 24}[r.IntN(4)]
	for y := where.Min.Y; y < where.Max.Y; y++ {
		for x := where.Min.X; x < where.Max.X; x++ {
			n := r.IntN(colours) * 7919
			img.SetRGBA(x, y, color.RGBA{uint8(n), uint8(n >> 8), uint8(n >> 16), 0xFF})
		}
	}
	return where
}

func TestPixelsAreEqualAfterRandomDamage(t *testing.T) {
	s, server := serve(t, web.Opts{})
	r := rand.New(rand.NewPCG(1, 2))
	img := solid(color.RGBA{10, 20, 30, 255})
	check(t, s.Present(img, nil))
	first, second := connect(t, server, ""), connect(t, server, "")
	for i := range 150 {
		var damage []image.Rectangle
		for range r.IntN(4) {
			damage = append(damage, scribble(r, img))
		}
		check(t, s.Present(img, damage))
		if i%3 == 0 {
			first.until(img)
		}
	}
	first.until(img)
	second.until(img)
	late := connect(t, server, "")
	late.until(img)
}

func TestOnlyWhatChangedIsSent(t *testing.T) {
	s, server := serve(t, web.Opts{})
	img := solid(color.RGBA{10, 20, 30, 255})
	check(t, s.Present(img, nil))
	b := connect(t, server, "")
	b.until(img)
	whole := b.bytes
	img.SetRGBA(130, 5, color.RGBA{255, 0, 0, 255})
	// All is called damaged, one pixel is.
	check(t, s.Present(img, []image.Rectangle{img.Rect, image.Rect(-50, -50, 9999, 9999), {}}))
	b.receive()
	if want := image.Rect(128, 0, 256, 128); len(b.damaged) != 1 || b.damaged[0] != want {
		t.Errorf("tiles %v, want %v alone", b.damaged, want)
	}
	if !bytes.Equal(b.img.Pix, img.Pix) {
		t.Error("the pixel is not there")
	}
	if whole > 6*400 {
		t.Errorf("a screen of one colour took %d bytes", whole)
	}
}

func TestTransparencyIsDropped(t *testing.T) {
	s, server := serve(t, web.Opts{})
	img := solid(color.RGBA{10, 20, 30, 40})
	check(t, s.Present(img, nil))
	b := connect(t, server, "")
	b.until(solid(color.RGBA{10, 20, 30, 255}))
}

func TestImageMayLieAnywhere(t *testing.T) {
	s, server := serve(t, web.Opts{})
	large := image.NewRGBA(image.Rect(-7, -9, 700, 700))
	draw.Draw(large, image.Rect(100, 100, 180, 150), image.NewUniform(color.RGBA{1, 2, 3, 255}), image.Point{}, draw.Src)
	part := large.SubImage(image.Rect(50, 60, 350, 270)).(*image.RGBA)
	check(t, s.Present(part, nil))
	want := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(want, want.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(want, want.Rect, part, part.Rect.Min, draw.Over)
	connect(t, server, "").until(want)
}

func TestPresentRefusesAnotherSize(t *testing.T) {
	s, _ := serve(t, web.Opts{})
	if err := s.Present(image.NewRGBA(image.Rect(0, 0, 5, 5)), nil); err == nil {
		t.Error("an image of 5x5 was shown on 300x210")
	}
}

// A viewer that acknowledges nothing gets two messages, and the screen goes on;
// then it gets the last state, not the history.
func TestSlowViewerSkipsToTheLatest(t *testing.T) {
	s, server := serve(t, web.Opts{})
	img := solid(color.RGBA{0, 0, 0, 255})
	check(t, s.Present(img, nil))
	slow, quick := connect(t, server, ""), connect(t, server, "")
	quick.until(img)
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		img.SetRGBA(r.IntN(size.X), r.IntN(size.Y), color.RGBA{uint8(r.Uint32()), 1, 2, 255})
		check(t, s.Present(img, []image.Rectangle{img.Rect}))
	}
	quick.until(img)
	slow.receive()
	slow.receive()
	slow.ack()
	slow.until(img)
	if slow.messages > 6 {
		t.Errorf("2000 frames reached the slow viewer in %d messages", slow.messages)
	}
}

// A screen full of noise comes in several messages of bounded size.
func TestMessagesAreBounded(t *testing.T) {
	large := image.Pt(1000, 700)
	s, server := serve(t, web.Opts{Size: large})
	img := image.NewRGBA(image.Rectangle{Max: large})
	r := rand.New(rand.NewPCG(5, 6))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32()) | uint8(i&3/3*0xFF)
	}
	check(t, s.Present(img, nil))
	b := connect(t, server, "")
	b.receive()
	if !b.more || b.bytes > 192<<10+128*128*4 {
		t.Errorf("the first message has %d bytes, more: %v", b.bytes, b.more)
	}
	b.ack()
	b.until(img)
	if b.more {
		t.Error("the last message promises more")
	}
}

func TestReconnectGetsTheWholeScreen(t *testing.T) {
	s, server := serve(t, web.Opts{})
	img := solid(color.RGBA{1, 2, 3, 255})
	check(t, s.Present(img, nil))
	b := connect(t, server, "")
	b.until(img)
	b.send(map[string]any{"t": "touch", "id": 2, "k": "down", "x": 20, "y": 30})
	down := nextTouch(t, s)
	check(t, b.conn.Close())
	// The finger of the viewer that has gone taps nothing.
	if up := nextTouch(t, s); up.Kind != screen.Cancel || up.Finger != down.Finger || up.X != 20 || up.Y != 30 {
		t.Errorf("after the connection broke: %+v", up)
	}
	scribble(rand.New(rand.NewPCG(7, 8)), img)
	check(t, s.Present(img, []image.Rectangle{img.Rect}))
	connect(t, server, "").until(img)
}

func TestCloseSendsViewersAway(t *testing.T) {
	s, server := serve(t, web.Opts{})
	b := connect(t, server, "")
	b.send(map[string]any{"t": "touch", "id": 0, "k": "down", "x": 1, "y": 1})
	nextTouch(t, s)
	check(t, s.Close())
	if _, _, err := b.conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the viewer hears %v", err)
	}
	if e := nextTouch(t, s); e.Kind != screen.Cancel {
		t.Errorf("the finger that is down ends in %s", describe(e))
	}
	if e, open := <-s.Events(); open {
		t.Errorf("events go on: %s", describe(e))
	}
	if err := s.Present(solid(color.RGBA{}), nil); err == nil {
		t.Error("a closed screen shows images")
	}
	if _, status, err := dial(t, server, ""); err == nil || status != http.StatusServiceUnavailable {
		t.Errorf("a viewer of a closed screen: %v", err)
	}
	check(t, s.Close())
}

func TestPageIsOnePiece(t *testing.T) {
	_, server := serve(t, web.Opts{Title: "Till <1>"})
	response, err := http.Get(server.URL + "/screen/")
	check(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { check(t, response.Body.Close()) }()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	check(t, err)
	for _, want := range []string{"<title>Till &lt;1&gt;</title>", "createImageBitmap", "touch-action: none"} {
		if !strings.Contains(body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{"{{", "src=", "href=", "//cdn"} {
		if strings.Contains(body.String(), no) {
			t.Errorf("the page has %q", no)
		}
	}
	if policy := response.Header.Get("Content-Security-Policy"); strings.Count(policy, "'sha256-") != 2 || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}
