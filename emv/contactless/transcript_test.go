package contactless_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

var update = flag.Bool("update", false, "rewrite what the Entry Point does in testdata/*.txt")

// TestTranscripts plays whole taps against the test kernel.
func TestTranscripts(t *testing.T) {
	taptest.Transcripts(t, *update, func() taptest.Tap { return newSetup() })
}

// setup is the reader and the sale of a test.
type setup struct {
	config contactless.Config
	tx     emv.Transaction
	start  emv.Restart
	kernel *testKernel
}

// newSetup sells for 12.50. Its combinations come from the transcript.
func newSetup() *setup {
	s := &setup{tx: emv.Transaction{AmountMinor: 1250}, start: emv.RestartA}
	s.kernel = &testKernel{told: func([]byte) {}}
	s.config.CurrencyExponent = 2
	s.config.Kernels = map[contactless.KernelID]contactless.Kernel{}
	return s
}

func (s *setup) Open() (emv.Machine, error) { return contactless.New(s.config, s.tx, s.start) }

// Set takes a line "with".
func (s *setup) Set(line string) error {
	name, value, _ := strings.Cut(line, " ")
	var err error
	switch name {
	case "amount":
		s.tx.AmountMinor, err = strconv.ParseInt(value, 10, 64)
	case "cashback":
		s.tx.OtherMinor, err = strconv.ParseInt(value, 10, 64)
	case "type":
		_, err = fmt.Sscanf(value, "%x", &s.tx.Type)
	case "autorun":
		s.start = emv.RestartB
	case "combination":
		err = s.combine(value)
	default:
		err = fmt.Errorf("with %q", name)
	}
	return err
}

// combine reads a combination: AID, kernel, and what differs from no limits.
func (s *setup) combine(value string) error {
	words := strings.Fields(value)
	c := contactless.Combination{Types: []byte{0x00}}
	var err error
	if c.AID, err = hex.DecodeString(words[0]); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(words[1], "%x", &c.Kernel); err != nil {
		return err
	}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		number := new(int64)
		*number, _ = strconv.ParseInt(value, 10, 64)
		switch name {
		case "types":
			c.Types, err = hex.DecodeString(value)
		case "ttq":
			var b []byte
			b, err = hex.DecodeString(value)
			ttq := contactless.TTQ(b)
			c.TTQ = &ttq
		case "status-check":
			c.Limits.StatusCheck = true
		case "zero-refused":
			c.Limits.ZeroRefused = true
		case "limit":
			c.Limits.TransactionMinor = number
		case "floor":
			c.Limits.FloorMinor = number
		case "terminal-floor":
			c.Limits.TerminalFloorMinor = number
		case "cvm":
			c.Limits.CVMMinor = number
		case "extended":
			c.ExtendedSelection = true
		default:
			err = fmt.Errorf("combination with %q", word)
		}
		if err != nil {
			return err
		}
	}
	s.config.Combinations = append(s.config.Combinations, c)
	s.config.Kernels[c.Kernel] = s.kernel
	return nil
}
