package kernel3_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/secret"
)

var update = flag.Bool("update", false, "rewrite what Entry Point and kernel do in testdata/*.txt")

// TestTranscripts plays whole taps.
func TestTranscripts(t *testing.T) {
	taptest.Transcripts(t, *update, func() taptest.Tap { return newSetup() })
}

// setup is the reader and the sale of a test.
type setup struct {
	kernel kernel3.Config
	reader contactless.Combination
	others []contactless.Combination
	tx     emv.Transaction
	random []byte
}

// newSetup is a reader in China that can go online, ask for a PIN and have a
// slip signed, has a slot too, and sells for 12.50 on 23 November 2026. It has
// no limits.
func newSetup() *setup {
	s := &setup{random: []byte{0x01, 0x23, 0x45, 0x67}}
	s.kernel.Terminal = emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x60, 0x40}, Additional: [5]byte{0x60, 0x00, 0xF0, 0xB0, 0x01},
		Country: 156, Currency: 156, CurrencyExponent: 2, Serial: "SN000001",
		Applications: []emv.Application{{AID: []byte{0xF0, 'C', 'P', 'O', 'S', 1, 1}, Partial: true}},
		CDAMode:      emv.CDAMode1, Random: func(b []byte) { copy(b, s.random) },
	}
	s.reader = contactless.Combination{
		AID: []byte{0xF0, 'C', 'P', 'O', 'S', 3}, Kernel: contactless.Kernel3, Types: []byte{0x00, 0x01, 0x09, 0x17},
		TTQ: &contactless.TTQ{0x36, 0x00, 0x40, 0x00},
	}
	s.tx = emv.Transaction{AmountMinor: 1250, Sequence: 7, At: time.Date(2026, 11, 23, 9, 30, 15, 0, time.UTC)}
	return s
}

func (s *setup) Open() (emv.Machine, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	return contactless.New(cfg, s.tx, emv.RestartA)
}

func (s *setup) config() (contactless.Config, error) {
	k, err := kernel3.New(s.kernel)
	return contactless.Config{
		Combinations: append([]contactless.Combination{s.reader}, s.others...),
		Kernels:      map[contactless.KernelID]contactless.Kernel{contactless.Kernel3: k}, CurrencyExponent: 2,
	}, err
}

// Set takes a line "with".
func (s *setup) Set(line string) error {
	name, value, _ := strings.Cut(line, " ")
	var err error
	limit := func() *int64 {
		v, e := strconv.ParseInt(value, 10, 64)
		err = e
		return &v
	}
	switch name {
	case "amount":
		s.tx.AmountMinor = *limit()
	case "cashback":
		s.tx.OtherMinor = *limit()
	case "type":
		_, err = fmt.Sscanf(value, "%x", &s.tx.Type)
	case "date":
		s.tx.At, err = time.Parse("060102 15:04:05", value+" 09:30:15")
	case "currency":
		v := limit()
		s.kernel.Terminal.Currency, s.kernel.Terminal.Country = uint16(*v), uint16(*v)
	case "aid":
		s.reader.AID, err = hex.DecodeString(value)
	case "other-aid":
		other := s.reader
		other.AID, err = hex.DecodeString(value)
		s.others = append(s.others, other)
	case "ttq":
		var b []byte
		b, err = hex.DecodeString(value)
		ttq := contactless.TTQ(b)
		s.reader.TTQ = &ttq
	case "cvm":
		s.reader.Limits.CVMMinor = limit()
	case "floor":
		s.reader.Limits.FloorMinor = limit()
	case "dynamic": // program identifier, and limits by name
		err = s.addDynamic(strings.Fields(value))
	case "random":
		s.random, err = hex.DecodeString(value)
	case "cash-usage":
		s.kernel.CashUsage = true
	case "cashback-usage":
		s.kernel.CashbackUsage = true
	case "listed":
		s.kernel.Terminal.Listed = func(pan secret.PAN, psn string) bool { return string(pan)+" "+psn == value }
	case "ca-key":
		err = s.addCAKey(value)
	default:
		err = fmt.Errorf("with %q", name)
	}
	return err
}

func (s *setup) addDynamic(words []string) error {
	program, err := hex.DecodeString(words[0])
	set := kernel3.LimitSet{Program: program}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		limit := new(int64)
		*limit, err = strconv.ParseInt(value, 10, 64)
		switch name {
		case "limit":
			set.Limits.TransactionMinor = limit
		case "floor":
			set.Limits.FloorMinor = limit
		case "cvm":
			set.Limits.CVMMinor = limit
		default:
			err = fmt.Errorf("dynamic limit %q", word)
		}
		if err != nil {
			return err
		}
	}
	s.kernel.Dynamic = append(s.kernel.Dynamic, set)
	return err
}

// addCAKey reads RID, index, exponent and modulus.
func (s *setup) addCAKey(value string) error {
	var rid []byte
	var key oda.CAKey
	if _, err := fmt.Sscanf(value, "%x %X %x %x", &rid, &key.Index, &key.Exponent, &key.Modulus); err != nil {
		return err
	}
	copy(key.RID[:], rid)
	s.kernel.Terminal.CAKeys = append(s.kernel.Terminal.CAKeys, key)
	return nil
}
