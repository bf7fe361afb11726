package oda

import "errors"

// Errors that all others of this package wrap.
var (
	// ErrCAKey says that the terminal has no usable key of the certification authority.
	ErrCAKey = errors.New("oda: no usable CA key")
	// ErrFailed says that a certificate, a signature or the data under it is wrong.
	ErrFailed = errors.New("oda: authentication failed")
	// ErrMissing says beside ErrFailed that the card lacks a piece of its keys.
	ErrMissing = errors.New("data missing")
)

// What is wrong, beside ErrFailed: one error for each check of EMV 4.4 Book 2,
// 5.3 to 6.6.2, in the book's order. Some are those of 12 too.
var (
	ErrTagList         = errors.New("the static data tag list holds more or less than the AIP")
	ErrAlgorithm       = errors.New("algorithm is not one that is known here")
	ErrLength          = errors.New("signature is not as long as the key")
	ErrRange           = errors.New("signature is not below the modulus")
	ErrTrailer         = errors.New("recovered data has a wrong trailer: signed with another key")
	ErrHeader          = errors.New("recovered data has a wrong header: signed with another key")
	ErrFormat          = errors.New("recovered data has another format")
	ErrHash            = errors.New("hash differs: the signed data is not the data that the card gave")
	ErrIssuer          = errors.New("issuer identifier is not how the PAN begins")
	ErrPAN             = errors.New("made for another PAN")
	ErrExpiry          = errors.New("expiry is no month")
	ErrExpired         = errors.New("expired")
	ErrRevoked         = errors.New("revoked")
	ErrKey             = errors.New("certified key is not one that EMV allows")
	ErrDynamicData     = errors.New("dynamic data is malformed")
	ErrCryptogramType  = errors.New("signed cryptogram information is not the one in clear")
	ErrTransactionHash = errors.New("transaction data hash differs: signed for another transaction")
	ErrFurther         = errors.New("what the kernel has signed beside the transaction differs")
)

// What is wrong with elliptic curves, beside ErrFailed: the checks of EMV 4.4
// Book 2, 12.3 to 12.5 that the others do not have.
var (
	ErrSuite       = errors.New("algorithm suite is not one that is known here")
	ErrEncoding    = errors.New("certificate has another encoding")
	ErrOtherCA     = errors.New("made under another CA key")
	ErrCertificate = errors.New("certificate has a wrong length")
	ErrPoint       = errors.New("key is no point of its curve")
	ErrSignature   = errors.New("signature differs: the signed data is not the data that the card gave")
)
