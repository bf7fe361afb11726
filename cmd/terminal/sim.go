package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/world"
)

// defaultCard is what the simulated customer holds unless told otherwise.
const defaultCard = "approve"

// errNoShop is --card without simulated devices.
var errNoShop = errors.New("--card is for simulated devices; here a real card is presented")

// openShop starts the simulated shop on the deck and the PIN pad keys in its
// folder.
func openShop(dir string) (*sim.Shop, error) {
	const fileMax = 1 << 20
	var deck []issuer.Profile
	var pad sim.PadKeys
	for _, part := range []struct {
		name string
		into any
	}{{"cards.json", &deck}, {"pinpad.json", &pad}} {
		file := filepath.Join(dir, part.name)
		data, err := readBounded(file, fileMax)
		if err != nil {
			return nil, fmt.Errorf("simulated shop: %w", err)
		}
		if err := json.Unmarshal(data, part.into); err != nil {
			return nil, fmt.Errorf("simulated shop: %s: %w", file, err)
		}
	}
	shop, err := sim.Open(dir, deck, pad, cards.Misfits()...)
	if err != nil {
		return nil, err
	}
	if err := shop.SetCustomer(sim.Customer{Card: defaultCard, Auto: true}); err != nil {
		return nil, errors.Join(err, shop.Close())
	}
	return shop, nil
}

// simOpts is what terminal sim was asked for.
type simOpts struct {
	dir            string
	page           string // to listen on; "" serves no page
	screen, ledger string // addresses; "" is none
	cable          string // LISTEN=TARGET; "" lays none
}

// runSim is the simulated shop as a process of its own, so that cards and
// printed paper outlive a killed terminal. With --http it has a page, at which
// a person moves cards and keys; without one the customer comes by himself.
func runSim(ctx context.Context, args []string, stdout, _ io.Writer) (int, error) {
	fs := newFlags("sim")
	var o simOpts
	fs.StringVar(&o.dir, "dir", "", "")
	fs.StringVar(&o.page, "http", "", "")
	fs.StringVar(&o.screen, "screen", "", "")
	fs.StringVar(&o.ledger, "ledger", "", "")
	fs.StringVar(&o.cable, "cable", "", "")
	if err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	opts, err := o.world()
	if err != nil {
		return exitUsage, fmt.Errorf("%w: %w", errUsage, err)
	}
	shop, err := openShop(o.dir)
	if err != nil {
		return exitError, err
	}
	opts.Shop = shop
	return exitApproved, errors.Join(o.serve(ctx, shop, opts, stdout), shop.Close())
}

// world checks the options and says what the page shows.
func (o *simOpts) world() (world.Opts, error) {
	var opts world.Opts
	if o.dir == "" {
		return opts, errors.New("--dir is missing")
	}
	if from, to, ok := strings.Cut(o.cable, "="); o.cable != "" && (!ok || from == "" || to == "") {
		return opts, fmt.Errorf("--cable is %q, write it like 127.0.0.1:8884=127.0.0.1:8883", o.cable)
	}
	var ledger *url.URL
	for _, place := range []struct {
		name, address string
		into          **url.URL
	}{{"--screen", o.screen, &opts.Screen}, {"--ledger", o.ledger, &ledger}} {
		if place.address == "" {
			continue
		}
		u, err := url.Parse(place.address)
		switch {
		case err != nil || u.Scheme != "http" || u.Host == "":
			return opts, fmt.Errorf("%s is %q, write it like http://127.0.0.1:8082/", place.name, place.address)
		case o.page == "":
			return opts, fmt.Errorf("%s is for the page: --http is missing", place.name)
		}
		*place.into = u
	}
	if ledger != nil {
		opts.Ledger = func(ctx context.Context) ([]byte, error) { return readLedger(ctx, ledger) }
	}
	return opts, nil
}

