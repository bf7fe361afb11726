package contactless_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Objects that the test kernel speaks of with the card.
const (
	tagFlags        tlv.Tag = 0xD1 // indicators, restart
	tagStart        tlv.Tag = 0xD2
	tagSelectStatus tlv.Tag = 0xD3
	tagOutcome      tlv.Tag = 0xD4
	tagUIOnOutcome  tlv.Tag = 0xD5
	tagUIOnRestart  tlv.Tag = 0xD6
)

// reasonNoOutcome marks an outcome 0, which the book does not have; it ends
// like End Application.
const reasonNoOutcome emv.Reason = "no outcome"

// testKernel is the scripted kernel of the Entry Point tests: it tells the card
// what it was told, and the card tells it what to conclude.
type testKernel struct {
	terminal map[tlv.Tag][]byte
	told     func(values []byte) // what goes to the card, as objects
}

func (k *testKernel) Activate(a contactless.Activation) (emv.Machine, error) {
	return &testRun{kernel: k, a: a}, nil
}

// testRun is the test kernel with one application.
type testRun struct {
	kernel *testKernel
	a      contactless.Activation
}

func (r *testRun) Step(e emv.Event) (emv.Action, error) {
	switch e := e.(type) {
	case emv.Begin:
		list, err := r.list()
		if err != nil {
			return cardError(err), nil
		}
		var command, told []byte
		for _, entry := range list {
			value := r.fit(entry)
			command = append(command, value...)
			told = tlv.Append(told, entry.Tag, value)
		}
		if len(command) > apdu.DataMax {
			return cardError(errors.New("PDOL too long")), nil
		}
		r.kernel.told(told)
		return emv.Transmit{Command: apdu.ProcessingOptions(command)}, nil
	case emv.Response:
		o, err := parseOutcome(e.Data)
		if err != nil {
			return cardError(err), nil
		}
		return emv.Done{Outcome: o}, nil
	case emv.CardGone:
		return emv.Done{Outcome: emv.Outcome{Reason: emv.ReasonCardRemoved, CVM: emv.CVMNotApplicable}}, nil
	}
	return nil, fmt.Errorf("test kernel: %T", e)
}

func cardError(err error) emv.Action {
	return emv.Done{Outcome: emv.Outcome{Reason: emv.ReasonCardData, Detail: err.Error(), CVM: emv.CVMNotApplicable}}
}

// list is the PDOL, or an empty one.
func (r *testRun) list() (tlv.DOL, error) {
	if _, ok := tlv.Find(r.a.FCI, tlv.FCI, tlv.FCIProprietary); !ok {
		return nil, errors.New("no FCI")
	}
	pdol, _ := tlv.Find(r.a.FCI, tlv.FCI, tlv.FCIProprietary, tlv.PDOL)
	return tlv.ParseDOL(pdol)
}

// value is what the kernel knows.
func (r *testRun) value(t tlv.Tag) []byte {
	tx, host := r.a.Transaction, r.a.Host
	if host == nil {
		host = &emv.HostResult{}
	}
	switch t {
	case tagFlags:
		return r.flags()
	case tagStart:
		return []byte{0x09 + byte(r.a.Start)}
	case tagSelectStatus:
		return binary.BigEndian.AppendUint16(nil, r.a.Status)
	case tlv.TTQ:
		return r.a.Indicators.TTQ[:]
	case tlv.KernelIdentifier:
		return bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, uint32(r.a.Kernel)), "\x00")
	case tlv.AmountAuthorised:
		return tlv.AppendNumeric(nil, uint64(tx.AmountMinor), 6)
	case tlv.AmountOther:
		return tlv.AppendNumeric(nil, uint64(tx.OtherMinor), 6)
	case tlv.TransactionType:
		return []byte{tx.Type}
	case tlv.AID:
		return r.a.Name
	case tlv.IssuerAuthentication:
		return host.IssuerAuth
	case tlv.Script1, tlv.Script2:
		value, _ := tlv.Find(host.Scripts, t)
		return value
	case tlv.FCI: // as a whole; what else the card says of itself is not believed
		value, _ := tlv.Find(r.a.FCI, tlv.FCI)
		return value
	}
	return r.kernel.terminal[t]
}

// fit cuts or fills a value. Unlike a true kernel's list, this one gives the
// content of a template.
func (r *testRun) fit(e tlv.Entry) []byte {
	if e.Tag.Constructed() {
		value := make([]byte, e.Length)
		copy(value, r.value(e.Tag))
		return value
	}
	return tlv.DOL{e}.Build(func(t tlv.Tag) ([]byte, bool) { return r.value(t), true })
}

