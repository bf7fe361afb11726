//go:build window

package window

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The monitor of a test, larger than any window on it.
const screenWidth, screenHeight = 1400, 1400

// xServer is an X server without a monitor, whose pixels are in a file.
type xServer struct {
	display string
	file    string
}

// startX starts Xvfb, on a display that is free.
func startX(t *testing.T) xServer {
	t.Helper()
	program, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Skip("Xvfb is not installed; apt-get install xvfb")
	}
	dir := t.TempDir()
	cmd := exec.Command(program, "-displayfd", "3", "-fbdir", dir, "-nolisten", "tcp",
		"-screen", "0", fmt.Sprintf("%dx%dx24", screenWidth, screenHeight))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	return xServer{":" + strings.TrimSpace(number), filepath.Join(dir, "Xvfb_screen0")}
}

// picture reads what is on the screen: the file is a window dump of X11, whose
// header (XWDFile.h) is made of big-endian words.
func (x xServer) picture() (*image.RGBA, error) {
	dump, err := os.ReadFile(x.file)
	if err != nil {
		return nil, err
	}
	const headerWords, colourBytes = 25, 12
	if len(dump) < 4*headerWords {
		return nil, errors.New("the dump has no header")
	}
	word := func(i int) int { return int(binary.BigEndian.Uint32(dump[4*i:])) }
	header, width, height, bits, stride, colours := word(0), word(4), word(5), word(11), word(12), word(19)
	pixels := dump[min(len(dump), header+colours*colourBytes):]
	if width != screenWidth || height != screenHeight || bits != 32 || stride < 4*width || len(pixels) < stride*height {
		return nil, fmt.Errorf("a dump of %d x %d with %d bits and %d bytes", width, height, bits, len(pixels))
	}
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		row := pixels[y*stride:]
		for x := range width {
			copy(p.Pix[p.PixOffset(x, y):], []byte{row[4*x+2], row[4*x+1], row[4*x], 0xFF})
		}
	}
	return p, nil
}

func readPNG(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}
