// Package ingest is the heart of the cloud: it takes the messages of terminals
// in any order, any number of times, and keeps one true story of each sale.
//
// It does no I/O of its own. [Core.Handle] takes a message with the terminal
// that the broker bound to the sender's certificate, and gives the answer;
// ledger and issuer are interfaces, with forms in memory for simulation.
//
//	core := ingest.New(ingest.Parts{Ledger: books, Issuer: host, Now: time.Now, Log: log})
//	kind, answer, err := core.Handle(ctx, "dev:t1", wire.KindRequest, payload)
//
// The rules that it keeps:
//
//   - An answer is given only after the ledger has committed it. A duplicate
//     gets the stored answer byte for byte; a duplicate of a message that is
//     still on its way to the issuer waits for that one's answer.
//   - Order is never assumed. What is known of a sale are facts ([Sale]): how
//     the authorisation ended, whether the terminal completed it, whether it
//     was reversed. Its state is a function of these, whichever came first.
//   - A reversal undoes the whole sale, all its attempts, and stays as a
//     tombstone: an authorisation that comes later is declined without asking
//     the issuer, and a stored approval turns into a decline. Nothing
//     resurrects a reversed sale; a completion after it is a conflict, which is
//     recorded and logged for people to settle.
//   - The issuer is told of a reversal before the terminal's acknowledgement is
//     recorded, so that ledger and host hold the same sales.
//   - At most one authorisation of a sale is not declined. An attempt begins
//     only when all earlier ones have been declined.
//
// The sealed parts of a card pass through to the issuer and are not stored.
package ingest
