package e2e

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// bound is a launch without the privilege to open whatever it likes, which
// root has.
func bound(cmd *exec.Cmd) (wait func() error, err error) {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for _, power := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if os.Geteuid() != 0 {
				break
			}
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, power, 0, 0, 0); err != nil {
				started <- err
				return
			}
		}
		started <- cmd.Start()
	}()
	return cmd.Wait, <-started
}

// TestMissingDevices: a device that is not there, may not be opened or is none
// is named by its path, and the sale ends as it can.
func TestMissingDevices(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{HostSeconds: 3})
	absent, file, closed := r.Path("ttyNONE"), r.Path("file"), r.Path("closed")
	must(t, os.WriteFile(file, []byte("no device"), 0o600))
	must(t, os.WriteFile(closed, []byte("no device"), 0))

	why := map[string]string{absent: "no such file", file: "not a device", closed: "permission denied"}
	for path, words := range why {
		for _, c := range []struct {
			args  []string
			exit  int
			state string
		}{
			{[]string{"--card", "approve", "--antenna", "none:", "--reader", "ccid:" + path}, 1, "cancelled"},
			{[]string{"--card", "pin", "--pinpad", "visapad:" + path}, 3, "declined"},
		} {
			report, told, err := r.SaleUnder(bound, append([]string{"--amount", "3.00"}, c.args...)...)
			if err != nil || !told || report.Exit != c.exit || report.Record == nil {
				t.Errorf("%q: exit %d, %v, want %d: %+v", c.args, report.Exit, err, c.exit, report)
				continue
			}
			if d := report.Record.Detail; report.Record.State != c.state || !strings.Contains(d, path) || !strings.Contains(d, words) {
				t.Errorf("%q: %s (%s): %q, want %s and %q, %q", c.args, report.Record.State, report.Record.Reason, d, c.state, path, words)
			}
		}
		// A slip that cannot be printed is owed; the sale stands.
		report, told, err := r.SaleUnder(bound, "--amount", "4.00", "--card", "approve", "--printer", "escpos:"+path)
		if err != nil || !told || report.Exit != 0 || !strings.Contains(report.Slip, "CNY 4.00") {
			t.Errorf("printer %s: exit %d, %v: %+v", path, report.Exit, err, report)
		}
	}
	for _, device := range []string{"reader", "pinpad"} {
		report, err := r.Sale(t.Context(), "--amount", "3.00", "--card", "pin", "--"+device, "none:", "--stripe", "none:", "--antenna", "none:")
		if err != nil || report.Exit == 0 {
			t.Errorf("no %s: exit %d, %v: %+v", device, report.Exit, err, report)
		}
	}

	// The running terminal starts without its devices, says which, and sells
	// once they are there.
	_, restore := kept(t, r.Config())
	must(t, r.EditFile(r.Config(), func(s string) string {
		s = strings.Replace(s, `reader = "sim:../sim"`, `reader = "ccid:`+absent+`"`, 1)
		s = strings.Replace(s, `antenna = "sim:../sim"`, `antenna = "none:"`, 1)
		return strings.Replace(s, `printer = "sim:../sim"`, `printer = "escpos:`+file+`"`, 1)
	}))
	must(t, r.StartAgent(t.Context()))
	report, err := r.Sale(t.Context(), "--amount", "3.00")
	if err != nil || report.Exit != 1 || !strings.Contains(report.Record.Detail, absent) {
		t.Errorf("running terminal without a reader: exit %d, %v: %+v", report.Exit, err, report)
	}
	must(t, r.Agent.Stop())
	if n := logged(r.Agent.Output(), "WARN", "device is not there yet", absent); n != 1 {
		t.Errorf("%d lines name the missing reader, want one:\n%s", n, r.Agent.Output())
	}
	restore()
	must(t, r.StartAgent(t.Context()))
	pays(t, r)
	must(t, r.Agree(t.Context()))
	whole(t, r.Data())
}

// TestInUse: what somebody else holds is named, and he is not disturbed.
func TestInUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	must(t, r.StartAgent(t.Context()))

	refused(t, r.Terminal, 1, []string{r.Data(), "in use"}, "run")
	refused(t, r.Terminal, 1, []string{r.Path("sim"), "another process has this shop open"}, "sim", "--dir", r.Path("sim"))
	refused(t, r.CloudEnds, 1, []string{r.Path("cloud", "data"), "another program has it locked"}, "run")
	pays(t, r)

	// A cloud of its own data on ports that are taken.
	_, restore := kept(t, r.Path("cloud", "cloud.toml"))
	other := func(change func(string) string) func(string) string {
		return func(s string) string { return change(strings.Replace(s, `data = "data"`, `data = "other"`, 1)) }
	}
	must(t, r.EditFile(r.Path("cloud", "cloud.toml"), other(func(s string) string { return s })))
	refused(t, r.CloudEnds, 1, []string{"broker", r.MQTT, "address already in use"}, "run")
	restore()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	taken := listener.Addr().String()
	must(t, r.EditFile(r.Path("cloud", "cloud.toml"), other(func(s string) string {
		return strings.Replace(strings.Replace(s, r.MQTT, "127.0.0.1:0", 1), "127.0.0.1:0\"        # GET", taken+"\" # GET", 1)
	})))
	refused(t, r.CloudEnds, 1, []string{"status", taken, "address already in use"}, "run")
	must(t, listener.Close())
	restore()
	whole(t, r.Dir)

	// A folder in the socket's place.
	must(t, r.Agent.Stop())
	socket := r.Path("t1", "data", "terminal.sock")
	must(t, os.MkdirAll(socket+"/full", 0o700))
	refused(t, r.Terminal, 1, []string{socket, "directory not empty"}, "run")
	must(t, os.RemoveAll(socket))

	// A socket that a killed terminal left is no hindrance.
	must(t, r.StartAgent(t.Context()))
	must(t, r.Agent.Kill())
	pays(t, r)
	must(t, r.StartAgent(t.Context()))
	pays(t, r)
	must(t, r.Agree(t.Context()))
}

// logged tells how many lines of a log have all the words.
func logged(log string, words ...string) (lines int) {
	for line := range strings.Lines(log) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			lines++
		}
	}
	return lines
}
