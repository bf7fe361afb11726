package ui

import (
	"image"
	"image/color"
	"image/draw"
	"path/filepath"
	"testing"
)

// sheetFile is the contact sheet that the README shows.
const sheetFile = "../docs/screens.png"

// sheetBands are its rows: golden images side by side, made smaller.
var sheetBands = []struct {
	prefix string
	shrink int
	scenes []string
}{
	{"720x1280-en-", 4, []string{"idle", "amount", "present", "card-tapped", "pin-again", "approved-tapped"}},
	{"720x1280-zh-", 4, []string{"declined", "in-doubt", "history", "record", "receipt", "devices"}},
	{"800x480-en-", 3, []string{"amount", "present-see-phone", "approved", "declined"}},
	{"720x1280-dark-", 4, []string{"idle-faults", "amount", "choose", "tap-again", "approved", "cancelled"}},
}

// TestContactSheet makes the sheet from the golden images, or shows that it was
// made from these.
func TestContactSheet(t *testing.T) {
	const margin, width = 12, 6*(180+12) + 12
	sheet := image.NewRGBA(image.Rect(0, 0, width, margin))
	for _, band := range sheetBands {
		var row []*image.RGBA
		for _, name := range band.scenes {
			row = append(row, shrink(readPNG(t, filepath.Join(goldenFolder, band.prefix+name+".png")), band.shrink))
		}
		below := sheet.Rect.Dy()
		grown := image.NewRGBA(image.Rect(0, 0, width, below+row[0].Rect.Dy()+margin))
		draw.Draw(grown, grown.Rect, image.NewUniform(color.RGBA{0x70, 0x7C, 0x85, 0xFF}), image.Point{}, draw.Src)
		draw.Draw(grown, sheet.Rect, sheet, image.Point{}, draw.Src)
		gap := (width - len(row)*row[0].Rect.Dx()) / (len(row) + 1)
		for i, img := range row {
			at := image.Pt(gap+i*(img.Rect.Dx()+gap), below)
			draw.Draw(grown, img.Rect.Add(at), img, image.Point{}, draw.Src)
		}
		sheet = grown
	}
	draw.Draw(sheet, image.Rect(0, 0, width, margin), image.NewUniform(color.RGBA{0x70, 0x7C, 0x85, 0xFF}), image.Point{}, draw.Src)
	checkGoldenFile(t, sheetFile, sheet)
}

// shrink averages squares of n by n dots.
func shrink(img image.Image, n int) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx()/n, b.Dy()/n))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			var sum [3]uint32
			for i := range n * n {
				r, g, bl, _ := img.At(x*n+i%n, y*n+i/n).RGBA()
				sum[0], sum[1], sum[2] = sum[0]+r>>8, sum[1]+g>>8, sum[2]+bl>>8
			}
			dots := uint32(n * n)
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0] / dots), uint8(sum[1] / dots), uint8(sum[2] / dots), 0xFF})
		}
	}
	return out
}
