package font

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

const megabyte = 1 << 20

func TestMeasure(t *testing.T) {
	c := NewCache(megabyte)
	width := func(text string, size float32) float32 {
		w, _, _ := c.Measure(text, size, false)
		return w
	}
	if a, b := width("中", 20), width("中文字", 20); a != 20 || b != 60 {
		t.Errorf("a Chinese character at 20 is %v wide and three %v, want 20 and 60", a, b)
	}
	for d := '1'; d <= '9'; d++ {
		if got, want := width(string(d), 31), width("0", 31); got != want {
			t.Errorf("%c is %v wide and 0 is %v: amounts would dance", d, got, want)
		}
	}
	if a, b := width("Total", 13.5), width("Total", 14); a >= b || a <= width("Total", 13) {
		t.Errorf("half sizes are not measured: 13.5 gives %v, 14 gives %v", a, b)
	}
	if a, b := width("a\r\n\x00b", 20), width("ab", 20); a != b {
		t.Errorf("controls are %v wide", a-b)
	}
	if a, b := width("a\tb", 20)-width("b", 20), width("    ", 20); a != b {
		t.Errorf("a tab ends at %v, want four spaces, %v", a, b)
	}
	if a, b := width("abcdefgh\t", 20), width("    ", 20); math.Mod(float64(a), float64(b)) != 0 || a <= width("abcdefgh", 20) {
		t.Errorf("a later tab ends at %v, want a multiple of %v", a, b)
	}
	_, ascent, descent := c.Measure("", 100, true)
	if ascent < 100 || ascent > 130 || descent < 20 || descent > 40 {
		t.Errorf("ascent %v and descent %v at 100", ascent, descent)
	}
}

// TestNoSize: what is no size measures nothing and draws nothing.
func TestNoSize(t *testing.T) {
	c := NewCache(megabyte)
	img := image.NewRGBA(image.Rect(0, 0, 50, 50))
	nan := float32(math.NaN())
	for _, size := range []float32{0, -3, nan, float32(math.Inf(-1))} {
		if w, a, d := c.Measure("text", size, false); w != 0 || a != 0 || d != 0 {
			t.Errorf("Measure at %v = %v, %v, %v, want nothing", size, w, a, d)
		}
		c.Draw(img, img.Rect, 0, 30, "text", size, false, color.Black)
	}
	for _, at := range []float32{nan, float32(math.Inf(1)), 1e30, -1e30} {
		c.Draw(img, img.Rect, at, 30, "text", 20, false, color.Black)
		c.Draw(img, img.Rect, 0, at, "text", 20, false, color.Black)
	}
	c.Draw(img, img.Rect, 0, 30, "text", 20, false, color.Transparent)
	if n := inked(img); n != 0 {
		t.Errorf("%d pixels drawn", n)
	}
	if w, _, _ := c.Measure("text", float32(math.Inf(1)), false); math.IsInf(float64(w), 0) || w <= 0 {
		t.Errorf("an endless size measures %v", w)
	}
}

func inked(img *image.RGBA) (n int) {
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] != 0 {
			n++
		}
	}
	return n
}

// TestDrawIsWhatWasMeasured: ink lies between origin and advance, above the
// baseline for letters without descenders, and bold has more of it.
func TestDrawIsWhatWasMeasured(t *testing.T) {
	c := NewCache(megabyte)
	var ink [2]int
	for i, bold := range []bool{false, true} {
		img := image.NewRGBA(image.Rect(0, 0, 400, 100))
		width, _, _ := c.Measure("HEX 中", 40, bold)
		c.Draw(img, img.Rect, 20, 60, "HEX", 40, bold, color.White)
		if ink[i] = inked(img); ink[i] < 300 {
			t.Fatalf("only %d pixels drawn", ink[i])
		}
		inside := image.Rect(20, 20, 20+int(width)+1, 60)
		for y := range 100 {
			for x := range 400 {
				if img.RGBAAt(x, y).A != 0 && !image.Pt(x, y).In(inside) {
					t.Fatalf("bold %v: ink at %d,%d is outside %v", bold, x, y, inside)
				}
			}
		}
	}
	if ink[1] < ink[0]*6/5 {
		t.Errorf("bold inks %d pixels, regular %d", ink[1], ink[0])
	}
}

// TestClips: a text drawn in pieces through clips equals the whole, byte by
// byte, and nothing outside a clip changes. Damage rectangles rest on it.
func TestClips(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c := NewCache(megabyte)
	for range 60 {
		bounds := image.Rect(-7, -5, 150, 60)
		whole, pieces := noise(bounds, 3), noise(bounds, 3)
		x, y := random.Float32()*80-30, random.Float32()*70-5
		size := 6 + random.Float32()*40
		ink := color.NRGBA{uint8(random.Uint32()), 99, 7, uint8(random.Uint32())}
		text := "Ag中文✔ fj,"
		c.Draw(whole, bounds.Inset(-9), x, y, text, size, false, ink)
		cx, cy := bounds.Min.X+random.IntN(bounds.Dx()), bounds.Min.Y+random.IntN(bounds.Dy())
		for _, clip := range []image.Rectangle{
			{bounds.Min, image.Pt(cx, cy)}, {image.Pt(cx, bounds.Min.Y), image.Pt(bounds.Max.X, cy)},
			{image.Pt(bounds.Min.X, cy), image.Pt(cx, bounds.Max.Y)}, {image.Pt(cx, cy), bounds.Max},
		} {
			before := bytes.Clone(pieces.Pix)
			c.Draw(pieces, clip, x, y, text, size, false, ink)
			outside(t, pieces, before, clip)
		}
		if !bytes.Equal(whole.Pix, pieces.Pix) {
			t.Fatalf("drawn in pieces at %d,%d differs (text at %v,%v size %v)", cx, cy, x, y, size)
		}
	}
}

