package contactless_test

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// TestEntryPointVectors replays what another implementation of the Entry Point
// did in the cases of a type approval plan: the same commands, messages and
// outcomes must come out, in the same order.
func TestEntryPointVectors(t *testing.T) {
	dir := os.Getenv("EMV_VECTORS")
	if dir == "" {
		t.Skip("EMV_VECTORS names no folder with third-party vectors")
	}
	var file struct {
		Configs map[string]string
		Cases   []vector
	}
	f, err := os.Open(filepath.Join(dir, "vectors", "entrypoint.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(unzipped).Decode(&file); err != nil {
		t.Fatal(err)
	}
	configs := map[string]vectorConfig{}
	for name, text := range file.Configs {
		if configs[name], err = parseConfig(text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	good := 0
	for i, c := range file.Cases {
		name := fmt.Sprintf("%03d/%s/%d", i, c.Test, c.Setting)
		if err := c.replay(configs[c.Config]); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		good++
	}
	if len(file.Cases) == 0 {
		t.Error("the file holds no case")
	}
	fmt.Printf("entry point: %d of %d\n", good, len(file.Cases))
}

// vector is a recorded case.
type vector struct {
	Test    string
	Setting int `json:"ltsetting_enum"`
	Config  string
	Txns    []struct {
		Type          int
		Amount, Other int64
	}
	Events [][]any
}

// transactionTypes are the values of 9C by the plan's numbers.
var transactionTypes = []byte{0x00, 0x09, 0x01, 0x20}

// replay runs the case and compares the events.
func (c *vector) replay(cfg vectorConfig) error {
	want, err := c.lines()
	if err != nil {
		return err
	}
	p := &player{cfg: cfg, vector: c}
	kernel := &testKernel{terminal: cfg.terminal, told: p.told}
	for _, combination := range cfg.config.Combinations {
		cfg.config.Kernels[combination.Kernel] = kernel
	}
	// A reader that runs by itself does not wait for what the cashier asks.
	txns, start := []emv.Transaction{cfg.autorun}, emv.RestartB
	if !cfg.auto {
		txns, start = nil, emv.RestartA
		for _, tx := range c.Txns {
			txns = append(txns, emv.Transaction{Type: transactionTypes[tx.Type], AmountMinor: tx.Amount, OtherMinor: tx.Other})
		}
	}
	for _, tx := range txns {
		if err := p.play(tx, start); err != nil {
			return fmt.Errorf("%w, after:\n\t%s", err, strings.Join(p.lines, "\n\t"))
		}
	}
	for i := range max(len(want), len(p.lines)) {
		got := append(slices.Clone(p.lines), "(end)")[min(i, len(p.lines))]
		wanted := append(slices.Clone(want), "(end)")[min(i, len(want))]
		if got != wanted {
			return fmt.Errorf("event %d:\n got %s\nwant %s", i, got, wanted)
		}
	}
	return nil
}

// lines writes the recorded events as the player does.
func (c *vector) lines() ([]string, error) {
	var lines []string
	for _, e := range c.Events {
		words := make([]string, len(e))
		for i, word := range e {
			switch word := word.(type) {
			case string:
				words[i] = word
			case float64:
				words[i] = fmt.Sprint(int(word))
			case map[string]any:
				words[i] = recorded(word)
			default:
				return nil, fmt.Errorf("event %v", e)
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines, nil
}

// recorded writes the parameters of a recorded outcome in order.
func recorded(parameters map[string]any) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		words = append(words, fmt.Sprintf("%s=%v", name, parameters[name]))
	}
	return strings.Join(words, " ")
}

// player is the reader of the recorded cases, with a card that answers what it
// answered then.
type player struct {
	cfg    vectorConfig
	vector *vector
	lines  []string
	apdus  int // that were answered
}

func (p *player) add(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// vary are the objects that differ from one run to the next.
var vary = []tlv.Tag{tlv.UnpredictableNumber, tlv.TransactionDate, tlv.TransactionTime, tlv.SequenceCounter}

// told notes what the test kernel tells the card. The values that vary are
// taken from the record beforehand.
func (p *player) told(values []byte) { p.add("gpo_data %X", values) }

// take prepares the values that vary for the next activation of the kernel.
func (p *player) take() {
	seen := 0
	for _, line := range p.lines {
		if strings.HasPrefix(line, "gpo_data") {
			seen++
		}
	}
	for _, e := range p.vector.Events {
		if e[0] != "gpo_data" {
			continue
		}
		if seen--; seen >= 0 {
			continue
		}
		values, _ := hex.DecodeString(e[1].(string))
		for _, t := range vary {
			p.cfg.terminal[t], _ = tlv.Find(values, t)
		}
		return
	}
}

// play runs one transaction.
func (p *player) play(tx emv.Transaction, start emv.Restart) error {
	for _, a := range contactless.Idle(p.cfg.auto) {
		p.note(a)
	}
	m, err := contactless.New(p.cfg.config, tx, start)
	if err != nil {
		return err
	}
	p.add("start")
	asked := false // the outcome was told with a question to the issuer
	var event emv.Event = emv.Begin{}
	for range 1000 {
		p.take()
		action, err := m.Step(event)
		if err != nil {
			return err
		}
		switch a := action.(type) {
		case emv.Show, emv.Field:
			p.note(a)
			event = emv.Performed{}
		case emv.AwaitCard:
			p.add("wait_card 100") // how often is the recorded reader's choice
			event = emv.Start{}
		case emv.Transmit:
			answer, err := p.exchange(a.Command)
			if err != nil {
				return err
			}
			event = emv.Response{Data: answer}
		case emv.GoOnline:
			p.outcome(5, a.CVM, a.Parameters, a.Data)
			asked = true
			event = echo(a.Data)
		case emv.Reenter:
			if !asked {
				p.done(a.Outcome)
			}
			p.add("restart")
			asked = false
			event = emv.Performed{}
		case emv.Done:
			if !asked {
				p.done(a.Outcome)
			}
			p.add("field_off 0")
			p.add("txn_end")
			return nil
		default:
			return fmt.Errorf("action %T", action)
		}
	}
	return errors.New("no end")
}

// echo is the tester's host, which sends back what it got.
func echo(data []byte) emv.Event {
	h := emv.HostResult{Online: true, ARC: "00", Approved: true}
	objects, _ := tlv.Parse(data)
	for _, o := range objects {
		if o.Tag == tlv.IssuerAuthentication {
			h.IssuerAuth = o.Value
		} else {
			h.Scripts = tlv.Append(h.Scripts, o.Tag, o.Value)
		}
	}
	return h
}

// exchange answers with what stands in the record after the command.
func (p *player) exchange(command []byte) ([]byte, error) {
	seen := p.apdus
	p.apdus++
	for _, e := range p.vector.Events {
		if e[0] != "apdu" {
			continue
		}
		if seen--; seen >= 0 {
			continue
		}
		p.add("apdu %X %s", command, e[2])
		return hex.DecodeString(e[2].(string))
	}
	return nil, fmt.Errorf("one command too much: %X", command)
}

// note writes an action of the reader.
func (p *player) note(a emv.Action) {
	switch a := a.(type) {
	case emv.Field:
		if a.On {
			p.add("field_on")
		} else {
			p.add("field_off %d", a.Hold.Milliseconds())
		}
	case emv.Show:
		r := a.Request
		p.add("ui %02X %d %d %s %d %012d %04d", uint8(r.Message), r.Status+1, r.Hold/(100*time.Millisecond),
			r.Language, r.Qualifier, r.ValueMinor, r.Currency)
	}
}

func (p *player) done(o emv.Outcome) {
	number := slices.Index(testStatuses[1:], o.Status) + 1
	if o.Reason == reasonNoOutcome {
		number = 0
	}
	p.outcome(number, o.CVM, o.Parameters, o.Record)
}

// outcome writes an outcome with its parameters in the order of their names.
func (p *player) outcome(number int, cvm emv.CVM, o emv.Parameters, record []byte) {
	flag := func(set bool) int {
		if set {
			return 1
		}
		return 0
	}
	var fieldOff time.Duration
	if o.FieldOff != nil {
		fieldOff = *o.FieldOff
	}
	p.add("outcome alt=%d cvm=%d data_len=%d field_off=%d field_off_present=%d ort=%d outcome=%d receipt=%d removal_timeout=%d start=%s ui_out=%d ui_restart=%d",
		o.Alternate, slices.Index(testCVMs, cvm), len(record), fieldOff/(100*time.Millisecond), flag(o.FieldOff != nil),
		o.Answer, number, flag(o.Receipt), o.RemovalTimeout/(100*time.Millisecond), "0ABCD"[o.Start:o.Start+1],
		flag(o.UIOnOutcome != nil), flag(o.UIOnRestart != nil))
}

// vectorConfig is a configuration of the recorded reader.
type vectorConfig struct {
	config   contactless.Config
	terminal map[tlv.Tag][]byte
	auto     bool
	autorun  emv.Transaction
}

// testerData are what the recorded reader told beside its configuration.
var testerData = map[tlv.Tag][]byte{
	tlv.TerminalVersion: {0x02, 0x03},
	tlv.DeviceSerial:    []byte("0000FE16"),
}

// parseConfig reads a configuration: objects with tags of four bytes, which
// package tlv does not know.
func parseConfig(text string) (vectorConfig, error) {
	data, err := hex.DecodeString(text)
	if err != nil {
		return vectorConfig{}, err
	}
	cfg := vectorConfig{terminal: maps.Clone(testerData)}
	cfg.config.Kernels = map[contactless.KernelID]contactless.Kernel{}
	for _, o := range wide(wide(data)[0].value) {
		switch o.tag {
		case 0xFF82E371:
			cfg.config.Combinations = append(cfg.config.Combinations, parseSet(o.value)...)
		case 0xFF8FE371:
			cfg.auto = true
			for _, inner := range wide(o.value) {
				if inner.tag == 0xDF90E371 {
					cfg.autorun.Type = inner.value[0]
				} else {
					cfg.autorun.AmountMinor = *minor(inner.value)
				}
			}
		case 0xFF92E371:
			objects, err := tlv.Parse(o.value)
			if err != nil {
				return vectorConfig{}, err
			}
			for _, object := range objects {
				cfg.terminal[object.Tag] = object.Value
			}
		}
	}
	// Of those that a card likes equally, that reader takes the last.
	slices.Reverse(cfg.config.Combinations)
	return cfg, nil
}

// parseSet reads combinations that share their limits.
func parseSet(data []byte) []contactless.Combination {
	var shared contactless.Combination
	var set []contactless.Combination
	for _, o := range wide(data) {
		switch o.tag {
		case 0xDF83E371:
			shared.Types = o.value
		case 0xFF84E371:
			pair := wide(o.value)
			set = append(set, contactless.Combination{AID: pair[0].value, Kernel: identifier(pair[1].value)})
		case 0xDF87E371:
			shared.Limits.StatusCheck = o.value[0] != 0
		case 0xDF88E371:
			shared.Limits.ZeroRefused = o.value[0] == 0
		case 0xDF89E371:
			shared.ExtendedSelection = o.value[0] != 0
		case 0xDF8AE371:
			shared.Limits.TransactionMinor = minor(o.value)
		case 0xDF8BE371:
			shared.Limits.FloorMinor = minor(o.value)
		case 0xDF8CE371:
			shared.Limits.TerminalFloorMinor = minor(o.value)
		case 0xDF8DE371:
			shared.Limits.CVMMinor = minor(o.value)
		case 0xDF8EE371:
			ttq := contactless.TTQ(o.value)
			shared.TTQ = &ttq
		}
	}
	for i := range set {
		aid, kernel := set[i].AID, set[i].Kernel
		set[i] = shared
		set[i].AID, set[i].Kernel = aid, kernel
	}
	return set
}

func identifier(value []byte) contactless.KernelID {
	var id contactless.KernelID
	for _, b := range value {
		id = id<<8 | contactless.KernelID(b)
	}
	return id
}

func minor(value []byte) *int64 {
	v, err := tlv.ParseNumeric(value)
	if err != nil {
		panic(err)
	}
	amount := int64(v)
	return &amount
}

type wideObject struct {
	tag   uint32
	value []byte
}

// wide reads objects with tags of any length.
func wide(data []byte) []wideObject {
	var objects []wideObject
	for len(data) > 0 {
		tag, at := uint32(data[0]), 1
		if data[0]&0x1F == 0x1F {
			for more := true; more; at++ {
				tag = tag<<8 | uint32(data[at])
				more = data[at]&0x80 != 0
			}
		}
		n := int(data[at])
		at++
		if n > 0x80 {
			width := n & 0x7F
			n = 0
			for range width {
				n = n<<8 | int(data[at])
				at++
			}
		}
		objects = append(objects, wideObject{tag, data[at : at+n]})
		data = data[at+n:]
	}
	return objects
}
