package virtual

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/offline"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
	cloudsync "github.com/cloudpos/cloudpos/sync"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// slipColumns is the width of the paper.
const slipColumns = 32

// terminal is one terminal through all its runs. Journal and counter survive.
type terminal struct {
	w       *world
	id      string
	counter *counter
	journal *offline.Memory
	running sync.WaitGroup // all goroutines of all runs

	// Of the one who starts and sells.
	starts int
	run    *run
	told   []telling
}

// run is a terminal while its power is on.
type run struct {
	power  *power
	runner *payment.Runner
	link   *cloudsync.Link
}

// telling is what a cashier was told of a sale.
type telling struct {
	id     payment.ID
	screen payment.Screen
}

// start switches the terminal on, as cmd/terminal does. It fails when the power
// is cut meanwhile, or the journal cannot be settled.
func (t *terminal) start(plan func(point) mishap) error {
	t.starts++
	p := newPower(plan)
	devices := devices{t.counter, p}
	journal := poweredJournal{t.journal, p}
	log := t.w.log.With("terminal", t.id)
	link, err := cloudsync.New(poweredTransport{t.w.broker, p}, cloudsync.Opts{
		Terminal: t.id, Now: t.w.now, Rand: evenly, Log: log,
		Hello: func() wire.Hello {
			epoch, seq := t.journal.Head()
			return wire.Hello{Epoch: epoch, Seq: seq, Software: "virtual", Params: shared.params.Version}
		},
		OnWelcome: func(w wire.Welcome) error { return t.journal.CatchUp(w.Epoch, w.Seq) },
	})
	if err != nil {
		return err
	}
	uplink := cloudsync.NewUplink(journal, link, cloudsync.UplinkOpts{
		Changed: link.Changed, Now: t.w.now, ClockTrusted: trusted, Rand: evenly, Log: log,
	})
	spooler := offline.NewSpooler(journal, devices.print, offline.SpoolerOpts{Now: t.w.now, Trusted: trusted, Log: log})
	rules := &payment.Terminal{
		Software: "virtual", Params: shared.params, Fitted: payment.Fitted{Reader: "virtual:", Antenna: "virtual:", Stripe: "virtual:", PINPad: "virtual:", Printer: "virtual:", PlainPIN: true},
		Sealer: payment.AcquirerSealer{KeyID: sealKeyID, Public: shared.acquirer.Public(), Tokens: shared.tokens},
		Random: unpredictable(t.id, t.starts),
	}
	t.run = &run{power: p, link: link, runner: payment.NewRunner(payment.Parts{
		Readers: []drivers.Reader{reader{devices}, antenna{devices}, stripes{devices}}, PINPad: pinpad{devices}, Panel: panel{},
		Journal: journal, Host: link, Configure: rules.Config, Log: log,
		Now: func() (time.Time, bool) { return t.w.now(), true },
	})}
	if err := t.run.runner.Settle(); err != nil {
		p.cut()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.whenCut(cancel)
	for _, work := range []func(context.Context) error{link.Run, uplink.Run} {
		t.running.Go(func() {
			if err := work(ctx); err != nil {
				t.w.Errorf("%s: a part has ended: %v", t.id, err)
			}
		})
	}
	t.running.Go(func() { spooler.Run(ctx) })
	return nil
}

func trusted() bool { return true }

// evenly is in the middle, and such that no re-send falls on a deadline: what
// happens in one instant of virtual time has no order.
func evenly() float64 { return 0.47 }

// unpredictable fills as a random source does, the same for each replay.
func unpredictable(id string, starts int) func([]byte) {
	var seed [32]byte
	copy(seed[:24], id)
	binary.BigEndian.PutUint64(seed[24:], uint64(starts))
	source := rand.NewChaCha8(seed)
	return func(b []byte) { _, _ = source.Read(b) } // never fails
}

// stop switches the terminal off, at once.
func (t *terminal) stop() {
	if t.run != nil {
		t.run.power.cut()
	}
}

// sell makes a sale and tells how it ended, or errPower when the power went
// before.
func (t *terminal) sell(card string, minor int64) (payment.Result, error) {
	type end struct {
		payment.Result
		err error
	}
	run, done := t.run, make(chan end, 1)
	if run.power.isOff() {
		return payment.Result{}, errPower
	}
	if err := t.counter.present(card); err != nil {
		return payment.Result{}, err
	}
	t.running.Go(func() {
		res, err := run.runner.Run(context.Background(), payment.Request{
			Kind: payment.Sale, Amount: money.Amount{Minor: minor, Currency: shared.cny},
		})
		done <- end{res, err}
	})
	select {
	case e := <-done:
		if run.power.isOff() {
			return payment.Result{}, errPower
		}
		if e.Record.Version > 0 {
			t.told = append(t.told, telling{e.Record.ID, e.View.Screen})
		}
		return e.Result, e.err
	case <-run.power.off:
		return payment.Result{}, errPower
	}
}

// poweredJournal is the journal of one run.
type poweredJournal struct {
	*offline.Memory
	power *power
}

func (j poweredJournal) Commit(e payment.Entry) error {
	what := fmt.Sprintf("commit %d %s%s", e.ID.Seq, e.To, e.Mark)
	return j.power.do(what, func() error { return j.Memory.Commit(e) })
}

// poweredTransport is the network interface of one run.
type poweredTransport struct {
	cloudsync.Transport
	power *power
}

func (t poweredTransport) Connect(ctx context.Context, client string, topics []string, deliver func(string, []byte)) (cloudsync.Conn, error) {
	if t.power.isOff() {
		return nil, errPower
	}
	conn, err := t.Transport.Connect(ctx, client, topics, func(topic string, payload []byte) {
		_ = t.power.do("receive "+nameOf(topic, payload), func() error { // a failure is a message lost
			deliver(topic, payload)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return poweredConn{conn, t.power}, nil
}

type poweredConn struct {
	cloudsync.Conn
	power *power
}

func (c poweredConn) Publish(ctx context.Context, topic string, payload []byte) error {
	var unsent error
	name := nameOf(topic, payload)
	if err := pause(ctx, ownInstant(name)); err != nil {
		return err
	}
	err := c.power.do("send "+name, func() error {
		unsent = c.Conn.Publish(ctx, topic, payload)
		return unsent
	})
	if errors.Is(unsent, cloudsync.ErrClosed) {
		return unsent
	}
	return err
}

// print is the spooler's way to the paper.
func (d devices) print(ctx context.Context, r payment.Record, slip payment.Mark, isCopy bool) error {
	if err := d.pause(ctx, printTime); err != nil {
		return err
	}
	card := r.Card()
	in := receipt.Input{
		Language: receipt.English, Copy: receipt.CustomerCopy, Reprint: isCopy,
		MerchantName: shared.params.Merchant.Name, MerchantID: shared.params.Merchant.ID,
		At: r.Opening.Started, Amount: r.Opening.Amount, Outcome: receipt.Approved,
		AuthCode: r.Ending.AuthCode, HostRef: r.Ending.HostRef, Masked: card.Masked, Label: card.Label, AID: card.AID,
		Receipt: r.Opening.Receipt, STAN: r.Opening.STAN,
	}
	if slip == payment.SignedCopy {
		in.Copy, in.CVM = receipt.MerchantCopy, receipt.Signature
	}
	return d.power.do(fmt.Sprintf("print %d %s", r.ID.Seq, slip), func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.paper = append(d.paper, receipt.Text(receipt.Render(in), slipColumns))
		return nil
	})
}
