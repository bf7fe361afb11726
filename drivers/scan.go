package drivers

import "github.com/cloudpos/cloudpos/secret"

// CodeMax bounds the text of a code.
const CodeMax = 1024

// Code is what a scanner has read. Its text is a secret, whatever it is: whoever
// has a customer's payment code can take his money while it lives.
type Code struct {
	Text secret.Bytes // UTF-8 without control characters but GS, 1D
	AIM  string       // symbology as ISO/IEC 15424 has it: "]Q1"; empty when the scanner does not tell
}

// Wallet tells whose payment code it is.
func (c Code) Wallet() Wallet { return WalletOf(c.Text) }

// Clear overwrites what was read.
func (c Code) Clear() { c.Text.Clear() }
