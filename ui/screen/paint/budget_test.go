package paint

import (
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// allocMax is the ceiling for a frame of the keypad. What there is comes from
// Fyne's Label, which makes its list of objects anew each time it is asked.
const allocMax = 10

func TestAllocations(t *testing.T) {
	s := keypad(720, 1280, 2)
	p, dst := newPainter(), s.image()
	s.paint(p, dst)
	up, down := color.Color(keyUp), color.Color(keyDown)
	face := s.roots[0].(*fyne.Container).Objects[0].(*fyne.Container).Objects[4].(*key).face
	got := testing.AllocsPerRun(100, func() {
		if face.FillColor == up {
			face.FillColor = down
		} else {
			face.FillColor = up
		}
		if len(s.paint(p, dst)) != 1 {
			t.Fatal("the key was not painted once")
		}
	})
	if got > allocMax {
		t.Errorf("%v allocations for a key press, want at most %d", got, allocMax)
	}
	if got := testing.AllocsPerRun(100, func() { s.paint(p, dst) }); got > allocMax {
		t.Errorf("%v allocations for a frame without change, want at most %d", got, allocMax)
	}
}

// noise is a picture that no other equals.
func noise(n, w, h int) image.Image {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i*n + i>>8)
	}
	return img
}

// TestTextureBudget: 200 dialogs, each with a picture, gradient, raster and
// shapes of its own, leave behind no more than the budget.
func TestTextureBudget(t *testing.T) {
	const budget = 1 << 20
	p := New(Opts{Cache: fonts, TextureMax: budget})
	dst := image.NewRGBA(image.Rect(0, 0, 720, 1280))
	most := 0
	var first, last runtime.MemStats
	for i := range 200 {
		content := container.NewVBox()
		for _, o := range []fyne.CanvasObject{
			canvas.NewImageFromImage(noise(i, 90, 60)),
			canvas.NewLinearGradient(color.Black, color.Gray{Y: uint8(i)}, 0),
			canvas.NewRaster(func(w, h int) image.Image { return noise(i, w, h) }),
			&canvas.Polygon{Sides: 5, FillColor: color.Black, Angle: float32(i)},
		} {
			content.Add(container.NewGridWrap(fyne.NewSize(300, 100+float32(i%20)), o))
		}
		content.Resize(content.MinSize())
		p.Paint(dst, 2, color.White, []fyne.CanvasObject{content})
		most = max(most, p.TextureBytes())
		if len(p.sources) != 2 {
			t.Fatalf("dialog %d: %d sources are remembered, want those of 2 pictures on the screen", i, len(p.sources))
		}
		if i == 20 {
			runtime.GC()
			runtime.ReadMemStats(&first)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&last)
	if most > budget || most < budget/2 {
		t.Errorf("at most %d bytes of textures were kept, want nearly %d", most, budget)
	}
	if grown := int64(last.HeapAlloc) - int64(first.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes over 180 dialogs, want at most 4 MB", grown)
	}
	runtime.KeepAlive(p)
}

// TestStore: the oldest go first, and what alone is too large never stays.
func TestStore(t *testing.T) {
	s := newStore(3 * (1000 + textureOverhead))
	put := func(n int, bytes int) {
		s.put(&textureKey{serial: uint64(n)}, &texture{mask: mask{pixels: make([]uint8, bytes)}})
	}
	has := func(n int) bool { return s.get(&textureKey{serial: uint64(n)}) != nil }
	for n := range 3 {
		put(n, 1000)
	}
	has(0) // now 1 is the oldest
	put(3, 1000)
	if !has(0) || has(1) || !has(2) || !has(3) {
		t.Errorf("kept 0: %v, 1: %v, 2: %v, 3: %v; want all but 1", has(0), has(1), has(2), has(3))
	}
	put(4, 1<<20)
	if has(4) || !has(0) {
		t.Errorf("kept the large one: %v, and 0: %v; want only the latter", has(4), has(0))
	}
	put(5, 3000)
	if has(0) || has(2) || has(3) || !has(5) || s.bytes != 3000+textureOverhead {
		t.Errorf("%d bytes are counted, want one texture's %d", s.bytes, 3000+textureOverhead)
	}
	s.empty()
	put(6, 10)
	if s.oldest != s.newest || !has(6) || has(5) {
		t.Errorf("an emptied store holds more than what was put in since")
	}
}

// TestNoFontScan: painting never looks for the system's fonts, which costs
// 25 MB and 40 ms. Fyne's text does, and leaves an index in the user's cache
// folder, so this test runs itself with an empty one.
func TestNoFontScan(t *testing.T) {
	switch os.Getenv("PAINT_FONT_SCAN") {
	case "ours":
		for _, s := range []*scene{keypad(360, 640, 1), dialog(360, 640, 1), list(360, 640, 1)} {
			s.paint(newPainter(), s.image())
		}
		return
	case "fyne":
		keypad(360, 640, 1).canvas.Capture()
		return
	}
	for _, c := range []struct {
		painter string
		scans   bool
	}{{"ours", false}, {"fyne", true}} {
		home := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoFontScan$")
		cmd.Env = append(os.Environ(), "PAINT_FONT_SCAN="+c.painter, "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"))
		if err := os.Mkdir(filepath.Join(home, "cache"), 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c.painter, err, out)
		}
		found, err := filepath.Glob(filepath.Join(home, "cache", "*font*"))
		if err != nil {
			t.Fatal(err)
		}
		if scans := len(found) > 0; scans != c.scans {
			t.Errorf("%s: left an index of the system's fonts: %v, want %v", c.painter, scans, c.scans)
		}
	}
}

