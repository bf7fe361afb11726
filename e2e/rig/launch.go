package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Launch starts a program in a way of its own, under a supervisor for example,
// and returns how to wait for its end.
type Launch func(*exec.Cmd) (wait func() error, err error)

// plainly is how programs are started otherwise.
func plainly(cmd *exec.Cmd) (wait func() error, err error) { return cmd.Wait, cmd.Start() }

// Renew gives cloud, terminal and simulated shop empty books: their data is
// removed, keys and configuration stay. Only the agent must have ended.
func (r *Rig) Renew() error {
	var errs []error
	if r.Shop != nil {
		errs = append(errs, r.Shop.Close())
	}
	for _, p := range []*Process{r.Sim, r.Cloud} {
		errs = append(errs, p.Stop())
	}
	for _, data := range []string{r.Data(), r.Path("cloud", "data")} {
		errs = append(errs, os.RemoveAll(data))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := r.StartCloud(); err != nil {
		return err
	}
	return r.StartSim()
}

// SaleUnder sells once, without an agent, in a process that launch starts. A
// killed one leaves no report, and then told is false.
func (r *Rig) SaleUnder(launch Launch, args ...string) (report Report, told bool, err error) {
	cmd := r.TerminalCommand("sale", append([]string{"--json"}, args...)...)
	cmd.Env = append(os.Environ(), "CLOUDPOS_CONFIG="+r.Config())
	out, errs := &output{}, &output{}
	cmd.Stdout, cmd.Stderr = out, errs
	wait, err := launch(cmd)
	if err != nil {
		return Report{}, false, err
	}
	if err = wait(); errors.As(err, new(*exec.ExitError)) && cmd.ProcessState.Exited() {
		err = nil // what its status means is in the report
	}
	if err != nil || out.String() == "" {
		return Report{Error: errs.String()}, false, err
	}
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
		return Report{}, false, fmt.Errorf("sale: %w: %s%s", err, out, errs)
	}
	return report, true, nil
}

// Keeps demands that what the cashier was told of a sale is what the journal
// says once everything is settled.
func (r *Rig) Keeps(ctx context.Context, told Report) error {
	records, err := r.Journal(ctx)
	if err != nil {
		return err
	}
	if told.Record == nil {
		return fmt.Errorf("the cashier was told %d without a sale: %s", told.Exit, told.Error)
	}
	for _, rec := range records {
		if rec.ID == told.Record.ID {
			return kept(told, rec.State)
		}
	}
	return fmt.Errorf("the cashier was told of %s (%d), and the journal knows nothing of it", told.Record.ID, told.Exit)
}

// kept compares an exit status of terminal sale with a state.
func kept(told Report, state string) error {
	states := map[int]string{0: "approved", 3: "declined", 4: "cancelled", 5: "reversed"}
	if want := states[told.Exit]; want != state {
		return fmt.Errorf("%s: the cashier was told %d (%s), the journal says %s", told.Record.ID, told.Exit, want, state)
	}
	return nil
}
