package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
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
	shop, err := sim.Open(dir, deck, pad)
	if err != nil {
		return nil, err
	}
	if err := shop.SetCustomer(sim.Customer{Card: defaultCard, Auto: true}); err != nil {
		return nil, errors.Join(err, shop.Close())
	}
	return shop, nil
}

// runSim is the simulated shop as a process of its own, so that cards and
// printed paper outlive a killed terminal.
func runSim(ctx context.Context, args []string, stdout, _ io.Writer) (int, error) {
	fs := newFlags("sim")
	dir := fs.String("dir", "", "")
	if err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	if *dir == "" {
		return exitUsage, fmt.Errorf("%w: --dir is missing", errUsage)
	}
	shop, err := openShop(*dir)
	if err != nil {
		return exitError, err
	}
	if _, err := fmt.Fprintf(stdout, "ready dir=%s\n", *dir); err != nil {
		return exitError, errors.Join(err, shop.Close())
	}
	<-ctx.Done()
	return exitApproved, shop.Close()
}

// present makes the simulated customer hold a card of the deck.
func (h *hardware) present(card string) error {
	if h.simDir == "" {
		return requestError{errNoShop}
	}
	customer := sim.Customer{Card: card, Auto: true}
	if h.shop != nil {
		return noCard(h.shop.SetCustomer(customer))
	}
	client, err := sim.Dial(h.simDir)
	if err != nil {
		return err
	}
	return errors.Join(noCard(client.SetCustomer(customer)), client.Close())
}

// noCard makes a card that is not in the deck the request's fault.
func noCard(err error) error {
	if errors.Is(err, sim.ErrCard) || errors.Is(err, sim.ErrControl) {
		return requestError{fmt.Errorf("--card: %w", err)}
	}
	return err
}
