package web

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
)

// encoder makes PNGs of tiles. Most tiles of a user interface have few colours,
// and a palette then makes them a third as long and twice as fast to make as
// true colour does.
type encoder struct {
	buf     bytes.Buffer
	pool    pngBuffer
	indexed image.Paletted
	palette color.Palette
	keys    [paletteSlots]uint32 // open addressing; 0 is free, for colours are opaque
	index   [paletteSlots]uint8
}

const (
	paletteSlots  = 1024
	paletteColors = 256
)

// pngBuffer keeps the one set of buffers that png works with.
type pngBuffer struct{ b *png.EncoderBuffer }

func (p *pngBuffer) Get() *png.EncoderBuffer  { return p.b }
func (p *pngBuffer) Put(b *png.EncoderBuffer) { p.b = b }

// encode returns the PNG of r, which is opaque.
func (e *encoder) encode(img *image.RGBA, r image.Rectangle) ([]byte, error) {
	tile := img.SubImage(r)
	if e.count(img, r) {
		tile = &e.indexed
	}
	e.buf.Reset()
	enc := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &e.pool}
	if err := enc.Encode(&e.buf, tile); err != nil {
		return nil, err
	}
	return bytes.Clone(e.buf.Bytes()), nil
}

// count fills the indexed image, unless there are too many colours.
func (e *encoder) count(img *image.RGBA, r image.Rectangle) bool {
	clear(e.keys[:])
	e.palette = e.palette[:0]
	if e.indexed.Pix == nil {
		e.indexed.Pix = make([]uint8, tileSide*tileSide)
	}
	e.indexed.Rect, e.indexed.Stride = image.Rectangle{Max: r.Size()}, r.Dx()
	at, last, lastIndex := 0, uint32(0), uint8(0)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):][:4*r.Dx()]
		for ; len(row) >= 4; row = row[4:] {
			c := binary.LittleEndian.Uint32(row)
			if c != last {
				i, ok := e.lookUp(c)
				if !ok {
					return false
				}
				last, lastIndex = c, i
			}
			e.indexed.Pix[at] = lastIndex
			at++
		}
	}
	e.indexed.Palette = e.palette
	return true
}

// lookUp returns a colour's place in the palette, a new one if need be.
func (e *encoder) lookUp(c uint32) (uint8, bool) {
	slot := (c * 0x9E3779B1) >> 22 // ten bits of a Fibonacci hash
	for e.keys[slot] != 0 {
		if e.keys[slot] == c {
			return e.index[slot], true
		}
		slot = (slot + 1) % paletteSlots
	}
	if len(e.palette) == paletteColors {
		return 0, false
	}
	e.keys[slot], e.index[slot] = c, uint8(len(e.palette))
	e.palette = append(e.palette, color.RGBA{uint8(c), uint8(c >> 8), uint8(c >> 16), 0xFF})
	return e.index[slot], true
}
