// Package rig is a whole installation in a folder: a cloud, a simulated shop
// and a terminal, each a process of its own, and the question whether their
// books agree. End-to-end tests and the benchmark are built on it.
//
//	programs, err := rig.Build(dir)
//	r, err := rig.New(rig.Opts{Programs: programs, Dir: t.TempDir()})
//	defer r.Close()
//	report, err := r.Sale(ctx, "--amount", "12.50", "--card", "pin")
//	err = r.Agree(ctx)
package rig

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/params"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Programs are the paths of the built programs.
type Programs struct{ Terminal, Cloud string }

// Build builds both programs into dir: as they are shipped, or with the race
// detector when the test has it.
func Build(dir string) (Programs, error) {
	p := Programs{filepath.Join(dir, "terminal"), filepath.Join(dir, "cloud")}
	flags, cgo := []string{"build", "-trimpath", "-tags", "no_emoji,nethttpomithttp2"}, "CGO_ENABLED=0"
	if Race {
		flags, cgo = append(flags, "-race"), "CGO_ENABLED=1"
	}
	for name, out := range map[string]string{"terminal": p.Terminal, "cloud": p.Cloud} {
		cmd := exec.Command("go", append(slices.Clone(flags), "-o", out, "github.com/cloudpos/cloudpos/cmd/"+name)...)
		cmd.Env = append(os.Environ(), cgo)
		if text, err := cmd.CombinedOutput(); err != nil {
			return Programs{}, fmt.Errorf("build %s: %w\n%s", name, err, text)
		}
	}
	return p, nil
}

// Opts say what a rig is.
type Opts struct {
	Programs Programs
	Dir      string // empty; where all is kept
	// HostSeconds shortens the wait for the host; 0 leaves it.
	HostSeconds int
	// Screen gives the terminal a screen, which browsers see at Rig.Screen.
	Screen bool
}

// Rig is an installation.
type Rig struct {
	Opts
	MQTT   string // the broker's address, the same after a restart
	Screen string // the web screen's address, "" without one
	Cloud  *Process
	Sim    *Process
	Agent  *Process // nil: a sale opens the parts by itself
	Shop   *sim.Client

	all []*Process // every one that ever ran
}

// Prepare makes the development set and starts nothing.
func Prepare(o Opts) (*Rig, error) {
	r := &Rig{Opts: o}
	var err error
	if r.MQTT, err = freeAddress(); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(r.MQTT)
	r.Dir = filepath.Join(o.Dir, "shop")
	if o.Screen {
		if r.Screen, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(o.Programs.Cloud, "dev-init", "--mqtt-port", port, "--status-port", "0", "--screen", r.Screen, r.Dir)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("dev-init: %w\n%s", err, text)
	}
	if o.HostSeconds > 0 {
		return r, r.EditParams(func(d *params.Document) { d.Timeouts.Host = time.Duration(o.HostSeconds) * time.Second })
	}
	return r, nil
}

