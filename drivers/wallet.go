package drivers

// Wallet is whose app shows a payment code.
type Wallet uint8

// The wallets whose codes are known.
const (
	NoWallet Wallet = iota // no payment code, or of somebody else
	WeChatPay
	Alipay
	UnionPay
)

// String is the wallet's name.
func (w Wallet) String() string {
	switch w {
	case WeChatPay:
		return "WeChat Pay"
	case Alipay:
		return "Alipay"
	case UnionPay:
		return "UnionPay"
	case NoWallet:
	}
	return "no wallet"
}

// walletForms are what the wallets' documents for merchants say of the codes
// that a customer shows: digits, how many, and the first two.
var walletForms = []struct {
	wallet               Wallet
	sizeMin, sizeMax     int
	prefixMin, prefixMax int
}{
	{WeChatPay, 18, 18, 10, 15},
	{Alipay, 16, 24, 25, 30},
	{UnionPay, 19, 19, 62, 62},
}

// WalletOf tells by its form alone whose payment code a text is. A number of
// that form need not be one: the wallet has the last word.
func WalletOf(text []byte) Wallet {
	for _, b := range text {
		if b < '0' || b > '9' {
			return NoWallet
		}
	}
	for _, f := range walletForms {
		if len(text) < f.sizeMin || len(text) > f.sizeMax {
			continue
		}
		if prefix := int(text[0]-'0')*10 + int(text[1]-'0'); prefix >= f.prefixMin && prefix <= f.prefixMax {
			return f.wallet
		}
	}
	return NoWallet
}
