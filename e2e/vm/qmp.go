package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"time"
)

// monitor speaks QEMU's machine protocol, QMP: one question at a time.
type monitor struct {
	conn net.Conn
	in   *json.Decoder
}

// answerMax is how long QEMU may take for an answer.
const answerMax = 10 * time.Second

// newMonitor reads the greeting and leaves the mode in which nothing else is
// allowed.
func newMonitor(conn net.Conn) (*monitor, error) {
	m := &monitor{conn, json.NewDecoder(io.LimitReader(conn, 1<<24))}
	if err := conn.SetDeadline(time.Now().Add(answerMax)); err != nil {
		return nil, err
	}
	var greeting struct{ QMP json.RawMessage }
	if err := m.in.Decode(&greeting); err != nil {
		return nil, fmt.Errorf("vm: qmp: greeting: %w", err)
	}
	return m, m.ask("qmp_capabilities", nil)
}

// ask performs a command. Events that come meanwhile are passed over.
func (m *monitor) ask(command string, arguments any) error {
	question := map[string]any{"execute": command}
	if arguments != nil {
		question["arguments"] = arguments
	}
	if err := m.conn.SetDeadline(time.Now().Add(answerMax)); err != nil {
		return fmt.Errorf("vm: qmp: %w", err)
	}
	if err := json.NewEncoder(m.conn).Encode(question); err != nil {
		return fmt.Errorf("vm: qmp: %s: %w", command, err)
	}
	for {
		var answer struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := m.in.Decode(&answer); err != nil {
			return fmt.Errorf("vm: qmp: %s: %w", command, err)
		}
		switch {
		case answer.Error != nil:
			return fmt.Errorf("vm: qmp: %s: %s", command, answer.Error.Desc)
		case answer.Return != nil:
			return nil
		}
	}
}

// Shot is what the machine's panel shows.
func (m *Machine) Shot() (*image.RGBA, error) {
	file := filepath.Join(m.dir, "shot.ppm")
	if err := m.monitor.ask("screendump", map[string]string{"filename": file}); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	return parsePPM(data)
}

// errPPM says that a picture is none that QEMU writes.
var errPPM = errors.New("vm: not a portable pixmap")

// parsePPM reads a picture of three bytes a dot.
func parsePPM(data []byte) (*image.RGBA, error) {
	const sideMax = 1 << 14
	var w, h, most int
	dots := data
	for range 3 { // "P6", the size and the most of a colour, a line each
		_, dots, _ = bytes.Cut(dots, []byte("\n"))
	}
	if n, err := fmt.Sscanf(string(data[:len(data)-len(dots)]), "P6\n%d %d\n%d\n", &w, &h, &most); n != 3 || err != nil {
		return nil, fmt.Errorf("%w: %q", errPPM, data[:min(len(data), 32)])
	}
	if w <= 0 || h <= 0 || w > sideMax || h > sideMax || most != 255 || len(dots) != 3*w*h {
		return nil, fmt.Errorf("%w: %d × %d dots in %d bytes", errPPM, w, h, len(dots))
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(img.Pix[4*i:], dots[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	return img, nil
}

// Tablet presses or lifts QEMU's absolute pointing device at a dot of a panel
// of this size, in one report.
func (m *Machine) Tablet(at image.Point, panel image.Point, down bool) error {
	events := []any{axis("x", at.X, panel.X), axis("y", at.Y, panel.Y),
		map[string]any{"type": "btn", "data": map[string]any{"button": "left", "down": down}}}
	return m.monitor.ask("input-send-event", map[string]any{"events": events})
}

// axis is a place as QEMU has it, in 32768 steps.
func axis(name string, at, size int) any {
	step := math.Floor((float64(at) + 0.5) / float64(size) * 32768)
	return map[string]any{"type": "abs", "data": map[string]any{"axis": name, "value": int(step)}}
}

// Key presses or lifts a key by QEMU's name: "a", "ret", "shift".
func (m *Machine) Key(name string, down bool) error {
	key := map[string]any{"type": "key", "data": map[string]any{"down": down, "key": map[string]string{"type": "qcode", "data": name}}}
	return m.monitor.ask("input-send-event", map[string]any{"events": []any{key}})
}
