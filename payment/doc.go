// Package payment is one transaction, from the request to the record.
//
// Flow is a machine without I/O: it is stepped with what happened and says
// what to write down, what to do and what to show. Runner is the one goroutine
// that steps it, writes its entries to the Journal before anything else, and
// runs its actions against readers, PIN pad and Host.
//
// The money rules that the two keep together:
//
//   - A transaction's ID is made once and is on disk before anything is sent.
//   - The Authorising entry is committed before the first byte leaves. It is
//     itself the armed reversal: found unfinished at start, it is reversed.
//   - No answer until the deadline: the Reversing entry is committed before
//     anything else happens.
//   - Approved is on disk before the cashier is told and before the slip.
//
// Printing is not part of it: a spooler takes "approved, not printed" from the
// journal. Nor is the delivery of completions and reversals: an uplink takes
// the pending legs from it.
package payment