// TestBadTrees: a tree may be odd in any way without harm.
func TestBadTrees(t *testing.T) {
	loop := container.NewWithoutLayout()
	loop.Add(loop)
	nan := float32(0)
	nan /= nan
	odd := canvas.NewRectangle(color.Black)
	odd.CornerRadius, odd.StrokeWidth, odd.StrokeColor, odd.Aspect = nan, nan, color.Black, nan
	odd.Resize(fyne.NewSize(nan, 1e30))
	huge := canvas.NewRadialGradient(color.Black, color.White)
	huge.Resize(fyne.NewSize(1e30, 1e30))
	line := canvas.NewLine(color.Black)
	line.StrokeWidth = 1e30
	line.Position2 = fyne.NewPos(1e30, -1e30)
	circle := canvas.NewCircle(color.Black)
	circle.Resize(fyne.NewSize(1e9, 1e9))
	text := canvas.NewText("x", color.Black)
	text.TextSize = nan
	large := canvas.NewText("x", color.Black)
	large.TextSize = 1e30
	raster := canvas.NewRaster(func(int, int) image.Image { return nil })
	raster.Resize(fyne.NewSize(10, 10))
	wide := canvas.NewRaster(func(int, int) image.Image { t.Error("asked for too many pixels"); return nil })
	wide.Resize(fyne.NewSize(1e9, 1e9))
	empty := canvas.NewImageFromImage(image.NewRGBA(image.Rectangle{}))
	empty.Resize(fyne.NewSize(10, 10))
	uniform := canvas.NewImageFromImage(image.NewUniform(color.Black))
	uniform.FillMode = canvas.ImageFillCover
	uniform.Resize(fyne.NewSize(10, 10))
	polygon := canvas.NewPolygon(1<<31, color.Black)
	polygon.Angle = nan
	polygon.Resize(fyne.NewSize(30, 30))
	arc := canvas.NewArc(-1e30, 1e30, nan, color.Black)
	arc.Resize(fyne.NewSize(30, 30))
	label := widget.NewLabel("hidden")
	label.Hide()
	roots := []fyne.CanvasObject{nil, loop, odd, huge, line, circle, text, large, raster, wide, empty, uniform, polygon, arc, label}
	for _, scale := range []float32{1, 0, -1, nan, 1e30} {
		for _, o := range roots {
			dst := image.NewRGBA(image.Rect(0, 0, 40, 30))
			p := newPainter()
			p.Paint(dst, scale, nil, []fyne.CanvasObject{o})
			if a := dst.RGBAAt(39, 29).A; a != 255 {
				t.Errorf("%T at scale %v: left a pixel with alpha %d, want 255", o, scale, a)
			}
		}
	}
	if got := newPainter().Paint(&image.RGBA{}, 1, nil, roots); got != nil {
		t.Errorf("damage %v on an empty image", got)
	}
}
