package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// startTimes is the median from exec to the line "ready".
func startTimes(ctx context.Context, r *rig.Rig) (time.Duration, error) {
	var all []time.Duration
	for range rounds {
		if err := r.Agent.Stop(); err != nil {
			return 0, err
		}
		if err := r.StartAgent(ctx); err != nil {
			return 0, err
		}
		all = append(all, r.Agent.ReadyAfter)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// cost is what one sale costs.
type cost struct {
	time    time.Duration
	commits float64
	bytes   float64 // given to the disk
	rss     float64 // of the terminal, at the end
}

// sales sells some times and waits until each is printed and acknowledged.
func sales(ctx context.Context, r *rig.Rig) (cost, error) {
	before, err := r.Status()
	if err != nil {
		return cost{}, err
	}
	wrote, err := procNumber(r, "io", "write_bytes:")
	if err != nil {
		return cost{}, err
	}
	took, err := median(func() error {
		report, err := r.Sale(ctx, "--amount", "12.50", "--card", "approve")
		if err == nil && report.Exit != 0 {
			err = fmt.Errorf("the sale ended with %d: %s", report.Exit, report.Error)
		}
		return err
	})
	if err != nil {
		return cost{}, err
	}
	if err := r.UntilSettled(ctx); err != nil {
		return cost{}, err
	}
	after, err := r.Status()
	if err != nil {
		return cost{}, err
	}
	written, err := procNumber(r, "io", "write_bytes:")
	if err != nil {
		return cost{}, err
	}
	rss, err := procNumber(r, "status", "VmRSS:")
	return cost{
		time: took, rss: rss * 1024,
		commits: float64(after.Commits-before.Commits) / rounds, bytes: (written - wrote) / rounds,
	}, err
}

// procNumber reads a number of the terminal's from /proc.
func procNumber(r *rig.Rig, file, name string) (float64, error) {
	path := filepath.Join("/proc", strconv.Itoa(r.Agent.PID()), file)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return strconv.ParseFloat(words[1], 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// syncFloor is what one durable append of a kilobyte costs at least.
func syncFloor(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return 0, err
	}
	line := make([]byte, 1024)
	d, err := median(func() error {
		if _, err := f.Write(line); err != nil {
			return err
		}
		return f.Sync()
	})
	return d, firstError(err, f.Close())
}
