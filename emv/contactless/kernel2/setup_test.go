package kernel2_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/emv/contactless/taptest"
	"github.com/cloudpos/cloudpos/emv/oda"
	"github.com/cloudpos/cloudpos/emv/oda/odatest"
	"github.com/cloudpos/cloudpos/emv/tlv/tlvtest"
	"github.com/cloudpos/cloudpos/secret"
)

var update = flag.Bool("update", false, "rewrite what the kernel does in testdata/*.txt")

// TestTranscripts plays whole taps.
func TestTranscripts(t *testing.T) {
	taptest.Transcripts(t, *update, func() taptest.Tap { return newSetup(t) })
}

// setup is the terminal and the sale of a test.
type setup struct {
	config kernel2.Config
	app    kernel2.Application
	tx     emv.Transaction
	fci    []byte
	whole  bool // with the Entry Point
	keys   odatest.Keys
	random random
	// What the card has to sign: of the latest GENERATE AC.
	pdol, sent, number, relay []byte
	race                      []byte // number and answer of the latest relay resistance
	made                      []byte // the number of the latest GENERATE AC
	aip, static               []byte
}

// random gives the digits of a clock that nobody set, again and again.
type random struct{ at byte }

func (r *random) fill(b []byte) {
	for i := range b {
		b[i] = r.at*0x22 + 0x01
		r.at = (r.at + 1) % 7
	}
}

// newSetup is the usual terminal: attended, online and offline capable, with
// contacts, CDA, online PIN and signature, selling for 12.50.
func newSetup(t testing.TB) *setup {
	t.Helper()
	keys, err := odatest.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &setup{keys: keys}
	s.config.Terminal = emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x48, 0xC8}, Additional: [5]byte{0x60, 0x00, 0xF0, 0xB0, 0x01},
		Country: 156, Currency: 156, CurrencyExponent: 2, TerminalID: "TERM0001", MerchantID: "MERCHANT0000001",
		MerchantName: "Tea House", MerchantCategory: 5812, AcquirerID: "123456", Serial: "SN000001",
		Applications: []emv.Application{{AID: []byte{0xF0, 'C', 'P', 'O', 'S', 1, 1}}}, CDAMode: emv.CDAMode1,
		CAKeys: []oda.CAKey{{
			RID: [5]byte{0xF0, 'C', 'P', 'O', 'S'}, Index: 1, Modulus: keys.CA.N.Bytes(), Exponent: odatest.Exponent(keys.CA),
		}}, Random: s.random.fill,
	}
	s.app = kernel2.NewApplication([]byte{0xF0, 'C', 'P', 'O', 'S', 1, 1})
	s.app.TACDenial = [5]byte{}
	s.app.TACOnline, s.app.TACDefault = [5]byte{0xF4, 0x50, 0x84, 0x80, 0x0C}, [5]byte{0xF4, 0x50, 0x84, 0x80, 0x0C}
	s.app.FloorMinor, s.app.LimitMinor, s.app.LimitDeviceMinor, s.app.CVMMinor = 5000, 20000, 50000, 3000
	s.app.CVMRequired, s.app.CVMNotRequired = 0x68, 0x08
	s.tx = emv.Transaction{AmountMinor: 1250, Sequence: 7, At: time.Date(2026, 11, 23, 9, 30, 15, 0, time.UTC)}
	s.fci, err = tlvtest.Parse(`6F[84[F043504F530101] A5[50["CLOUDPOS"] 9F38[9F1A02 9F3704]]]`)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Open makes the machine, which is watched for what the card has to sign.
func (s *setup) Open() (emv.Machine, error) {
	s.config.Applications = []kernel2.Application{s.app}
	k, err := kernel2.New(s.config)
	if err != nil {
		return nil, err
	}
	var m emv.Machine
	if s.whole {
		m, err = contactless.New(contactless.Config{
			Combinations:     []contactless.Combination{{AID: s.app.AID, Kernel: contactless.Kernel2, Types: []byte{s.tx.Type}}},
			Kernels:          map[contactless.KernelID]contactless.Kernel{contactless.Kernel2: k},
			CurrencyExponent: 2,
		}, s.tx, emv.RestartA)
	} else {
		m, err = k.Activate(contactless.Activation{
			Kernel: contactless.Kernel2, Name: s.app.AID, FCI: s.fci, Status: 0x9000, Start: emv.RestartA, Transaction: s.tx,
		})
	}
	return &watched{Machine: m, s: s}, err
}

