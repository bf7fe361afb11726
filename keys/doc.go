// Package keys holds the cryptography around a card's data: DUKPT keys for
// PINs, PIN blocks, sealing to the acquirer's public key, and tokens of account
// numbers.
//
//   - Host and PIN pad: [InitialKey], [TransactionKey] and [DUKPT] are the two
//     sides of ANSI X9.24-1; [EncryptPIN] and [DecryptPIN] are ISO 9564-1.
//   - Terminal and acquirer: [Seal] and [Open] are HPKE (RFC 9180). The
//     terminal holds a public key only, so nothing on it can open what it
//     stored.
//   - Terminal alone: [Tokens] turns an account number into a value that can be
//     compared but not read back.
//
// A PIN pad's side of the key scheme:
//
//	pad, err := keys.NewDUKPT(ipek, ksn)
//	key, ksn, err := pad.Next()
//	state, err := pad.MarshalBinary() // stored before key is used
//	pinKey, err := keys.Variant(key, keys.UsePIN)
//	block, err := keys.EncryptPIN(0, pinKey, pin, pan)
//
// Errors never hold digits or key bytes. Buffers that held a secret are zeroed
// once they are of no more use; the key schedules inside the standard library's
// ciphers are out of our reach and go with the garbage collector.
//
// This package keeps no key in hardware. That is development grade: where a
// scheme demands more, the PIN key lives in a PIN pad and never comes here.
package keys
