package font

import (
	"image"
	"image/color"
	"math"
	"sync"

	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// sizeMax is the largest size drawn, in pixels an em. An amount that fills a
// panel of 1280 pixels is at a fifth of it.
const sizeMax = 2048

// bytesMin is the smallest budget: it holds one screen's text, so that a Cache
// with too small a budget is slow but does not fill and empty on every frame.
const bytesMin = 64 << 10

// A Cache measures and draws text. It keeps shaped lines and glyph masks
// within a budget of bytes; what it has seen lately costs no allocation and no
// shaping. It may be used by several goroutines, one at a time inside.
type Cache struct {
	mu    sync.Mutex
	faces [2]*face

	lines generations[lineKey, *line]
	masks generations[maskKey, *mask]

	raster vector.Rasterizer // reused: it keeps its buffer
}

// NewCache returns an empty Cache that keeps at most about bytesMax bytes: a
// third for lines, the rest for masks. A full screen of 720×1280 with Chinese
// text needs some 300 KB. Less than 64 KB is taken as 64 KB.
func NewCache(bytesMax int) *Cache {
	bytesMax = max(bytesMax, bytesMin)
	c := &Cache{}
	c.lines.bytesMax = bytesMax / 3
	c.masks.bytesMax = bytesMax - bytesMax/3
	return c
}

// Measure returns the size of one line of text: how far it advances, and how
// far the face reaches above and below the baseline, which is the same for
// every text of a size. Sizes are counted in 64ths of a pixel, as Fyne has
// them. A tab moves to the next multiple of four spaces; other control
// characters count for nothing, so a line break does not break.
func (c *Cache) Measure(text string, sizePx float32, bold bool) (width, ascent, descent float32) {
	size, ok := toSize(sizePx)
	if !ok {
		return 0, 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.face(bold)
	ascent, descent = f.metrics(size)
	if text == "" {
		return 0, ascent, descent
	}
	return toFloat(c.line(text, size, bold).width), ascent, descent
}

// Draw draws one line of text over dst with its origin at x and the baseline,
// in pixels of dst, and touches nothing outside clip. The origin is taken in
// quarters of a pixel across and in whole pixels down.
func (c *Cache) Draw(dst *image.RGBA, clip image.Rectangle, x, baseline float32, text string, sizePx float32, bold bool, col color.Color) {
	size, ok := toSize(sizePx)
	clip = clip.Intersect(dst.Rect)
	if !ok || text == "" || clip.Empty() || !inReach(x) || !inReach(baseline) {
		return
	}
	ink := inkOf(col)
	if ink.alpha == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eachMask(text, size, bold, x, baseline, clip, func(m *mask, at image.Point) {
		ink.blend(dst, clip, m, at)
	})
}

// Bytes returns about how many bytes the Cache holds now.
func (c *Cache) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines.bytes() + c.masks.bytes()
}

// Clear empties the Cache, for example after a change of scale.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines.clear()
	c.masks.clear()
}

// eachMask calls do with every glyph of the text that may touch clip, and with
// the point of the picture where the mask's upper left corner lies. It stops
// behind clip's right edge.
func (c *Cache) eachMask(text string, size fixed.Int26_6, bold bool, x, baseline float32, clip image.Rectangle, do func(*mask, image.Point)) {
	l := c.line(text, size, bold)
	left, top := fixed.Int26_6(math.Round(float64(x)*64)), int(math.Round(float64(baseline)))
	// A glyph reaches at most some ems beyond its origin on either side.
	reach := 2*int(size>>6) + 2
	if top+reach < clip.Min.Y || top-reach > clip.Max.Y {
		return
	}
	for _, g := range l.glyphs {
		at := left + g.x + phaseStep/2
		px, phase := int(at>>6), uint8((at&63)/phaseStep)
		if px+reach < clip.Min.X {
			continue
		}
		if px-reach > clip.Max.X {
			return
		}
		m := c.mask(g.id, size, phase, bold)
		if m.size.X == 0 {
			continue
		}
		do(m, m.origin.Add(image.Pt(px, top-g.y)))
	}
}

// face returns the face of a weight, which is parsed when first used.
func (c *Cache) face(bold bool) *face {
	w := weight(bold)
	if c.faces[w] == nil {
		c.faces[w] = newFace(parsed[w]())
	}
	return c.faces[w]
}

// toSize counts a size in 64ths of a pixel. What is no size is not ok.
func toSize(px float32) (fixed.Int26_6, bool) {
	if !(px >= 1.0/64) { // NaN too
		return 0, false
	}
	return fixed.Int26_6(min(px, sizeMax) * 64), true
}

// inReach tells whether a coordinate can be counted in 26.6: NaN and what lies
// far outside every picture cannot.
func inReach(v float32) bool { return v > -1<<20 && v < 1<<20 }

func toFloat(v fixed.Int26_6) float32 { return float32(v) / 64 }
