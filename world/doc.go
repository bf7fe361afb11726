// Package world is the simulated shop as a web page: the cards in customers'
// hands, the PIN pad's keys, the paper that comes out of the printer, drawer,
// lights and tamper switch, the cable to the cloud, faults by name, and the
// cloud's books as they grow. The terminal's own screen stands beside it in a
// frame, passed on from where it is, so that one address shows all; the page
// itself is the simulator's, never the product's.
//
//	mux.Handle("/", world.New(world.Opts{Shop: shop, Screen: screen}))
//
// The page hears what happens as server-sent events at GET events, and acts by
// POST do/{action} with a small JSON object. Whoever reaches it can do
// everything in the shop, so it answers this machine only, unless told
// otherwise, and no page of another site.
package world
