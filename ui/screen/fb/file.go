package fb

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"sync"
)

// A File is an output that keeps its newest picture in a PNG file, for a
// board without a panel and for looking into one from afar. Present only
// copies; a goroutine writes, and skips pictures that are already outdated.
type File struct {
	path string
	wake chan struct{} // holds one: there is a picture to write
	done chan struct{} // closed when the writer has ended

	mu     sync.Mutex
	img    *image.RGBA
	err    error // of the last write, not yet told
	closed bool
}

// NewFile returns an output of some size whose pictures go to the file at
// path. It is replaced as a whole, so a reader never sees half a picture.
func NewFile(path string, size image.Point) (*File, error) {
	if size.X <= 0 || size.Y <= 0 || size.X > sideMax || size.Y > sideMax {
		return nil, fmt.Errorf("fb: %s: %w: %d × %d pixels", path, ErrFormat, size.X, size.Y)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("fb: folder of the picture: %w", err)
	}
	f := &File{
		path: path, wake: make(chan struct{}, 1), done: make(chan struct{}),
		img: image.NewRGBA(image.Rectangle{Max: size}),
	}
	for i := 3; i < len(f.img.Pix); i += 4 {
		f.img.Pix[i] = 255 // as black as a panel that nothing was shown on
	}
	go f.write()
	return f, nil
}

// Size is the size of the picture.
func (f *File) Size() image.Point { return f.img.Rect.Max }

// Present takes the damaged parts over. It returns the error of a write that
// has failed since the last call.
func (f *File) Present(img *image.RGBA, damage []image.Rectangle) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	changed := false
	for _, r := range damage {
		r = r.Intersect(img.Rect).Intersect(f.img.Rect)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			to, from := f.img.PixOffset(r.Min.X, y), img.PixOffset(r.Min.X, y)
			copy(f.img.Pix[to:to+4*r.Dx()], img.Pix[from:])
			changed = true
		}
	}
	if changed {
		select {
		case f.wake <- struct{}{}:
		default: // the writer has not begun with the one before
		}
	}
	err := f.err
	f.err = nil
	return err
}

// Close writes what is still to be written and ends.
func (f *File) Close() error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.wake)
	}
	f.mu.Unlock()
	<-f.done
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.err
	f.err = nil
	return err
}

func (f *File) write() {
	defer close(f.done)
	picture := image.NewRGBA(f.img.Rect)
	for range f.wake {
		f.mu.Lock()
		copy(picture.Pix, f.img.Pix)
		f.mu.Unlock()
		if err := replace(f.path, picture); err != nil {
			f.mu.Lock()
			f.err = fmt.Errorf("fb: %w", err)
			f.mu.Unlock()
		}
	}
}

// replace writes a picture beside the file and moves it into its place.
func replace(path string, img image.Image) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	w := bufio.NewWriter(tmp)
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := errors.Join(encoder.Encode(w, img), w.Flush(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
