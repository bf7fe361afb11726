package port_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/port"
)

// What is no input device is refused, and given back.
func TestInputRefuses(t *testing.T) {
	_, path := terminal(t)
	for range 2 {
		if l, err := port.Input(path)(t.Context()); !errors.Is(err, drivers.ErrNoDevice) {
			t.Fatalf("a terminal = %v, %v, want ErrNoDevice", l, err)
		}
	}
	l, err := port.File(path)(t.Context())
	if err != nil {
		t.Fatalf("it was not given back: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if _, err := port.Input(path)(t.Context()); !errors.Is(err, drivers.ErrBusy) {
		t.Errorf("one that is in use = %v, want ErrBusy", err)
	}
	if _, err := port.Input(filepath.Join(t.TempDir(), "event0"))(t.Context()); !errors.Is(err, drivers.ErrNoDevice) {
		t.Errorf("nothing = %v, want ErrNoDevice", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := port.Input(path)(ctx); !errors.Is(err, drivers.ErrCancelled) {
		t.Errorf("cancelled = %v, want ErrCancelled", err)
	}
}
