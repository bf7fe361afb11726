package drivertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudpos/cloudpos/drivers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// judge is a test whose failures are looked at.
type judge struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (j *judge) Helper()          {}
func (j *judge) Cleanup(f func()) { j.cleanups = append(j.cleanups, f) }
func (j *judge) Errorf(format string, args ...any) {
	j.failures = append(j.failures, fmt.Sprintf(format, args...))
}

// verdict ends the judged test.
func (j *judge) verdict() string {
	for _, f := range j.cleanups {
		f()
	}
	return strings.Join(j.failures, "; ")
}

func TestPlaybackJudges(t *testing.T) {
	write := func(s string) func(drivers.Line, drivers.Dial) {
		return func(l drivers.Line, _ drivers.Dial) { _, _ = l.Write([]byte(s)) }
	}
	for _, c := range []struct {
		name, wire string
		do         func(drivers.Line, drivers.Dial)
		want       string // part of the verdict; "" for none
	}{
		{"as written", `> "abc"`, write("abc"), ""},
		{"in two writes", `> "abc"`, func(l drivers.Line, d drivers.Dial) { write("a")(l, d); write("bc")(l, d) }, ""},
		{"in two lines", "> 61\n> 62 63", write("abc"), ""},
		{"something else", `> "abc"`, write("abd"), "the driver writes"},
		{"too much", `> "abc"`, write("abcd"), "want nothing"},
		{"too little", `> "abc"`, write("ab"), "never writes 63"},
		{"nothing", `> "abc"`, func(drivers.Line, drivers.Dial) {}, "never writes"},
		{"what the device says is not owed", `< "abc"`, func(drivers.Line, drivers.Dial) {}, ""},
		{"dialled twice at once", "", func(_ drivers.Line, d drivers.Dial) { _, _ = d(context.Background()) }, "while the line before was open"},
	} {
		j := &judge{TB: t}
		d := NewPlayback(j, c.wire)
		l, err := d(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.do(l, d)
		got := j.verdict()
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	j := &judge{TB: t}
	NewPlayback(j, "", "")
	if got := j.verdict(); !strings.Contains(got, "2 wires were never dialled") {
		t.Errorf("never dialled: %q", got)
	}
}

func TestPlaybackSpeaksByteByByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewPlayback(t, "# A remark.\n< \"ab\" 63 # and another\n~ 100ms\n< 64\n! hang up")(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 8)
		for _, want := range "abc" {
			if n, err := l.Read(buf); n != 1 || buf[0] != byte(want) || err != nil {
				t.Errorf("Read = %q, %v, want %q", buf[:n], err, want)
			}
		}
		_ = l.SetReadDeadline(time.Now().Add(99 * time.Millisecond))
		if _, err := l.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read in the pause = %v, want ErrDeadlineExceeded", err)
		}
		_ = l.SetReadDeadline(time.Time{})
		if n, err := l.Read(buf); n != 1 || buf[0] != 'd' || err != nil {
			t.Errorf("Read after the pause = %q, %v, want d", buf[:n], err)
		}
		if _, err := l.Read(buf); !errors.Is(err, io.EOF) {
			t.Errorf("Read after the hang-up = %v, want EOF", err)
		}
		if _, err := l.Write([]byte("x")); err == nil {
			t.Error("Write after the hang-up went through")
		}
		_ = l.Close()
		if _, err := l.Read(buf); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close = %v, want ErrClosed", err)
		}
	})
}

func TestPlaybackUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, unblock := range map[string]func(drivers.Line){
			"Close":           func(l drivers.Line) { _ = l.Close() },
			"SetReadDeadline": func(l drivers.Line) { _ = l.SetReadDeadline(time.Now()) },
		} {
			l, err := NewPlayback(t, "")(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			read := make(chan error)
			go func() {
				_, err := l.Read(make([]byte, 1))
				read <- err
			}()
			synctest.Wait()
			unblock(l)
			if err := <-read; err == nil {
				t.Errorf("%s: Read went through", name)
			}
		}
	})
}

func TestWiresThatCannotBeRead(t *testing.T) {
	for _, wire := range []string{"? 01", "> 0", "> xx", `> "a`, "~ soon", "01 02"} {
		if _, err := parse(wire); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("parse(%q) = %v, want an error that names the line", wire, err)
		}
	}
}

// What was recorded plays back.
func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wire = "> 01 02\n< 03\n~ 200ms\n< 04 05\n> 06\n! hang up"
		talk := func(dial drivers.Dial) {
			l, err := dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			_, err = l.Write([]byte{1, 2})
			got := make([]byte, 3)
			_, err2 := io.ReadFull(l, got)
			_, err3 := l.Write([]byte{6})
			_, err4 := l.Read(got[:1])
			if err := errors.Join(err, err2, err3); err != nil || !errors.Is(err4, io.EOF) || string(got) != "\x03\x04\x05" {
				t.Errorf("read % X, %v, %v", got, err, err4)
			}
		}
		var tape strings.Builder
		talk(Record(NewPlayback(t, wire), &tape))
		want := "\n\n# dialled\n> 01 02\n< 03\n~ 200ms\n< 04 05\n> 06\n! hang up"
		if tape.String() != want {
			t.Errorf("recorded %q, want %q", tape.String(), want)
		}
		talk(NewPlayback(t, tape.String()))
	})
}

func TestPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlug(t, func(line io.ReadWriter) { _, _ = io.Copy(line, line) })
		l, err := p.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Dial(t.Context()); !errors.Is(err, drivers.ErrBusy) {
			t.Errorf("second Dial = %v, want ErrBusy", err)
		}
		got := make([]byte, 3)
		if _, err := l.Write([]byte("abc")); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(l, got); err != nil || string(got) != "abc" {
			t.Errorf("echo %q, %v", got, err)
		}
		_ = l.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := l.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %v, want ErrDeadlineExceeded", err)
		}
		p.Unplug()
		_ = l.SetReadDeadline(time.Time{})
		if _, err := l.Read(got); !errors.Is(err, io.EOF) {
			t.Errorf("Read, unplugged = %v, want EOF", err)
		}
		if _, err := p.Dial(t.Context()); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Dial, unplugged = %v, want ErrNoDevice", err)
		}
		p.Replug()
		if _, err := p.Dial(t.Context()); err != nil {
			t.Errorf("Dial, replugged: %v", err)
		}
	})
}
