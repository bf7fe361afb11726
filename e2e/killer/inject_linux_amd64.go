package killer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// scratch is how far below the stack pointer the filter is put: past the red
// zone, and inside the 128 KB that exec maps below the first frame.
const scratch = 16 << 10

// tracee is a process in its first ptrace stop, right after exec. The calling
// goroutine is locked to the thread that traces it.
type tracee struct {
	pid   int
	saved unix.PtraceRegs
	text  [8]byte // of the program, where the instruction was put
}

// install makes the stopped process put itself under the filter and returns
// the filter's listener. The process is left as it was, still stopped.
func install(pid int) (listener int, err error) {
	t := &tracee{pid: pid}
	if err := t.enter(); err != nil {
		return -1, err
	}
	prog, err := t.pokeFilter(filter())
	if err != nil {
		return -1, err
	}
	// Without CAP_SYS_ADMIN a filter needs no_new_privs.
	if _, err := t.call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return -1, fmt.Errorf("prctl no_new_privs: %w", err)
	}
	// WAIT_KILLABLE_RECV: once we have a call, only SIGKILL interrupts it, so
	// that no call is seen twice because of a preemption signal.
	fd, err := t.call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, prog)
	if err != nil {
		return -1, fmt.Errorf("seccomp: %w", err)
	}
	listener, err = take(pid, int(fd))
	if err != nil {
		return -1, err
	}
	if _, err := t.call(unix.SYS_CLOSE, fd); err != nil {
		_ = unix.Close(listener)
		return -1, fmt.Errorf("close the listener: %w", err)
	}
	if err := t.leave(); err != nil {
		_ = unix.Close(listener)
		return -1, err
	}
	return listener, nil
}

// take duplicates a descriptor of another process into this one.
func take(pid, fd int) (int, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, fmt.Errorf("pidfd_open: %w", err)
	}
	defer func() { _ = unix.Close(pidfd) }()
	mine, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		return -1, fmt.Errorf("pidfd_getfd: %w", err)
	}
	return mine, nil
}

// enter keeps the registers and puts a syscall instruction where the process
// will go on.
func (t *tracee) enter() error {
	if err := unix.PtraceGetRegs(t.pid, &t.saved); err != nil {
		return fmt.Errorf("ptrace get registers: %w", err)
	}
	if _, err := unix.PtracePeekText(t.pid, uintptr(t.saved.Rip), t.text[:]); err != nil {
		return fmt.Errorf("ptrace peek: %w", err)
	}
	text := t.text
	text[0], text[1] = 0x0f, 0x05 // syscall
	if _, err := unix.PtracePokeText(t.pid, uintptr(t.saved.Rip), text[:]); err != nil {
		return fmt.Errorf("ptrace poke: %w", err)
	}
	return nil
}

// leave undoes enter.
func (t *tracee) leave() error {
	if _, err := unix.PtracePokeText(t.pid, uintptr(t.saved.Rip), t.text[:]); err != nil {
		return fmt.Errorf("ptrace poke: %w", err)
	}
	if err := unix.PtraceSetRegs(t.pid, &t.saved); err != nil {
		return fmt.Errorf("ptrace set registers: %w", err)
	}
	return nil
}

// call makes the process do one system call.
func (t *tracee) call(nr uint64, args ...uint64) (uint64, error) {
	var a [3]uint64
	copy(a[:], args)
	regs := t.saved
	regs.Rax, regs.Orig_rax = nr, ^uint64(0)
	regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8 = a[0], a[1], a[2], 0, 0
	if err := unix.PtraceSetRegs(t.pid, &regs); err != nil {
		return 0, fmt.Errorf("ptrace set registers: %w", err)
	}
	if err := unix.PtraceSingleStep(t.pid); err != nil {
		return 0, fmt.Errorf("ptrace step: %w", err)
	}
	if err := stopped(t.pid); err != nil {
		return 0, err
	}
	if err := unix.PtraceGetRegs(t.pid, &regs); err != nil {
		return 0, fmt.Errorf("ptrace get registers: %w", err)
	}
	const errnoMax = 4095
	if regs.Rax > ^uint64(errnoMax) {
		return 0, unix.Errno(-regs.Rax)
	}
	return regs.Rax, nil
}

// pokeFilter writes a struct sock_fprog and its program below the stack.
func (t *tracee) pokeFilter(program []unix.SockFilter) (at uint64, err error) {
	at = (t.saved.Rsp - scratch) &^ 15
	const head = 16 // struct sock_fprog: length, padding, pointer
	b := make([]byte, 0, head+8*len(program))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(program)))
	b = binary.LittleEndian.AppendUint64(b, at+head)
	for _, f := range program {
		b = binary.LittleEndian.AppendUint16(b, f.Code)
		b = append(b, f.Jt, f.Jf)
		b = binary.LittleEndian.AppendUint32(b, f.K)
	}
	if _, err := unix.PtracePokeData(t.pid, uintptr(at), b); err != nil {
		return 0, fmt.Errorf("ptrace poke: %w", err)
	}
	return at, nil
}

// stopped waits until the process has come to a ptrace stop by SIGTRAP.
func stopped(pid int) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for the stop: %w", err)
		}
		break
	}
	if !status.Stopped() || status.StopSignal() != unix.SIGTRAP {
		return fmt.Errorf("wait for the stop: status %#x", uint32(status))
	}
	return nil
}
