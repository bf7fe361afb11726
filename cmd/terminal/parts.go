package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/offline"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/payment"
	cloudsync "github.com/cloudpos/cloudpos/sync"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// checkTimeout bounds the check of the journal at start.
const checkTimeout = time.Minute

// connectWaitMax is how long a sale waits for a connection.
const connectWaitMax = 5 * time.Second

// terminal is the parts list: all that a payment terminal is made of, from the
// bottom up.
type terminal struct {
	cfg      *Config
	params   *params.Document
	hardware *hardware
	journal  *offline.Journal
	clock    *clock
	link     *cloudsync.Link
	uplink   *cloudsync.Uplink
	spooler  *offline.Spooler
	rules    *payment.Terminal
	runner   *payment.Runner
	lights   *lights
	glass    *glass // nil: no screen
	log      *slog.Logger

	stop    context.CancelFunc
	workers sync.WaitGroup
}

// openTerminal makes the parts and settles what the last run left open.
// Nothing runs yet. The caller closes it.
func openTerminal(cfg *Config, log *slog.Logger) (_ *terminal, err error) {
	t := &terminal{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			_ = t.close()
		}
	}()
	if t.params, err = loadParams(cfg); err != nil {
		return nil, err
	}
	if err = cfg.Devices.refusePlay(t.params.Environment); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errConfig, cfg.file, err)
	}
	identity, err := loadIdentity(cfg)
	if err != nil {
		return nil, err
	}
	if t.journal, err = openJournal(cfg, log); err != nil {
		return nil, err
	}
	t.clock = newClock(t.journal.Last())
	if err = identity.Valid(t.clock.now()); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.TLS.Cert, err)
	}
	if t.hardware, err = openHardware(cfg); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errConfig, cfg.file, err)
	}
	sealer, err := openSealer(cfg, t.params)
	if err != nil {
		return nil, err
	}
	if err = t.connectParts(identity); err != nil {
		return nil, err
	}
	t.spooler = offline.NewSpooler(t.journal, t.printSlip, offline.SpoolerOpts{Now: t.clock.now, Trusted: t.clock.trusted, Log: log})
	t.rules = &payment.Terminal{
		Software: version, Params: t.params, Fitted: t.hardware.fitted, Sealer: sealer,
		Random: random,
		Latest: t.journal.List,
	}
	t.lights = &lights{Panel: t.hardware.panel}
	t.runner = payment.NewRunner(payment.Parts{
		Readers: t.readers(), PINPad: t.hardware.pinpad, Panel: t.lights,
		Journal: t.journal, Host: t.link,
		Now:       func() (time.Time, bool) { return t.clock.now(), t.clock.trusted() },
		Configure: t.rules.Config,
		Log:       log,
	})
	return t, t.runner.Settle()
}

// random is where a card's unpredictable numbers come from. It never fails, by
// its documentation.
func random(b []byte) { _, _ = rand.Read(b) }

// readers are those that wait for a card, the first ones first.
func (t *terminal) readers() []drivers.Reader {
	readers := []drivers.Reader{t.hardware.reader}
	if t.rules.TakesTaps() {
		readers = append(readers, t.hardware.antenna)
	}
	if t.rules.TakesStripes() {
		readers = append(readers, t.hardware.stripe)
	}
	return readers
}

// fitScreen gives the terminal its screen, if the configuration names one.
func (t *terminal) fitScreen() (err error) {
	t.glass, err = openGlass(t)
	t.rules.Screen = t.glass != nil
	return err
}

func openJournal(cfg *Config, log *slog.Logger) (*offline.Journal, error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	journal, err := offline.Open(offline.Opts{
		Dir: cfg.Data, Terminal: cfg.Terminal, Log: log, MinEpoch: cfg.MinEpoch,
		Check: offline.CheckInChild(checkTimeout, func(path string) []string { return []string{self, checkCommand, path} }),
	})
	if errors.Is(err, offline.ErrEpoch) {
		return nil, fmt.Errorf("%w; set min_epoch in the configuration to the epoch that the cloud shows", err)
	}
	if err != nil {
		return nil, err
	}
	for _, n := range journal.Notices() {
		log.Warn("journal", "code", n.Code, "text", n.Text)
	}
	return journal, nil
}