// New makes the development set and starts cloud and simulated shop.
func New(o Opts) (*Rig, error) {
	r, err := Prepare(o)
	if err != nil {
		return nil, err
	}
	if err := r.StartCloud(); err != nil {
		return nil, err
	}
	if err := r.StartSim(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// freeAddress is a loopback address that was free a moment ago. Its port is
// below those that the kernel gives away by itself, so that nobody takes it
// while the cloud is down for a while.
func freeAddress() (string, error) {
	const least, most, tries = 20_000, 32_000, 100
	var errs []error
	for range tries {
		address := fmt.Sprintf("127.0.0.1:%d", least+rand.IntN(most-least))
		if _, used := addresses.LoadOrStore(address, true); used {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err == nil {
			return address, l.Close()
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("no free port: %w", errors.Join(errs...))
}

// addresses are those that rigs of this process have got.
var addresses sync.Map

// Close stops whatever runs.
func (r *Rig) Close() error {
	var errs []error
	if r.Shop != nil {
		errs = append(errs, r.Shop.Close())
	}
	for _, p := range []*Process{r.Agent, r.Sim, r.Cloud} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	return errors.Join(errs...)
}

// Path is a path within the installation.
func (r *Rig) Path(elem ...string) string { return filepath.Join(append([]string{r.Dir}, elem...)...) }

// Config is the terminal's configuration file.
func (r *Rig) Config() string { return r.Path("t1", "terminal.toml") }

// Data is the terminal's data folder.
func (r *Rig) Data() string { return r.Path("t1", "data") }

func (r *Rig) begin(name string, cmd *exec.Cmd) (*Process, error) {
	return r.beginUnder(plainly, name, cmd)
}

func (r *Rig) beginUnder(launch Launch, name string, cmd *exec.Cmd) (*Process, error) {
	p, err := start(name, cmd, launch)
	if p != nil {
		r.all = append(r.all, p)
	}
	return p, err
}

// StartCloud starts the cloud, also again.
func (r *Rig) StartCloud() error { return r.StartCloudUnder(plainly) }

// StartCloudUnder starts the cloud by launch.
func (r *Rig) StartCloudUnder(launch Launch) (err error) {
	r.Cloud, err = r.beginUnder(launch, "cloud", exec.Command(r.Programs.Cloud, "run", "--config", r.Path("cloud", "cloud.toml")))
	return err
}

// StartSim starts the simulated shop.
func (r *Rig) StartSim() (err error) {
	if r.Sim, err = r.begin("sim", exec.Command(r.Programs.Terminal, "sim", "--dir", r.Path("sim"))); err != nil {
		return err
	}
	r.Shop, err = sim.Dial(r.Path("sim"))
	return err
}

// StartAgent starts the terminal, and waits until it is online unless the
// cloud is down.
func (r *Rig) StartAgent(ctx context.Context) error { return r.StartAgentUnder(ctx, plainly) }

// StartAgentUnder starts the terminal by launch.
func (r *Rig) StartAgentUnder(ctx context.Context, launch Launch) (err error) {
	if r.Agent, err = r.beginUnder(launch, "terminal", exec.Command(r.Programs.Terminal, "run", "--config", r.Config())); err != nil {
		return err
	}
	if r.Cloud == nil || r.Cloud.Ended() {
		return nil
	}
	err = r.until(ctx, "the terminal is online or dead", func() (bool, error) {
		if r.Agent.Ended() {
			return true, nil
		}
		s, err := r.Status()
		return s.Online, err
	})
	if r.Agent.Ended() {
		return errors.Join(errors.New("the terminal ended before it was online"), r.Agent.status)
	}
	return err
}

// EditFile changes a text file of the installation.
func (r *Rig) EditFile(path string, change func(string) string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(change(string(text))), 0o600)
}

// Via sends the terminal to another address than the broker's own.
func (r *Rig) Via(address string) error {
	return r.EditFile(r.Config(), func(s string) string { return strings.ReplaceAll(s, r.MQTT, address) })
}

// EditParams changes the parameters and signs them anew, as a cloud would.
func (r *Rig) EditParams(change func(*params.Document)) error {
	envelope, private, err := r.signedParams()
	if err != nil {
		return err
	}
	doc, err := params.Parse(envelope.Payload)
	if err != nil {
		return err
	}
	change(doc)
	data, err := doc.Encode()
	if err != nil {
		return err
	}
	return r.writeParams(private, envelope, data)
}

// SignParams replaces the parameters by data, whatever it is, well signed.
func (r *Rig) SignParams(data []byte) error {
	envelope, private, err := r.signedParams()
	if err != nil {
		return err
	}
	return r.writeParams(private, envelope, data)
}

func (r *Rig) signedParams() (wire.Envelope, ed25519.PrivateKey, error) {
	text, err := os.ReadFile(r.Path("cloud", "params.key"))
	if err != nil {
		return wire.Envelope{}, nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return wire.Envelope{}, nil, err
	}
	if len(key) == ed25519.SeedSize {
		key = ed25519.NewKeyFromSeed(key)
	}
	private := ed25519.PrivateKey(key)
	data, err := os.ReadFile(r.Path("t1", "params.json"))
	if err != nil {
		return wire.Envelope{}, nil, err
	}
	envelope, err := wire.Verify(private.Public().(ed25519.PublicKey), wire.SignedParams, data, time.Time{}, 0)
	return envelope, private, err
}

func (r *Rig) writeParams(private ed25519.PrivateKey, old wire.Envelope, data []byte) error {
	signed, err := wire.Sign(private, wire.SignedParams, old.Seq+1, old.Issued, old.Expires, data)
	if err != nil {
		return err
	}
	return os.WriteFile(r.Path("t1", "params.json"), signed, 0o600)
}

// TerminalCommand is the terminal program with this installation's
// configuration: "sale", "journal" ... and options.
func (r *Rig) TerminalCommand(command string, args ...string) *exec.Cmd {
	return exec.Command(r.Programs.Terminal, append(append([]string{}, command), args...)...)
}

// Terminal runs the terminal program to its end.
func (r *Rig) Terminal(ctx context.Context, args ...string) (stdout, stderr string, status int, err error) {
	cmd := exec.Command(r.Programs.Terminal, args...)
	cmd.Env = append(os.Environ(), "CLOUDPOS_CONFIG="+r.Config())
	return run(ctx, cmd)
}

// Report is what a sale came to: terminal sale --json.
type Report struct {
	Exit   int     `json:"exit"`
	Screen string  `json:"screen"`
	Slip   string  `json:"slip"`
	Error  string  `json:"error"`
	Record *Record `json:"record"`
}

// Sale sells once. The exit status is the report's.
func (r *Rig) Sale(ctx context.Context, args ...string) (Report, error) {
	stdout, stderr, status, err := r.Terminal(ctx, append([]string{"sale", "--json"}, args...)...)
	if err != nil {
		return Report{}, err
	}
	return readReport(stdout, stderr, status)
}

// until polls for a condition that lies in another process.
func (r *Rig) until(ctx context.Context, what string, holds func() (bool, error)) error {
	const pause, most = 20 * time.Millisecond, 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		ok, err := holds()
		if ok && err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, errors.Join(ctx.Err(), err))
		}
	}
}

// Outputs is what every program has written, for a failed test and for the
// search for secrets.
func (r *Rig) Outputs() string {
	var b strings.Builder
	for _, p := range r.all {
		fmt.Fprintf(&b, "--- %s (pid %d)\n%s\n", p.Name, p.PID(), p.Output())
	}
	return b.String()
}
