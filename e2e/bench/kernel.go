package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// What the contact kernel's own benchmark is called, and how many transactions
// it plays for each of its cards.
const (
	kernelPackage      = "github.com/cloudpos/cloudpos/emv"
	kernelBenchmark    = "BenchmarkOnlineDDA"
	kernelTransactions = 10_000
)

// kernelCost is what one card transaction costs this machine's processors.
type kernelCost struct {
	card          string
	rsa, beyond   float64 // microseconds: three RSA operations alone, and all the rest
	allocs, bytes float64
}

// contactKernel prints what the benchmark finds.
func contactKernel() error {
	costs, err := kernelCosts()
	if err != nil {
		return err
	}
	fmt.Print(`
| measured of the contact kernel | here | at most | beside it |
|---|---|---|---|
`)
	for _, c := range costs {
		fmt.Printf("| online transaction with DDA, keys of 1984, 1408, 1152 bits, %s | %.0f µs beyond RSA | 100 µs | its three RSA operations take %.0f µs |\n",
			c.card, c.beyond, c.rsa)
		fmt.Printf("| allocations of it | %.0f | 1000 | %.0f KB |\n", c.allocs, c.bytes/1e3)
	}
	return nil
}

// kernelCosts runs the benchmark, whose cards are made where the kernel's tests
// make theirs.
func kernelCosts() ([]kernelCost, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "^"+kernelBenchmark+"$", "-benchmem",
		"-benchtime", strconv.Itoa(kernelTransactions)+"x", kernelPackage)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", kernelBenchmark, err, out)
	}
	var costs []kernelCost
	for line := range strings.Lines(string(out)) {
		name, rest, found := strings.Cut(line, "\t")
		card, ours := strings.CutPrefix(strings.TrimSpace(name), kernelBenchmark+"/")
		if !found || !ours {
			continue
		}
		card, _, _ = strings.Cut(card, "-") // the number of processors
		c, err := parseCost(card, strings.Fields(rest))
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", kernelBenchmark, line, err)
		}
		costs = append(costs, c)
	}
	if len(costs) == 0 {
		return nil, fmt.Errorf("%s: no result in\n%s", kernelBenchmark, out)
	}
	return costs, nil
}

// parseCost reads a count, then values with their units.
func parseCost(card string, words []string) (kernelCost, error) {
	c := kernelCost{card: card}
	units := map[string]*float64{"rsa-µs": &c.rsa, "beyond-µs": &c.beyond, "allocs/op": &c.allocs, "B/op": &c.bytes}
	for i := 2; i < len(words); i += 2 {
		into, wanted := units[words[i]]
		if !wanted {
			continue
		}
		v, err := strconv.ParseFloat(words[i-1], 64)
		if err != nil {
			return c, err
		}
		*into = v
		delete(units, words[i])
	}
	for unit := range units {
		return c, fmt.Errorf("no %s", unit)
	}
	return c, nil
}
