package font

import (
	"bytes"
	_ "embed" // the faces
	"fmt"
	"sync"

	gotext "github.com/go-text/typesetting/font"
)

//go:embed regular.otf
var regular []byte

//go:embed bold.otf
var bold []byte

// Licence is the SIL Open Font License under which the faces stand, with their
// copyright lines, for a screen that shows licences.
//
//go:embed OFL.txt
var Licence string

// TTF returns the bundled face as an OpenType file, regular or bold, for a
// theme's font resource. The bytes are shared: read them only.
func TTF(isBold bool) []byte {
	if isBold {
		return bold
	}
	return regular
}

// parsed holds both faces' tables, read when first asked for: it takes some
// milliseconds, and a printer needs only the regular one.
var parsed = [2]func() *gotext.Font{
	sync.OnceValue(func() *gotext.Font { return parse(regular) }),
	sync.OnceValue(func() *gotext.Font { return parse(bold) }),
}

// parse reads an embedded face. That it fails is a bug of the build, not of
// the input, and every test would have met it.
func parse(file []byte) *gotext.Font {
	face, err := gotext.ParseTTF(bytes.NewReader(file))
	if err != nil {
		panic(fmt.Sprintf("font: the bundled face: %v", err))
	}
	return face.Font
}

// weight is the index of a face in tables of both.
func weight(isBold bool) int {
	if isBold {
		return 1
	}
	return 0
}

// Has tells whether the bundled face has a glyph of its own for r. What it
// lacks is drawn as a box.
func Has(r rune) bool {
	_, ok := parsed[0]().NominalGlyph(r)
	return ok
}
