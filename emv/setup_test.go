package emv_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
)

// setup is the terminal and the sale of a test.
type setup struct {
	config      emv.Config
	transaction emv.Transaction
	random      *cycle
}

// cycle gives the same bytes again and again.
type cycle struct {
	bytes []byte
	at    int
}

func (c *cycle) fill(b []byte) {
	for i := range b {
		b[i] = c.bytes[c.at%len(c.bytes)]
		c.at++
	}
}

// newSetup is the usual terminal: attended, online and offline capable, with
// DDA, online PIN and no CVM, in China, selling for 12.50 on 23 November 2026.
func newSetup() *setup {
	s := &setup{random: &cycle{bytes: []byte{0x01, 0x23, 0x45, 0x67}}}
	s.config = emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x48, 0x40}, Additional: [5]byte{0x60, 0x00, 0xF0, 0xB0, 0x01},
		Country: 156, Currency: 156, CurrencyExponent: 2,
		TerminalID: "TERM0001", MerchantID: "MERCHANT0000001", MerchantName: "Tea House",
		MerchantCategory: 5812, AcquirerID: "123456", Serial: "SN000001", CanChoose: true,
		Applications: []emv.Application{{
			AID: []byte{0xF0, 'C', 'P', 'O', 'S', 1, 1}, Partial: true, Version: [2]byte{0, 1},
			TACDenial: [5]byte{0, 0x10, 0, 0, 0}, TACOnline: [5]byte{0xDC, 0xEC, 0xFC, 0xF8, 0},
			TACDefault: [5]byte{0xDC, 0x60, 0xF4, 0xA0, 0}, DefaultDDOL: []byte{0x9F, 0x37, 0x04},
		}},
		CDAMode: emv.CDAMode1, Random: s.random.fill,
	}
	s.transaction = emv.Transaction{
		AmountMinor: 1250, Sequence: 7, At: time.Date(2026, 11, 23, 9, 30, 15, 0, time.UTC),
	}
	return s
}

// set takes a "with" line: a name and a value.
func (s *setup) set(line string) error {
	name, value, _ := strings.Cut(line, " ")
	c, tx := &s.config, &s.transaction
	app := &c.Applications[len(c.Applications)-1]
	var err error
	switch name {
	case "amount":
		tx.AmountMinor, err = strconv.ParseInt(value, 10, 64)
	case "cashback":
		tx.OtherMinor, err = strconv.ParseInt(value, 10, 64)
	case "type":
		err = hexByte(&tx.Type, value)
	case "forced-online":
		tx.ForcedOnline = true
	case "date":
		tx.At, err = time.Parse("060102 15:04:05", value+" 09:30:15")
	case "terminal-type":
		err = hexByte(&c.TerminalType, value)
	case "capabilities":
		err = hexInto(c.Capabilities[:], value)
	case "additional":
		err = hexInto(c.Additional[:], value)
	case "country":
		err = number(&c.Country, value)
	case "currency":
		err = number(&c.Currency, value)
	case "listed": // account number and sequence number
		pan, psn, _ := strings.Cut(value, " ")
		c.Listed = func(p secret.PAN, n string) bool { return string(p) == pan && n == psn }
	case "earlier": // account number and minor units
		var minor int64
		pan, amount, _ := strings.Cut(value, " ")
		minor, err = strconv.ParseInt(amount, 10, 64)
		c.Earlier = func(p secret.PAN) int64 {
			if string(p) != pan {
				return 0
			}
			return minor
		}
	case "no-choice":
		c.CanChoose = false
	case "random":
		s.random.bytes, err = hex.DecodeString(value)
	case "application": // the lines that follow are about this one
		aid, e := hex.DecodeString(value)
		next := *app
		next.AID, err = aid, e
		c.Applications = append(c.Applications, next)
	case "only-application":
		app.AID, err = hex.DecodeString(value)
	case "exact":
		app.Partial = false
	case "tac-denial":
		err = hexInto(app.TACDenial[:], value)
	case "tac-online":
		err = hexInto(app.TACOnline[:], value)
	case "tac-default":
		err = hexInto(app.TACDefault[:], value)
	case "floor-limit":
		err = number(&app.FloorLimitMinor, value)
	case "random-selection": // threshold target maximum
		_, err = fmt.Sscan(value, &app.RandomThresholdMinor, &app.RandomTargetPercent, &app.RandomMaximum)
	case "no-default-ddol":
		app.DefaultDDOL = nil
	case "cda-mode":
		err = hexByte((*byte)(&c.CDAMode), value)
	case "revoked": // a serial number, under the latest CA key
		var serial [3]byte
		key := &c.CAKeys[len(c.CAKeys)-1]
		err = hexInto(serial[:], value)
		key.Revoked = append(key.Revoked, serial)
	case "ca-sm2-key": // RID, index, x and y
		err = s.addSM2Key(value)
	case "ca-curve-key": // RID, index, suite, x
		err = s.addCurveKey(value)
	case "ca-key": // RID, index, exponent, modulus
		err = s.addCAKey(value)
	default:
		err = fmt.Errorf("with %q", name)
	}
	return err
}

func (s *setup) addCAKey(value string) error {
	var rid, exponent, modulus string
	var key oda.CAKey
	if _, err := fmt.Sscanf(value, "%s %X %s %s", &rid, &key.Index, &exponent, &modulus); err != nil {
		return err
	}
	err := hexInto(key.RID[:], rid)
	if err == nil {
		key.Exponent, err = hex.DecodeString(exponent)
	}
	if err == nil {
		key.Modulus, err = hex.DecodeString(modulus)
	}
	s.config.CAKeys = append(s.config.CAKeys, key)
	return err
}

func (s *setup) addSM2Key(value string) error {
	var rid, point string
	key := oda.CAKey{SM2: keys.SM2{}}
	if _, err := fmt.Sscanf(value, "%s %X %s", &rid, &key.Index, &point); err != nil {
		return err
	}
	err := hexInto(key.RID[:], rid)
	if err == nil {
		key.Point, err = hex.DecodeString(point)
	}
	s.config.CAKeys = append(s.config.CAKeys, key)
	return err
}

func (s *setup) addCurveKey(value string) error {
	var rid, x string
	var key oda.CAKey
	if _, err := fmt.Sscanf(value, "%s %X %X %s", &rid, &key.Index, (*byte)(&key.Suite), &x); err != nil {
		return err
	}
	err := hexInto(key.RID[:], rid)
	if err == nil {
		key.X, err = hex.DecodeString(x)
	}
	s.config.CAKeys = append(s.config.CAKeys, key)
	return err
}

func number[N uint16 | uint32](into *N, value string) error {
	v, err := strconv.ParseUint(value, 10, 32)
	*into = N(v)
	return err
}

func hexByte(into *byte, value string) error {
	var one [1]byte
	err := hexInto(one[:], value)
	*into = one[0]
	return err
}

func hexInto(into []byte, value string) error {
	b, err := hex.DecodeString(value)
	if err == nil && len(b) != len(into) {
		err = fmt.Errorf("%s: want %d bytes", value, len(into))
	}
	copy(into, b)
	return err
}
