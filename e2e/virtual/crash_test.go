package virtual

import (
	"errors"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

func eachChosen(t *testing.T, try func(s *scenario, t *testing.T)) {
	t.Helper()
	for _, s := range chosen(t) {
		t.Run(s.name, func(t *testing.T) { try(s, t) })
	}
}

// TestTerminalCrash cuts the terminal's power before and after each thing that
// it does: commit, message either way, command to the card, PIN, slip. It is
// started again, at once or later, settles what it finds, and sells.
func TestTerminalCrash(t *testing.T) {
	eachChosen(t, func(s *scenario, t *testing.T) {
		var points []point
		inWorld(t, 1, func(w *world) {
			s.sell(w)
			s.check(w, w.settle())
			points = w.terminals[0].run.power.worthTrying(t)
		})
		for _, where := range points {
			for _, pause := range []time.Duration{time.Millisecond, 45 * time.Second} {
				t.Run(where.String()+"/"+pause.String(), func(t *testing.T) {
					inWorld(t, 1, func(w *world) { terminalCrash(w, s, where, pause) })
				})
			}
		}
		t.Logf("%d points", len(points))
	})
}

func terminalCrash(w *world, s *scenario, where point, pause time.Duration) {
	terminal := w.terminals[0]
	w.cloud.slow = s.slow
	if err := terminal.start(at(where, cut)); err != nil {
		w.Fatal(err)
	}
	first := terminal.run.power
	_, err := terminal.sell(s.card, s.minor)
	if err != nil && !errors.Is(err, errPower) {
		w.Errorf("sell: %v", err)
	}
	time.Sleep(5 * time.Minute) // what comes after the sale may be the point
	if _, mishaps := first.passed(); mishaps != 1 {
		w.Errorf("it did not come to %v", where)
	}
	time.Sleep(pause)
	before, err := w.read()
	if err != nil {
		w.Fatal(err)
	}
	w.start(terminal)
	w.cloud.slow = nil
	if _, err := terminal.sell("approve", 5000); err != nil {
		w.Errorf("the next sale: %v", err)
	}
	b := w.settle()
	w.agree(b)
	// What was decided stays; what was not is reversed.
	for _, was := range before.journal {
		want := was.State
		if want == payment.Authorising || want == payment.Reversing {
			want = payment.Reversed
		}
		if is := b.recordOf(was.ID.Seq); is.State != want {
			w.Errorf("sale %v was %q at the crash and is %q", was.ID, was.State, is.State)
		}
	}
	if last := b.journal[0]; last.State != payment.Approved || last.Opening.Amount.Minor != 5000 {
		w.Errorf("the next sale is %q", last.State)
	}
}

// TestCrashInRecovery cuts the power a second time, while the terminal settles
// what the first time has left.
func TestCrashInRecovery(t *testing.T) {
	first := point{what: "send request 1/authorise/1", n: 1, after: true}
	begin := func(w *world) {
		if err := w.terminals[0].start(at(first, cut)); err != nil {
			w.Fatal(err)
		}
		if _, err := w.terminals[0].sell("approve", 1250); !errors.Is(err, errPower) {
			w.Fatalf("sell: %v, want a crash", err)
		}
	}
	var points []point
	inWorld(t, 1, func(w *world) {
		begin(w)
		w.start(w.terminals[0])
		w.agree(w.settle())
		points = w.terminals[0].run.power.worthTrying(t)
	})
	for _, where := range points {
		t.Run(where.String(), func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				begin(w)
				if err := w.terminals[0].start(at(where, cut)); err != nil && !errors.Is(err, errPower) {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Minute)
				if !w.terminals[0].run.power.isOff() {
					t.Errorf("it did not come to %v", where)
				}
				b := w.settle()
				w.agree(b)
				if state := b.recordOf(1).State; state != payment.Reversed {
					t.Errorf("the sale is %q", state)
				}
			})
		})
	}
}

// TestDiskFull lets each commit of a sale fail once.
func TestDiskFull(t *testing.T) {
	eachChosen(t, func(s *scenario, t *testing.T) {
		var points []point
		inWorld(t, 1, func(w *world) {
			s.sell(w)
			w.settle()
			points = w.terminals[0].run.power.worthTrying(t)
		})
		for _, where := range points {
			if where.after || !where.commit() {
				continue
			}
			t.Run(where.String(), func(t *testing.T) {
				inWorld(t, 1, func(w *world) {
					w.cloud.slow = s.slow
					terminal := w.terminals[0]
					if err := terminal.start(at(where, fail)); err != nil {
						t.Fatal(err)
					}
					if _, err := terminal.sell(s.card, s.minor); err != nil && !errors.Is(err, payment.ErrStore) {
						t.Errorf("sell: %v", err)
					}
					time.Sleep(5 * time.Minute)
					if _, mishaps := terminal.run.power.passed(); mishaps != 1 {
						t.Errorf("it did not come to %v", where)
					}
					w.cloud.slow = nil
					if res, err := terminal.sell("approve", 5000); err != nil || res.Record.State != payment.Approved {
						t.Errorf("the next sale is %q, %v", res.Record.State, err)
					}
					w.agree(w.settle())
				})
			})
		}
	})
}

// TestCloudMishaps cuts the cloud's power before and after each thing that it
// does, or lets that one thing fail: between "pending" and the answer, between
// host and ledger, between ledger and terminal.
func TestCloudMishaps(t *testing.T) {
	eachChosen(t, func(s *scenario, t *testing.T) {
		var points []point
		inWorld(t, 1, func(w *world) {
			s.sell(w)
			power := w.cloud.current().power
			s.check(w, w.settle()) // which restarts the cloud
			points = power.worthTrying(t)
		})
		for _, where := range points {
			t.Run(where.String()+"/fails", func(t *testing.T) {
				inWorld(t, 1, func(w *world) { cloudMishap(w, s, where, fail, 0) })
			})
			for _, pause := range []time.Duration{time.Millisecond, 3 * time.Second, 2 * time.Minute} {
				t.Run(where.String()+"/"+pause.String(), func(t *testing.T) {
					inWorld(t, 1, func(w *world) { cloudMishap(w, s, where, cut, pause) })
				})
			}
		}
		t.Logf("%d points", len(points))
	})
}

func cloudMishap(w *world, s *scenario, where point, what mishap, pause time.Duration) {
	w.cloud.stop()
	if err := w.cloud.start(at(where, what)); err != nil {
		w.Fatal(err)
	}
	first := w.cloud.current().power
	if what == cut {
		first.whenCut(func() {
			time.AfterFunc(pause, func() {
				if err := w.cloud.start(nil); err != nil {
					w.Errorf("restart of the cloud: %v", err)
				}
			})
		})
	}
	s.sell(w)
	time.Sleep(10 * time.Minute)
	if _, mishaps := first.passed(); mishaps != 1 {
		w.Errorf("it did not come to %v", where)
	}
	b := w.settle()
	w.agree(b)
	// A short mishap is overcome within the host's deadline.
	if pause < time.Minute {
		s.check(w, b)
	}
}
