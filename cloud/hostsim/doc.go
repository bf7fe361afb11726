// Package hostsim is an issuer for development: it stands where an acquirer's
// link will stand, and does with a sale what a real issuer does.
//
// It opens the sealed parts of the card with the acquirer's key, checks the
// cryptogram, the amount under it and that it is fresh, checks the PIN under
// its DUKPT key, looks at the balance and answers with an issuer cryptogram.
// Each decision is stored with what it changed, in one commit, so that asking
// again with the same key gives the same answer, and money moves once.
//
//	host, err := hostsim.New(ctx, hostsim.Parts{Config: cfg, Acquirer: key, Store: books, ...})
//	core := ingest.New(ingest.Parts{Issuer: host, ...})
//
// The rules, in order: a sale that was reversed is declined (12); sealed parts
// must open (30); the account must exist (14) and be in date (54); cryptogram,
// amount, currency, unpredictable number and transaction counter must fit (05);
// a PIN must be right (55, or 75 when no try is left; 05 when its key serial
// number came before); amounts that end in 05 are declined (05), as is an
// account that always is; then the balance decides (51 or 00).
//
// A card that was swiped (entry mode 80 or 90, and in no other) comes without a
// cryptogram. Its track must say what the account's stripe says (05), the stripe
// of a chip card is taken in place of its chip only (80; with 90 it is 05), and
// a service code that wants a PIN gets one (05).
//
// A card that was tapped (entry mode 07, and 9F39 says so too, else 30) is judged
// by its cryptogram as an inserted one is. That its owner was verified by a
// device must stand under that (05), and without any verification there is a
// limit (61). The track of a stripe that was tapped (91) is not taken (30). The
// issuer's answer and scripts go to cards alone that take them at a second tap.
//
// An account may have a script for its card: "pin-unblock", "pin-change" to the
// account's PIN, "limits", "block-application", "block-card", or "wrong-mac",
// which no card takes. It goes with each approval, one that blocks with each
// decline too, until a completion has told that the card took it.
//
// Its configuration holds master keys and PINs in the clear: it is for test
// cards only. Account numbers, PINs and keys are never stored, logged or put in
// an error; the store knows accounts by name.
package hostsim
