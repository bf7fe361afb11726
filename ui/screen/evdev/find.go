package evdev

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Found is a device of the board.
type Found struct {
	Name            string
	Path            string // /dev/input/event3
	Touch, Keyboard bool
}

// devicesMax bounds the list of devices.
const devicesMax = 256

// Find lists the touch panels and keyboards from the kernel's list, which is
// /proc/bus/input/devices.
func Find(list string) ([]Found, error) {
	f, err := os.Open(list)
	if err != nil {
		return nil, fmt.Errorf("evdev: %w", err)
	}
	found, err := parse(f)
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("evdev: %w", err)
	}
	return found, err
}

// parse reads blocks of lines such as "N: Name=...", "H: Handlers=kbd event0"
// and "B: ABS=..." with a bitmap of what the device can say.
func parse(r io.Reader) ([]Found, error) {
	var found []Found
	var now Found
	var slots, axes, button bool
	end := func() {
		// A joystick has two axes too, but no button that stands for a finger.
		now.Touch = slots || axes && button
		if now.Path != "" && (now.Touch || now.Keyboard) && len(found) < devicesMax {
			found = append(found, now)
		}
		now, slots, axes, button = Found{}, false, false, false
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		kind, rest, _ := strings.Cut(line, ": ")
		name, value, _ := strings.Cut(rest, "=")
		switch {
		case line == "":
			end()
		case kind == "N":
			now.Name = strings.Trim(value, `"`)
		case kind == "H":
			now.Path = handler(value)
		case kind == "B" && name == "ABS":
			slots = bit(value, absMTX)
			axes = bit(value, absX) && bit(value, absY)
		case kind == "B" && name == "KEY":
			now.Keyboard = bit(value, 30) && bit(value, 28) // A and Return
			button = bit(value, btnTouch) || bit(value, btnLeft)
		}
	}
	end()
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("evdev: list of devices: %w", err)
	}
	return found, nil
}

// handler is the device's file.
func handler(list string) string {
	for _, h := range strings.Fields(list) {
		if strings.HasPrefix(h, "event") && !strings.ContainsAny(h, "/.") {
			return "/dev/input/" + h
		}
	}
	return ""
}

// bit looks a bit up in a bitmap of hexadecimal words, the highest first. The
// kernel's words are as long as this program's.
func bit(bitmap string, n int) bool { return bitOf(bitmap, n, strconv.IntSize) }

func bitOf(bitmap string, n, wordBits int) bool {
	words := strings.Fields(bitmap)
	i := len(words) - 1 - n/wordBits
	if i < 0 {
		return false
	}
	word, err := strconv.ParseUint(words[i], 16, 64)
	return err == nil && word>>(n%wordBits)&1 == 1
}
