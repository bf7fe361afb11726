// Package virtual tests the whole sale in one process and in virtual time:
// terminals, link, cloud and host, as the programs put them together, over the
// in-memory forms of transport, journal, ledger and host. Hours of re-sends and
// restarts take milliseconds, so every message can be lost, delayed, doubled
// and swapped, and every machine can stop before and after everything it does.
//
// Afterwards the books must agree: the terminals' journals, the cloud's ledger,
// the host's postings and balances, the paper, and what the cashiers were told.
//
//	go test ./e2e/virtual                          # all stories, a few storms
//	go test ./e2e/virtual -run TestStorm -seeds 1000
//	go test ./e2e/virtual -run TestStorm -seed 4711 -v
//
// It is all tests; nothing imports it.
package virtual
