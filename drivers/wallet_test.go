package drivers

import (
	"strings"
	"testing"
)

func TestWalletOf(t *testing.T) {
	digits := func(prefix string, n int) string { return prefix + strings.Repeat("7", n-len(prefix)) }
	for text, want := range map[string]Wallet{
		digits("10", 18):          WeChatPay,
		digits("13", 18):          WeChatPay,
		digits("15", 18):          WeChatPay,
		digits("09", 18):          NoWallet,
		digits("16", 18):          NoWallet,
		digits("13", 17):          NoWallet,
		digits("13", 19):          NoWallet,
		digits("25", 16):          Alipay,
		digits("28", 18):          Alipay,
		digits("30", 24):          Alipay,
		digits("24", 18):          NoWallet,
		digits("31", 18):          NoWallet,
		digits("28", 15):          NoWallet,
		digits("28", 25):          NoWallet,
		digits("62", 19):          UnionPay,
		digits("62", 18):          NoWallet,
		digits("62", 20):          NoWallet,
		digits("61", 19):          NoWallet,
		digits("63", 19):          NoWallet,
		"":                        NoWallet,
		"1":                       NoWallet,
		"4006381333931":           NoWallet, // an EAN-13
		"13777777777777777A":      NoWallet,
		" 13777777777777777":      NoWallet,
		"https://example.com/137": NoWallet,
	} {
		if got := WalletOf([]byte(text)); got != want {
			t.Errorf("WalletOf(%q) = %v, want %v", text, got, want)
		}
	}
	for w, want := range map[Wallet]string{NoWallet: "no wallet", WeChatPay: "WeChat Pay", Alipay: "Alipay", UnionPay: "UnionPay", 99: "no wallet"} {
		if got := w.String(); got != want {
			t.Errorf("Wallet(%d) is %q, want %q", w, got, want)
		}
	}
}

// Whatever is scanned, a payment code is made of digits.
func FuzzWalletOf(f *testing.F) {
	for _, s := range []string{"137777777777777777", "2877777777777777", "6277777777777777777", "", "]Q1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if w := WalletOf(b); w != NoWallet && (len(b) < 16 || len(b) > 24 || strings.Trim(string(b), "0123456789") != "") {
			t.Errorf("WalletOf(%q) = %v", b, w)
		}
	})
}
