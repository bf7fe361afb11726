package sim_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// dialSocket connects without a Client.
func dialSocket(dir string) (net.Conn, error) {
	return net.Dial("unix", filepath.Join(dir, "control.sock"))
}

// FuzzControl: whatever comes over the control socket, each line has one
// answer, and the shop serves on.
func FuzzControl(f *testing.F) {
	for _, seed := range []string{
		`{"cmd":"state"}`, `{"cmd":"pin-out","pin":"light1","on":true}`, `{"cmd":"pin-out","pin":"tamper"}`, `{"cmd":"pin-read","pin":"tamper"}`,
		`{"cmd":"visit","card":"pin"}`, `{"cmd":"visit"}`, `{"cmd":"cable","on":false}`, `{"cmd":"case","on":true}`, `{"cmd":"keys","keys":["1234"]}`,
		`{"cmd":"customer","customer":{"auto":true}}`, `{"cmd":"swipe","card":"stripe"}`, `{"cmd":"insert","card":"pin"}`, `{"cmd":"press","keys":["7"]}`, `{"cmd":"paper-out","n":-1}`,
		`{"cmd":"fault","device":"reader","fault":{"kind":"delay","delay":9}}`, `{"cmd":`, `[]`, `null`, `{"cmd":7}`,
	} {
		f.Add([]byte(seed))
	}
	cards, err := deckOnce()
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	shop, err := sim.Open(dir, cards, sim.PadKeys{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = shop.Close() })
	conn, err := dialSocket(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = conn.Close() })
	answers := bufio.NewReader(conn)
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.Map(func(r rune) rune {
			if r == '\n' || r == '\r' {
				return ' '
			}
			return r
		}, line[:min(len(line), 4<<10)])
		_, err := conn.Write(append(line, '\n'))
		check(t, err)
		check(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		answer, err := answers.ReadBytes('\n')
		if err != nil || !json.Valid(answer) {
			t.Fatalf("to %q: %q, %v", line, answer, err)
		}
		if _, err := shop.State(); err != nil {
			t.Fatalf("after %q: %v", line, err)
		}
	})
}
