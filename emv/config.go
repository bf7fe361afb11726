package emv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bounds of a configuration.
const (
	applicationsMax = 64
	caKeysMax       = 512
	aidMin, aidMax  = 5, 16           // bytes, EMV 4.4 Book 1, 12.2.1
	numericCodeMax  = 999             // countries and currencies
	amountMaxMinor  = 999_999_999_999 // n12
	sequenceMax     = 99_999_999      // n8
	categoryMax     = 9999
	acquirerMax     = 11 // digits
	merchantNameMax = 252
)

// What 9F33 may claim. Biometrics, PINs enciphered on elliptic curves and card
// capture are not in this kernel, so a terminal cannot offer them.
var capabilitiesKnown = [3]byte{
	0xFF, capPlainPIN | capOnlinePIN | capSignature | capEncipheredPIN | capNoCVM, capSDA | capDDA | capCDA | capXDA,
}

// Check refuses a configuration that would make the kernel lie or guess.
func (c *Config) Check() error {
	for i, known := range capabilitiesKnown {
		if extra := c.Capabilities[i] &^ known; extra != 0 {
			return fmt.Errorf("9F33 byte %d claims %02X, which this kernel cannot do", i+1, extra)
		}
	}
	switch {
	case c.Capabilities[2]&capCDA != 0 && (c.CDAMode < CDAMode1 || c.CDAMode > CDAMode4):
		return fmt.Errorf("CDA mode %d, want 1 to 4", c.CDAMode)
	case c.Random == nil:
		return errors.New("no source of randomness")
	case !terminalType(c.TerminalType):
		return fmt.Errorf("terminal type %02X", c.TerminalType)
	case c.Country > numericCodeMax || c.Currency > numericCodeMax:
		return fmt.Errorf("country %d or currency %d is no ISO code", c.Country, c.Currency)
	case c.CurrencyExponent > 9:
		return fmt.Errorf("currency exponent %d", c.CurrencyExponent)
	case c.MerchantCategory > categoryMax:
		return fmt.Errorf("merchant category %d", c.MerchantCategory)
	case len(c.AcquirerID) > acquirerMax || strings.Trim(c.AcquirerID, "0123456789") != "":
		return fmt.Errorf("acquirer %q, want up to %d digits", c.AcquirerID, acquirerMax)
	case len(c.MerchantName) > merchantNameMax:
		return fmt.Errorf("merchant name of %d bytes", len(c.MerchantName))
	}
	if err := errors.Join(
		checkFixed("terminal id", c.TerminalID, 8),
		checkFixed("merchant id", c.MerchantID, 15),
		checkFixed("serial", c.Serial, 8),
	); err != nil {
		return err
	}
	return errors.Join(checkApplications(c.Applications), checkCAKeys(c.CAKeys))
}

// terminalType: operated by a financial institution, a merchant or a
// cardholder, whose own is never attended. EMV 4.4 Book 4, A1.
func terminalType(t byte) bool {
	operator, kind := t>>4, t&0x0F
	return operator >= 1 && operator <= 3 && kind >= 1 && kind <= 6 && (operator < 3 || kind >= 4)
}

// checkFixed wants length characters of ASCII, or none.
func checkFixed(name, value string, length int) error {
	if value != "" && len(value) != length {
		return fmt.Errorf("%s %q, want %d characters", name, value, length)
	}
	for _, c := range []byte(value) {
		if c < 0x20 || c > 0x7E {
			return fmt.Errorf("%s %q, want ASCII", name, value)
		}
	}
	return nil
}

func checkApplications(list []Application) error {
	if len(list) == 0 || len(list) > applicationsMax {
		return fmt.Errorf("%d applications, want 1 to %d", len(list), applicationsMax)
	}
	seen := map[string]bool{}
	for _, a := range list {
		if seen[string(a.AID)] {
			return fmt.Errorf("application %X twice", a.AID)
		}
		seen[string(a.AID)] = true
		if err := a.check(); err != nil {
			return fmt.Errorf("application %X: %w", a.AID, err)
		}
	}
	return nil
}

func (a *Application) check() error {
	if len(a.AID) < aidMin || len(a.AID) > aidMax {
		return fmt.Errorf("AID of %d bytes, want %d to %d", len(a.AID), aidMin, aidMax)
	}
	// EMV 4.4 Book 4, 10.2 and Book 3, 10.6.2.
	random := a.RandomTargetPercent != 0 || a.RandomMaximum != 0
	switch {
	case a.RandomMaximum > 99 || a.RandomTargetPercent > a.RandomMaximum:
		return fmt.Errorf("random selection of %d to %d percent, want target <= maximum <= 99",
			a.RandomTargetPercent, a.RandomMaximum)
	case random && a.FloorLimitMinor != 0 && a.RandomThresholdMinor >= a.FloorLimitMinor:
		return fmt.Errorf("random selection threshold %d is not below the floor limit %d",
			a.RandomThresholdMinor, a.FloorLimitMinor)
	}
	if len(a.DefaultDDOL) == 0 {
		return nil
	}
	ddol, err := tlv.ParseDOL(a.DefaultDDOL)
	if err != nil {
		return fmt.Errorf("default DDOL: %w", err)
	}
	if !ddol.Contains(tlv.UnpredictableNumber) || ddol.Size() > dataMax {
		return errors.New("default DDOL lacks 9F37 or is too long")
	}
	return nil
}

func checkCAKeys(keys []oda.CAKey) error {
	if len(keys) > caKeysMax {
		return fmt.Errorf("%d CA keys, at most %d", len(keys), caKeysMax)
	}
	seen := map[[6]byte]bool{}
	for _, key := range keys {
		id := [6]byte{5: key.Index}
		copy(id[:], key.RID[:])
		if seen[id] {
			return fmt.Errorf("CA key %X index %02X twice", key.RID, key.Index)
		}
		seen[id] = true
		if err := key.Check(); err != nil {
			return err
		}
	}
	return nil
}

// check refuses amounts and numbers that do not fit their data objects.
func (t *Transaction) check() error {
	switch {
	case t.AmountMinor < 0 || t.AmountMinor > amountMaxMinor:
		return fmt.Errorf("amount %d", t.AmountMinor)
	case t.OtherMinor < 0 || t.OtherMinor > t.AmountMinor:
		return fmt.Errorf("other amount %d is more than the amount %d", t.OtherMinor, t.AmountMinor)
	case t.Type>>4 > 9 || t.Type&0x0F > 9:
		return fmt.Errorf("type %02X is no number", t.Type)
	case t.Sequence > sequenceMax:
		return fmt.Errorf("sequence %d", t.Sequence)
	case t.At.IsZero():
		return errors.New("no date")
	}
	return nil
}