// serve lays the cable and serves the page until ctx ends.
func (o *simOpts) serve(ctx context.Context, shop *sim.Shop, opts world.Opts, stdout io.Writer) error {
	ready := "ready dir=" + o.dir
	if from, to, ok := strings.Cut(o.cable, "="); ok {
		address, err := shop.LayCable(from, to)
		if err != nil {
			return fmt.Errorf("--cable: %w", err)
		}
		ready += " cable=" + address.String()
	}
	if o.page == "" {
		if _, err := fmt.Fprintln(stdout, ready); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	if err := errors.Join(shop.ByHand(true), shop.SetCustomer(sim.Customer{})); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.page)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	ready += " page=http://" + listener.Addr().String() + "/"
	return servePage(ctx, listener, world.New(opts), func() error {
		_, err := fmt.Fprintln(stdout, ready)
		return err
	})
}

// servePage serves until ctx ends, and with it all that streams.
func servePage(ctx context.Context, listener net.Listener, page http.Handler, ready func() error) error {
	const headerWait, goodbye = 5 * time.Second, time.Second
	streams, end := context.WithCancel(ctx)
	defer end()
	server := &http.Server{Handler: page, ReadHeaderTimeout: headerWait,
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return streams }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err := ready()
	if err == nil {
		select {
		case err = <-served:
			return fmt.Errorf("page: %w", err)
		case <-ctx.Done():
		}
	}
	end()
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	if server.Shutdown(bye) != nil {
		_ = server.Close() // a browser that holds on is let go
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// readLedger asks the cloud for its newest sales.
func readLedger(ctx context.Context, ledger *url.URL) ([]byte, error) {
	const bytesMax = 1 << 20
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, ledger.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, fmt.Errorf("the cloud does not answer: %w", failed.Err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	books, err := io.ReadAll(io.LimitReader(answer.Body, bytesMax))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the cloud answers %s", answer.Status)
	}
	return books, err
}

// visit lets a customer with a card of the deck come by himself, whatever else
// the simulated shop was told, until leave. What it returns ends with ctx, and
// when he gives up: he was sent to the slot with a card that has no contacts.
func (h *hardware) visit(ctx context.Context, card string) (stays context.Context, leave func(), err error) {
	if h.simDir == "" {
		return nil, nil, requestError{errNoShop}
	}
	// Over a connection of its own, with which the visit ends even if this
	// process is killed.
	client, err := sim.Dial(h.simDir)
	if err != nil {
		return nil, nil, err
	}
	if err := client.Visit(card); err != nil {
		return nil, nil, errors.Join(noCard(card, err), client.Close())
	}
	stays, gone := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		const look = 100 * time.Millisecond
		again := time.NewTicker(look)
		defer again.Stop()
		for {
			select {
			case <-again.C:
			case <-stays.Done():
				return
			}
			if s, err := client.State(); err == nil && s.GaveUp {
				gone()
			}
		}
	})
	return stays, func() {
		gone()
		watch.Wait()
		// Leaving is said, not only shown by hanging up, so that it has been
		// done when the next sale begins. A shop that is gone has no visitors.
		_ = client.Leave()
		_ = client.Close()
	}, nil
}

// noCard makes a card that is not in the shop the request's fault, and tells
// which ones are.
func noCard(card string, err error) error {
	if !errors.Is(err, sim.ErrCard) && !errors.Is(err, sim.ErrControl) {
		return err
	}
	help := "terminal cards lists them"
	if c, known := cards.Find(card); known && c.Tap {
		return requestError{fmt.Errorf("--card: %w (this development set was made before such cards; cloud dev-taps brings them there)", err)}
	} else if known {
		return requestError{fmt.Errorf("--card: %w (this development set was made before the card; cloud dev-init makes a new one, in another folder or once this one is deleted)", err)}
	}
	if near := cards.Near(card); len(near) > 0 {
		help = "near it: " + strings.Join(near, ", ") + "; " + help
	}
	return requestError{fmt.Errorf("--card: %w (%s)", err, help)}
}
