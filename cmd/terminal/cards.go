package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
)

// cardReport is a card of the simulated shop as a list shows it.
type cardReport struct {
	Name  string         `json:"name"`
	Title string         `json:"title"`
	Of    string         `json:"of,omitempty"` // whose chip it is, for one that misbehaves
	Ends  []cards.Ending `json:"ends"`
	Large []cards.Ending `json:"large,omitempty"` // where the holder of what is tapped is verified
}

// runCards lists the catalogue: which cards a simulated shop has, and how one
// sale after the other ends with each.
func runCards(_ context.Context, args []string, stdout, _ io.Writer) (int, error) {
	fs := newFlags("cards")
	asJSON := fs.Bool("json", false, "")
	if err := parse(fs, args, 0); err != nil {
		return exitUsage, err
	}
	var all []cardReport
	for _, c := range cards.All() {
		all = append(all, cardReport{c.Name, c.Title, c.Of, c.Ends, c.Large})
	}
	if *asJSON {
		return exitApproved, json.NewEncoder(stdout).Encode(all)
	}
	// A few cards have a long story. Theirs stands out, so that the rows of all
	// the others keep to a screen.
	const nameWidth, endsWidth = 15, 38
	for _, c := range all {
		var ends []string
		for _, e := range c.Ends {
			ends = append(ends, e.String())
		}
		story := strings.Join(ends, ", then ")
		if len(c.Large) > 0 && c.Large[0] != c.Ends[0] {
			story += "; " + cards.Large + ": " + strings.TrimPrefix(c.Large[0].String(), "declined: ")
		}
		if _, err := fmt.Fprintf(stdout, "%-*s  %-*s  %s\n", nameWidth, c.Name, endsWidth, story, c.Title); err != nil {
			return exitError, err
		}
	}
	return exitApproved, nil
}
