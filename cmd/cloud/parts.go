package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/cloud/broker"
	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/ledger"
	"github.com/cloudpos/cloudpos/cloud/store"
)

// stopMax is how long messages that are being handled may take at the end.
const stopMax = 8 * time.Second

// parts are the running cloud.
type parts struct {
	books  *ledger.SQL
	host   *hostsim.Host
	core   *ingest.Core
	broker *broker.Broker
	status *http.Server

	mqttAddr, statusAddr string
	stops                []func(context.Context) error // in the order of building
}

func runCloud(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("run")
	file := configFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return err
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	log := newLog(stderr)
	p, err := build(ctx, cfg, log)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "ready mqtt=%s status=%s\n", p.mqttAddr, p.statusAddr); err != nil {
		return errors.Join(err, p.stop())
	}
	<-ctx.Done()
	log.Info("stopping")
	return p.stop()
}

// newLog writes to w; debug lines when CLOUDPOS_DEBUG is set.
func newLog(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if os.Getenv("CLOUDPOS_DEBUG") != "" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// build makes the parts from the bottom up. Nothing is left running when it
// fails.
func build(ctx context.Context, cfg *Config, log *slog.Logger) (_ *parts, err error) {
	p := &parts{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	held, err := cfg.credentials()
	if err != nil {
		return nil, err
	}
	unlock, err := store.Lock(cfg.Data)
	if err != nil {
		return nil, err
	}
	p.onStop(func(context.Context) error { return unlock() })

	ledgerDB, err := store.Open(cfg.ledgerFile())
	if err != nil {
		return nil, err
	}
	p.onStop(func(context.Context) error { return ledgerDB.Close() })
	if p.books, err = ledger.OpenSQL(ctx, ledgerDB); err != nil {
		return nil, store.Explain(err)
	}

	hostDB, err := store.Open(cfg.hostFile())
	if err != nil {
		return nil, err
	}
	p.onStop(func(context.Context) error { return hostDB.Close() })
	decisions, err := hostsim.OpenSQL(ctx, hostDB)
	if err != nil {
		return nil, store.Explain(err)
	}
	p.host, err = hostsim.New(ctx, hostsim.Parts{
		Config: held.issuer, Acquirer: held.acquirer, AcquirerID: cfg.Acquirer.ID, Store: decisions, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, store.Explain(err)
	}

	p.core = ingest.New(ingest.Parts{Ledger: p.books, Issuer: p.host, Now: time.Now, Log: log})
	if n, err := p.core.Recover(ctx); err != nil {
		return nil, store.Explain(err)
	} else if n > 0 {
		log.Info("reversals that a stop had interrupted were told to the issuer", "sales", n)
	}
	if err := p.listen(cfg, held, log); err != nil {
		return nil, err
	}
	return p, nil
}

// listen opens both ports: the status first, since it needs no terminal.
func (p *parts) listen(cfg *Config, held *credentials, log *slog.Logger) (err error) {
	listener, err := net.Listen("tcp", cfg.Status)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	p.statusAddr = listener.Addr().String()
	p.status = &http.Server{Handler: statusHandler(p.books, p.host), ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	p.onStop(p.status.Shutdown)
	go func() {
		if err := p.status.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("status server ended", "why", err.Error())
		}
	}()

	p.broker, err = broker.Start(broker.Config{
		Listen: cfg.MQTT, Data: cfg.brokerFolder(), TLS: held.server, ClientCAs: held.clients, Workers: cfg.Workers,
		Handle: p.handle, Log: log,
	})
	if err != nil {
		return err
	}
	p.onStop(p.broker.Close)
	p.mqttAddr, err = p.broker.Addr()
	return err
}

// handle puts what the database says into words, for the log.
func (p *parts) handle(ctx context.Context, terminal, kind string, payload []byte) (string, []byte, error) {
	replyKind, reply, err := p.core.Handle(ctx, terminal, kind, payload)
	return replyKind, reply, store.Explain(err)
}

func (p *parts) onStop(f func(context.Context) error) { p.stops = append(p.stops, f) }

// stop ends the parts in reverse.
func (p *parts) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopMax)
	defer cancel()
	var errs []error
	for _, stop := range slices.Backward(p.stops) {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}
