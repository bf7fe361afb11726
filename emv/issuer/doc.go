// Package issuer is the issuer's side of an EMV card: the keys behind
// application cryptograms, the certificates behind offline data
// authentication, and the personalisation of cards.
//
// A host checks a cryptogram and answers it:
//
//	mk := issuer.DeriveICC(imk, pan, psn)
//	sk := issuer.SessionKey(mk, atc)
//	if issuer.Cryptogram(sk, issuer.CryptogramData(get)) == arqc {
//		arpc := issuer.ARPC1(sk, arqc, arc) // 91 is ARPC, then ARC
//	}
//
// and may send the card commands with that answer:
//
//	s := issuer.NewScripter(macKey, encipherKey, arqc)
//	scripts := issuer.Script(tlv.Script2, id, s.UnblockPIN())
//
// [Deck] makes the development set's cards, and [TapDeck] those that are tapped,
// each a [Profile]: everything that a chip would hold, as data. What it holds is
// secret, so a Profile prints masked; only its JSON has it in the clear, for a
// file of mode 0600.
//
// The functions are pure. Secrets come in as arguments, and randomness only
// where a card is made. EMV 4.4 Book 2 is the reference throughout.
package issuer
