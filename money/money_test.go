package money_test

import (
	"errors"
	"math"
	"testing"

	"github.com/cloudpos/cloudpos/money"
	"pgregory.net/rapid"
)

func currency(t interface{ Fatal(...any) }, code string) money.Currency {
	c, err := money.Lookup(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, code string
		want     int64
	}{
		{"12.50", "CNY", 1250}, {"12", "CNY", 1200}, {"0.01", "CNY", 1}, {"12.5", "CNY", 1250},
		{"500", "JPY", 500}, {"1.234", "KWD", 1234}, {"0", "CNY", 0}, {"9999999999.99", "CNY", 999999999999},
	} {
		got, err := money.Parse(c.in, currency(t, c.code))
		if err != nil || got.Minor != c.want {
			t.Errorf("Parse(%q, %s) = %d, %v, want %d", c.in, c.code, got.Minor, err, c.want)
		}
	}
	for _, c := range []struct{ in, code string }{
		{"", "CNY"}, {".5", "CNY"}, {"5.", "CNY"}, {"1.234", "CNY"}, {"-1", "CNY"}, {"+1", "CNY"}, {"1e3", "CNY"},
		{"1,000", "CNY"}, {"5.0", "JPY"}, {"10000000000.00", "CNY"}, {"99999999999999999999", "JPY"}, {"١٢", "CNY"},
	} {
		if got, err := money.Parse(c.in, currency(t, c.code)); !errors.Is(err, money.ErrAmount) {
			t.Errorf("Parse(%q, %s) = %v, %v, want ErrAmount", c.in, c.code, got, err)
		}
	}
}

func TestWrittenAndReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := currency(t, rapid.SampledFrom([]string{"CNY", "JPY", "KWD"}).Draw(t, "currency"))
		a := money.Amount{Minor: rapid.Int64Range(0, 999_999_999_999).Draw(t, "minor"), Currency: c}
		if got, err := money.Parse(a.Plain(), c); err != nil || got != a {
			t.Fatalf("Parse(%q) = %v, %v, want %v", a.Plain(), got, err, a)
		}
	})
}

func TestString(t *testing.T) {
	cny := currency(t, "CNY")
	for minor, want := range map[int64]string{
		5: "CNY 0.05", -5: "CNY -0.05", 1250: "CNY 12.50", math.MinInt64: "CNY -92233720368547758.08",
	} {
		if got := (money.Amount{Minor: minor, Currency: cny}).String(); got != want {
			t.Errorf("String(%d) = %q, want %q", minor, got, want)
		}
	}
	if _, err := money.Lookup("XXX"); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Lookup(XXX) = %v, want ErrCurrency", err)
	}
}
