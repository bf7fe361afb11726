package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/none"
	"github.com/cloudpos/cloudpos/payment"
)

// shownPanel notes what it is to show, and when.
type shownPanel struct {
	drivers.Panel
	begin time.Time

	mu    sync.Mutex
	shown []shownSignal
}

type shownSignal struct {
	at     time.Duration
	signal drivers.Signal
}

func (p *shownPanel) Show(_ context.Context, s drivers.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = append(p.shown, shownSignal{time.Since(p.begin), s})
	return nil
}

// screens is a mailbox of views.
type screens struct {
	mu      sync.Mutex
	screen  payment.Screen
	changed chan struct{}
}

func (s *screens) Get() (payment.View, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return payment.View{Screen: s.screen}, s.changed
}

func (s *screens) put(screen payment.Screen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.screen, s.changed = screen, make(chan struct{})
}

// The first light blinks before the first sale and some time after the last
// tone of each, and never during one, however long its PIN takes.
func TestLightsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := &shownPanel{Panel: none.Panel(), begin: time.Now()}
		l, sales := &lights{Panel: panel}, &screens{screen: payment.ScreenIdle, changed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.rest(ctx, sales, slog.New(slog.DiscardHandler))
		}()
		at := func(second int, s drivers.Signal, then payment.Screen) {
			time.Sleep(time.Duration(second)*time.Second - time.Since(panel.begin))
			if err := l.Show(ctx, s); err != nil {
				t.Error(err)
			}
			sales.put(then)
		}
		at(10, drivers.SignalReady, payment.ScreenPresentCard)
		at(12, drivers.SignalSuccess, payment.ScreenPIN)
		at(60, drivers.SignalAlert, payment.ScreenDeclined)
		sales.put(payment.ScreenIdle)
		at(61, drivers.SignalReady, payment.ScreenPresentCard) // too soon to have rested
		at(70, drivers.SignalSuccess, payment.ScreenIdle)
		time.Sleep(time.Minute)
		stop()
		<-done
		want := []shownSignal{
			{3 * time.Second, drivers.SignalIdle}, {10 * time.Second, drivers.SignalReady},
			{12 * time.Second, drivers.SignalSuccess}, {60 * time.Second, drivers.SignalAlert},
			{61 * time.Second, drivers.SignalReady}, {70 * time.Second, drivers.SignalSuccess},
			{73 * time.Second, drivers.SignalIdle},
		}
		if !slices.Equal(panel.shown, want) {
			t.Errorf("shown %v, want %v", panel.shown, want)
		}
	})
}

// A sale's last signal may come after its last view: it is left alone as well.
// One that came before the idle light was to be lit keeps it dark.
func TestLightsRestAfterALateSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := &shownPanel{Panel: none.Panel(), begin: time.Now()}
		l, sales := &lights{Panel: panel}, &screens{screen: payment.ScreenIdle, changed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.rest(ctx, sales, slog.New(slog.DiscardHandler))
		}()
		time.Sleep(2 * time.Second)
		told := l.signals()
		if err := l.Show(ctx, drivers.SignalSuccess); err != nil {
			t.Error(err)
		}
		if err := l.idle(ctx, told); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		stop()
		<-done
		want := []shownSignal{{2 * time.Second, drivers.SignalSuccess}, {6 * time.Second, drivers.SignalIdle}}
		if !slices.Equal(panel.shown, want) {
			t.Errorf("shown %v, want %v", panel.shown, want)
		}
	})
}
