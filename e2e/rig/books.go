package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Record is a transaction as terminal journal shows it.
type Record struct {
	ID       string   `json:"id"`
	State    string   `json:"state"`
	Amount   string   `json:"amount"`
	Card     string   `json:"card"`
	Reason   string   `json:"reason"`
	Detail   string   `json:"detail"`
	Code     string   `json:"code"`
	AuthCode string   `json:"auth_code"`
	CVM      string   `json:"cvm"`
	Entry    string   `json:"entry"`
	Receipt  uint32   `json:"receipt"`
	STANs    []uint32 `json:"stans"`
	Printed  bool     `json:"printed"`
	Pending  string   `json:"pending"`
	Snapshot struct {
		Capabilities string `json:"capabilities"`
	} `json:"snapshot"`
	Chip *struct {
		TVR string `json:"tvr"`
		CVM string `json:"cvm"`
	} `json:"chip"`
}

// Status is what a running terminal says of itself.
type Status struct {
	Online  bool   `json:"online"`
	Link    string `json:"link"`
	Screen  string `json:"screen"`
	Notice  string `json:"notice"`
	ToPrint int    `json:"to_print"`
	Printer string `json:"printer"`
	Commits uint64 `json:"commits"`
}

// Status asks the running terminal.
func (r *Rig) Status() (Status, error) {
	var s Status
	return s, r.ask("/status", &s)
}

// Cancel presses the running terminal's cancel key.
func (r *Rig) Cancel() error {
	resp, err := r.agent().Post("http://terminal/cancel", "application/json", nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func (r *Rig) agent() *http.Client {
	return &http.Client{Timeout: askMax, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", r.Path("t1", "data", "terminal.sock"))
		}}}
}

func (r *Rig) ask(path string, into any) error { return get(r.agent(), "http://terminal"+path, into) }

// askMax bounds a question, so that a paused program fails a test and does not
// hold it up.
const askMax = 20 * time.Second

func get(client *http.Client, url string, into any) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Journal is the terminal's book, newest first. A running agent is asked on its
// socket, as terminal journal does: it is asked often.
func (r *Rig) Journal(ctx context.Context) ([]Record, error) {
	if r.Agent != nil && !r.Agent.Ended() {
		var records []Record
		return records, r.ask("/journal?limit=1000", &records)
	}
	stdout, stderr, status, err := r.Terminal(ctx, "journal", "list", "--json", "--limit", "1000")
	if err != nil || status != 0 {
		return nil, fmt.Errorf("journal list: status %d: %w\n%s", status, err, stderr)
	}
	var records []Record
	return records, json.Unmarshal([]byte(stdout), &records)
}

// UntilScreen waits for a screen of the running terminal.
func (r *Rig) UntilScreen(ctx context.Context, screen string) error {
	return r.until(ctx, "the screen is "+screen, func() (bool, error) {
		s, err := r.Status()
		return s.Screen == screen, err
	})
}

// UntilSettled waits until nothing is left to do.
func (r *Rig) UntilSettled(ctx context.Context) error {
	return r.until(ctx, "everything is settled", func() (bool, error) {
		err := r.Settled(ctx)
		return err == nil, err
	})
}

// Settled fails while something is left to do: a leg that the cloud must hear
// of, or a slip that is owed.
func (r *Rig) Settled(ctx context.Context) error {
	records, err := r.Journal(ctx)
	for _, rec := range records {
		if rec.Pending != "" || rec.State == "authorising" || rec.State == "approved" && !rec.Printed {
			return fmt.Errorf("%s is %s, printed %t, pending %q", rec.ID, rec.State, rec.Printed, rec.Pending)
		}
	}
	return err
}
