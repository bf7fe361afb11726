package sim

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/port"
)

// What a scanner sends as it is set.
func TestScannerSends(t *testing.T) {
	for _, c := range []struct {
		setting         ScannerSetting
		symbology, want string
	}{
		{ScannerSetting{}, "qr", "123\r"},
		{ScannerSetting{Suffix: "\r\n"}, "ean13", "123\r\n"},
		{ScannerSetting{Prefix: "\x02", AIM: true, Suffix: "\n"}, "qr", "\x02]Q1123\n"},
		{ScannerSetting{AIM: true}, "ean13", "]E0123\r"},
		{ScannerSetting{AIM: true}, "code128", "]C0123\r"},
	} {
		path := filepath.Join(t.TempDir(), "scanner")
		s, err := NewScanner(path, c.setting)
		if err != nil {
			t.Fatal(err)
		}
		host, err := port.Serial(path, port.Mode{})(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Scan("pdf417", "x"); !errors.Is(err, ErrSymbol) {
			t.Errorf("Scan of a strange symbology = %v, want ErrSymbol", err)
		}
		if err := s.Scan(c.symbology, "123"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(c.want))
		_ = host.SetReadDeadline(time.Now().Add(10 * time.Second))
		for n := 0; n < len(got); {
			m, err := host.Read(got[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
		if string(got) != c.want {
			t.Errorf("%+v sends %q, want %q", c.setting, got, c.want)
		}
		if err := errors.Join(host.Close(), s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}
