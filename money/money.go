// Package money counts in integer minor units of a currency, and in nothing
// else: there is no floating point anywhere near an amount.
package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// minorMax is the largest amount that fits 9F02, which is n12.
const minorMax = 999_999_999_999

// Errors of Parse.
var (
	ErrAmount   = errors.New("not an amount")
	ErrCurrency = errors.New("unknown currency")
)

// Currency is an ISO 4217 currency.
type Currency struct {
	Code     string `json:"code"`     // three letters: "CNY"
	Numeric  uint16 `json:"numeric"`  // 156, as tag 5F2A holds it in BCD
	Exponent uint8  `json:"exponent"` // digits behind the point: 2
}

// currencies are those that the terminal can name; the parameters choose
// among them.
var currencies = []Currency{
	{"AUD", 36, 2}, {"CAD", 124, 2}, {"CHF", 756, 2}, {"CNY", 156, 2}, {"EUR", 978, 2},
	{"GBP", 826, 2}, {"HKD", 344, 2}, {"IDR", 360, 2}, {"INR", 356, 2}, {"JPY", 392, 0},
	{"KRW", 410, 0}, {"KWD", 414, 3}, {"MOP", 446, 2}, {"MYR", 458, 2}, {"PHP", 608, 2},
	{"SGD", 702, 2}, {"THB", 764, 2}, {"TWD", 901, 2}, {"USD", 840, 2}, {"VND", 704, 0},
}

// Lookup finds a currency by its three letters.
func Lookup(code string) (Currency, error) {
	for _, c := range currencies {
		if c.Code == code {
			return c, nil
		}
	}
	return Currency{}, fmt.Errorf("%w %q", ErrCurrency, code)
}

// Amount is a sum in minor units: {1250, CNY} is ¥12.50.
type Amount struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// Parse reads a sum as people write it, "12.50" or "12", with at most as many
// digits behind the point as the currency has. Signs, exponents and grouping
// are refused.
func Parse(s string, c Currency) (Amount, error) {
	whole, fraction, pointed := strings.Cut(s, ".")
	if whole == "" || pointed && fraction == "" || len(fraction) > int(c.Exponent) {
		return Amount{}, fmt.Errorf("%w: %q, write it like %s", ErrAmount, s, Amount{1250, c}.Plain())
	}
	digits := whole + fraction + strings.Repeat("0", int(c.Exponent)-len(fraction))
	if strings.Trim(digits, "0123456789") != "" {
		return Amount{}, fmt.Errorf("%w: %q, write it like %s", ErrAmount, s, Amount{1250, c}.Plain())
	}
	minor, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || minor > minorMax {
		return Amount{}, fmt.Errorf("%w: %q is more than twelve digits", ErrAmount, s)
	}
	return Amount{minor, c}, nil
}

// Plain writes the sum without its currency: "12.50".
func (a Amount) Plain() string {
	sign, minor := "", uint64(a.Minor)
	if a.Minor < 0 {
		sign, minor = "-", -uint64(a.Minor)
	}
	digits := fmt.Sprintf("%0*d", int(a.Currency.Exponent)+1, minor)
	point := len(digits) - int(a.Currency.Exponent)
	if point == len(digits) {
		return sign + digits
	}
	return sign + digits[:point] + "." + digits[point:]
}

// String writes the sum with its currency: "CNY 12.50".
func (a Amount) String() string { return a.Currency.Code + " " + a.Plain() }
