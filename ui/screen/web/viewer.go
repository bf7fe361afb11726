package web

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"github.com/gorilla/websocket"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// Bounds of a viewer's connection.
const (
	inFlightMax  = 2 // messages that are not acknowledged
	inputMax     = 4 << 10
	fingersMax   = 10
	nameMax      = 32 // of a key
	handshakeMax = 10 * time.Second
	writeMax     = 30 * time.Second // for one message, on a bad network
	beatEvery    = 15 * time.Second
	silenceMax   = 45 * time.Second // a page acknowledges each beat
)

// viewer is one browser.
type viewer struct {
	screen  *Screen
	conn    *websocket.Conn
	slot    int
	touches bool

	wake  chan struct{} // something changed, or was acknowledged
	acked atomic.Uint32 // the last sequence that was

	// What follows belongs to the one who reads.
	fingers [fingersMax]finger
}

// finger is where a finger is down.
type finger struct {
	down bool
	x, y float32
}

// run serves the viewer: this goroutine reads, another one writes. Either ends
// the other by closing the connection.
func (v *viewer) run() {
	v.screen.surface.watch(v.wake)
	gone, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		v.write(gone)
	}()
	v.read()
	close(gone)
	<-written
	v.screen.surface.unwatch(v.wake)
	v.liftAll()
}

// write sends what changes, and closes the connection when it ends.
func (v *viewer) write(gone <-chan struct{}) {
	defer func() { _ = v.conn.Close() }()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	seen := make([]uint64, len(v.screen.surface.changes))
	sent := uint32(0)
	for {
		more, err := v.sendNext(seen, &sent)
		if err != nil {
			return
		}
		if more {
			continue
		}
		select {
		case <-gone:
			return
		case <-v.screen.done:
			goodbye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
			_ = v.conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
			return
		case <-v.wake:
		case <-beat.C:
			if v.send([]byte{kindBeat}) != nil {
				return
			}
		}
	}
}

// sendNext sends one message, if there is something new and the viewer has
// acknowledged enough.
func (v *viewer) sendNext(seen []uint64, sent *uint32) (more bool, err error) {
	if *sent-v.acked.Load() >= inFlightMax {
		return false, nil
	}
	message, err := v.screen.surface.message(seen, *sent+1)
	if err != nil || message == nil {
		return false, err
	}
	*sent++
	return true, v.send(message)
}

func (v *viewer) send(message []byte) error {
	if err := v.conn.SetWriteDeadline(time.Now().Add(writeMax)); err != nil {
		return err
	}
	return v.conn.WriteMessage(websocket.BinaryMessage, message)
}

// input is what a browser sends: an acknowledgement, a touch, a turn of the
// wheel or a key. Keys have the names that Fyne gives them.
type input struct {
	Type string `json:"t"`
	Ack  uint32 `json:"seq"`

	Finger int     `json:"id"`
	Kind   string  `json:"k"`
	X      float32 `json:"x"`
	Y      float32 `json:"y"`
	DX     float32 `json:"dx"`
	DY     float32 `json:"dy"`

	Name string `json:"name"`
	Rune string `json:"rune"`
	Down bool   `json:"down"`
}

// read takes what the browser sends until the connection ends or says what
// makes no sense.
func (v *viewer) read() {
	v.conn.SetReadLimit(inputMax)
	for {
		if v.conn.SetReadDeadline(time.Now().Add(silenceMax)) != nil {
			return
		}
		_, data, err := v.conn.ReadMessage()
		if err != nil {
			return
		}
		in, err := parseInput(data)
		if err != nil || !v.take(in) {
			return
		}
	}
}

// parseInput reads and checks one message of a browser.
func parseInput(data []byte) (input, error) {
	var in input
	if err := json.Unmarshal(data, &in); err != nil {
		return input{}, fmt.Errorf("web: input: %w", err)
	}
	switch in.Type {
	case "ack", "scroll":
	case "touch":
		if _, ok := kinds[in.Kind]; !ok || in.Finger < 0 || in.Finger >= fingersMax {
			return input{}, fmt.Errorf("web: input: finger %d does %.16q", in.Finger, in.Kind)
		}
	case "key":
		if len(in.Name) > nameMax || utf8.RuneCountInString(in.Rune) > 1 {
			return input{}, fmt.Errorf("web: input: a key with a name of %d bytes and %d characters",
				len(in.Name), utf8.RuneCountInString(in.Rune))
		}
	default:
		return input{}, fmt.Errorf("web: input: no type %.16q", in.Type)
	}
	return in, nil
}

var kinds = map[string]screen.TouchKind{
	"down": screen.Down, "move": screen.Move, "up": screen.Up, "cancel": screen.Cancel,
}

// take does what the browser asks; false ends the viewer.
func (v *viewer) take(in input) bool {
	switch in.Type {
	case "ack":
		v.acked.Store(in.Ack)
		signal(v.wake)
	case "touch":
		return !v.touches || v.touch(in)
	case "scroll":
		x, y := v.place(in)
		most := float32(max(v.screen.opts.Size.X, v.screen.opts.Size.Y))
		return !v.touches || v.emit(screen.Scroll{
			X: x, Y: y, DX: clamp(in.DX, -most, most), DY: clamp(in.DY, -most, most), At: time.Now(),
		})
	case "key":
		key := screen.Key{Name: fyne.KeyName(in.Name), Down: in.Down, At: time.Now()}
		if in.Rune != "" {
			key.Rune, _ = utf8.DecodeRuneInString(in.Rune)
		}
		return !v.touches || v.emit(key)
	}
	return true
}

// touch keeps account of fingers: each goes down, moves and goes up once,
// whatever the browser says.
func (v *viewer) touch(in input) bool {
	kind, f := kinds[in.Kind], &v.fingers[in.Finger]
	if (kind == screen.Down) == f.down {
		return true
	}
	f.down = kind == screen.Down || kind == screen.Move
	f.x, f.y = v.place(in)
	return v.emit(v.touchEvent(in.Finger, kind))
}

func (v *viewer) touchEvent(i int, kind screen.TouchKind) screen.Event {
	f := v.fingers[i]
	return screen.Touch{Finger: v.slot*fingersMax + i, Kind: kind, X: f.x, Y: f.y, At: time.Now()}
}

// place is where on the screen an input is.
func (v *viewer) place(in input) (x, y float32) {
	size := v.screen.opts.Size
	return clamp(in.X, 0, float32(size.X-1)), clamp(in.Y, 0, float32(size.Y-1))
}

// clamp keeps x within bounds. JSON has no NaN.
func clamp(x, least, most float32) float32 { return max(least, min(x, most)) }

// emit passes an event on. It waits while the screen's owner is busy, and so
// does the browser.
func (v *viewer) emit(e screen.Event) bool {
	select {
	case v.screen.events <- e:
		return true
	default:
	}
	select {
	case v.screen.events <- e:
		return true
	case <-v.screen.done:
		return false
	}
}

// liftAll takes the fingers of a viewer that has gone off the screen, without
// effect.
func (v *viewer) liftAll() {
	for i := range v.fingers {
		if v.fingers[i].down {
			v.fingers[i].down = false
			if !v.emit(v.touchEvent(i, screen.Cancel)) {
				return
			}
		}
	}
}