func openSealer(cfg *Config, doc *params.Document) (payment.Sealer, error) {
	public, err := keys.ParsePublic(doc.Acquirer.SealKey)
	if err != nil {
		return nil, fmt.Errorf("%s: acquirer.seal_key: %w", cfg.Params.File, err)
	}
	tokens, err := keys.OpenTokens(filepath.Join(cfg.Data, "token.key"))
	if err != nil {
		return nil, err
	}
	return payment.AcquirerSealer{KeyID: doc.Acquirer.SealKeyID, Public: public, Tokens: tokens}, nil
}

// loadIdentity reads what the terminal proves itself with. What waiting does
// not cure fails here, before anything is opened.
func loadIdentity(cfg *Config) (cloudsync.Identity, error) {
	return cloudsync.LoadIdentity(cfg.Terminal, cfg.TLS.CA, cfg.TLS.Cert, cfg.TLS.Key)
}

// connectParts makes the way to the cloud.
func (t *terminal) connectParts(identity cloudsync.Identity) error {
	transport, err := cloudsync.NewMQTT(cloudsync.MQTTOpts{
		Address: strings.TrimPrefix(t.cfg.Cloud, cloudScheme), Identity: identity, Now: t.clock.now,
	})
	if err != nil {
		return err
	}
	t.link, err = cloudsync.New(transport, cloudsync.Opts{
		Terminal: t.cfg.Terminal, Now: t.clock.now, Rand: mathrand.Float64, Log: t.log,
		// A sale has to hear that nothing was sent before it gives up waiting:
		// afterwards it would be in doubt.
		ConnectWait: min(connectWaitMax, t.params.Timeouts.Host/2),
		Hello: func() wire.Hello {
			epoch, seq := t.journal.Head()
			return wire.Hello{Epoch: epoch, Seq: seq, Software: version, Params: t.params.Version}
		},
		OnWelcome: func(w wire.Welcome) error { return t.journal.CatchUp(w.Epoch, w.Seq) },
	})
	if err != nil {
		return err
	}
	t.uplink = cloudsync.NewUplink(t.journal, t.link, cloudsync.UplinkOpts{
		Changed: t.link.Changed, Now: t.clock.now, ClockTrusted: t.clock.trusted, Rand: mathrand.Float64, Log: t.log,
	})
	return nil
}

// start lets link, uplink, spooler and settling work until close.
func (t *terminal) start() {
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	for _, work := range []func(context.Context) error{t.link.Run, t.uplink.Run} {
		t.workers.Go(func() {
			if err := work(ctx); err != nil {
				t.log.Error("a part has ended", "error", err)
			}
		})
	}
	t.workers.Go(func() { t.spooler.Run(ctx) })
	t.workers.Go(func() { t.runner.KeepSettled(ctx) })
	if t.rules.TakesTaps() {
		t.workers.Go(func() { t.lights.rest(ctx, t.runner.Views(), t.log) })
	}
}

// close stops and closes the parts in reverse order.
func (t *terminal) close() error {
	if t.stop != nil {
		t.stop()
	}
	t.workers.Wait()
	var errs []error
	if t.hardware != nil {
		errs = append(errs, t.hardware.close())
	}
	if t.journal != nil {
		errs = append(errs, t.journal.Close())
	}
	return errors.Join(errs...)
}

// sell performs one sale after checking that it is allowed at all.
func (t *terminal) sell(ctx context.Context, r saleRequest) (payment.Result, error) {
	amount, err := r.amount(t.params)
	if err != nil {
		return payment.Result{}, requestError{err}
	}
	request := payment.Request{Kind: payment.Sale, Amount: amount, Online: r.Online}
	if err := t.rules.Allows(request); err != nil {
		return payment.Result{}, requestError{err}
	}
	if r.Card != "" {
		stays, leave, err := t.hardware.visit(ctx, r.Card)
		if err != nil {
			return payment.Result{}, err
		}
		defer leave()
		ctx = stays
	}
	return t.pay(ctx, request)
}

// pay performs a sale that is allowed, and tells the screen what it came to.
func (t *terminal) pay(ctx context.Context, request payment.Request) (payment.Result, error) {
	res, err := t.runner.Run(ctx, request)
	t.glass.end(res, err)
	return res, err
}
