// Package quicktest is what the tests of kernels 3 and 7 have in common: a
// reader with a sale, a card that signs, and the promises that every quick tap
// keeps.
package quicktest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/secret"
)

// A Setup is the reader and the sale of a test. It is a taptest.Tap.
type Setup struct {
	Terminal emv.Config
	Reader   contactless.Combination
	Others   []contactless.Combination
	Tx       emv.Transaction
	Random   []byte

	Kernel  func(emv.Config) (contactless.Kernel, error)
	Further func(name, value string) error // settings of one kernel
}

// New is a reader in China with the TTQ, for applications whose name ends in
// the kernel's number, that sells for 12.50 on 23 November 2026. It has no
// limits.
func New(id contactless.KernelID, ttq contactless.TTQ, types ...byte) *Setup {
	s := &Setup{Random: []byte{0x01, 0x23, 0x45, 0x67}}
	s.Terminal = emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x60, 0x40}, Additional: [5]byte{0x60, 0x00, 0xF0, 0xB0, 0x01},
		Country: 156, Currency: 156, CurrencyExponent: 2, Serial: "SN000001",
		Applications: []emv.Application{{AID: []byte{0xF0, 'C', 'P', 'O', 'S', 1, 1}, Partial: true}},
		CDAMode:      emv.CDAMode1, Random: func(b []byte) { copy(b, s.Random) },
	}
	s.Reader = contactless.Combination{AID: []byte{0xF0, 'C', 'P', 'O', 'S', byte(id)}, Kernel: id, Types: types, TTQ: &ttq}
	s.Tx = emv.Transaction{AmountMinor: 1250, Sequence: 7, At: time.Date(2026, 11, 23, 9, 30, 15, 0, time.UTC)}
	return s
}

// Config is the Entry Point's.
func (s *Setup) Config() (contactless.Config, error) {
	k, err := s.Kernel(s.Terminal)
	return contactless.Config{
		Combinations: append([]contactless.Combination{s.Reader}, s.Others...),
		Kernels:      map[contactless.KernelID]contactless.Kernel{s.Reader.Kernel: k}, CurrencyExponent: 2,
	}, err
}

// Open begins a tap with the Entry Point.
func (s *Setup) Open() (emv.Machine, error) {
	cfg, err := s.Config()
	if err != nil {
		return nil, err
	}
	return contactless.New(cfg, s.Tx, emv.RestartA)
}

// Set takes a line "with".
func (s *Setup) Set(line string) error {
	name, value, _ := strings.Cut(line, " ")
	var err error
	limit := func() *int64 {
		v, e := strconv.ParseInt(value, 10, 64)
		err = e
		return &v
	}
	switch name {
	case "amount":
		s.Tx.AmountMinor = *limit()
	case "cashback":
		s.Tx.OtherMinor = *limit()
	case "type":
		_, err = fmt.Sscanf(value, "%x", &s.Tx.Type)
	case "date":
		s.Tx.At, err = time.Parse("060102 15:04:05", value+" 09:30:15")
	case "currency":
		v := limit()
		s.Terminal.Currency, s.Terminal.Country = uint16(*v), uint16(*v)
	case "aid":
		s.Reader.AID, err = hex.DecodeString(value)
	case "other-aid":
		other := s.Reader
		other.AID, err = hex.DecodeString(value)
		s.Others = append(s.Others, other)
	case "ttq":
		var ttq contactless.TTQ
		_, err = hex.Decode(ttq[:], []byte(value))
		s.Reader.TTQ = &ttq
	case "cvm":
		s.Reader.Limits.CVMMinor = limit()
	case "floor":
		s.Reader.Limits.FloorMinor = limit()
	case "random":
		s.Random, err = hex.DecodeString(value)
	case "listed":
		s.Terminal.Listed = func(pan secret.PAN, psn string) bool { return string(pan)+" "+psn == value }
	case "ca-key":
		err = s.addCAKey(value)
	default:
		err = s.Further(name, value)
	}
	return err
}

// addCAKey reads RID, index, exponent and modulus.
func (s *Setup) addCAKey(value string) error {
	var rid []byte
	var key oda.CAKey
	if _, err := fmt.Sscanf(value, "%x %X %x %x", &rid, &key.Index, &key.Exponent, &key.Modulus); err != nil {
		return err
	}
	copy(key.RID[:], rid)
	s.Terminal.CAKeys = append(s.Terminal.CAKeys, key)
	return nil
}

// Activation is a card that was selected.
func (s *Setup) Activation() contactless.Activation {
	fci := fmt.Sprintf("6F[84[%X] A5[50[\"TAP\"] 9F38[9F6604 9F0206 5F2A02 9F3704]]]", s.Reader.AID)
	return contactless.Activation{
		Kernel: s.Reader.Kernel, Name: s.Reader.AID, Status: 0x9000, FCI: Response(fci).Data,
		Indicators: contactless.Indicators{TTQ: *s.Reader.TTQ}, Start: emv.RestartA, Transaction: s.Tx,
	}
}

// Activate begins a tap without the Entry Point.
func (s *Setup) Activate(t testing.TB, a contactless.Activation) emv.Machine {
	t.Helper()
	k, err := s.Kernel(s.Terminal)
	if err != nil {
		t.Fatal(err)
	}
	m, err := k.Activate(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Response is a card's answer in the notation of transcripts.
func Response(s string) emv.Response {
	e, err := taptest.ParseEvent("< " + s)
	if err != nil {
		panic(err)
	}
	return e.(emv.Response)
}
