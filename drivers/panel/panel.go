// Package panel drives the wiring around the screen over single pins: four
// lights and a buzzer, which tell the customer what the reader does in the
// words of EMV Contactless Book A, the cash drawer, and the tamper switch.
//
//	chip, err := port.Pins("gpiochip0")
//	drawer, err := chip.Pin(5)
//	p := panel.New(panel.Pins{Drawer: drawer}, panel.Opts{})
//
// A pin that is nil is not wired, and what it would do is left out quietly.
// The buzzer is one that sounds while its pin is high; its pitch is its own.
package panel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// Pins are the lines that a panel is wired to. The panel closes them.
type Pins struct {
	Lights [4]drivers.Pin // from the left
	Buzzer drivers.Pin
	Drawer drivers.Pin // a relay, high for a pulse
	Tamper drivers.Pin // pulled up, and held low by a switch that is closed while the case is
}

// Opts tells what differs between panels.
type Opts struct {
	Name  string        // in errors; "panel" when empty
	Pulse time.Duration // of the drawer, 100 to 200 ms; 150 ms when 0
}

const (
	pulseMin     = 100 * time.Millisecond
	pulseMax     = 200 * time.Millisecond // longer holds burn a drawer's coil
	pulseDefault = 150 * time.Millisecond
	debounce     = 50 * time.Millisecond
)

// Dev is a panel.
type Dev struct {
	opts Opts
	pins Pins

	turn   chan struct{} // one call at a time
	lights player
	buzzer player
	closed bool
}

var _ drivers.Panel = (*Dev)(nil)

// New gives a panel. Nothing is driven before the first call.
func New(pins Pins, opts Opts) *Dev {
	if opts.Name == "" {
		opts.Name = "panel"
	}
	if opts.Pulse == 0 {
		opts.Pulse = pulseDefault
	}
	opts.Pulse = min(max(opts.Pulse, pulseMin), pulseMax)
	return &Dev{
		opts: opts, pins: pins, turn: make(chan struct{}, 1),
		lights: player{pins: pins.Lights[:]}, buzzer: player{pins: []drivers.Pin{pins.Buzzer}},
	}
}

func (d *Dev) begin(ctx context.Context) error {
	if err := drivers.Ended(ctx); err != nil {
		return d.wrap(err)
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return d.wrap(drivers.Ended(ctx))
	}
	if d.closed {
		d.end()
		return d.wrap(fmt.Errorf("%w: closed", drivers.ErrNoDevice))
	}
	return nil
}

func (d *Dev) end() { <-d.turn }

func (d *Dev) wrap(err error) error { return fmt.Errorf("%s: %w", d.opts.Name, err) }

// Show begins a signal and ends the one before, but for its tone: that sounds
// to its end unless the new signal has one too, so that an alert is heard though
// the next card is wanted at once. It returns when the first lights are set;
// what fails later is returned by the next Show.
func (d *Dev) Show(ctx context.Context, s drivers.Signal) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	defer d.end()
	pattern, ok := patterns[s]
	if !ok {
		return d.wrap(fmt.Errorf("%w: signal %d", drivers.ErrRefused, s))
	}
	d.lights.stop()
	errs := []error{d.lights.start(pattern.lights)}
	switch {
	case len(pattern.tone.steps) > 0:
		d.buzzer.stop()
		errs = append(errs, d.buzzer.start(pattern.tone))
	case d.buzzer.quit == nil: // it never sounded: its pin may have been left high
		errs = append(errs, d.buzzer.dark())
	}
	if err := errors.Join(append(errs, d.lights.failed(), d.buzzer.failed())...); err != nil {
		return d.wrap(err)
	}
	return nil
}

// OpenDrawer gives one pulse and returns after it. Once begun, a pulse runs to
// its end, whatever becomes of ctx: it is short, and half of one leaves the
// drawer shut.
func (d *Dev) OpenDrawer(ctx context.Context) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	defer d.end()
	if d.pins.Drawer == nil {
		return nil
	}
	err := d.pins.Drawer.Out(true)
	if err == nil {
		time.Sleep(d.opts.Pulse)
	}
	if err := errors.Join(err, d.pins.Drawer.Out(false)); err != nil {
		return d.wrap(fmt.Errorf("drawer: %w", err))
	}
	return nil
}

// Tampered reads the switch. One that reads open is read again after the time
// that contacts bounce; if ctx ends in between, open it is.
func (d *Dev) Tampered(ctx context.Context) (bool, error) {
	if err := d.begin(ctx); err != nil {
		return false, err
	}
	defer d.end()
	if d.pins.Tamper == nil {
		return false, nil
	}
	open, err := d.pins.Tamper.Read()
	if err == nil && open {
		select {
		case <-time.After(debounce):
			open, err = d.pins.Tamper.Read()
		case <-ctx.Done():
		}
	}
	if err != nil {
		return false, d.wrap(fmt.Errorf("tamper switch: %w", err))
	}
	return open, nil
}

// Close turns everything off and gives the pins back. The second Close does
// nothing.
func (d *Dev) Close() error {
	d.turn <- struct{}{}
	defer d.end()
	if d.closed {
		return nil
	}
	d.closed = true
	d.lights.stop()
	d.buzzer.stop()
	errs := []error{d.lights.failed(), d.buzzer.failed(), d.lights.dark(), d.buzzer.dark()}
	for _, p := range append(d.pins.Lights[:], d.pins.Buzzer, d.pins.Drawer, d.pins.Tamper) {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return d.wrap(err)
	}
	return nil
}
