package none_test

import (
	"errors"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/none"
)

func TestRefusesWhatMatters(t *testing.T) {
	ctx := t.Context()
	calls := map[string]func() error{
		"Await":    func() error { _, err := none.Reader().Await(ctx); return err },
		"Ready":    func() error { return none.PINPad().Ready(ctx) },
		"EnterPIN": func() error { _, err := none.PINPad().EnterPIN(ctx, drivers.PINRequest{}); return err },
		"Status":   func() error { _, err := none.Printer().Status(ctx); return err },
		"Print":    func() error { return none.Printer().Print(ctx, drivers.Document{{Text: "slip"}}) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, drivers.ErrNoDevice) {
			t.Errorf("%s = %v, want ErrNoDevice", name, err)
		}
	}
	if m := none.Reader().Media(); m != 0 {
		t.Errorf("Media() = %d, want none", m)
	}
}

func TestPanelIsQuiet(t *testing.T) {
	p := none.Panel()
	if err := errors.Join(p.Show(t.Context(), drivers.SignalAlert), p.OpenDrawer(t.Context()), p.Close()); err != nil {
		t.Errorf("a panel that is not there failed: %v", err)
	}
	if tampered, err := p.Tampered(t.Context()); tampered || err != nil {
		t.Errorf("Tampered() = %v, %v, want false, nil", tampered, err)
	}
}
