package sim_test

import (
	"net"
	"path/filepath"
)

// dialSocket connects without a Client.
func dialSocket(dir string) (net.Conn, error) {
	return net.Dial("unix", filepath.Join(dir, "control.sock"))
}
