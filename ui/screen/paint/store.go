package paint

import (
	"image"
	"image/color"
)

// textureKey names what is costly to make by all that it follows from.
type textureKey struct {
	part   part
	shape  shape
	cut    image.Rectangle
	serial uint64 // of a picture
	filter filter
	a, b   color.RGBA // of a gradient
}

// A texture is a mask or pixels.
type texture struct {
	mask   mask
	pixels *image.RGBA

	key          textureKey
	newer, older *texture
}

func (t *texture) bytes() int {
	n := len(t.mask.pixels)
	if t.pixels != nil {
		n += len(t.pixels.Pix)
	}
	return n + textureOverhead
}

// textureOverhead is about what a texture takes besides its pixels.
const textureOverhead = 512

// A store keeps the textures used last, as many as fit into its bytes.
type store struct {
	bytes, bytesMax int
	all             map[textureKey]*texture
	newest, oldest  *texture
}

func newStore(bytesMax int) store {
	return store{bytesMax: bytesMax, all: map[textureKey]*texture{}}
}

func (s *store) empty() {
	clear(s.all)
	s.newest, s.oldest, s.bytes = nil, nil, 0
}

// get returns a texture and makes it the newest; nil if it is not kept.
func (s *store) get(k *textureKey) *texture {
	t := s.all[*k]
	if t != nil && t != s.newest {
		s.unlink(t)
		s.link(t)
	}
	return t
}

// put keeps a texture, and lets go of the oldest ones for it. One that alone
// is over the budget is not kept.
func (s *store) put(k *textureKey, t *texture) {
	n := t.bytes()
	if n > s.bytesMax {
		return
	}
	for s.oldest != nil && s.bytes+n > s.bytesMax {
		gone := s.oldest
		s.unlink(gone)
		delete(s.all, gone.key)
		s.bytes -= gone.bytes()
	}
	t.key = *k
	s.all[*k] = t
	s.link(t)
	s.bytes += n
}

func (s *store) link(t *texture) {
	t.newer, t.older = nil, s.newest
	if s.newest != nil {
		s.newest.newer = t
	}
	s.newest = t
	if s.oldest == nil {
		s.oldest = t
	}
}

func (s *store) unlink(t *texture) {
	if t.newer != nil {
		t.newer.older = t.older
	} else {
		s.newest = t.older
	}
	if t.older != nil {
		t.older.newer = t.newer
	} else {
		s.oldest = t.newer
	}
}
