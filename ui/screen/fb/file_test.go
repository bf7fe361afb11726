package fb

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

func read(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestFile: the newest picture is in the file after Close, made of all parts
// presented, and nothing lies beside it.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "screen.png")
	f, err := NewFile(path, image.Pt(8, 6))
	if err != nil {
		t.Fatal(err)
	}
	if f.Size() != image.Pt(8, 6) {
		t.Errorf("size %v", f.Size())
	}
	img := image.NewRGBA(image.Rect(0, 0, 8, 6))
	red, green := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 200, 0, 255}
	img.SetRGBA(1, 1, red)
	img.SetRGBA(7, 5, red)
	if err := f.Present(img, []image.Rectangle{image.Rect(0, 0, 3, 3)}); err != nil {
		t.Fatal(err)
	}
	img.SetRGBA(1, 1, green) // not damaged: stays red in the file
	if err := f.Present(img, []image.Rectangle{image.Rect(6, 4, 99, 99), {}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	got := read(t, path)
	for p, want := range map[image.Point]color.RGBA{{1, 1}: red, {7, 5}: red, {4, 2}: {0, 0, 0, 255}} {
		if c := color.RGBAModel.Convert(got.At(p.X, p.Y)); c != want {
			t.Errorf("pixel %v is %v, want %v", p, c, want)
		}
	}
	if err := f.Present(img, []image.Rectangle{img.Rect}); !errors.Is(err, ErrClosed) {
		t.Errorf("Present after Close: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("beside the picture lie %v (%v)", names, err)
	}
}

// TestFileFails: a picture that cannot be written is told, and the parts in
// it are not lost for the next.
func TestFileFails(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "screens")
	path := filepath.Join(folder, "screen.png")
	if _, err := NewFile(path, image.Pt(2, 2)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder gives %v", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := NewFile(path, image.Pt(2, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, 2, 2))
	// The write's error comes with a later Present or with Close.
	err = errors.Join(f.Present(img, []image.Rectangle{img.Rect}), f.Close())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is gone gives %v", err)
	}
	for _, size := range []image.Point{{}, {-1, 5}, {5, sideMax + 1}} {
		if _, err := NewFile("x.png", size); !errors.Is(err, ErrFormat) {
			t.Errorf("size %v gives %v", size, err)
		}
	}
}
