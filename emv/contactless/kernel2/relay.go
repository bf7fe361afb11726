package kernel2

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// relayTriesMax bounds how often a card that was slow is asked again. EMV
// Contactless Book C-2, state R1.
const relayTriesMax = 2

// relayUnit is what times of relay resistance are counted in.
const relayUnit = 100 * time.Microsecond

const (
	claProprietary = 0x80
	insRelay       = 0xEA
	insRecover     = 0xD0
	insGenerate    = 0xAE
	insGetData     = 0xCA
	insChecksum    = 0x2A
)

// race sends the card a number that nobody could know before, and looks how
// long the answer takes: a card that is elsewhere takes longer. The number is
// the one that the cryptogram is made with. EMV Contactless Book C-2, state R1.
func (t *tap) race() (emv.Action, error) {
	entropy := t.Terminal[tlv.UnpredictableNumber]
	t.Terminal[tagTerminalEntropy] = entropy
	if t.Terminal[tagRelayCounter] == nil {
		t.Terminal[tagRelayCounter] = []byte{0}
	}
	t.state = racing
	return emv.Transmit{Command: apdu.Query(claProprietary, insRelay, 0, 0, entropy)}, nil
}

// raced judges the time. EMV Contactless Book C-2, state R1.
func (t *tap) raced(r emv.Response) (emv.Action, error) {
	if sw := apdu.Status(r.Data); sw != apdu.OK {
		return nil, statusFailure(sw, "EXCHANGE RELAY RESISTANCE DATA: %04X (Book C-2, state R1)", sw)
	}
	const size = 10
	answer, err := tlv.One(apdu.Body(r.Data), tlv.ResponseFormat1)
	if err != nil || len(answer) != size {
		return nil, malformed("relay resistance data of %d bytes (Book C-2, state R1)", len(answer))
	}
	t.takeRelay(slices.Clone(answer))
	limits := t.app.Relay
	number := func(tag tlv.Tag) int64 { return int64(binary.BigEndian.Uint16(t.Terminal[tag])) }
	shortest, longest, estimate := number(tagRelayMin), number(tagRelayMax), number(tagDeviceEstimate)
	taken := limits.measure(r.Elapsed, estimate)
	t.Terminal[tagRelayMeasured] = binary.BigEndian.AppendUint16(nil, uint16(min(taken, 0xFFFF)))
	slow := taken > longest+int64(limits.GraceMax)
	switch {
	case taken < shortest-int64(limits.GraceMin):
		return nil, wrong("relay resistance: %d is less than %d, the card's shortest time (Book C-2, state R1)", taken, shortest)
	case slow && t.Terminal[tagRelayCounter][0] < relayTriesMax:
		t.Terminal[tagRelayCounter] = []byte{t.Terminal[tagRelayCounter][0] + 1}
		un, err := emv.UnpredictableNumber(t.cfg.Terminal.Random)
		if err != nil {
			return nil, err
		}
		t.Terminal[tlv.UnpredictableNumber] = un
		return t.race()
	case slow:
		t.tvr.Set(tvrRelayTime)
	}
	if limits.mismatch(estimate) || taken-shortest > int64(limits.Accuracy) {
		t.tvr.Set(tvrRelayThreshold)
	}
	t.tvr.Set(tvrRelayPerformed)
	t.relayed = slices.Concat(t.Terminal[tagTerminalEntropy], answer)
	return t.read()
}

// takeRelay takes the answer apart: the card's own number, its shortest and
// longest time, and how long it thinks that its answer is on the way.
func (t *tap) takeRelay(answer []byte) {
	t.Terminal[tagDeviceEntropy] = answer[:4]
	t.Terminal[tagRelayMin] = answer[4:6]
	t.Terminal[tagRelayMax] = answer[6:8]
	t.Terminal[tagDeviceEstimate] = answer[8:]
}

// measure is the time that the card took without that of command and response
// on their way. EMV Contactless Book C-2, state R1.
func (l *Relay) measure(elapsed time.Duration, estimate int64) int64 {
	return max(0, int64(elapsed/relayUnit)-int64(l.CommandExpected)-min(estimate, int64(l.ResponseExpected)))
}

// mismatch tells whether card and reader think so differently of the response's
// way that one of them must be wrong. A time of zero is. EMV Contactless Book
// C-2, state R1.
func (l *Relay) mismatch(estimate int64) bool {
	const percent = 100
	expected := int64(l.ResponseExpected)
	if estimate == 0 || expected == 0 {
		return true
	}
	threshold := int64(l.Mismatch)
	return estimate*percent/expected < threshold || expected*percent/estimate < threshold
}
