package font

import (
	"image"
	"image/color"
	"iter"
	"strings"
	"unicode"
)

// Bounds of what Raster draws: a printer's line has at most some thousand
// dots, and a slip is shorter than ten metres.
const (
	widthDotsMax  = 8192
	heightDotsMax = 1 << 16
)

// Raster draws text black on white in a picture of widthDots, for a printer
// whose own character set lacks it. Lines end at a line break, and where they
// would pass the right edge: behind the last space, or between any two
// characters where there is none, as Chinese is written. The picture is as
// high as its lines; with no width or size it is empty.
func Raster(text string, widthDots, sizePx int, bold bool) *image.Gray {
	if widthDots <= 0 || sizePx <= 0 {
		return image.NewGray(image.Rectangle{})
	}
	widthDots, sizePx = min(widthDots, widthDotsMax), min(sizePx, sizeMax)
	c := NewCache(bytesMin)
	_, ascent, descent := c.Measure("", float32(sizePx), bold)
	lineHeight := int(ascent+descent) + 1
	fits := func(s string) bool {
		width, _, _ := c.Measure(s, float32(sizePx), bold)
		return width <= float32(widthDots)
	}
	lines := wrap(text, heightDotsMax/lineHeight, fits)
	img := image.NewRGBA(image.Rect(0, 0, widthDots, lineHeight))
	out := image.NewGray(image.Rect(0, 0, widthDots, lineHeight*len(lines)))
	for i, l := range lines {
		clear(img.Pix)
		c.Draw(img, img.Rect, 0, ascent, l, float32(sizePx), bold, color.Black)
		row := out.Pix[i*lineHeight*out.Stride:][:lineHeight*out.Stride]
		for j := range row {
			row[j] = 255 - img.Pix[4*j+3]
		}
	}
	return out
}

// wrap breaks text into at most linesMax lines that fit.
func wrap(text string, linesMax int, fits func(string) bool) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		for {
			if len(lines) == linesMax {
				return lines
			}
			head, rest := breakLine(paragraph, fits)
			lines = append(lines, head)
			if rest == "" {
				break
			}
			paragraph = rest
		}
	}
	return lines
}

// breakLine returns as much of the text as fits, at least one character, and
// what follows on the next line.
func breakLine(text string, fits func(string) bool) (head, rest string) {
	// The widest prefix that fits, by bisection over the characters' ends:
	// measuring every prefix of a long text would take its square.
	var ends []int
	for i := range text {
		if i > 0 {
			ends = append(ends, i)
		}
	}
	ends = append(ends, len(text))
	low, high := 0, min(len(ends)-1, widthDotsMax)
	for low < high {
		mid := (low + high + 1) / 2
		if fits(text[:ends[mid]]) {
			low = mid
		} else {
			high = mid - 1
		}
	}
	end := ends[low]
	if end == len(text) {
		return text, ""
	}
	if next := []rune(text[end:])[0]; !unicode.IsSpace(next) && !unicode.Is(unicode.Han, next) {
		if space := strings.LastIndexByte(text[:end], ' '); space > 0 {
			end = space + 1
		}
	}
	return strings.TrimRight(text[:end], " "), strings.TrimLeft(text[end:], " ")
}

// blackBelow is the grey below which a dot is printed. Strokes of small text
// often cover no dot by half; paper shows a dot larger than its square anyway.
const blackBelow = 144

// Dots is a picture of one bit a dot, as printers take it: rows of whole bytes,
// the leftmost dot in the highest bit, 1 for black.
type Dots struct {
	Width, Height int
	Bits          []byte // (Width+7)/8 bytes a row
}

// Pack turns a grey picture into dots. Bits beyond the right edge are 0.
func Pack(img *image.Gray) Dots {
	size := img.Rect.Size()
	stride := (size.X + 7) / 8
	d := Dots{Width: size.X, Height: size.Y, Bits: make([]byte, stride*size.Y)}
	for y := range size.Y {
		row := d.Bits[y*stride : (y+1)*stride]
		for x, grey := range img.Pix[y*img.Stride:][:size.X] {
			if grey < blackBelow {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	return d
}

// Black tells whether a dot is printed. What lies outside is white.
func (d Dots) Black(x, y int) bool {
	if x < 0 || y < 0 || x >= d.Width || y >= d.Height {
		return false
	}
	return d.Bits[y*((d.Width+7)/8)+x/8]&(0x80>>(x%8)) != 0
}

// Bands cuts the picture into bands of at most rowsMax rows, from the top:
// a printer's memory holds no whole slip. They share the picture's bits.
func (d Dots) Bands(rowsMax int) iter.Seq[Dots] {
	rowsMax = max(rowsMax, 1)
	stride := (d.Width + 7) / 8
	return func(yield func(Dots) bool) {
		for y := 0; y < d.Height; y += rowsMax {
			rows := min(rowsMax, d.Height-y)
			if !yield(Dots{d.Width, rows, d.Bits[y*stride:][:rows*stride]}) {
				return
			}
		}
	}
}
