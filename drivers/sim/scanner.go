package sim

import (
	"errors"
	"fmt"
)

// ErrSymbol is a symbology that the simulated scanner does not know.
var ErrSymbol = errors.New("sim: no such symbology")

// symbolIDs are the AIM identifiers of what the scanner reads. ISO/IEC 15424.
var symbolIDs = map[string]string{"qr": "]Q1", "ean13": "]E0", "code128": "]C0"}

// ScannerSetting is how a scanner was set, with the bar codes of its manual.
type ScannerSetting struct {
	Prefix string
	AIM    bool   // the identifier of its symbology before each code
	Suffix string // CR when empty

	// Keyboard: it types. Its line then brings what the kernel would say of its
	// keys, as a process of this word size reads it.
	Keyboard bool
}

// Scanner is a scanner of codes with a serial line, on a pseudo-terminal of its
// own. It belongs to no Shop.
type Scanner struct {
	link    *link
	setting ScannerSetting
}

// NewScanner plugs a scanner in, and points path to its line.
func NewScanner(path string, setting ScannerSetting) (*Scanner, error) {
	if setting.Suffix == "" {
		setting.Suffix = "\r"
	}
	l := newLink(path)
	l.dev, l.unheard = mute{}, true
	if err := l.plug(); err != nil {
		return nil, err
	}
	return &Scanner{l, setting}, nil
}

// mute is a device that hears nothing.
type mute struct{}

func (mute) receive([]byte) {}
func (mute) quiet()         {}
func (mute) powerDown()     {}

// Scan reads a code: of symbology "qr", "ean13" or "code128".
func (s *Scanner) Scan(symbology, text string) error {
	id, known := symbolIDs[symbology]
	if !known {
		return fmt.Errorf("%w: %q", ErrSymbol, symbology)
	}
	if !s.setting.AIM {
		id = ""
	}
	text = s.setting.Prefix + id + text + s.setting.Suffix
	sent := []byte(text)
	if s.setting.Keyboard {
		var err error
		if sent, err = typing(text); err != nil {
			return err
		}
	}
	s.link.send(sent, answer)
	return nil
}

// Sent is how many codes it has sent.
func (s *Scanner) Sent() int { return s.link.answered() }

// Spoil sets what goes wrong with the codes to come.
func (s *Scanner) Spoil(f Fault) error { return s.link.spoil(f) }

// Unplug pulls the cable.
func (s *Scanner) Unplug() error { return s.link.unplug() }

// Replug puts it back.
func (s *Scanner) Replug() error { return s.link.plug() }

// Close unplugs the scanner for good.
func (s *Scanner) Close() error {
	if err := s.link.remove(); err != nil && !errors.Is(err, ErrUnplugged) {
		return err
	}
	return nil
}
