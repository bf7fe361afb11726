package fb

import (
	"errors"

	"golang.org/x/sys/unix"
)

// refused tells whether a driver does not know a request.
func refused(err error) bool {
	return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP)
}
