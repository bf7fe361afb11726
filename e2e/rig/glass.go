package rig

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Glass is a pair of eyes and ten fingers at the terminal's web screen. It
// speaks the screen's own protocol, as the page does in a browser; what it
// knows of it is written down here once more, so that a change shows.
type Glass struct {
	conn *websocket.Conn
	ends chan struct{} // closed when nothing is read any more

	mu      sync.Mutex // guards what follows, and writing
	size    image.Point
	tiles   map[image.Rectangle][]byte // the newest PNG at each place
	changes uint64
	changed chan struct{} // closed and replaced at each change
	err     error         // why reading has ended
}

// The screen's messages: a head of twelve bytes, then tiles.
const (
	glassHead  = 12
	glassTiles = 1
	glassWrite = 10 * time.Second
	glassRead  = 16 << 20
)

// ErrGlass is a message that no screen sends.
var ErrGlass = errors.New("rig: the screen sends nonsense")

// LookAt connects to the web screen at an address such as 127.0.0.1:8082, and
// waits until all of it has been seen.
func LookAt(ctx context.Context, address string) (*Glass, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"cloudpos.screen.v1"}}
	conn, response, err := dialer.DialContext(ctx, "ws://"+address+"/ws", nil)
	if response != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err != nil {
		return nil, fmt.Errorf("rig: look at %s: %w", address, err)
	}
	conn.SetReadLimit(glassRead)
	g := &Glass{conn: conn, ends: make(chan struct{}), tiles: map[image.Rectangle][]byte{}, changed: make(chan struct{})}
	go g.read()
	if err := g.UntilSeen(ctx, "the whole screen", g.complete); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Close hangs up.
func (g *Glass) Close() error {
	err := g.conn.Close()
	<-g.ends
	return err
}

// read takes in messages until the connection ends.
func (g *Glass) read() {
	defer close(g.ends)
	for {
		_, message, err := g.conn.ReadMessage()
		if err == nil {
			err = g.take(message)
		}
		if err != nil {
			g.mu.Lock()
			g.err = err
			close(g.changed)
			g.changed = nil
			g.mu.Unlock()
			return
		}
	}
}

// take keeps the tiles of a message and acknowledges it.
func (g *Glass) take(message []byte) error {
	if len(message) == 0 {
		return fmt.Errorf("%w: an empty message", ErrGlass)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if message[0] != glassTiles {
		return nil // a sign of life
	}
	if len(message) < glassHead {
		return fmt.Errorf("%w: a head of %d bytes", ErrGlass, len(message))
	}
	g.size = image.Pt(u16(message, 8), u16(message, 10))
	rest := message[glassHead:]
	for range u16(message, 2) {
		var err error
		if rest, err = g.tile(rest); err != nil {
			return err
		}
	}
	g.changes++
	close(g.changed)
	g.changed = make(chan struct{})
	return g.sendLocked(map[string]any{"t": "ack", "seq": binary.BigEndian.Uint32(message[4:])})
}

func (g *Glass) tile(b []byte) (rest []byte, err error) {
	if len(b) < glassHead {
		return nil, fmt.Errorf("%w: %d bytes of a tile", ErrGlass, len(b))
	}
	at := image.Pt(u16(b, 0), u16(b, 2))
	place := image.Rectangle{Min: at, Max: at.Add(image.Pt(u16(b, 4), u16(b, 6)))}
	length := int64(binary.BigEndian.Uint32(b[8:]))
	if b = b[glassHead:]; length > int64(len(b)) || !place.In(image.Rectangle{Max: g.size}) {
		return nil, fmt.Errorf("%w: a tile at %v of %d bytes", ErrGlass, place, length)
	}
	g.tiles[place] = bytes.Clone(b[:length])
	return b[length:], nil
}

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }

// complete tells whether tiles cover the screen. They never overlap.
func (g *Glass) complete() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	area := 0
	for place := range g.tiles {
		area += place.Dx() * place.Dy()
	}
	return area > 0 && area == g.size.X*g.size.Y
}

// Size is the screen's, in pixels.
func (g *Glass) Size() image.Point {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.size
}

// Changes is how often the picture has changed.
func (g *Glass) Changes() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changes
}

// UntilSeen waits until something holds, which is looked at again after each
// change of the picture.
func (g *Glass) UntilSeen(ctx context.Context, what string, holds func() bool) error {
	for {
		g.mu.Lock()
		changed, err := g.changed, g.err
		g.mu.Unlock()
		if holds() {
			return nil
		}
		if changed == nil {
			return fmt.Errorf("rig: waiting to see %s: %w", what, err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("rig: waiting to see %s: %w", what, ctx.Err())
		}
	}
}

// UntilChanged waits for a change after those that were counted.
func (g *Glass) UntilChanged(ctx context.Context, since uint64) error {
	return g.UntilSeen(ctx, "a change", func() bool { return g.Changes() != since })
}

// Picture is what shows now.
func (g *Glass) Picture() (*image.RGBA, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	img := image.NewRGBA(image.Rectangle{Max: g.size})
	for place, data := range g.tiles {
		tile, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%w: tile %v: %w", ErrGlass, place, err)
		}
		draw.Draw(img, place, tile, tile.Bounds().Min, draw.Src)
	}
	return img, nil
}

// Down puts a finger (0 to 9) on the glass.
func (g *Glass) Down(finger int, at image.Point) error { return g.touch(finger, "down", at) }

// Move moves a finger that is down.
func (g *Glass) Move(finger int, at image.Point) error { return g.touch(finger, "move", at) }

// Up lifts a finger.
func (g *Glass) Up(finger int, at image.Point) error { return g.touch(finger, "up", at) }

// Tap taps with one finger.
func (g *Glass) Tap(at image.Point) error {
	return errors.Join(g.Down(0, at), g.Up(0, at))
}

// Drag puts a finger down, moves it in steps and lifts it.
func (g *Glass) Drag(from, to image.Point, steps int) error {
	err := g.Down(0, from)
	for i := 1; i <= steps && err == nil; i++ {
		err = g.Move(0, from.Add(to.Sub(from).Mul(i).Div(steps)))
	}
	return errors.Join(err, g.Up(0, to))
}

func (g *Glass) touch(finger int, kind string, at image.Point) error {
	return g.send(map[string]any{"t": "touch", "id": finger, "k": kind, "x": at.X, "y": at.Y})
}

// Scroll turns a wheel by so many pixels.
func (g *Glass) Scroll(at image.Point, dx, dy int) error {
	return g.send(map[string]any{"t": "scroll", "x": at.X, "y": at.Y, "dx": dx, "dy": dy})
}

// Key presses a key and lets it go: by Fyne's name for it, by what it types, or
// both.
func (g *Glass) Key(name, types string) error {
	press := func(down bool) error {
		return g.send(map[string]any{"t": "key", "name": name, "rune": types, "down": down})
	}
	return errors.Join(press(true), press(false))
}

func (g *Glass) send(message any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sendLocked(message)
}

func (g *Glass) sendLocked(message any) error {
	if err := g.conn.SetWriteDeadline(time.Now().Add(glassWrite)); err != nil {
		return fmt.Errorf("rig: screen: %w", err)
	}
	if err := g.conn.WriteJSON(message); err != nil {
		return fmt.Errorf("rig: screen: %w", err)
	}
	return nil
}
