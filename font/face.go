package font

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the faces
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	gotext "github.com/go-text/typesetting/font"
)

//go:embed regular.otf.gz
var regularPacked []byte

//go:embed bold.otf.gz
var boldPacked []byte

// files are both faces. They lie packed in the program, which is half a
// megabyte smaller so. To unpack them takes some 20 ms, once, where there is a
// screen, and no screen goes without either: so it is done at the same time.
var files = sync.OnceValue(func() (both [2][]byte) {
	var other sync.WaitGroup
	other.Go(func() { both[1] = unpack(boldPacked) })
	both[0] = unpack(regularPacked)
	other.Wait()
	return both
})

// unpack reads an embedded file, whose size its last four bytes tell (RFC 1952,
// 2.3.1). That it fails is a bug of the build, not of the input, and every test
// would have met it.
func unpack(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(fmt.Sprintf("font: the bundled face: %v", err))
	}
	file := make([]byte, binary.LittleEndian.Uint32(packed[len(packed)-4:]))
	if _, err := io.ReadFull(r, file); err != nil {
		panic(fmt.Sprintf("font: the bundled face: %v", err))
	}
	return file
}

// Licence is the SIL Open Font License under which the faces stand, with their
// copyright lines, for a screen that shows licences.
//
//go:embed OFL.txt
var Licence string

// TTF returns the bundled face as an OpenType file, regular or bold, for a
// theme's font resource. The bytes are shared: read them only.
func TTF(isBold bool) []byte { return files()[weight(isBold)] }

// parsed holds both faces' tables, read when first asked for: it takes some
// milliseconds.
var parsed = [2]func() *gotext.Font{
	sync.OnceValue(func() *gotext.Font { return parse(TTF(false)) }),
	sync.OnceValue(func() *gotext.Font { return parse(TTF(true)) }),
}

// parse reads a bundled face.
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
