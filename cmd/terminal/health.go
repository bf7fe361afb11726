package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/ui"
)

// How often the screen looks at what costs nothing, and asks the devices.
const (
	watchEvery   = time.Second
	inspectEvery = 5 * time.Second
	inspectMax   = 2 * time.Second // for a device to answer
)

// watch keeps status and history on the screen true until ctx ends.
func (g *glass) watch(ctx context.Context) {
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	var shown ui.Status
	changed := make(<-chan struct{})
	for first := true; ; first = false {
		if s := g.status(); first || !s.Equal(shown) {
			shown = s
			g.ui.Do(func() { g.ui.ShowStatus(s) })
		}
		if first || fired(changed) && !g.selling() {
			changed = g.t.journal.Changed()
			g.showHistory()
		}
		select {
		case <-again.C:
		case <-g.t.link.Changed():
		case <-ctx.Done():
			return
		}
	}
}

func fired(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// selling tells whether a sale is not yet decided.
func (g *glass) selling() bool {
	view, _ := g.t.runner.Views().Get()
	return view.Undecided()
}

// showHistory shows the latest records. What cannot be read is logged and left
// out.
func (g *glass) showHistory() {
	records, err := g.t.journal.List(recordsMax)
	if err != nil {
		g.t.log.Warn("history", "error", err)
	}
	g.ui.Do(func() { g.ui.ShowHistory(records) })
}

// status is how the terminal is, without asking a device.
func (g *glass) status() ui.Status {
	t := g.t
	link, stats := t.link.State(), t.journal.Stats()
	s := ui.Status{Online: link.Connected, ToPrint: stats.Spool + int(g.till.waiting.Load()), ToCloud: stats.Outbox}
	if link.LastError != nil {
		s.Faults = append(s.Faults, ui.Fault{Device: ui.DeviceCloud, Problem: ui.ProblemMissing, Detail: oneLine(link.LastError)})
	}
	if !t.clock.trusted() {
		s.Faults = append(s.Faults, ui.Fault{Device: ui.DeviceClock, Problem: ui.ProblemUnset})
	}
	g.mu.Lock()
	s.Faults = append(s.Faults, g.faults...)
	g.mu.Unlock()
	// A slip that could not be printed tells sooner than the printer is asked.
	err := t.spooler.Status().Err
	if p := problemOf(err); p != "" && p != ui.ProblemFault && !slices.ContainsFunc(s.Faults, ofPrinter) {
		s.Faults = append(s.Faults, ui.Fault{Device: ui.DevicePrinter, Problem: p, Detail: oneLine(err)})
	}
	return s
}

func ofPrinter(f ui.Fault) bool { return f.Device == ui.DevicePrinter }

// inspect asks the devices now and then until ctx ends, while no sale needs
// them.
func (g *glass) inspect(ctx context.Context) {
	again := time.NewTicker(inspectEvery)
	defer again.Stop()
	for {
		if !g.selling() {
			found := g.t.ask(ctx)
			g.mu.Lock()
			g.faults = found
			g.mu.Unlock()
			if !slices.ContainsFunc(found, ofPrinter) && g.t.spooler.Status().Err != nil {
				g.t.spooler.Retry() // there is paper again
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask asks each fitted device how it is.
func (t *terminal) ask(ctx context.Context) (found []ui.Fault) {
	within := func(ask func(context.Context) (ui.Problem, error), of ui.Device) {
		ctx, cancel := context.WithTimeout(ctx, inspectMax)
		defer cancel()
		if problem, err := ask(ctx); problem != "" {
			f := ui.Fault{Device: of, Problem: problem}
			if err != nil {
				f.Detail = oneLine(err)
			}
			found = append(found, f)
		}
	}
	if fitted := t.hardware.fitted; fitted.Reader != "" && !plugged(fitted.Reader) {
		found = append(found, ui.Fault{Device: ui.DeviceReader, Problem: ui.ProblemMissing, Detail: fitted.Reader})
	}
	if t.rules.TakesTaps() && !plugged(t.hardware.fitted.Antenna) {
		found = append(found, ui.Fault{Device: ui.DeviceAntenna, Problem: ui.ProblemMissing, Detail: t.hardware.fitted.Antenna})
	}
	if t.rules.TakesStripes() && !plugged(t.hardware.fitted.Stripe) {
		found = append(found, ui.Fault{Device: ui.DeviceStripe, Problem: ui.ProblemMissing, Detail: t.hardware.fitted.Stripe})
	}
	if t.hardware.fitted.PINPad != "" {
		within(func(ctx context.Context) (ui.Problem, error) {
			err := t.hardware.pinpad.Ready(ctx)
			return problemOf(err), err
		}, ui.DevicePINPad)
	}
	if t.hardware.fitted.Printer != "" {
		within(t.askPrinter, ui.DevicePrinter)
	}
	within(func(ctx context.Context) (ui.Problem, error) {
		opened, err := t.hardware.panel.Tampered(ctx)
		if opened {
			return ui.ProblemOpened, nil
		}
		return "", err
	}, ui.DeviceCase)
	if err := t.runner.Settle(); err != nil {
		found = append(found, ui.Fault{Device: ui.DeviceStore, Problem: ui.ProblemFault, Detail: oneLine(err)})
	}
	return found
}

func (t *terminal) askPrinter(ctx context.Context) (ui.Problem, error) {
	s, err := t.hardware.printer.Status(ctx)
	switch {
	case err != nil:
		return problemOf(err), err
	case s.PaperOut:
		return ui.ProblemPaperOut, nil
	case s.CoverOpen:
		return ui.ProblemCoverOpen, nil
	case s.Fault:
		return ui.ProblemFault, nil
	case s.PaperLow:
		return ui.ProblemPaperLow, nil
	}
	return "", nil
}

// problemOf makes of a driver's error what a person can see to. A device that
// is used, or was given up, has no problem.
func problemOf(err error) ui.Problem {
	switch {
	case err == nil, errors.Is(err, drivers.ErrCancelled):
		return ""
	case errors.Is(err, drivers.ErrNoDevice), errors.Is(err, drivers.ErrTimeout):
		return ui.ProblemMissing
	case errors.Is(err, drivers.ErrBusy):
		return ui.ProblemBusy
	case errors.Is(err, drivers.ErrPaperOut):
		return ui.ProblemPaperOut
	case errors.Is(err, drivers.ErrCoverOpen):
		return ui.ProblemCoverOpen
	case errors.Is(err, drivers.ErrNoKey):
		return ui.ProblemNoKey
	}
	return ui.ProblemFault
}
