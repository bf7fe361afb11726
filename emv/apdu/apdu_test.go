package apdu_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/cloudpos/cloudpos/emv/apdu"
)

func TestCommands(t *testing.T) {
	for want, got := range map[string][]byte{
		"00a404000401020304" + "00":          apdu.Select([]byte{1, 2, 3, 4}, 0),
		"00a40402" + "01f0" + "00":           apdu.Select([]byte{0xF0}, 2),
		"00b2030c00":                         apdu.ReadRecord(1, 3),
		"80a8000002830000":                   apdu.ProcessingOptions([]byte{0x83, 0}),
		"80a8000000":                         apdu.ProcessingOptions(nil),
		"00820000" + "020102":                apdu.Command(0, 0x82, 0, 0, []byte{1, 2}),
		"8016" + "0000":                      apdu.Command(0x80, 0x16, 0, 0, nil),
		"80ae8000" + "ff" + ones(255) + "00": apdu.Query(0x80, 0xAE, 0x80, 0, bytes.Repeat([]byte{0x11}, apdu.DataMax)),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("got %x, want %s", got, want)
		}
	}
}

func ones(n int) string { return hex.EncodeToString(bytes.Repeat([]byte{0x11}, n)) }

func TestResponses(t *testing.T) {
	for _, c := range []struct {
		response string
		status   uint16
		body     string
	}{
		{"77009000", apdu.OK, "7700"},
		{"6a82", 0x6A82, ""},
		{"90", 0, ""},
		{"", 0, ""},
	} {
		response, err := hex.DecodeString(c.response)
		if err != nil {
			t.Fatal(err)
		}
		if got := apdu.Status(response); got != c.status {
			t.Errorf("Status(%s) = %04X, want %04X", c.response, got, c.status)
		}
		if got := hex.EncodeToString(apdu.Body(response)); got != c.body {
			t.Errorf("Body(%s) = %s, want %s", c.response, got, c.body)
		}
	}
}
