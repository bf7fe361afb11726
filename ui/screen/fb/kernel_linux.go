package fb

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// interruptMax is how often a request is made again after a signal. Go's own
// signals interrupt long requests such as a mode change.
const interruptMax = 100

// device is a character device, or a file that stands for one.
type device struct{ file *os.File }

// openDevice opens a device for its lifetime. It is not opened through the
// poller: neither framebuffer nor DRM is read from. A console does not become
// this program's controlling terminal, whose keys would end it.
func openDevice(path string) (kernel, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &device{os.NewFile(uintptr(fd), path)}, nil
}

func (d *device) ioctl(request uint32, arg unsafe.Pointer) error {
	for range interruptMax {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.file.Fd(), uintptr(request), uintptr(arg))
		if !again(errno) {
			return answer(request, errno)
		}
	}
	return answer(request, unix.EINTR)
}

func (d *device) command(request uint32, value uintptr) error {
	for range interruptMax {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.file.Fd(), uintptr(request), value)
		if !again(errno) {
			return answer(request, errno)
		}
	}
	return answer(request, unix.EINTR)
}

func again(errno unix.Errno) bool { return errno == unix.EINTR || errno == unix.EAGAIN }

func answer(request uint32, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return fmt.Errorf("ioctl %#x: %w", request, errno)
}

func (d *device) mmap(offset int64, length int) ([]byte, error) {
	memory, err := unix.Mmap(int(d.file.Fd()), offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap %d bytes: %w", length, err)
	}
	return memory, nil
}

func (d *device) munmap(memory []byte) error { return unix.Munmap(memory) }

func (d *device) Close() error { return d.file.Close() }
