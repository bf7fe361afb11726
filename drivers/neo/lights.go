package neo

import (
	"context"
	"errors"

	"github.com/cloudpos/cloudpos/drivers"
)

// What lights and beeper are told.
const (
	allLights  = 0xFF
	dark       = 0x00
	bright     = 0x01
	twoBeeps   = 0x02
	beep400    = 0x01 // one of 400 ms
	lightsHere = 4
)

// Show tells something with the reader's four lights and its beeper, between two
// looks of a waiting Await. They are as the reader has them: SignalIdle is
// dark, for it does not blink by itself; on success the lights follow each other
// as fast as the line does, and the tones have the beeper's pitch. A reader
// without lights or without a beeper is no failure.
func (d *Dev) Show(ctx context.Context, s drivers.Signal) error {
	if err := d.link.Begin(ctx); err != nil {
		return err
	}
	defer d.link.End()
	return d.attempt(func() error { return d.show(s) })
}

func (d *Dev) show(s drivers.Signal) error {
	lights, tone, beeps := 0, longBeep, byte(0)
	switch s {
	case drivers.SignalOff, drivers.SignalIdle:
	case drivers.SignalReady:
		lights = 1
	case drivers.SignalSuccess:
		lights, beeps = lightsHere, beep400
	case drivers.SignalAlert:
		tone, beeps = shortBeeps, twoBeeps
	}
	if err := d.give(led, allLights, dark); err != nil {
		return err
	}
	for n := range lights {
		if err := d.give(led, byte(n), bright); err != nil {
			return err
		}
	}
	if beeps == 0 {
		return nil
	}
	// Asked once: beeps that are repeated mean something else.
	a, err := d.once(tone, []byte{beeps}, commandTime)
	if err == nil {
		err = failure(a.status)
	}
	if err != nil {
		err = d.wrap(tone, err)
	}
	return whereThere(err)
}

// give tells a light what to do, where there is one.
func (d *Dev) give(c command, data ...byte) error { return whereThere(d.tell(c, data...)) }

// whereThere drops the refusal of a reader that lacks a part.
func whereThere(err error) error {
	if errors.Is(err, drivers.ErrRefused) && !errors.Is(err, errMode) {
		return nil
	}
	return err
}
