package screen

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
)

// An Output shows pixels.
type Output interface {
	// Size is the number of pixels across and down. It does not change.
	Size() image.Point
	// Present shows img, of which only the damaged parts differ from the time
	// before. It is called on the UI goroutine and must be quick; neither img
	// nor damage may be kept or changed after it returns. After an error the
	// next frame is presented as a whole.
	Present(img *image.RGBA, damage []image.Rectangle) error
	// Close gives the device back.
	Close() error
}

// A Mirror shows what is on a display once more, and may touch it: a browser
// beside the panel. Its pixels are the picture's, upright however the panel is
// mounted.
type Mirror interface {
	Output
	Input
}

// A Painter turns trees of Fyne objects into pixels and remembers what it has
// painted. Each display has its own. Package paint has the one that we use.
type Painter interface {
	// Paint brings dst up to date with the roots, which it draws in order on
	// the background, and returns the parts that it changed.
	Paint(dst *image.RGBA, scale float32, background color.Color, roots []fyne.CanvasObject) []image.Rectangle
	// Refresh says that an object was changed in place, such as the pixels of
	// an image, which cannot be seen by comparing.
	Refresh(o fyne.CanvasObject)
	// Invalidate makes the next Paint draw everything.
	Invalidate()
}

// Memory is an Output that keeps the picture, for tests and for snapshots.
type Memory struct {
	// Image is the picture as it would be on the panel.
	Image *image.RGBA
	// Presents counts the calls of Present, Damage holds the last one's parts.
	Presents int
	Damage   []image.Rectangle
}

// NewMemory returns a black picture.
func NewMemory(width, height int) *Memory {
	return &Memory{Image: image.NewRGBA(image.Rect(0, 0, width, height))}
}

// Size is the size of the picture.
func (m *Memory) Size() image.Point { return m.Image.Bounds().Size() }

// Present copies the damaged parts.
func (m *Memory) Present(img *image.RGBA, damage []image.Rectangle) error {
	for _, r := range damage {
		r = r.Intersect(m.Image.Bounds()).Intersect(img.Bounds())
		for y := r.Min.Y; y < r.Max.Y; y++ {
			copy(m.Image.Pix[m.Image.PixOffset(r.Min.X, y):m.Image.PixOffset(r.Max.X-1, y)+4], img.Pix[img.PixOffset(r.Min.X, y):])
		}
	}
	m.Presents++
	m.Damage = append(m.Damage[:0], damage...)
	return nil
}

// Close does nothing.
func (m *Memory) Close() error { return nil }
