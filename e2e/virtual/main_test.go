package virtual

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

var (
	seeds = flag.Uint64("seeds", 12, "number of storms")
	seed  = flag.Uint64("seed", 0, "run this storm only")
)

// TestMain makes keys and cards before any story: RSA is slow.
func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "virtual")
	if err == nil {
		shared, err = newSet(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}
