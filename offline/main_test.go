package offline

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childEnv makes the test binary do one thing and exit: check a file, fill a
// disk, commit until it is killed. Its last argument is a path.
const childEnv = "OFFLINE_TEST_CHILD"

var roles = map[string]func(path string) int{
	"check":     func(path string) int { return CheckMain(path, os.Stderr) },
	"hang":      func(string) int { time.Sleep(time.Hour); return exitSound },
	"stopped":   func(string) int { return stopItself() },
	"commit":    commitUntilKilled,
	"full":      mounted(onFullDisk),
	"read-only": mounted(onReadOnlyDisk),
}

func TestMain(m *testing.M) {
	role := os.Getenv(childEnv)
	if role == "" {
		goleak.VerifyTestMain(m)
		return
	}
	var code int
	if _, err := fmt.Sscanf(role, "exit %d", &code); err == nil {
		os.Exit(code)
	}
	os.Exit(roles[role](os.Args[len(os.Args)-1]))
}

// inChild makes the check that runs this binary in a role.
func inChild(role string, timeout time.Duration) func(string) error {
	return CheckInChild(timeout, func(path string) []string {
		// The race detector lets a program sleep for a second at its end.
		return []string{"/usr/bin/env", childEnv + "=" + role, "GORACE=atexit_sleep_ms=0", os.Args[0], path}
	})
}

// stopItself ends as at a shutdown, in the middle of the work.
func stopItself() int {
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err == nil {
		time.Sleep(time.Hour)
	}
	return exitSound
}

// checkTime is ample: when it runs out, a sound file counts as damaged.
const checkTime = 20 * time.Second
