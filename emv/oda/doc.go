// Package oda is offline data authentication, with RSA and with elliptic
// curves: it recovers the public keys of issuer and card from their
// certificates and checks what the card signed with them. EMV 4.4 Book 2, 5.2,
// 5.3, 5.4, 6.4, 6.5, 6.6 and 12.
//
// The chain has four links, and each one that fails says why:
//
//	ca, err := oda.FindCA(keys, rid, index, today)
//	issuer, err := oda.RecoverIssuer(ca, issuerCertificate, pan, today)
//	icc, err := oda.RecoverICC(issuer, iccCertificate, pan, static, today)
//	number, err := oda.VerifyDynamic(icc, sdad, ddolData)
//
// XDA goes the same way with [RecoverIssuerCurve], [RecoverICCCurve] and
// [VerifyExtended]; its certificates and signatures are in the clear.
//
// A CA key of SM2 leads the first way, through certificates in the clear; the
// algorithm itself comes with the key, see [SM2].
//
// Each check of the books has an error of its own. What leads to a key of an
// algorithm that is not known is refused, as [ErrAlgorithm] or [ErrSuite].
//
// Nothing here decides on a transaction: a kernel turns an error into a bit of
// the terminal verification results.
package oda