// outside fails when a pixel beyond the clip is not what it was.
func outside(t *testing.T, img *image.RGBA, before []byte, clip image.Rectangle) {
	t.Helper()
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			i := img.PixOffset(x, y)
			if !image.Pt(x, y).In(clip) && !bytes.Equal(img.Pix[i:i+4], before[i:i+4]) {
				t.Fatalf("pixel %d,%d changed outside %v", x, y, clip)
			}
		}
	}
}

// noise returns a premultiplied picture that is the same for the same seed.
func noise(r image.Rectangle, seed uint64) *image.RGBA {
	random := rand.New(rand.NewPCG(seed, seed))
	img := image.NewRGBA(r)
	for i := 0; i < len(img.Pix); i += 4 {
		a := random.IntN(256)
		for j := range 3 {
			img.Pix[i+j] = uint8(random.IntN(a + 1))
		}
		img.Pix[i+3] = uint8(a)
	}
	return img
}

// TestBlend compares with compositing computed without rounding: every alpha
// of ink meets every cover, and no byte is more than one step of 255 apart.
func TestBlend(t *testing.T) {
	m := &mask{size: image.Pt(256, 1), cover: make([]byte, 256)}
	for i := range m.cover {
		m.cover[i] = uint8(i)
	}
	row := image.Rect(0, 0, 256, 1)
	for a := range 256 {
		c := color.NRGBA{uint8(255 - a), 200, uint8(a / 2), uint8(a)}
		got, before := noise(row, 9), noise(row, 9)
		inkOf(c).blend(got, got.Rect, m, image.Point{})
		r, g, b, full := c.RGBA()
		for i := range got.Pix {
			ink := []uint32{r, g, b, full}[i%4]
			cover := float64(i/4) / 255
			want := float64(ink>>8)*cover + float64(before.Pix[i])*(1-float64(full>>8)/255*cover)
			if math.Abs(float64(got.Pix[i])-want) > 1 {
				t.Fatalf("alpha %d, byte %d is %d, want %.2f", a, i, got.Pix[i], want)
			}
		}
		odd := image.RGBA{Pix: append(make([]byte, 1, 2000), noise(row, 9).Pix...)[1:], Stride: 1024, Rect: row}
		inkOf(c).blend(&odd, row, m, image.Point{})
		if !bytes.Equal(odd.Pix, got.Pix) {
			t.Fatalf("alpha %d: a picture at an odd address gets other pixels", a)
		}
		for i := 0; i < len(got.Pix); i += 4 {
			if p := got.Pix[i : i+4]; max(p[0], p[1], p[2]) > p[3] {
				t.Fatalf("alpha %d: pixel %v is no longer premultiplied", a, p)
			}
		}
	}
	opaque := noise(row, 9)
	inkOf(color.White).blend(opaque, row, m, image.Point{})
	if p := opaque.RGBAAt(255, 0); p != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("white ink that covers all gives %v", p)
	}
}

// TestPhases: a quarter of a pixel moves ink, less does not.
func TestPhases(t *testing.T) {
	c := NewCache(megabyte)
	picture := func(x float32) []byte {
		img := image.NewRGBA(image.Rect(0, 0, 30, 30))
		c.Draw(img, img.Rect, x, 20, "l", 20, false, color.Black)
		return img.Pix
	}
	if !bytes.Equal(picture(5), picture(5.05)) {
		t.Error("a twentieth of a pixel shows")
	}
	for i := range phases {
		x := 5 + float32(i)/phases
		if bytes.Equal(picture(x), picture(x+1.0/phases)) {
			t.Errorf("%v and a quarter more look the same", x)
		}
	}
}

// TestBudget: however much is drawn, the Cache stays within its budget, and
// what was dropped looks the same when drawn again.
func TestBudget(t *testing.T) {
	c := NewCache(200 << 10)
	img := image.NewRGBA(image.Rect(0, 0, 300, 80))
	picture := func() []byte {
		clear(img.Pix)
		c.Draw(img, img.Rect, 3, 50, "请插卡 Insert", 31, true, color.Black)
		return bytes.Clone(img.Pix)
	}
	first := picture()
	most := 0
	for i := range 2000 {
		c.Draw(img, img.Rect, 0, 50, fmt.Sprintf("%d %c%c", i, 0x4e00+i, 0x5e00+i), 10+float32(i%50), i%2 == 0, color.Black)
		most = max(most, c.Bytes())
	}
	if most > 200<<10 || most < 100<<10 {
		t.Errorf("the cache grew to %d bytes, want between half and all of %d", most, 200<<10)
	}
	if !bytes.Equal(first, picture()) {
		t.Error("drawn again after it was dropped it looks different")
	}
	c.Clear()
	if n := c.Bytes(); n != 0 {
		t.Errorf("%d bytes after Clear", n)
	}
	if !bytes.Equal(first, picture()) {
		t.Error("drawn again after Clear it looks different")
	}
}

