package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// diskEnv tells the test binary, started again in a private mount namespace,
// which configuration to run the cloud with.
const diskEnv = "CLOUDPOS_TEST_DISK_CONFIG"

// TestBadDisk starts the cloud on a data folder that is full or read-only.
func TestBadDisk(t *testing.T) {
	if file := os.Getenv(diskEnv); file != "" {
		runOnBadDisk(file)
	}
	if out, err := exec.Command("unshare", "-Urm", "true").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("unshare -Urm: %v: %s", err, out)
		}
		t.Skipf("no private mount namespace here (unshare -Urm: %v)", err)
	}
	dir := devSet(t)
	data := filepath.Join(dir, "cloud/data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ mount, want string }{
		"read-only":     {`mount -t tmpfs none "$0" && mount -o remount,ro "$0"`, "read-only"},
		"full at once":  {`mount -t tmpfs -o size=8k none "$0"`, "the disk is full"},
		"full at start": {`mount -t tmpfs -o size=60k none "$0"`, "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("unshare", "-Urm", "sh", "-c", c.mount+` && exec "$1" -test.run '^TestBadDisk$'`, data, os.Args[0])
			cmd.Env = append(os.Environ(), diskEnv+"="+filepath.Join(dir, "cloud/cloud.toml"))
			out, err := cmd.CombinedOutput()
			line := strings.TrimSuffix(string(out), "\n")
			if cmd.ProcessState.ExitCode() != exitError || !strings.Contains(line, c.want) || !strings.Contains(line, data) && !strings.Contains(line, "ledger") || strings.Contains(line, "\n") {
				t.Errorf("it ends with %v and says %q; want one line with %q", err, line, c.want)
			}
		})
	}
	entries, err := os.ReadDir(data)
	if err != nil || len(entries) > 0 {
		t.Errorf("outside the namespace there is %v, %v", entries, err)
	}
}

// runOnBadDisk is main, in the namespace.
func runOnBadDisk(file string) {
	ctx, cancel := context.WithTimeout(context.Background(), waitMax)
	defer cancel()
	status, err := run(ctx, []string{"run", "--config", file}, os.Stdout, io.Discard)
	if err != nil {
		fmt.Println(oneLine(err))
	}
	os.Exit(status)
}
