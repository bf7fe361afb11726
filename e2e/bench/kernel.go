package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// kernelTransactions is how many each benchmark plays for each of its cards.
const kernelTransactions = 10_000

// processors is what stands behind a name on machines with several.
var processors = regexp.MustCompile(`-[0-9]+$`)

// benchmark is one of a kernel's tests, which make their cards themselves.
type benchmark struct{ name, folder string }

var (
	contactBenchmark = benchmark{"BenchmarkOnlineDDA", "github.com/cloudpos/cloudpos/emv"}
	tapBenchmark     = benchmark{"BenchmarkTap", "github.com/cloudpos/cloudpos/drivers/sim/cards"}
)

// kernelCost is what one card transaction costs this machine's processors.
type kernelCost struct {
	card             string
	rsa, beyond      float64 // microseconds: three RSA operations alone, and all the rest
	allocs, bytes    float64
	commands, fewest float64 // of a tap: how many there are, and must be
}

// contactKernel prints what the contact kernel costs.
func contactKernel() error {
	costs, err := contactBenchmark.run()
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

// contactlessKernels prints what Entry Point and its kernels cost.
func contactlessKernels() error {
	costs, err := tapBenchmark.run()
	if err != nil {
		return err
	}
	fmt.Print(`
| measured of a tap that the card approves | here | at most | beside it |
|---|---|---|---|
`)
	for _, c := range costs {
		fmt.Printf("| %s, keys of 1408, 1152, 1024 bits | %.0f µs beyond RSA | 100 µs | its three RSA operations take %.0f µs |\n", c.card, c.beyond, c.rsa)
		fmt.Printf("| commands of it | %.0f | %.0f | as few as card and books allow |\n", c.commands, c.fewest)
		fmt.Printf("| allocations of it | %.0f | 400 | %.0f KB |\n", c.allocs, c.bytes/1e3)
	}
	return nil
}

// run runs the benchmark.
func (b benchmark) run() ([]kernelCost, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "^"+b.name+"$", "-benchmem",
		"-benchtime", strconv.Itoa(kernelTransactions)+"x", b.folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", b.name, err, out)
	}
	var costs []kernelCost
	for line := range strings.Lines(string(out)) {
		name, rest, found := strings.Cut(line, "\t")
		card, ours := strings.CutPrefix(strings.TrimSpace(name), b.name+"/")
		if !found || !ours {
			continue
		}
		card = processors.ReplaceAllString(card, "")
		c, err := parseCost(card, strings.Fields(rest))
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", b.name, line, err)
		}
		costs = append(costs, c)
	}
	if len(costs) == 0 {
		return nil, fmt.Errorf("%s: no result in\n%s", b.name, out)
	}
	return costs, nil
}

// parseCost reads a count, then values with their units. What every benchmark
// measures must be there; commands are only those of taps.
func parseCost(card string, words []string) (kernelCost, error) {
	c := kernelCost{card: card}
	units := map[string]*float64{
		"rsa-µs": &c.rsa, "beyond-µs": &c.beyond, "allocs/op": &c.allocs, "B/op": &c.bytes,
		"commands": &c.commands, "fewest-commands": &c.fewest,
	}
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
	delete(units, "commands")
	delete(units, "fewest-commands")
	for unit := range units {
		return c, fmt.Errorf("no %s", unit)
	}
	return c, nil
}
