// Package none is the driver behind the address "none:", for a class of device
// that a shop does not have.
//
// Reader, PINPad and Printer refuse each call with drivers.ErrNoDevice, at
// once and with a sentence that says what to configure. Panel does nothing,
// quietly: a shop without lamps still sells.
package none

import (
	"context"
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

func refuse(class string) error {
	return fmt.Errorf("none: %w: no %s is configured", drivers.ErrNoDevice, class)
}

type reader struct{}

// Reader returns a reader that reads no medium.
func Reader() drivers.Reader { return reader{} }

func (reader) Media() drivers.Media { return 0 }
func (reader) Close() error         { return nil }
func (reader) Await(context.Context) (drivers.Card, error) {
	return nil, refuse("card reader")
}

type pinPad struct{}

// PINPad returns a PIN pad that is never ready.
func PINPad() drivers.PINPad { return pinPad{} }

func (pinPad) Ready(context.Context) error { return refuse("PIN pad") }
func (pinPad) Close() error                { return nil }
func (pinPad) EnterPIN(context.Context, drivers.PINRequest) (drivers.PINEntry, error) {
	return drivers.PINEntry{}, refuse("PIN pad")
}

type printer struct{}

// Printer returns a printer without paper, ink or case.
func Printer() drivers.Printer { return printer{} }

func (printer) Columns() int { return 32 }
func (printer) Close() error { return nil }
func (printer) Status(context.Context) (drivers.PrinterStatus, error) {
	return drivers.PrinterStatus{}, refuse("printer")
}
func (printer) Print(context.Context, drivers.Document) error { return refuse("printer") }

type panel struct{}

// Panel returns a panel without lights, drawer or tamper switch.
func Panel() drivers.Panel { return panel{} }

func (panel) Show(context.Context, drivers.Signal) error { return nil }
func (panel) OpenDrawer(context.Context) error           { return nil }
func (panel) Tampered(context.Context) (bool, error)     { return false, nil }
func (panel) Close() error                               { return nil }
