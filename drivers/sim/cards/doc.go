// Package cards is the catalogue of the cards that a simulated shop has: each
// by name, with a sentence that says what it does, and with the end that a sale
// of 12.50 (of what is tapped, of 150.00 as well) comes to under the development set's parameters, at a terminal without
// a screen to choose at. Tests, the shop's page and people at a command line
// take their truth from it.
//
//	shop, err := sim.Open(dir, deck, pad, cards.Misfits()...)
//	c, ok := cards.Find("nopan")
//	fmt.Println(c.Title, c.Ends)
//
// Those of the development deck are cards as an issuer makes them. The others
// misbehave: each is the chip of a card of the deck behind something that spoils
// one answer, stays silent or never comes to an end. So it has no keys and no
// account of its own, and what it does is found in this package alone.
//
// What an issuer does to a card stays done: one that was blocked is good again
// in a new development set only, for the issuer believes each transaction
// counter once.
//
// [Taps] are cards and phones that are tapped. They have no contacts, so who
// holds one and is sent to the slot leaves.
package cards
