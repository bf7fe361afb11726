// Package killer ends a program just before a chosen write, fsync or send.
//
// A power cut can come between any two steps of a sale. What a program leaves
// behind changes only at a few system calls: writes to files, creating,
// renaming and removing them, fsync, and sends to sockets and serial lines.
// Start runs a program under a filter that stops each of them, counts it, and
// lets it go on, or kills the program with SIGKILL before the n-th one runs. A
// test therefore does not list the places where a cut may come, it counts them:
//
//	for n := 1; ; n++ {
//		trace, err := killer.Run(ctx, terminal(dir), killer.Opts{KillAt: n})
//		if !trace.Killed {
//			break // the sale has fewer than n calls, and ended by itself
//		}
//		// start again, look at what is left
//	}
//
// The program needs no hook and no special build. Between fork and its first
// instruction it is traced with ptrace, only to make it install a seccomp
// filter whose calls go to this process (SECCOMP_RET_USER_NOTIF); then it runs
// untraced, so that signals, which the Go scheduler uses to preempt, and
// threads work as ever and all other system calls cost nothing. Processes that
// it starts are filtered and killed with it.
//
// Not counted: pipes, eventfd and epoll (wake-ups), standard output and error,
// /dev/null and the like, /proc, writes through a memory map (but msync is),
// and io_uring. A killed process loses nothing that it had written, synced or
// not: this shows what order the calls have, not what a disk loses.
//
// It works on linux/amd64 from kernel 5.19 on; see ErrUnsupported.
package killer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// ErrUnsupported tells that this system has no such filter, or forbids it: not
// linux/amd64, an older kernel, or a sandbox without ptrace or seccomp.
var ErrUnsupported = errors.New("killer: not supported on this system")

// ErrTooMany ends a program that made more than callMax counted calls.
var ErrTooMany = errors.New("killer: too many calls")

// callMax bounds a Trace. A sale has about a hundred calls.
const callMax = 1 << 16

// Kind is what a call does to the world outside the process.
type Kind uint8

// The kinds of call.
const (
	Create   Kind = iota // open with O_CREAT or O_TRUNC, mkdir, link
	Write                // to a regular file
	Truncate             // also fallocate
	Rename
	Unlink
	Sync // fsync, fdatasync, msync ...
	Send // to a socket, a serial line or another device
)

var kindNames = [...]string{"create", "write", "truncate", "rename", "unlink", "sync", "send"}

// String is the kind's name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Call is one counted system call.
type Call struct {
	Index  int    // from 1, as KillAt counts
	Kind   Kind   // what it does
	Name   string // the system call: "pwrite64"
	FD     int    // the file descriptor, -1 if it has none
	Target string // path of the file or device, or "tcp 127.0.0.1:8883"
	Size   int    // bytes to be written or sent, 0 if it has none
}

// String is one line: "12 write pwrite64 /var/lib/journal 4096".
func (c Call) String() string {
	s := fmt.Sprintf("%d %v %s %s", c.Index, c.Kind, c.Name, c.Target)
	if c.Size > 0 {
		s += fmt.Sprintf(" %d", c.Size)
	}
	return s
}

// Opts say what to count and when to kill. The functions are called from one
// goroutine while the program waits.
type Opts struct {
	KillAt int             // kill before this counted call runs; 0 never
	Start  func(Call) bool // counting begins with the first call for which it is true; nil at once
	Ignore func(Call) bool // calls not to count; nil counts all
	Log    io.Writer       // gets each counted call as a line; may be nil
}

// Trace is what a program did.
type Trace struct {
	Calls  []Call // the last one did not run if Killed
	Killed bool   // by KillAt
}

// Sum adds up the calls of a kind and their bytes.
func (t Trace) Sum(k Kind) (calls, bytes int) {
	for _, c := range t.Calls {
		if c.Kind == k {
			calls++
			bytes += c.Size
		}
	}
	return calls, bytes
}

// String lists the calls, a line each.
func (t Trace) String() string {
	var b strings.Builder
	for _, c := range t.Calls {
		b.WriteString(c.String())
		b.WriteByte('\n')
	}
	if t.Killed {
		b.WriteString("killed before the last one\n")
	}
	return b.String()
}

// Run is Start and Wait.
func Run(ctx context.Context, cmd *exec.Cmd, opts Opts) (Trace, error) {
	p, err := Start(ctx, cmd, opts)
	if err != nil {
		return Trace{}, err
	}
	return p.Wait()
}