// flags tells the indicators and whether it is a restart.
func (r *testRun) flags() []byte {
	in := r.a.Indicators
	var flags [2]byte
	for bit, set := range map[byte]bool{
		0x80: in.FloorExceeded, 0x40: in.NotAllowed, 0x20: in.CVMRequired, 0x10: in.StatusCheckRequested, 0x08: in.ZeroAmount,
	} {
		if set {
			flags[0] |= bit
		}
	}
	if r.a.Restarted {
		flags[1] = 0x80
	}
	return flags[:]
}

var (
	testStatuses = []emv.Status{
		emv.EndApplication, emv.SelectNext, emv.TryAgain, emv.Approved, emv.Declined,
		emv.OnlineRequest, emv.TryAnotherInterface, emv.EndApplication,
	}
	testStarts = map[byte]emv.Restart{
		0: emv.RestartNone, 0x0A: emv.RestartA, 0x0B: emv.RestartB, 0x0C: emv.RestartC, 0x0D: emv.RestartD,
	}
	testCVMs = []emv.CVM{emv.CVMNotApplicable, emv.CVMOnlinePIN, emv.CVMDevice, emv.CVMSignature, emv.CVMNone}
)

// parseOutcome reads the answer to GET PROCESSING OPTIONS.
func parseOutcome(response []byte) (emv.Outcome, error) {
	content, err := tlv.One(apdu.Body(response), tlv.ResponseFormat2)
	if err != nil || apdu.Status(response) != apdu.OK {
		return emv.Outcome{}, fmt.Errorf("answer %04X: %w", apdu.Status(response), err)
	}
	objects, err := tlv.Parse(content)
	if err != nil {
		return emv.Outcome{}, err
	}
	o := emv.Outcome{CVM: emv.CVMNotApplicable}
	for _, object := range objects {
		switch object.Tag {
		case tagOutcome:
			err = errors.Join(err, parseParameters(object.Value, &o))
		case tagUIOnOutcome:
			o.UIOnOutcome, err = parseUI(object.Value, err)
		case tagUIOnRestart:
			o.UIOnRestart, err = parseUI(object.Value, err)
		case tlv.IssuerAuthentication, tlv.Script1, tlv.Script2:
			o.Record = tlv.Append(o.Record, object.Tag, object.Value)
		}
	}
	return o, err
}

func parseParameters(v []byte, o *emv.Outcome) error {
	if len(v) != 10 || int(v[0]) >= len(testStatuses) || int(v[3]) >= len(testCVMs) {
		return fmt.Errorf("outcome %X", v)
	}
	start, ok := testStarts[v[1]]
	if !ok || v[2] > byte(emv.AnswerAny) {
		return fmt.Errorf("outcome %X", v)
	}
	o.Status, o.Start, o.CVM = testStatuses[v[0]], start, testCVMs[v[3]]
	o.Answer, o.Alternate, o.Receipt = emv.OnlineAnswer(v[2]), emv.Interfaces(v[4]), v[5] != 0
	if v[0] == 0 {
		o.Reason = reasonNoOutcome
	}
	if hold := binary.BigEndian.Uint16(v[6:]); hold != 0xFFFF {
		d := time.Duration(hold) * 100 * time.Millisecond
		o.FieldOff = &d
	}
	o.RemovalTimeout = time.Duration(binary.BigEndian.Uint16(v[8:])) * 100 * time.Millisecond
	return nil
}

// parseUI reads a UI request, unless there was an error before.
func parseUI(v []byte, before error) (*emv.UIRequest, error) {
	if before != nil || len(v) != 15 || v[1] == 0 {
		return nil, errors.Join(before, fmt.Errorf("UI request %X", v))
	}
	value, err := tlv.ParseNumeric(v[7:13])
	currency, err2 := tlv.ParseNumeric(v[13:])
	return &emv.UIRequest{
		Message: emv.UIMessage(v[0]), Status: emv.UIStatus(v[1] - 1),
		Hold:     time.Duration(binary.BigEndian.Uint16(v[2:])) * 100 * time.Millisecond,
		Language: string(bytes.Trim(v[4:6], "\x00")), Qualifier: emv.UIQualifier(v[6]),
		ValueMinor: int64(value), Currency: uint16(currency),
	}, errors.Join(err, err2)
}
