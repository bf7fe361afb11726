package kernel3_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel3"
	"github.com/cloudpos/cloudpos/emv/contactless/quick/quicktest"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
)

var update = flag.Bool("update", false, "rewrite what Entry Point and kernel do in testdata/*.txt")

// TestTranscripts plays whole taps.
func TestTranscripts(t *testing.T) {
	taptest.Transcripts(t, *update, func() taptest.Tap { return newSetup() })
}

// setup is the reader and the sale of a test.
type setup struct {
	*quicktest.Setup
	kernel kernel3.Config // but for the terminal
}

// newSetup is the usual reader, which can go online, ask for a PIN, have a slip
// signed and take the issuer's answer to the card, and has a slot too.
func newSetup() *setup {
	s := &setup{Setup: quicktest.New(contactless.Kernel3, contactless.TTQ{0x36, 0x00, 0x40, 0x00}, 0x00, 0x01, 0x09, 0x17)}
	s.Kernel = func(terminal emv.Config) (contactless.Kernel, error) {
		cfg := s.kernel
		cfg.Terminal = terminal
		return kernel3.New(cfg)
	}
	s.Further = s.set
	return s
}

// set takes settings of this kernel alone.
func (s *setup) set(name, value string) error {
	switch name {
	case "dynamic": // program identifier, and limits by name
		return s.addDynamic(strings.Fields(value))
	case "cash-usage":
		s.kernel.CashUsage = true
	case "cashback-usage":
		s.kernel.CashbackUsage = true
	default:
		return fmt.Errorf("with %q", name)
	}
	return nil
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
