//go:build linux

package evdev

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// Opts say which device is read, and how its fingers lie on the picture.
type Opts struct {
	// Path is the device, such as /dev/input/event0.
	Path string
	// Size is the number of the output's pixels. A keyboard needs none.
	Size image.Point
	// Matrix corrects where fingers are.
	Matrix Matrix
	// X and Y are what the axes can say. If they are empty the device is asked.
	X, Y Range
	// Grab keeps the events from everybody else, such as a console.
	Grab bool
	// Word is the size of the kernel's words, 0 for that of this program.
	Word int
}

// Dev is an open device. It is a screen.Input.
type Dev struct {
	opts   Opts
	file   *os.File
	touch  touch
	keys   keyboard
	events chan screen.Event
	quit   chan struct{}
	once   sync.Once
	done   chan struct{}
	err    error
}

var _ screen.Input = (*Dev)(nil)

// readMax is how many events are read at a time.
const readMax = 64

// Open starts reading. Close ends it.
func Open(o Opts) (*Dev, error) {
	if o.Word == 0 {
		o.Word = wordSize
	}
	if o.Word != 4 && o.Word != 8 {
		return nil, fmt.Errorf("%w: %d", ErrWord, o.Word)
	}
	file, err := os.Open(o.Path)
	if err != nil {
		return nil, fmt.Errorf("evdev: %w", err)
	}
	d := &Dev{opts: o, file: file, events: make(chan screen.Event, readMax), quit: make(chan struct{}), done: make(chan struct{})}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("evdev: %s: %w", o.Path, err), file.Close())
	}
	go d.read()
	return d, nil
}

// prepare asks the device for its axes. One without axes is a keyboard.
func (d *Dev) prepare() error {
	p := panel{x: d.opts.X, y: d.opts.Y, matrix: d.opts.Matrix, size: d.opts.Size}
	if p.x == (Range{}) && p.y == (Range{}) {
		var err error
		if p.x, p.y, err = axes(d.file); err != nil {
			return fmt.Errorf("ask for its axes: %w", err)
		}
	}
	if p.x.Max < p.x.Min || p.y.Max < p.y.Min {
		return fmt.Errorf("axes of %v and %v", p.x, p.y)
	}
	d.touch.panel = p
	d.touch.know(remembered(d.file))
	if d.opts.Grab {
		if err := grab(d.file); err != nil {
			return fmt.Errorf("grab: %w", err)
		}
	}
	return nil
}

// Events gives what fingers and keys do. It is closed when the device is gone
// or closed; Err then says why.
func (d *Dev) Events() <-chan screen.Event { return d.events }

// Err is why reading ended, nil after Close. It waits for the end.
func (d *Dev) Err() error {
	<-d.done
	return d.err
}

// Close ends the reading and waits for its end.
func (d *Dev) Close() error {
	var err error
	d.once.Do(func() {
		close(d.quit)
		err = d.file.Close()
	})
	<-d.done
	return err
}

// read passes events on until the device ends. Fingers that are down then are
// taken off.
func (d *Dev) read() {
	defer close(d.done)
	defer close(d.events)
	err := d.readAll()
	d.send(d.touch.drop(event{when: time.Now()}))
	select {
	case <-d.quit:
	default:
		d.err = fmt.Errorf("evdev: %s: %w", d.opts.Path, err)
	}
}

func (d *Dev) readAll() error {
	size := eventSize(d.opts.Word)
	buf := make([]byte, readMax*size)
	have := 0
	for {
		n, err := d.file.Read(buf[have:])
		have += n
		used := 0
		for ; have-used >= size; used += size {
			e, err := decode(buf[used:have], d.opts.Word)
			if err != nil {
				return err
			}
			if !d.pass(e) {
				return os.ErrClosed
			}
		}
		have = copy(buf, buf[used:have])
		if errors.Is(err, io.EOF) && have > 0 {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
}

// clockMax is how far the device's clock may be off before ours is used. It
// is the wall clock, which may be set at any time.
const clockMax = time.Second

// pass hands an event to those who know it, and on what they make of it.
func (d *Dev) pass(e event) bool {
	if now := time.Now(); now.Sub(e.when).Abs() > clockMax {
		e.when = now
	}
	if key, ok := d.keys.event(e); ok {
		return d.send([]screen.Event{key})
	}
	events := d.touch.event(e)
	if d.touch.lost {
		d.touch.know(remembered(d.file))
	}
	return d.send(events)
}

// send waits while nobody takes the events, and gives up on Close.
func (d *Dev) send(events []screen.Event) bool {
	for _, e := range events {
		select {
		case d.events <- e:
		case <-d.quit:
			return false
		}
	}
	return true
}
