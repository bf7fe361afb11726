// Command bench measures what the terminal promises, on this machine, and
// prints it beside the promise:
//
//	make bench
//
// Times are medians, and stand beside something measured in the same run,
// since machines differ and are noisy. Nothing here fails when it is slow.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// rounds is how often each thing is measured.
const rounds = 10

func main() {
	do := bench
	switch {
	case slices.Contains(os.Args[1:], firstFrameFlag):
		do = paintFirstFrame
	case slices.Contains(os.Args[1:], tapsFlag):
		do = tapAbout
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench() (err error) {
	if err := contactKernel(); err != nil {
		return err
	}
	if err := contactlessKernels(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(".", "bench-") // on the disk that the project is on, not in memory
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	programs, err := rig.Build(dir)
	if err != nil {
		return err
	}
	if err := withoutScreen(context.Background(), programs, dir); err != nil {
		return err
	}
	return withScreen(context.Background(), programs, dir)
}

// withoutScreen measures a terminal that has none.
func withoutScreen(ctx context.Context, programs rig.Programs, dir string) (err error) {
	armv7, err := armSize(dir)
	if err != nil {
		return err
	}
	r, err := rig.New(rig.Opts{Programs: programs, Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, r.Close()) }()
	return measure(ctx, r, armv7)
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// armSize builds the terminal for the board and gives its size in bytes.
func armSize(dir string) (int64, error) {
	out := filepath.Join(dir, "terminal-armv7")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "no_emoji,nethttpomithttp2", "-ldflags", "-s -w", "-o", out, "github.com/cloudpos/cloudpos/cmd/terminal")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm", "GOARM=7")
	if text, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build for armv7: %w\n%s", err, text)
	}
	info, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func measure(ctx context.Context, r *rig.Rig, armv7 int64) error {
	process, err := median(func() error { return exec.Command(r.Programs.Terminal, "version").Run() })
	if err != nil {
		return err
	}
	// The first start makes the journal and the token key; it is not measured.
	if err := r.StartAgent(ctx); err != nil {
		return err
	}
	starts, err := startTimes(ctx, r)
	if err != nil {
		return err
	}
	sale, err := sales(ctx, r)
	if err != nil {
		return err
	}
	floor, err := syncFloor(r.Dir)
	if err != nil {
		return err
	}
	fmt.Printf(`
| measured without a screen | here | at most | beside it |
|---|---|---|---|
| start to ready, keys present | %.0f ms | 500 ms | an empty process takes %.0f ms |
| one headless sale, simulated devices | %.0f ms | 1 s | %d commits; an append with fdatasync takes %.1f ms |
| commits for each sale | %.1f | 4 | |
| bytes written for each sale | %.0f KB | 90 KB | |
| resident memory after %d sales | %.0f MB | 60 MB | |
| size for armv7, stripped | %.1f MB | 26 MB | |
`, ms(starts), ms(process), ms(sale.time), int(sale.commits), ms(floor), sale.commits, sale.bytes/1e3, rounds, sale.rss/1e6, float64(armv7)/1e6)
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median times an action some times.
func median(action func() error) (time.Duration, error) {
	return medianOf(func() (time.Duration, error) {
		began := time.Now()
		err := action()
		return time.Since(began), err
	})
}

// medianOf takes a time some times.
func medianOf(take func() (time.Duration, error)) (time.Duration, error) {
	var all []time.Duration
	for range rounds {
		took, err := take()
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
