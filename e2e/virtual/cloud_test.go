package virtual

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	cloudsync "github.com/cloudpos/cloudpos/sync"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// handleMax is how long the cloud works on one message, as in cloud/broker.
const handleMax = time.Minute

// hostTime is how long the host takes for a decision.
const hostTime = 150 * time.Millisecond

// cloud is the cloud through all its runs. Ledger and host survive.
type cloud struct {
	w     *world
	books ledger.Memory
	host  hostsim.Memory
	// slow tells how long the host waits before and after it decides.
	slow func(wire.Key) (before, after time.Duration)

	handlers sync.WaitGroup
	out      sync.Mutex // one message at a time goes out
	mu       sync.Mutex
	run      *cloudRun // nil before the first start
}

type cloudRun struct {
	power *power
	core  *ingest.Core
	ctx   context.Context
}

// start switches the cloud on, as cmd/cloud does. It fails when the power is
// cut meanwhile.
func (c *cloud) start(plan func(point) mishap) error {
	p := newPower(plan)
	ctx, cancel := context.WithCancel(context.Background())
	p.whenCut(cancel)
	host, err := hostsim.New(ctx, hostsim.Parts{
		Config: shared.host, Acquirer: shared.acquirer, AcquirerID: sealKeyID, Store: &c.host, Now: c.w.now, Log: c.w.log,
	})
	if err != nil {
		return err
	}
	core := ingest.New(ingest.Parts{
		Ledger: poweredLedger{&c.books, p}, Issuer: poweredIssuer{c, host, p}, Now: c.w.now, Log: c.w.log,
	})
	run := &cloudRun{p, core, ctx}
	if _, err := core.Recover(ctx); err != nil && p.isOff() {
		return err
	} else if err != nil {
		p.cut()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run = run
	return nil
}

func (c *cloud) current() *cloudRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run
}

// stop switches the cloud off, at once.
func (c *cloud) stop() {
	if run := c.current(); run != nil {
		run.power.cut()
	}
}

// serve takes a packet from the broker; a worker handles it. What comes while
// the power is off is lost.
func (c *cloud) serve(p cloudsync.Packet) {
	run := c.current()
	if run == nil || run.power.isOff() {
		return
	}
	c.handlers.Go(func() {
		ctx, cancel := context.WithTimeout(run.ctx, handleMax)
		defer cancel()
		terminal, _, kind, err := wire.ParseTopic(p.Topic)
		if err != nil {
			c.w.Errorf("topic %q: %v", p.Topic, err)
			return
		}
		replyKind, reply, err := run.core.Handle(ctx, terminal, kind, p.Payload)
		if err != nil {
			c.w.log.Warn("not answered", "err", err)
			return
		}
		topic, err := wire.Topic(terminal, wire.Down, replyKind)
		if err != nil {
			c.w.Errorf("%s: %v", terminal, err)
			return
		}
		name := nameOf(topic, reply)
		if pause(ctx, ownInstant(name)) != nil {
			return
		}
		_ = run.power.do("publish "+name, func() error {
			c.out.Lock()
			defer c.out.Unlock()
			c.w.broker.Publish(topic, reply)
			return nil
		})
	})
}

// poweredLedger is the ledger of one run.
type poweredLedger struct {
	*ledger.Memory
	power *power
}

func (l poweredLedger) Update(ctx context.Context, id ingest.ID, change func(*ingest.Dossier) error) error {
	// What change fails with is its own; only the test's faults are joined.
	var own error
	err := l.power.do(fmt.Sprintf("ledger %d", id.Seq), func() error {
		own = l.Memory.Update(ctx, id, change)
		return nil
	})
	return errors.Join(err, own)
}

// poweredIssuer is the way to the host of one run.
type poweredIssuer struct {
	cloud *cloud
	*hostsim.Host
	power *power
}

func (i poweredIssuer) Authorise(ctx context.Context, req wire.Request) (d ingest.Decision, err error) {
	before, after := hostTime, time.Duration(0)
	if i.cloud.slow != nil {
		before, after = i.cloud.slow(req.Key)
	}
	if err := pause(ctx, before); err != nil {
		return d, err
	}
	err = i.power.do(fmt.Sprintf("authorise %d/%d", req.Key.Seq, req.Key.Attempt), func() (err error) {
		d, err = i.Host.Authorise(ctx, req)
		return err
	})
	return d, errors.Join(err, pause(ctx, after))
}

func (i poweredIssuer) Complete(ctx context.Context, req wire.Request) error {
	return i.power.do(fmt.Sprintf("complete %d", req.Key.Seq), func() error { return i.Host.Complete(ctx, req) })
}

func (i poweredIssuer) Advise(ctx context.Context, req wire.Request) error {
	return i.power.do(fmt.Sprintf("advise %d", req.Key.Seq), func() error { return i.Host.Advise(ctx, req) })
}

func (i poweredIssuer) Reverse(ctx context.Context, id ingest.ID) error {
	if err := pause(ctx, hostTime); err != nil {
		return err
	}
	return i.power.do(fmt.Sprintf("reverse %d", id.Seq), func() error { return i.Host.Reverse(ctx, id) })
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
