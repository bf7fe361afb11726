package cd5220_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/cd5220"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
)

// What is written on a line that was just opened, and for two lines of text.
const (
	setUp  = "> 0D 0C 1B 40 1B 66 41 1B 5F 00 0C\n"
	dimmed = "> 0D 0C 1B 40 1B 66 41 1B 5F 00 1B 2A 01 0C\n"
	full   = "> 0D 0C 1B 40 1B 66 41 1B 5F 00 1B 2A 04 0C\n"
	total  = "> 1B 51 41 \"COFFEE              \" 0D 1B 51 42 \"TOTAL      CNY 12.50\" 0D\n"
	thanks = "> 1B 51 41 \"THANK YOU           \" 0D 1B 51 42 \"                    \" 0D\n"
)

// The calls of a story.
func showTotal(ctx context.Context, d *cd5220.Dev) error {
	return d.Show(ctx, "COFFEE", "TOTAL\tCNY 12.50")
}

func showThanks(ctx context.Context, d *cd5220.Dev) error { return d.Show(ctx, "THANK YOU", "") }

func wipe(ctx context.Context, d *cd5220.Dev) error { return d.Clear(ctx) }

func showTooMuch(ctx context.Context, d *cd5220.Dev) error {
	return d.Show(ctx, "", "\tCNY 1,000,000,000,000")
}

func TestOnTheWire(t *testing.T) {
	type call = func(context.Context, *cd5220.Dev) error
	for _, c := range []struct {
		name  string
		opts  cd5220.Opts
		wires []string
		calls []call
		want  []error
	}{
		{"a sale", cd5220.Opts{}, []string{setUp + total + thanks + setUp},
			[]call{showTotal, showThanks, wipe}, []error{nil, nil, nil}},
		{"dimmed", cd5220.Opts{Brightness: 1}, []string{dimmed + total}, []call{showTotal}, []error{nil}},
		{"brighter than can be", cd5220.Opts{Brightness: 9}, []string{full + total}, []call{showTotal}, []error{nil}},
		{"what it says is not heard", cd5220.Opts{}, []string{"< FF 00\n" + setUp + "< 11\n" + total}, []call{showTotal}, []error{nil}},
		{"hang-up between two messages", cd5220.Opts{}, []string{setUp + total + "! hang up", setUp + thanks},
			[]call{showTotal, showThanks}, []error{nil, nil}},
		{"hang-up, and nothing to dial", cd5220.Opts{}, []string{setUp + total + "! hang up"},
			[]call{showTotal, showThanks, showThanks}, []error{nil, drivers.ErrNoDevice, drivers.ErrNoDevice}},
		{"hang-up at once, twice", cd5220.Opts{}, []string{"! hang up", "! hang up"},
			[]call{showTotal}, []error{drivers.ErrNoDevice}},
		{"hang-up at once, once", cd5220.Opts{}, []string{"! hang up", setUp + total},
			[]call{showTotal}, []error{nil}},
		{"an amount that does not fit", cd5220.Opts{}, nil, []call{showTooMuch}, []error{drivers.ErrRefused}},
		{"nothing to dial", cd5220.Opts{}, nil, []call{wipe}, []error{drivers.ErrNoDevice}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := cd5220.New(drivertest.NewPlayback(t, c.wires...), c.opts)
				for i, call := range c.calls {
					if err := call(t.Context(), d); !errors.Is(err, c.want[i]) {
						t.Errorf("call %d = %v, want %v", i+1, err, c.want[i])
					}
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
