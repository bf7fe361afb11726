package newland_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/newland"
	"github.com/cloudpos/cloudpos/secret"
)

const pan = "4012345678909"

// example has what the manual's example of an authentication code has.
func example() newland.Opts {
	return newland.Opts{
		Random: random,
		UID:    [16]byte{0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11},
		Auth:   secret.Bytes{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10},
	}
}

// A story is a wire, with what is asked of the driver:
//
//	@ pin [cancelled 5s] = PIN, bypass or an error [after 5s]
//	@ ready = ok or an error [after 5s]
//	@ keys = 0 or 1, for how many, or an error [after 5s]
//	+ part
//
// Its first line is a remark that says why it exists. A part is a wire of the
// folder parts. A line of --- begins the wire of the next dial.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			wires, asks := readStory(t, file)
			synctest.Test(t, func(t *testing.T) {
				d := newland.New(drivertest.NewPlayback(t, wires...), example())
				for _, ask := range asks {
					play(t, d, ask)
				}
			})
		})
	}
}

func readStory(t *testing.T, file string) (wires, asks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# ") {
		t.Fatal("a story without a reason")
	}
	wires = []string{""}
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "@ "):
			asks = append(asks, strings.TrimSpace(line[2:]))
			continue
		case strings.HasPrefix(line, "---"):
			wires = append(wires, "")
			continue
		case strings.HasPrefix(line, "+ "):
			part, err := os.ReadFile(filepath.Join("testdata/parts", strings.TrimSpace(line[2:])+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			line = string(part)
		}
		wires[len(wires)-1] += line
	}
	return wires, asks
}

var outcomes = map[string]error{
	"PIN": nil, "bypass": nil, "ok": nil, "0": nil, "1": nil,
	"ErrCancelled": drivers.ErrCancelled, "ErrHardware": drivers.ErrHardware, "ErrNoDevice": drivers.ErrNoDevice,
	"ErrNoKey": drivers.ErrNoKey, "ErrProtocol": drivers.ErrProtocol, "ErrRefused": drivers.ErrRefused,
	"ErrTimeout": drivers.ErrTimeout,
}

func play(t *testing.T, d *newland.Dev, ask string) {
	t.Helper()
	call, want, _ := strings.Cut(ask, " = ")
	want, after, timed := strings.Cut(want, " after ")
	call, limit, limited := strings.Cut(call, " cancelled ")
	wantErr, known := outcomes[want]
	if !known {
		t.Fatalf("%q is no outcome", want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if limited {
		time.AfterFunc(duration(t, limit), cancel)
	}
	began, got := time.Now(), "ok"
	var err error
	switch call {
	case "pin":
		got, err = enter(ctx, d)
	case "ready":
		err = d.Ready(ctx)
	case "keys":
		var keys []drivers.PINKey
		keys, err = d.PINKeys(ctx)
		got = fmt.Sprint(len(keys))
	default:
		t.Fatalf("%q is no call", call)
	}
	switch {
	case !errors.Is(err, wantErr):
		t.Fatalf("%s: %v, want %s", call, err, want)
	case err != nil && strings.Contains(err.Error(), pan):
		t.Errorf("the error shows the account number: %v", err)
	case err == nil && got != want:
		t.Errorf("%s: %s, want %s", call, got, want)
	}
	if took := time.Since(began); timed && took != duration(t, after) {
		t.Errorf("%s took %v, want %s", call, took, after)
	}
}

// enter asks for a PIN and names what comes.
func enter(ctx context.Context, d *newland.Dev) (string, error) {
	e, err := d.EnterPIN(ctx, drivers.PINRequest{PAN: secret.PAN(pan), Amount: "CNY 12.50", Timeout: 30 * time.Second})
	switch {
	case err != nil:
		if len(e.Block) > 0 || e.Bypassed {
			return "", fmt.Errorf("an entry beside %w", err)
		}
		return "", err
	case e.Bypassed && len(e.Block) == 0:
		return "bypass", nil
	case hex.EncodeToString(e.Block) == "1b9c1845eb993a7a" && hex.EncodeToString(e.KSN) == "ffff9876543210e00001" &&
		e.Format == 0 && e.Scheme == drivers.SchemeTDESDUKPT:
		return "PIN", nil
	}
	return fmt.Sprintf("a block of %d bytes, KSN %X", len(e.Block), e.KSN), nil
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Nothing goes out when what is needed for it was not given.
func TestRefusedBeforeTheWire(t *testing.T) {
	for name, change := range map[string]func(*newland.Opts, *drivers.PINRequest){
		"no command for random numbers": func(o *newland.Opts, _ *drivers.PINRequest) { o.Random = 0 },
		"another command's head":        func(o *newland.Opts, _ *drivers.PINRequest) { o.Random = 0x83 },
		"short authentication key":      func(o *newland.Opts, _ *drivers.PINRequest) { o.Auth = o.Auth[:15] },
		"PIN of 3 digits":               func(_ *newland.Opts, r *drivers.PINRequest) { r.Min = 3 },
		"PIN of 13 digits":              func(_ *newland.Opts, r *drivers.PINRequest) { r.Max = 13 },
		"more at least than at most":    func(_ *newland.Opts, r *drivers.PINRequest) { r.Min, r.Max = 6, 5 },
		"card of 20 digits":             func(_ *newland.Opts, r *drivers.PINRequest) { r.PAN = secret.PAN(strings.Repeat("1", 20)) },
	} {
		t.Run(name, func(t *testing.T) {
			o, r := example(), drivers.PINRequest{PAN: secret.PAN(pan)}
			change(&o, &r)
			d := newland.New(drivertest.NewPlayback(t), o)
			if _, err := d.EnterPIN(t.Context(), r); !errors.Is(err, drivers.ErrRefused) {
				t.Errorf("EnterPIN = %v, want ErrRefused", err)
			}
		})
	}
}