// Set takes a line "with".
func (s *setup) Set(line string) error {
	name, value, _ := strings.Cut(line, " ")
	c, app := &s.config.Terminal, &s.app
	if into, ok := map[string]*int64{
		"amount": &s.tx.AmountMinor, "cashback": &s.tx.OtherMinor, "floor": &app.FloorMinor, "limit": &app.LimitMinor,
		"device-limit": &app.LimitDeviceMinor, "cvm-limit": &app.CVMMinor,
	}[name]; ok {
		var err error
		*into, err = strconv.ParseInt(value, 10, 64)
		return err
	}
	if into, ok := map[string][]byte{
		"capabilities": c.Capabilities[:], "tac-denial": app.TACDenial[:], "tac-online": app.TACOnline[:],
		"tac-default": app.TACDefault[:], "additional": c.Additional[:],
	}[name]; ok {
		b, err := hex.DecodeString(value)
		copy(into, b)
		return err
	}
	if into, ok := map[string]*byte{
		"type": &s.tx.Type, "terminal-type": &c.TerminalType, "cvm": &app.CVMRequired, "no-cvm": &app.CVMNotRequired,
		"category": &app.Category,
	}[name]; ok {
		_, err := fmt.Sscanf(value, "%x", into)
		return err
	}
	return s.setOther(name, value)
}

// setOther takes the settings that are no plain value.
func (s *setup) setOther(name, value string) error {
	var err error
	switch name {
	case "entry-point":
		s.whole = true
	case "fci":
		s.fci, err = tlvtest.Parse(value)
	case "magstripe":
		s.app.MagStripe = kernel2.NewMagStripe()
		if value == "pin" {
			s.app.MagStripe.CVMOver, s.app.MagStripe.CVMBelow = emv.CVMOnlinePIN, emv.CVMNone
		}
	case "device-cvm":
		s.app.DeviceCVM = true
	case "relay":
		s.app.Relay = kernel2.NewRelay()
	case "balance":
		s.app.BalanceBefore, s.app.BalanceAfter = strings.Contains(value, "before"), strings.Contains(value, "after")
	case "torn":
		var taps int
		var life string
		if _, err := fmt.Sscan(value, &taps, &life); err != nil {
			return err
		}
		var d time.Duration
		if d, err = time.ParseDuration(life); err == nil {
			s.config.Torn, err = kernel2.NewTornLog(taps, d)
		}
	case "forced-online":
		s.tx.ForcedOnline = true
	case "listed":
		s.config.Terminal.Listed = func(p secret.PAN, n string) bool { return string(p)+" "+n == value }
	case "earlier": // what was approved before to the card of the stories
		var minor int64
		minor, err = strconv.ParseInt(value, 10, 64)
		s.config.Terminal.Earlier = func(p secret.PAN) int64 {
			if string(p) != "9999010000000018" {
				return 0
			}
			return minor
		}
	case "date":
		s.tx.At, err = time.Parse("060102 15:04:05", value+" 09:30:15")
	case "no-ca-key":
		s.config.Terminal.CAKeys = nil
	case "no-messages":
		s.app.PhoneMessages = nil
	default:
		err = fmt.Errorf("with %q", name)
	}
	return err
}

// event reads a line of a transcript.
func (s *setup) event(t testing.TB, line string) emv.Event {
	t.Helper()
	line, err := s.Expand(line)
	if err != nil {
		t.Fatal(err)
	}
	e, err := taptest.ParseEvent(line)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// cardLines are what a card of a transcript answers up to its cryptogram, with
// another sequence number. It wants to be told its own account number.
func cardLines(t *testing.T, file, sequence string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "< 7") && len(lines) < 5 {
			line = strings.Replace(line, "5F34[01]", "5F34["+sequence+"]", 1)
			lines = append(lines, strings.Replace(line, "9F3403]", "9F3403 5A08]", 1))
		}
	}
	return lines
}
