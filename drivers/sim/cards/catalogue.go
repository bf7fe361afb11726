package cards

import (
	"slices"

	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// A Card is one row of the catalogue.
type Card struct {
	sim.Variant // Of is "" for a card of the deck itself

	Tap bool // it is held to an antenna, as one of Taps, or of issuer.TapDeck

	// Ends are the ends of one sale of Small after the other with a fresh card;
	// the last holds from then on.
	Ends []Ending
	// Large are those of sales of Large, where the holder of a card that is
	// tapped is verified; nil for other cards.
	Large []Ending
}

// The amounts of sales whose ends are told: below the limits for taps that need
// no verification, and above.
const (
	Small = "12.50"
	Large = "150.00"
)

// An Ending is what a sale comes to, in the words of the journal.
type Ending struct {
	State  string `json:"state"`            // "approved"
	Reason string `json:"reason,omitempty"` // why not; "" when it is approved
	Code   string `json:"code,omitempty"`   // what the host answered; "" when it was not asked
	TVR    string `json:"tvr,omitempty"`    // the terminal's verification results; "" when they do not matter
}

// String is the end as a list shows it: "declined: card data".
func (e Ending) String() string {
	why := e.Reason
	switch {
	case e.Reason == e.State: // the cashier has cancelled it
		return e.State
	case e.State == stateApproved && e.Code == "":
		return e.State + " offline"
	case e.State == stateApproved:
		return e.State
	case e.Code != "" && e.Code != codeApproved:
		why += " (" + e.Code + ")"
	}
	return e.State + ": " + why
}

// The states of a sale that has come to an end, as the journal has them.
const (
	stateApproved = "approved"
	stateDeclined = "declined"
	stateReversed = "reversed"

	stateCancelled = "cancelled"
)

const codeApproved = "00"

// approved is a sale that the issuer approved; the TVR is the deck's usual one.
var approved = Ending{State: stateApproved, Code: codeApproved, TVR: "0000008000"}

// stripeApproved is one of a card that was swiped: there are no verification
// results.
var stripeApproved = Ending{State: stateApproved, Code: codeApproved}

// approvedWith is one with other verification results.
func approvedWith(tvr string) []Ending {
	e := approved
	e.TVR = tvr
	return []Ending{e}
}

// onlineWith is approvedWith, for a list of several.
func onlineWith(tvr string) Ending { return approvedWith(tvr)[0] }

// alone is a sale that the card approved by itself.
var alone = Ending{State: stateApproved, TVR: "0000000000"}

// declined is a sale that the host did not hear of.
func declined(reason string) []Ending { return []Ending{{State: stateDeclined, Reason: reason}} }

// refused is a sale that the host declined.
func refused(code string) []Ending {
	return []Ending{{State: stateDeclined, Reason: reasonIssuer, Code: code}}
}

// reversed is a sale that the host had approved.
func reversed(reason string) []Ending {
	return []Ending{{State: stateReversed, Reason: reason, Code: codeApproved}}
}

// All is the catalogue: the decks first, and what is tapped last.
func All() []Card {
	var all []Card
	for _, listed := range issuer.List() {
		c := Card{Ends: deckEnds[listed.Name]}
		c.Name, c.Title = listed.Name, listed.Title
		all = append(all, c)
	}
	return slices.Concat(all, selection, initiation, records, genuineness, verification, cryptograms, completion, transport, tapped())
}

// Misfits are all that misbehave, in a slot or at an antenna, as a shop takes
// them.
func Misfits() []sim.Misfit {
	var all []sim.Misfit
	for _, v := range Variants() {
		all = append(all, v)
	}
	for _, v := range Taps() {
		all = append(all, v)
	}
	return all
}

// Variants are the cards with contacts that misbehave.
func Variants() []sim.Variant {
	var all []sim.Variant
	for _, c := range All() {
		if c.Of != "" && !c.Tap {
			all = append(all, c.Variant)
		}
	}
	return all
}

// Find looks a card up by its name.
func Find(name string) (Card, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c Card) bool { return c.Name == name })
	if i < 0 {
		return Card{}, false
	}
	return all[i], true
}

// Near are the names that resemble one, the nearest first, at most three.
func Near(name string) []string {
	const nearMax, apartMax = 3, 2
	type match struct {
		name  string
		apart int
	}
	var found []match
	for _, c := range All() {
		if n := distance(name, c.Name); n <= apartMax && n < len(c.Name) {
			found = append(found, match{c.Name, n})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return a.apart - b.apart })
	var names []string
	for _, m := range found[:min(len(found), nearMax)] {
		names = append(names, m.name)
	}
	return names
}

// distance is Levenshtein's: how many characters to insert, drop or replace.
func distance(a, b string) int {
	const lengthMax = 64 // of a name; what is longer resembles none
	if len(a) > lengthMax {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
