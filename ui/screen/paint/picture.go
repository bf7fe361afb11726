package paint

import (
	"image"
	"math"
	"path"
	"reflect"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"golang.org/x/image/draw"
)

// rasterMax bounds the pixels that a raster is asked for.
const rasterMax = 1 << 24

// filter is how a picture is scaled.
type filter uint8

const (
	filterSmooth filter = iota
	filterPixels
	filterFastest
)

func filterOf(s canvas.ImageScale) filter {
	switch s {
	case canvas.ImageScalePixels:
		return filterPixels
	case canvas.ImageScaleFastest:
		return filterFastest
	case canvas.ImageScaleSmooth:
	}
	return filterSmooth
}

// A source is where a picture's pixels come from. A new one is made when the
// object was refreshed or has another image, so its serial tells pixels apart.
type source struct {
	serial uint64
	frame  uint64 // in which it was seen last
	image  image.Image
	raster *canvas.Raster
}

// sourceOf returns an object's source and notes that it is still seen.
func (p *Painter) sourceOf(o fyne.CanvasObject, img image.Image, r *canvas.Raster) *source {
	s := p.sources[o]
	if s == nil || !same(s.image, img) {
		seen := s != nil && s.frame == p.frame
		p.serial++
		s = &source{serial: p.serial, image: img, raster: r}
		if seen {
			s.frame = p.frame
		}
		p.sources[o] = s
	}
	if s.frame != p.frame {
		s.frame = p.frame
		p.seen++
	}
	return s
}

// same tells whether two images are one. What is no pointer may not be
// comparable; only Refresh tells that it has changed.
func same(a, b image.Image) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && (t.Kind() != reflect.Pointer || a == b)
}

// forget drops the sources of objects that left the screen: they would keep
// alive whatever was ever shown.
func (p *Painter) forget() {
	if len(p.sources) == p.seen {
		return
	}
	for o, s := range p.sources {
		if s.frame != p.frame {
			delete(p.sources, o)
		}
	}
}

func (p *Painter) image(i *canvas.Image, pos fyne.Position, clip image.Rectangle) {
	img := i.Image
	if img == nil {
		return
	}
	// Go's Uniform is two thousand million pixels wide.
	from := img.Bounds().Intersect(image.Rect(-coordMax, -coordMax, coordMax, coordMax))
	if from.Empty() {
		return
	}
	box := p.place(pos, i.Size())
	if box.Empty() {
		return
	}
	o := op{kind: kindImage, box: box, alpha: opacity(i.Translucency), filter: filterOf(i.ScaleMode)}
	o.shape.rounded = float64(max(0, min(i.CornerRadius*p.scale, float32(min(box.Dx(), box.Dy()))/2)))
	switch i.FillMode {
	case canvas.ImageFillContain, canvas.ImageFillOriginal:
		o.box = contain(box, aspect(i))
	case canvas.ImageFillCover:
		from = crop(from, aspect(i), box)
	case canvas.ImageFillStretch:
	}
	if size := from.Size(); isSVG(i) && nearly(size, o.box.Size()) {
		o.box.Max = o.box.Min.Add(size)
	}
	// Asking for the aspect may refresh the picture, so its source comes last.
	o.source = p.sourceOf(i, i.Image, nil)
	p.picture(&o, from, clip)
}

// isSVG tells whether Fyne has drawn a picture for the place that it has.
func isSVG(i *canvas.Image) bool {
	return i.Resource != nil && strings.EqualFold(path.Ext(i.Resource.Name()), ".svg") && i.CornerRadius == 0
}

// nearly tells whether two sizes differ by a pixel at most. Fyne cuts off what is
// less than a pixel of an icon's size, and what is painted rounds it up; to
// scale an icon by a fortieth for that took a quarter of a new screen's time,
// and blurred it.
func nearly(a, b image.Point) bool {
	d := a.Sub(b)
	return max(d.X, -d.X) <= 1 && max(d.Y, -d.Y) <= 1
}

func (p *Painter) raster(r *canvas.Raster, pos fyne.Position, clip image.Rectangle) {
	box := p.place(pos, r.Size())
	if box.Empty() || r.Generator == nil || box.Dx()*box.Dy() > rasterMax {
		return
	}
	o := op{kind: kindRaster, box: box, alpha: opacity(r.Translucency), filter: filterOf(r.ScaleMode)}
	o.source = p.sourceOf(r, nil, r)
	p.picture(&o, image.Rectangle{}, clip)
}

// picture appends an operation whose pixels come from part of an image.
func (p *Painter) picture(o *op, from, clip image.Rectangle) {
	o.serial, o.area = o.source.serial, o.box
	o.cut = p.visible(o.box)
	o.shape.kind, o.shape.w, o.shape.h = o.kind, o.box.Dx(), o.box.Dy()
	// The part fits into the numbers that the other kinds use for points.
	o.shape.p = [4]float64{float64(from.Min.X), float64(from.Min.Y), float64(from.Max.X), float64(from.Max.Y)}
	if o.alpha != 0 {
		p.add(o, clip)
	}
}

func opacity(translucency float64) uint8 {
	return uint8(255*min(max(1-finite(translucency), 0), 1) + 0.5)
}

