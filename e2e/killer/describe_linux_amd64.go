package killer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// notification is struct seccomp_notif: a call of a thread that waits for us.
type notification struct {
	id    uint64
	tid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// describe tells what a call would do; false if it is not to be counted.
func (p *Process) describe(n *notification) (Call, bool) {
	s, ok := specOf(uint32(n.nr))
	if !ok {
		return Call{}, false
	}
	c := Call{Kind: s.kind, Name: s.name, FD: -1, Size: n.size(s)}
	switch {
	case s.path != none:
		c.Target = n.path(s)
		return c, counts(c.Target)
	case s.fd == none:
		return c, true // sync and msync concern no single file
	}
	c.FD = int(int32(n.args[s.fd]))
	if c.FD == 1 || c.FD == 2 {
		return Call{}, false
	}
	return p.classify(n, c)
}

// classify looks at what is behind the call's descriptor.
func (p *Process) classify(n *notification, c Call) (Call, bool) {
	link := n.proc("fd", strconv.Itoa(c.FD))
	var stat unix.Stat_t
	if unix.Stat(link, &stat) != nil {
		return Call{}, false // a bad descriptor: the call will fail
	}
	c.Target, _ = os.Readlink(link)
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFDIR:
		return c, counts(c.Target)
	case unix.S_IFSOCK:
		c.Target = p.socket(n, c)
	case unix.S_IFCHR:
		const memory = 1 // major of /dev/null, /dev/zero, /dev/random
		if unix.Major(stat.Rdev) == memory {
			return Call{}, false
		}
	default:
		return Call{}, false // a pipe, an eventfd: a wake-up inside the process
	}
	if c.Kind == Write {
		c.Kind = Send
	}
	return c, true
}

// counts tells whether a path outlives the process.
func counts(path string) bool {
	for _, kernel := range []string{"/proc/", "/sys/", "/memfd:", "/dev/"} {
		if strings.HasPrefix(path, kernel) {
			return strings.HasPrefix(path, "/dev/shm/")
		}
	}
	return true
}

// proc is a path below the calling thread's entry in /proc.
func (n *notification) proc(elem ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(int(n.tid))}, elem...)...)
}

// socket names the other end of a socket, or its own end where it is the
// other that has no name.
func (p *Process) socket(n *notification, c Call) string {
	// Only the program's own descriptors can be looked up by its pid.
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/task/%d", p.pid, n.tid)); err != nil {
		return c.Target
	}
	fd, err := take(p.pid, c.FD)
	if err != nil {
		return c.Target
	}
	defer func() { _ = unix.Close(fd) }()
	if peer, err := unix.Getpeername(fd); err == nil {
		if name := address(peer); name != "" {
			return name
		}
	}
	if own, err := unix.Getsockname(fd); err == nil {
		if name := address(own); name != "" {
			return name
		}
	}
	return c.Target
}

func address(a unix.Sockaddr) string {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return "tcp " + net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *unix.SockaddrInet6:
		return "tcp " + net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *unix.SockaddrUnix:
		if a.Name != "" && a.Name != "@" { // "@" alone is one without a name
			return "unix " + a.Name
		}
	}
	return ""
}

// path reads the call's path and completes it.
func (n *notification) path(s spec) string {
	b := make([]byte, unix.PathMax)
	path, _, _ := bytes.Cut(b[:n.read(n.args[s.path], b)], []byte{0})
	if filepath.IsAbs(string(path)) {
		return string(path)
	}
	folder := n.proc("cwd")
	if s.fd != none && int32(n.args[s.fd]) != unix.AT_FDCWD {
		folder = n.proc("fd", strconv.Itoa(int(int32(n.args[s.fd]))))
	}
	folder, _ = os.Readlink(folder)
	return filepath.Join(folder, string(path))
}

// iovecMax bounds the iovecs of a call, as the kernel does.
const iovecMax = 1024

// size is the number of bytes that a call would move.
func (n *notification) size(s spec) int {
	switch s.sizing {
	case unsized:
		return 0
	case inArg:
		return int(n.args[s.sizeArg])
	case inIovec:
		return n.iovecSize(n.args[s.sizeArg], n.args[s.sizeArg+1])
	case inMsg:
		// struct msghdr: name, its length, iovecs at 16, their number at 24.
		var head [32]byte
		if n.read(n.args[s.sizeArg], head[:]) < len(head) {
			return 0
		}
		return n.iovecSize(binary.LittleEndian.Uint64(head[16:]), binary.LittleEndian.Uint64(head[24:]))
	}
	return 0
}

// iovecSize adds up the lengths of an array of struct iovec.
func (n *notification) iovecSize(at, count uint64) int {
	const each = 16 // base and length
	b := make([]byte, each*min(count, iovecMax))
	b = b[:n.read(at, b)]
	sum := 0
	for ; len(b) >= each; b = b[each:] {
		sum += int(binary.LittleEndian.Uint64(b[8:]))
	}
	return sum
}

// read copies from the calling thread's memory, as much as is mapped, page by
// page because a copy that meets an unmapped page within an iovec fails.
func (n *notification) read(at uint64, b []byte) int {
	const page = 4096
	got := 0
	for got < len(b) {
		from := at + uint64(got)
		part := min(len(b)-got, page-int(from%page))
		local := []unix.Iovec{{Base: &b[got], Len: uint64(part)}}
		remote := []unix.RemoteIovec{{Base: uintptr(from), Len: part}}
		k, err := unix.ProcessVMReadv(int(n.tid), local, remote, 0)
		if err != nil || k <= 0 {
			break
		}
		got += k
	}
	return got
}
