package vm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"net"
	"strings"
	"testing"
)

// talk plays QEMU: a greeting, then an answer to each question.
func talk(t *testing.T, answers ...string) (m *monitor, asked func() []string) {
	t.Helper()
	ours, theirs := net.Pipe()
	heard := make(chan string, len(answers)+1)
	go func() {
		defer close(heard)
		_, _ = fmt.Fprintln(theirs, `{"QMP": {"version": {}, "capabilities": []}}`)
		lines := bufio.NewScanner(theirs)
		for _, a := range append([]string{`{"return": {}}`}, answers...) {
			if !lines.Scan() {
				return
			}
			heard <- lines.Text()
			_, _ = fmt.Fprintln(theirs, a)
		}
		_ = theirs.Close()
	}()
	m, err := newMonitor(ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	return m, func() (all []string) {
		for h := range heard {
			all = append(all, h)
		}
		return all
	}
}

func TestAsk(t *testing.T) {
	m, asked := talk(t,
		`{"event": "RESET", "timestamp": {}} {"return": {}}`,
		`{"error": {"class": "GenericError", "desc": "no such device"}}`)
	machine := &Machine{monitor: m}
	if err := machine.Tablet(image.Pt(0, 1279), image.Pt(720, 1280), true); err != nil {
		t.Errorf("an answer after an event: %v", err)
	}
	if err := machine.Key("ret", false); err == nil || !strings.Contains(err.Error(), "no such device") {
		t.Errorf("a refusal gives %v", err)
	}
	if err := m.ask("quit", nil); err == nil {
		t.Error("a QEMU that is gone answers")
	}
	all := asked()
	if len(all) != 3 {
		t.Fatalf("asked %q", all)
	}
	var tap struct {
		Execute   string
		Arguments struct {
			Events []struct {
				Type string
				Data map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(all[1]), &tap); err != nil {
		t.Fatal(err)
	}
	events := tap.Arguments.Events
	// The middles of the first and of the last dot, in 32768 steps.
	if tap.Execute != "input-send-event" || len(events) != 3 ||
		events[0].Data["value"] != 22.0 || events[1].Data["value"] != 32755.0 || events[2].Data["down"] != true {
		t.Errorf("a tap is asked for with %s", all[1])
	}
}

func TestParsePPM(t *testing.T) {
	img, err := parsePPM([]byte("P6\n2 1\n255\n\x01\x02\x03\n\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if img.Rect != image.Rect(0, 0, 2, 1) || img.RGBAAt(0, 0) != (color.RGBA{1, 2, 3, 255}) || img.RGBAAt(1, 0) != (color.RGBA{10, 10, 10, 255}) {
		t.Errorf("got %v of %v", img.Pix, img.Rect)
	}
	for _, bad := range []string{"", "P5\n1 1\n255\n...", "P6\n1 1\n255\n..", "P6\n-1 1\n255\n...", "P6\n99999 1\n255\n...", "P6\n1 1\n65535\n......"} {
		if _, err := parsePPM([]byte(bad)); !errors.Is(err, errPPM) {
			t.Errorf("%q gives %v", bad, err)
		}
	}
}

func FuzzParsePPM(f *testing.F) {
	f.Add([]byte("P6\n2 1\n255\n\x01\x02\x03\x04\x05\x06"))
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := parsePPM(data)
		if err == nil && len(img.Pix) != 4*img.Rect.Dx()*img.Rect.Dy() {
			t.Errorf("%v with %d bytes", img.Rect, len(img.Pix))
		}
	})
}
