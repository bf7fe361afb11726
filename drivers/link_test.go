package drivers_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin begins a call over a played wire.
func begin(t *testing.T, ctx context.Context, wires ...string) *drivers.Link {
	t.Helper()
	l := drivers.NewLink("device", drivertest.NewPlayback(t, wires...))
	if err := l.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if fresh, err := l.Open(); err != nil || !fresh {
		t.Fatalf("Open = %v, %v, want a fresh line", fresh, err)
	}
	return l
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func TestLinkReadsAndFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, t.Context(), "> 01\n< 02\n~ 3s\n< 03")
		defer l.End()
		if err := l.Send([]byte{1}, time.Second); err != nil {
			t.Fatal(err)
		}
		if b, err := l.Next(in(time.Second)); b != 2 || err != nil {
			t.Errorf("Next = %d, %v, want 2", b, err)
		}
		if _, err := l.Next(in(time.Second)); !errors.Is(err, drivers.ErrSilent) || !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Next = %v, want ErrSilent, which is an ErrTimeout", err)
		}
		if b, err := l.Next(in(3 * time.Second)); b != 3 || err != nil {
			t.Errorf("Next = %d, %v, want 3", b, err)
		}
	})
}

func TestLinkEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		l := begin(t, ctx, "> 01\n< 02")
		defer l.End()
		start := time.Now()
		_, err := l.Next(in(time.Hour))
		if !errors.Is(err, drivers.ErrTimeout) || errors.Is(err, drivers.ErrSilent) || time.Since(start) != 5*time.Second {
			t.Errorf("Next = %v after %v, want ErrTimeout of the context after 5s", err, time.Since(start))
		}
		if _, err := l.Next(in(time.Hour)); !errors.Is(err, drivers.ErrTimeout) || time.Since(start) != 5*time.Second {
			t.Errorf("Next after that = %v after %v, want ErrTimeout at once", err, time.Since(start))
		}
		restore := l.Detach(time.Second)
		if err := l.Send([]byte{1}, time.Second); err != nil {
			t.Errorf("Send, detached: %v", err)
		}
		if b, err := l.Next(in(time.Second)); b != 2 || err != nil {
			t.Errorf("Next, detached = %d, %v, want 2", b, err)
		}
		if _, err := l.Next(in(time.Hour)); !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Next, detached = %v, want ErrTimeout after its second", err)
		}
		restore()
		if err := l.Ended(); !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Ended = %v, want ErrTimeout", err)
		}
	})
}

func TestLinkDialsAgainAfterAHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, t.Context(), "! hang up", "< 05")
		defer l.End()
		if _, err := l.Next(in(time.Second)); !errors.Is(err, drivers.ErrNoDevice) || !errors.Is(err, io.EOF) || !strings.HasPrefix(err.Error(), "device: ") {
			t.Errorf("Next = %v, want ErrNoDevice that names the device", err)
		}
		if _, err := l.Next(in(time.Second)); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Next of a line that is down = %v, want ErrNoDevice", err)
		}
		if err := l.Send([]byte{1}, time.Second); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Send to a line that is down = %v, want ErrNoDevice", err)
		}
		if fresh, err := l.Open(); !fresh || err != nil {
			t.Errorf("Open = %v, %v, want a fresh line", fresh, err)
		}
		if fresh, err := l.Open(); fresh || err != nil {
			t.Errorf("second Open = %v, %v, want the same line", fresh, err)
		}
		if b, err := l.Next(in(time.Second)); b != 5 || err != nil {
			t.Errorf("Next = %d, %v, want 5", b, err)
		}
		l.Drop()
		if _, err := l.Open(); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Open without a device = %v, want ErrNoDevice", err)
		}
	})
}

func TestLinkServesOneCallAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, t.Context(), "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Begin(ctx); !errors.Is(err, drivers.ErrTimeout) {
			t.Errorf("Begin beside another call = %v, want ErrTimeout", err)
		}
		begun := make(chan error)
		go func() { begun <- l.Begin(t.Context()) }()
		synctest.Wait()
		l.End()
		if err := <-begun; err != nil {
			t.Errorf("Begin after the other call: %v", err)
		}
		l.End()
	})
}

func TestLinkClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, t.Context(), "")
		read := make(chan error, 1)
		go func() {
			_, err := l.Next(in(time.Hour))
			l.End()
			read <- err
		}()
		synctest.Wait()
		if err := errors.Join(l.Close(), l.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-read; !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Next while closed = %v, want ErrNoDevice", err)
		}
		if err := l.Begin(t.Context()); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("Begin after Close = %v, want ErrNoDevice", err)
		}
	})
}

func TestLinkPauseAndDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := begin(t, ctx, "< 01 02 03\n~ 10ms\n< 04\n~ 1s\n< 05")
		defer l.End()
		if err := l.Drain(20 * time.Millisecond); err != nil {
			t.Errorf("Drain: %v", err)
		}
		if b, err := l.Next(in(2 * time.Second)); b != 5 || err != nil {
			t.Errorf("Next after Drain = %d, %v, want 5", b, err)
		}
		start := time.Now()
		if err := l.Pause(time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("Pause = %v after %v", err, time.Since(start))
		}
		time.AfterFunc(time.Second, cancel)
		if err := l.Pause(time.Minute); !errors.Is(err, drivers.ErrCancelled) {
			t.Errorf("Pause, cancelled = %v, want ErrCancelled", err)
		}
	})
}

// A driver's mistake or a foreign device must not burn the processor.
func TestLinkGivesUpOnALineThatReturnsNothing(t *testing.T) {
	dial := func(context.Context) (drivers.Line, error) { return idler{}, nil }
	l := drivers.NewLink("device", dial)
	if err := l.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer l.End()
	if _, err := l.Open(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Next(in(time.Hour)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Next = %v, want ErrNoProgress", err)
	}
}

// idler is a line that reads nothing, without an error.
type idler struct{}

func (idler) Read([]byte) (int, error)         { return 0, nil }
func (idler) Write(p []byte) (int, error)      { return len(p), nil }
func (idler) Close() error                     { return nil }
func (idler) SetReadDeadline(time.Time) error  { return nil }
func (idler) SetWriteDeadline(time.Time) error { return nil }
