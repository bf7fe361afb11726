package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/payment"
)

// idleAfter is how long lights and tones of a sale's end are left alone.
const idleAfter = 3 * time.Second

// lights is the panel. A sale signals what it wants; while there is none the
// first light of a terminal with an antenna blinks. EMV Contactless Book A, 9.
type lights struct {
	drivers.Panel

	mu   sync.Mutex
	told uint // signals so far
}

// Show is a sale's signal.
func (l *lights) Show(ctx context.Context, s drivers.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told++
	return l.Panel.Show(ctx, s)
}

func (l *lights) signals() uint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

// idle signals that nobody wants a card, unless a sale has signalled since
// there were so many signals: then it is no longer true.
func (l *lights) idle(ctx context.Context, told uint) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told != told {
		return nil
	}
	return l.Panel.Show(ctx, drivers.SignalIdle)
}

// views are those of the sales; payment.Mailbox has them.
type views interface {
	Get() (payment.View, <-chan struct{})
}

// rest lets the light blink whenever there is no sale, until ctx ends.
func (l *lights) rest(ctx context.Context, sales views, log *slog.Logger) {
	for {
		told := l.signals()
		view, changed := sales.Get()
		var settled <-chan time.Time
		if view.Screen == payment.ScreenIdle {
			settled = time.After(idleAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
			continue
		case <-settled:
		}
		if l.signals() != told {
			continue // the last signal has come after the last view
		}
		if err := l.idle(ctx, told); err != nil {
			log.Debug("panel", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
