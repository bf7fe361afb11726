package fb

import (
	"errors"
	"image"
	"sync"
)

// memoryMax is the most memory of a panel that is mapped: several pictures of
// the largest one sold for tills.
const memoryMax = 256 << 20

// A panel is a surface in a device's mapped memory. It is closed by another
// goroutine than the one that draws, so a mutex keeps late writes off memory
// that is no longer mapped: those would end the program.
type panel struct {
	dev         kernel
	millimetres image.Point

	mu      sync.Mutex
	surface surface
	mapped  []byte            // nil once closed
	written []image.Rectangle // reused
}

// Size is the number of pixels across and down.
func (p *panel) Size() image.Point { return p.surface.size }

// Millimetres is the picture's size as the panel tells it, from which its dots
// per inch follow. It is zero when the panel does not say.
func (p *panel) Millimetres() image.Point { return p.millimetres }

// show writes the damaged parts and returns them, until it is called again.
func (p *panel) show(img *image.RGBA, damage []image.Rectangle) ([]image.Rectangle, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mapped == nil {
		return nil, ErrClosed
	}
	p.written = p.surface.put(p.written[:0], img, damage)
	return p.written, nil
}

// close runs restore and gives the memory and the device back, once.
func (p *panel) close(restore func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mapped == nil {
		return nil
	}
	return errors.Join(restore(), p.unmap(), p.dev.Close())
}

func (p *panel) unmap() error {
	mapped := p.mapped
	p.mapped, p.surface.memory = nil, nil
	return p.dev.munmap(mapped)
}

// lengthMax is above any real panel's side, in millimetres. Cheap ones tell
// nonsense, and kernels tell -1 for what they do not know.
const lengthMax = 3000

func millimetres(width, height uint32) image.Point {
	if width == 0 || height == 0 || width > lengthMax || height > lengthMax {
		return image.Point{}
	}
	return image.Pt(int(width), int(height))
}
