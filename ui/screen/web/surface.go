package web

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"sync"
)

// Bounds of what is sent.
const (
	tileSide   = 128       // of a tile, in pixels
	messageMax = 192 << 10 // a message has one tile at least, and ends after this many bytes
	sideMax    = 8192      // of a screen
)

// The layout of a message, big-endian: kind, flags, number of tiles, sequence,
// width and height of the screen; then for each tile x, y, width, height,
// length and the PNG.
const (
	messageHead = 12
	tileHead    = 12
	kindTiles   = 1
	kindBeat    = 2 // a sign of life, alone; it is acknowledged like the tiles before
	flagMore    = 1 // more is ready: the viewer may wait with showing
)

// surface is what the screen shows, cut into tiles. Each tile counts its
// changes; a viewer compares the counts with those of what it was sent.
type surface struct {
	size image.Point
	cols int

	mu      sync.Mutex
	img     *image.RGBA
	changes []uint64 // of each tile; 0 while nothing was ever shown

	wakeMu sync.Mutex
	wakes  map[chan struct{}]bool

	// What follows makes PNGs of it, one tile after the other, outside mu.
	encodeMu sync.Mutex
	copied   *image.RGBA
	encoder  encoder
	made     []madeTile
}

// madeTile is a tile that has been encoded, for the next viewer.
type madeTile struct {
	change uint64
	png    []byte
}

func newSurface(size image.Point) *surface {
	cols, rows := (size.X+tileSide-1)/tileSide, (size.Y+tileSide-1)/tileSide
	bounds := image.Rectangle{Max: size}
	return &surface{
		size: size, cols: cols,
		img: image.NewRGBA(bounds), changes: make([]uint64, cols*rows),
		wakes:  map[chan struct{}]bool{},
		copied: image.NewRGBA(bounds), made: make([]madeTile, cols*rows),
	}
}

// tile is where tile i lies.
func (s *surface) tile(i int) image.Rectangle {
	at := image.Pt(i%s.cols, i/s.cols).Mul(tileSide)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(tileSide, tileSide))}.Intersect(s.img.Rect)
}

// put takes over what changed. Pixels that are named as damaged but are as
// they were cost a comparison only.
func (s *surface) put(img *image.RGBA, damage []image.Rectangle) {
	if s.take(img, damage) {
		s.wakeAll()
	}
}

func (s *surface) take(img *image.RGBA, damage []image.Rectangle) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes[0] == 0 { // the first image counts as a change of everything
		for i := range s.changes {
			s.changes[i] = 1
		}
		damage, changed = []image.Rectangle{s.img.Rect}, true
	}
	for _, r := range damage {
		r = r.Intersect(s.img.Rect)
		if r.Empty() {
			continue
		}
		for y := r.Min.Y / tileSide; y <= (r.Max.Y-1)/tileSide; y++ {
			for x := r.Min.X / tileSide; x <= (r.Max.X-1)/tileSide; x++ {
				i := y*s.cols + x
				if copyChanged(s.img, img, r.Intersect(s.tile(i))) {
					s.changes[i]++
					changed = true
				}
			}
		}
	}
	return changed
}

// copyChanged copies r and tells whether it was different.
func copyChanged(dst, src *image.RGBA, r image.Rectangle) (changed bool) {
	n := 4 * r.Dx()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		at := src.PixOffset(r.Min.X+src.Rect.Min.X, y+src.Rect.Min.Y)
		from, to := src.Pix[at:at+n], dst.Pix[dst.PixOffset(r.Min.X, y):][:n]
		if !bytes.Equal(from, to) {
			copy(to, from)
			changed = true
		}
	}
	return changed
}

// watch has wake called upon at each change, until unwatch.
func (s *surface) watch(wake chan struct{}) {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	s.wakes[wake] = true
}

func (s *surface) unwatch(wake chan struct{}) {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	delete(s.wakes, wake)
}

func (s *surface) wakeAll() {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	for wake := range s.wakes {
		signal(wake)
	}
}

// signal fills a channel of one place.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// message makes the next message for a viewer that has been sent the changes
// in seen, which it brings up to date. It is nil when nothing is new.
func (s *surface) message(seen []uint64, sequence uint32) ([]byte, error) {
	s.encodeMu.Lock()
	defer s.encodeMu.Unlock()
	stale := s.copyStale(seen)
	if len(stale) == 0 {
		return nil, nil
	}
	out := make([]byte, messageHead, 4096)
	tiles := 0
	for _, t := range stale {
		if tiles > 0 && len(out) > messageMax {
			break
		}
		if s.made[t.index].change != t.change {
			png, err := s.encoder.encode(s.copied, s.tile(t.index))
			if err != nil {
				return nil, fmt.Errorf("web: tile %d: %w", t.index, err)
			}
			s.made[t.index] = madeTile{t.change, png}
		}
		out = appendTile(out, s.tile(t.index), s.made[t.index].png)
		seen[t.index] = t.change
		tiles++
	}
	out[0] = kindTiles
	if tiles < len(stale) {
		out[1] = flagMore
	}
	binary.BigEndian.PutUint16(out[2:], uint16(tiles))
	binary.BigEndian.PutUint32(out[4:], sequence)
	binary.BigEndian.PutUint16(out[8:], uint16(s.size.X))
	binary.BigEndian.PutUint16(out[10:], uint16(s.size.Y))
	return out, nil
}

// staleTile is a tile that a viewer does not have as it is now.
type staleTile struct {
	index  int
	change uint64
}

// copyStale finds what a viewer lacks and copies it, all at one moment, so that
// encoding it holds up nobody who draws.
func (s *surface) copyStale(seen []uint64) []staleTile {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stale []staleTile
	for i, change := range s.changes {
		if seen[i] == change {
			continue
		}
		stale = append(stale, staleTile{i, change})
		if s.made[i].change != change {
			copyOpaque(s.copied, s.img, s.tile(i))
		}
	}
	return stale
}

// copyOpaque copies r and drops what transparency there is: nothing lies
// behind a screen.
func copyOpaque(dst, src *image.RGBA, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := dst.Pix[dst.PixOffset(r.Min.X, y):][:4*r.Dx()]
		copy(row, src.Pix[src.PixOffset(r.Min.X, y):])
		for i := 3; i < len(row); i += 4 {
			row[i] = 0xFF
		}
	}
}

func appendTile(out []byte, r image.Rectangle, png []byte) []byte {
	for _, n := range []int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()} {
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	out = binary.BigEndian.AppendUint32(out, uint32(len(png)))
	return append(out, png...)
}

// errSize is an image that is not of the screen's size.
var errSize = errors.New("image is not of the screen's size")
