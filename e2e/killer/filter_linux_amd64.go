package killer

import (
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// sizing is how a call tells how many bytes it moves.
type sizing uint8

const (
	unsized sizing = iota
	inArg          // the argument sizeArg is the size
	inIovec        // the argument sizeArg points to an array of iovec, the next is its length
	inMsg          // the argument sizeArg points to a struct msghdr
)

// Values of spec.fd and spec.path for a call that has none.
const none = -1

// spec describes a system call by the positions of its arguments.
type spec struct {
	name    string
	kind    Kind
	fd      int // of what is written to; for a path, the folder that it is relative to
	path    int
	sizing  sizing
	sizeArg int
}

// boundary are the calls that can change something outside the process. Kind
// Write becomes Send when the descriptor is no regular file.
var boundary = map[uint32]spec{
	unix.SYS_WRITE:           {"write", Write, 0, none, inArg, 2},
	unix.SYS_PWRITE64:        {"pwrite64", Write, 0, none, inArg, 2},
	unix.SYS_WRITEV:          {"writev", Write, 0, none, inIovec, 1},
	unix.SYS_PWRITEV:         {"pwritev", Write, 0, none, inIovec, 1},
	unix.SYS_PWRITEV2:        {"pwritev2", Write, 0, none, inIovec, 1},
	unix.SYS_SENDTO:          {"sendto", Write, 0, none, inArg, 2},
	unix.SYS_SENDMSG:         {"sendmsg", Write, 0, none, inMsg, 1},
	unix.SYS_SENDMMSG:        {"sendmmsg", Write, 0, none, unsized, 0},
	unix.SYS_SENDFILE:        {"sendfile", Write, 0, none, inArg, 3},
	unix.SYS_SPLICE:          {"splice", Write, 2, none, inArg, 4},
	unix.SYS_COPY_FILE_RANGE: {"copy_file_range", Write, 2, none, inArg, 4},

	unix.SYS_FSYNC:           {"fsync", Sync, 0, none, unsized, 0},
	unix.SYS_FDATASYNC:       {"fdatasync", Sync, 0, none, unsized, 0},
	unix.SYS_SYNC_FILE_RANGE: {"sync_file_range", Sync, 0, none, unsized, 0},
	unix.SYS_SYNCFS:          {"syncfs", Sync, 0, none, unsized, 0},
	unix.SYS_SYNC:            {"sync", Sync, none, none, unsized, 0},
	unix.SYS_MSYNC:           {"msync", Sync, none, none, inArg, 1},

	unix.SYS_TRUNCATE:  {"truncate", Truncate, none, 0, unsized, 0},
	unix.SYS_FTRUNCATE: {"ftruncate", Truncate, 0, none, unsized, 0},
	unix.SYS_FALLOCATE: {"fallocate", Truncate, 0, none, unsized, 0},

	unix.SYS_RENAME:    {"rename", Rename, none, 0, unsized, 0},
	unix.SYS_RENAMEAT:  {"renameat", Rename, 0, 1, unsized, 0},
	unix.SYS_RENAMEAT2: {"renameat2", Rename, 0, 1, unsized, 0},
	unix.SYS_UNLINK:    {"unlink", Unlink, none, 0, unsized, 0},
	unix.SYS_RMDIR:     {"rmdir", Unlink, none, 0, unsized, 0},
	unix.SYS_UNLINKAT:  {"unlinkat", Unlink, 0, 1, unsized, 0},

	unix.SYS_CREAT:     {"creat", Create, none, 0, unsized, 0},
	unix.SYS_MKDIR:     {"mkdir", Create, none, 0, unsized, 0},
	unix.SYS_MKDIRAT:   {"mkdirat", Create, 0, 1, unsized, 0},
	unix.SYS_LINK:      {"link", Create, none, 1, unsized, 0},
	unix.SYS_LINKAT:    {"linkat", Create, 2, 3, unsized, 0},
	unix.SYS_SYMLINK:   {"symlink", Create, none, 1, unsized, 0},
	unix.SYS_SYMLINKAT: {"symlinkat", Create, 1, 2, unsized, 0},
}

// opening are the calls that count only with O_CREAT or O_TRUNC, and the
// position of their flags.
var opening = map[uint32]struct {
	spec
	flags int
}{
	unix.SYS_OPEN:   {spec{"open", Create, none, 0, unsized, 0}, 1},
	unix.SYS_OPENAT: {spec{"openat", Create, 0, 1, unsized, 0}, 2},
}

func specOf(nr uint32) (spec, bool) {
	if s, ok := boundary[nr]; ok {
		return s, true
	}
	o, ok := opening[nr]
	return o.spec, ok
}

// Offsets into struct seccomp_data, which the filter reads.
const (
	offsetNr   = 0
	offsetArch = 4
	offsetArgs = 16
)

// filter is the classic BPF program that the kernel runs on each system call:
// those of the tables go to the listener, the rest runs at once.
func filter() []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		anyBit = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret    = unix.BPF_RET | unix.BPF_K
	)
	program := []unix.SockFilter{
		{Code: load, K: offsetArch},
		{Code: equal, Jt: 1, K: unix.AUDIT_ARCH_X86_64},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		{Code: load, K: offsetNr},
	}
	for _, nr := range slices.Sorted(maps.Keys(boundary)) {
		program = append(program,
			unix.SockFilter{Code: equal, Jf: 1, K: nr},
			unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	for _, nr := range slices.Sorted(maps.Keys(opening)) {
		program = append(program,
			unix.SockFilter{Code: equal, Jf: 4, K: nr},
			unix.SockFilter{Code: load, K: offsetArgs + 8*uint32(opening[nr].flags)},
			unix.SockFilter{Code: anyBit, Jf: 1, K: unix.O_CREAT | unix.O_TRUNC},
			unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_USER_NOTIF},
			unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	}
	return append(program, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
}