// aspect returns width to height as the picture's source has it. An SVG knows
// it better than its pixels.
func aspect(i *canvas.Image) float32 {
	if a := i.Aspect(); a > 0 && a < coordMax {
		return a
	}
	size := i.Image.Bounds().Size()
	return float32(size.X) / float32(size.Y)
}

// contain returns the largest box of an aspect in the middle of another.
func contain(box image.Rectangle, aspect float32) image.Rectangle {
	w, h := box.Dx(), box.Dy()
	if own := float32(w) / float32(h); own > aspect {
		w = int(float32(h) * aspect)
	} else if own < aspect {
		h = int(float32(w) / aspect)
	}
	at := box.Min.Add(image.Pt((box.Dx()-w)/2, (box.Dy()-h)/2))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}
}

// crop returns the middle of a picture, as much as has a box's aspect.
func crop(from image.Rectangle, aspect float32, box image.Rectangle) image.Rectangle {
	own := float32(box.Dx()) / float32(box.Dy())
	cut := from
	if own > aspect {
		n := int((1 - aspect/own) / 2 * float32(from.Dy()))
		cut.Min.Y, cut.Max.Y = from.Min.Y+n, from.Max.Y-n
	} else if own < aspect {
		n := int((1 - own/aspect) / 2 * float32(from.Dx()))
		cut.Min.X, cut.Max.X = from.Min.X+n, from.Max.X-n
	}
	if cut.Empty() {
		return from
	}
	return cut
}

func (p *Painter) drawPicture(dst *image.RGBA, clip image.Rectangle, o *op) {
	if o.kind == kindImage && o.shape.rounded < 0.5 && fits(o) {
		// Pixel for pixel: no copy is made.
		switch img := o.source.image.(type) {
		case *image.RGBA:
			blendRGBA(dst, clip, img, o.box.Min, o.alpha)
			return
		case *image.NRGBA:
			blendNRGBA(dst, clip, img, o.box.Min, o.alpha)
			return
		}
	}
	blendRGBA(dst, clip, p.pictureTexture(o), o.box.Min.Add(o.cut.Min), o.alpha)
}

// fits tells whether a picture is as large as its place, and all of it shown.
func fits(o *op) bool {
	b := o.source.image.Bounds()
	return b == part4(o.shape.p) && b.Size() == o.box.Size()
}

func part4(p [4]float64) image.Rectangle {
	return corners(int(p[0]), int(p[1]), int(p[2]), int(p[3]))
}

// pictureTexture returns a picture's pixels as they come onto the screen.
func (p *Painter) pictureTexture(o *op) *image.RGBA {
	k := textureKey{part: partPicture, shape: o.shape, cut: o.cut, serial: o.serial, filter: o.filter}
	if t := p.textures.get(&k); t != nil {
		return t.pixels
	}
	img, from := o.source.image, part4(o.shape.p)
	if r := o.source.raster; r != nil {
		img = r.Generator(o.shape.w, o.shape.h)
		if img != nil {
			from = img.Bounds().Intersect(image.Rect(-coordMax, -coordMax, coordMax, coordMax))
		}
	}
	pixels := image.NewRGBA(o.cut.Sub(o.cut.Min))
	if img != nil && !from.Empty() {
		to := image.Rect(0, 0, o.shape.w, o.shape.h).Sub(o.cut.Min)
		resize(pixels, to, img, from, o.filter)
		round4(pixels, to, o.shape.rounded)
	}
	p.textures.put(&k, &texture{pixels: pixels})
	return pixels
}

// smoothMax bounds what Go's smooth scaler may set aside: 32 bytes for each
// pixel of the new width in each row of the old height.
const smoothMax = 8 << 20

// resize draws part of a picture so that it fills a rectangle, of which dst
// may be a part.
func resize(dst *image.RGBA, to image.Rectangle, img image.Image, from image.Rectangle, f filter) {
	if from.Size() == to.Size() {
		draw.Draw(dst, to, img, from.Min, draw.Src)
		return
	}
	var scaler draw.Scaler = draw.CatmullRom
	switch f {
	case filterPixels:
		scaler = draw.NearestNeighbor
	case filterFastest:
		scaler = draw.ApproxBiLinear
	case filterSmooth:
		if int64(to.Dx())*int64(from.Dy()) > smoothMax/32 {
			scaler = draw.ApproxBiLinear
		}
	}
	scaler.Scale(dst, to, img, from, draw.Src, nil)
}

// round4 takes the corners off a picture.
func round4(dst *image.RGBA, place image.Rectangle, radius float64) {
	if radius < 0.5 {
		return
	}
	w, h := float64(place.Dx()), float64(place.Dy())
	for y := dst.Rect.Min.Y; y < dst.Rect.Max.Y; y++ {
		for x := dst.Rect.Min.X; x < dst.Rect.Max.X; x++ {
			px, py := float64(x-place.Min.X)+0.5, float64(y-place.Min.Y)+0.5
			dx, dy := max(radius-px, px-w+radius, 0), max(radius-py, py-h+radius, 0)
			if dx == 0 || dy == 0 {
				continue
			}
			keep := uint32(255*min(max(radius+0.5-math.Hypot(dx, dy), 0), 1) + 0.5)
			o := dst.PixOffset(x, y)
			for i, v := range dst.Pix[o : o+4] {
				dst.Pix[o+i] = uint8(mul(uint32(v), keep))
			}
		}
	}
}
