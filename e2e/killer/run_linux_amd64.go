package killer

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Process is a running program whose calls are counted.
type Process struct {
	cmd      *exec.Cmd
	pid      int
	opts     Opts
	listener int
	uncancel func() bool

	counting bool
	trace    Trace
	err      error // why the program was ended, if not by KillAt
	ended    chan struct{}
}

// Start starts cmd, in a process group of its own, and counts its calls. When
// ctx ends the group is killed. The caller must Wait.
func Start(ctx context.Context, cmd *exec.Cmd, opts Opts) (*Process, error) {
	// ptrace belongs to a thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	cmd.SysProcAttr.Setpgid = !cmd.SysProcAttr.Setsid
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("killer: %w", err)
	}
	pid := cmd.Process.Pid
	listener, err := catch(pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, explain(err)
	}
	p := &Process{cmd: cmd, pid: pid, opts: opts, listener: listener,
		counting: opts.Start == nil, ended: make(chan struct{})}
	p.uncancel = context.AfterFunc(ctx, p.kill)
	go p.supervise()
	return p, nil
}

// catch waits for the stop after exec, installs the filter and lets go.
func catch(pid int) (listener int, err error) {
	if err := stopped(pid); err != nil {
		return -1, err
	}
	listener, err = install(pid)
	if err != nil {
		return -1, err
	}
	if err := unix.PtraceDetach(pid); err != nil {
		_ = unix.Close(listener)
		return -1, fmt.Errorf("ptrace detach: %w", err)
	}
	return listener, nil
}

// explain tells what a kernel or a sandbox does not allow from other errors.
func explain(err error) error {
	for _, errno := range []unix.Errno{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSYS} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
	}
	return fmt.Errorf("killer: %w", err)
}

// Wait returns when the program has ended. What it left running is killed, and
// may take a moment longer to disappear. The error is nil if KillAt ended
// it, else what exec.Cmd.Wait returns.
func (p *Process) Wait() (Trace, error) {
	err := p.cmd.Wait()
	p.uncancel()
	if p.alive() {
		p.kill() // what it left running must not meet a filter without a listener
	}
	<-p.ended
	switch {
	case p.err != nil:
		return p.trace, p.err
	case p.trace.Killed:
		return p.trace, nil
	}
	return p.trace, err
}

// kill ends the program and all that it started in its group.
func (p *Process) kill() { _ = unix.Kill(-p.pid, unix.SIGKILL) }

// alive tells whether any process is left under the filter.
func (p *Process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
	}
	fds := []unix.PollFd{{Fd: int32(p.listener), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, 0)
	return err != nil || fds[0].Revents&unix.POLLHUP == 0
}

// supervise answers the listener until no process is left.
func (p *Process) supervise() {
	defer close(p.ended)
	defer func() { _ = unix.Close(p.listener) }()
	for {
		fds := []unix.PollFd{{Fd: int32(p.listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			p.fail(fmt.Errorf("killer: poll: %w", err))
			return
		}
		if fds[0].Revents&unix.POLLHUP != 0 {
			return
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			continue
		}
		var n notification
		err := p.ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n))
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOENT) {
			continue // interrupted before we had it; it comes again
		}
		if err != nil {
			p.fail(fmt.Errorf("killer: receive: %w", err))
			return
		}
		if p.admit(&n) {
			p.resume(&n)
		}
	}
}

// admit counts a call and tells whether it may run.
func (p *Process) admit(n *notification) bool {
	if p.trace.Killed || p.err != nil {
		return false // it dies
	}
	c, ok := p.describe(n)
	if ok && p.ioctl(unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil {
		return false // it died meanwhile, and /proc may have spoken of another
	}
	if !ok || p.opts.Ignore != nil && p.opts.Ignore(c) {
		return true
	}
	if !p.counting && !p.opts.Start(c) {
		return true
	}
	p.counting = true
	if len(p.trace.Calls) == callMax {
		p.fail(ErrTooMany)
		return false
	}
	c.Index = len(p.trace.Calls) + 1
	p.trace.Calls = append(p.trace.Calls, c)
	if p.opts.Log != nil {
		_, _ = fmt.Fprintln(p.opts.Log, c)
	}
	if c.Index == p.opts.KillAt {
		p.trace.Killed = true
		p.kill()
		return false
	}
	return true
}

// resume lets a call run.
func (p *Process) resume(n *notification) {
	answer := struct {
		id    uint64
		value int64
		errno int32
		flags uint32
	}{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	err := p.ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer))
	if err != nil && !errors.Is(err, unix.ENOENT) { // ENOENT: it died meanwhile
		p.fail(fmt.Errorf("killer: answer: %w", err))
	}
}

func (p *Process) fail(err error) {
	p.err = err
	p.kill()
}

func (p *Process) ioctl(request uintptr, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.listener), request, uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}