// TestNoAllocation: what was measured and drawn once costs none.
func TestNoAllocation(t *testing.T) {
	c := NewCache(megabyte)
	img := image.NewRGBA(image.Rect(0, 0, 400, 60))
	var ink color.Color = color.NRGBA{10, 20, 30, 255}
	n := testing.AllocsPerRun(100, func() {
		c.Measure("Total 合计 ¥12.00", 24, true)
		c.Draw(img, img.Rect, 3.3, 40, "Total 合计 ¥12.00", 24, true, ink)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTogether: several goroutines use one Cache; the race detector watches,
// and all see the same picture.
func TestTogether(t *testing.T) {
	c := NewCache(bytesMin)
	var group sync.WaitGroup
	pictures := make([]*image.RGBA, 4)
	for i := range pictures {
		pictures[i] = image.NewRGBA(image.Rect(0, 0, 200, 40))
		group.Go(func() {
			for size := range 20 {
				c.Draw(pictures[i], pictures[i].Rect, 0, 30, "Together 一起", float32(8+size), false, color.Black)
			}
		})
	}
	group.Wait()
	for _, p := range pictures[1:] {
		if !bytes.Equal(p.Pix, pictures[0].Pix) {
			t.Error("two goroutines drew different pictures")
		}
	}
}

func TestGenerations(t *testing.T) {
	g := generations[int, int]{bytesMax: 100}
	has := func(key int) bool { v, ok := g.get(key); return ok && v == key*10 }
	for i := range 5 {
		g.put(i, i*10, 10) // fills the young half
	}
	g.put(5, 50, 10) // 0 to 4 are old now
	if !has(0) || !has(5) {
		t.Fatal("0 or 5 is gone")
	}
	for i := 6; i < 10; i++ {
		g.put(i, i*10, 10) // 5, 0, 6, 7, 8 are old; 1 to 4 are dropped
	}
	for i, want := range []bool{true, false, false, false, false, true, true, true, true, true} {
		if has(i) != want {
			t.Errorf("%d is there: %v, want %v", i, !want, want)
		}
	}
	if g.bytes() > 100 {
		t.Errorf("%d bytes of 100", g.bytes())
	}
	g.put(77, 770, 51)
	if has(77) {
		t.Error("an entry of more than half the budget is kept")
	}
	again := generations[int, int]{bytesMax: 100}
	again.put(1, 5, 10)
	again.put(1, 10, 20)
	if n := again.bytes(); n != 20 || len(again.young) != 1 {
		t.Errorf("a key put again counts %d bytes, want 20", n)
	}
}

func FuzzDraw(f *testing.F) {
	f.Add("Total ¥12.00\t合计", float32(24), float32(3.5), float32(20), true)
	f.Add("a\u0301\u200d\u00ad\xff\x00한😀", float32(0.02), float32(-1e6), float32(1e6), false)
	f.Add("⌫✔●", float32(99), float32(-200), float32(400), false)
	c := NewCache(bytesMin)
	f.Fuzz(func(t *testing.T, text string, size, x, y float32, bold bool) {
		if len(text) > 200 || size > 100 {
			t.Skip("long and large is slow")
		}
		img := noise(image.Rect(0, 0, 64, 48), 1)
		before := bytes.Clone(img.Pix)
		clip := image.Rect(8, 8, 40, 30)
		c.Draw(img, clip, x, y, text, size, bold, color.NRGBA{1, 2, 3, 200})
		outside(t, img, before, clip)
		width, ascent, descent := c.Measure(text, size, bold)
		if width < 0 || ascent < 0 || descent < 0 {
			t.Errorf("Measure(%q, %v) = %v, %v, %v", text, size, width, ascent, descent)
		}
		if n := c.Bytes(); n > bytesMin {
			t.Errorf("%d bytes, the budget is %d", n, bytesMin)
		}
	})
}

// TestLarge: the largest size draws, and leaves no large buffers behind.
func TestLarge(t *testing.T) {
	c := NewCache(megabyte)
	img := image.NewRGBA(image.Rect(0, 0, 100, 100))
	c.Draw(img, img.Rect, -300, 800, "中", 1e9, false, color.Black)
	if n := inked(img); n == 0 || n == 100*100 {
		t.Errorf("%d pixels of a glyph of %d", n, sizeMax)
	}
	if n := c.Bytes(); n > megabyte/4 {
		t.Errorf("%d bytes are kept", n)
	}
	if s := c.raster.Size(); s.X*s.Y > bufferMax {
		t.Errorf("the rasteriser keeps a buffer for %v", s)
	}
}
