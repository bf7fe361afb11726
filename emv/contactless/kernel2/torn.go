package kernel2

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// Bounds of a TornLog: DF811D and DF811C.
const (
	tornMax     = 255
	tornLifeMax = 0xFFFF * time.Second
)

// A TornLog remembers taps that broke off when the card was to give its
// cryptogram, so that the next tap of the same card for the same sale can ask
// for that cryptogram again: the card may have counted it. It holds account
// numbers and lives in memory only. EMV Contactless Book C-2, states 9 to 11.
type TornLog struct {
	recordsMax int
	life       time.Duration
	taps       []*tornTap // the latest first
}

// NewTornLog makes an empty log for so many taps, each kept for so long.
func NewTornLog(recordsMax int, life time.Duration) (*TornLog, error) {
	if recordsMax < 1 || recordsMax > tornMax || life < time.Second || life > tornLifeMax {
		return nil, fmt.Errorf("kernel2: torn log of %d taps for %v", recordsMax, life)
	}
	return &TornLog{recordsMax: recordsMax, life: life}, nil
}

// Clear forgets all.
func (l *TornLog) Clear() {
	for _, torn := range l.taps {
		torn.clear()
	}
	l.taps = nil
}

// tornTap is what a tap was when it broke off.
type tornTap struct {
	pan        secret.PAN
	sequence   string
	tx         emv.Transaction
	terminal   map[tlv.Tag][]byte // of tornTags
	tvr        emv.TVR
	cvmResults [3]byte
	cvm        emv.CVM
	receipt    bool
	requested  cryptogram
	asked      bool
	sent       secret.Bytes
	relayed    secret.Bytes
}

func (r *tornTap) clear() {
	r.pan.Clear()
	r.sent.Clear()
	for _, tag := range sentTags {
		clear(r.terminal[tag])
	}
}

// sentTags are what was sent to a card, which may be anything that it asked for,
// its own number too. They are not shown to anyone.
var sentTags = []tlv.Tag{tagCryptogramData, tagRecoveryData, tagOptionsData}

// tornTags are what a record holds beside the card's number. EMV Contactless
// Book C-2, Annex A, FF8101.
var tornTags = []tlv.Tag{
	tlv.AmountAuthorised, tlv.AmountOther, tagBalanceBefore, tagCryptogramData, tlv.CVMResults, tagRecoveryData,
	tlv.DeviceSerial, tagOptionsData, tagReferenceControl, tlv.TerminalCapabilities, tlv.TerminalCountry,
	tlv.TerminalType, tlv.TVR, tlv.TransactionCategory, tlv.TransactionCurrency, tlv.TransactionDate,
	tlv.TransactionTime, tlv.TransactionType, tlv.UnpredictableNumber, tagTerminalEntropy, tagDeviceEntropy,
	tagRelayMin, tagRelayMax, tagDeviceEstimate, tagRelayMeasured, tagRelayCounter,
}

// add puts a record in front. One of the same card is replaced; the oldest one
// that has no room any more is returned.
func (l *TornLog) add(r *tornTap) (fallen *tornTap) {
	l.taps = slices.DeleteFunc(l.taps, func(o *tornTap) bool {
		same := o.sequence == r.sequence && bytes.Equal(o.pan, r.pan)
		if same {
			o.clear()
		}
		return same
	})
	l.taps = slices.Insert(l.taps, 0, r)
	if len(l.taps) > l.recordsMax {
		fallen = l.taps[l.recordsMax]
		l.taps = l.taps[:l.recordsMax]
	}
	return fallen
}

// find looks for a record of the card that is young enough and of the same
// sale: the cryptogram of another amount is none for this one. The book looks
// at the card alone. EMV Contactless Book C-2, state 4 (S456).
func (l *TornLog) find(pan secret.PAN, sequence string, tx emv.Transaction) *tornTap {
	l.taps = slices.DeleteFunc(l.taps, func(r *tornTap) bool {
		old := tx.At.Sub(r.tx.At) > l.life
		if old {
			r.clear()
		}
		return old
	})
	for _, r := range l.taps {
		same := r.tx.AmountMinor == tx.AmountMinor && r.tx.OtherMinor == tx.OtherMinor &&
			r.tx.Type == tx.Type && r.tx.Sequence == tx.Sequence
		if same && r.sequence == sequence && bytes.Equal(r.pan, pan) {
			return r
		}
	}
	return nil
}

// remove forgets a record.
func (l *TornLog) remove(r *tornTap) {
	r.clear()
	l.taps = slices.DeleteFunc(l.taps, func(o *tornTap) bool { return o == r })
}

// recovery is the card's list for RECOVER AC, if card and reader can do it.
func (t *tap) recovery() (tlv.DOL, bool) {
	source, given := t.Card[tagDRDOL]
	list, err := tlv.ParseDOL(source)
	return list, t.cfg.Torn != nil && given && err == nil && list.Size() <= apdu.DataMax
}

// recoverTorn asks for the cryptogram of a tap that broke off. EMV Contactless Book
// C-2, state 4 (S456).
func (t *tap) recoverTorn() emv.Action {
	if _, possible := t.recovery(); !possible {
		return nil
	}
	if t.torn = t.cfg.Torn.find(t.PAN, t.Sequence(), t.tx); t.torn == nil {
		return nil
	}
	t.state = recovering
	return emv.Transmit{Command: apdu.Query(claProprietary, insRecover, 0, 0, t.torn.terminal[tagRecoveryData])}
}

// recovered goes on as after the GENERATE AC that was cut off, with all that
// was sent then. A card that has nothing to recover makes a new cryptogram. EMV
// Contactless Book C-2, state 10.
func (t *tap) recovered(r emv.Response) (emv.Action, error) {
	if apdu.Status(r.Data) != apdu.OK {
		return t.generate()
	}
	old := t.torn
	for tag, value := range old.terminal {
		t.Terminal[tag] = slices.Clone(value)
	}
	t.tvr, t.cvmResults = old.tvr, old.cvmResults
	t.Terminal[tlv.TVR], t.Terminal[tlv.CVMResults] = t.tvr[:], t.cvmResults[:]
	t.cvm, t.receipt, t.requested, t.signing.asked = old.cvm, old.receipt, old.requested, old.asked
	t.signing.sent, t.relayed = slices.Clone(old.sent), slices.Clone(old.relayed)
	t.dropTorn()
	return t.judge(apdu.Body(r.Data))
}

// dropTorn forgets the record of a card that has given a cryptogram.
func (t *tap) dropTorn() {
	if t.torn != nil {
		t.cfg.Torn.remove(t.torn)
		t.torn = nil
	}
}

// tear keeps what the next tap needs to recover the cryptogram. EMV Contactless
// Book C-2, states 9 and 11.
func (t *tap) tear() {
	list, possible := t.recovery()
	if !possible {
		return
	}
	t.Terminal[tagRecoveryData] = list.Build(t.Lookup)
	r := &tornTap{
		pan: slices.Clone(t.PAN), sequence: t.Sequence(), tx: t.tx, terminal: map[tlv.Tag][]byte{},
		tvr: t.tvr, cvmResults: t.cvmResults, cvm: t.cvm, receipt: t.receipt,
		requested: t.requested, asked: t.signing.asked,
		sent: slices.Clone(t.signing.sent), relayed: slices.Clone(t.relayed),
	}
	for _, tag := range tornTags {
		if value, ok := t.Terminal[tag]; ok {
			r.terminal[tag] = slices.Clone(value)
		}
	}
	if fallen := t.cfg.Torn.add(r); fallen != nil {
		for _, tag := range tornTags {
			if value, ok := fallen.terminal[tag]; ok && !slices.Contains(sentTags, tag) {
				t.fallen = tlv.Append(t.fallen, tag, value)
			}
		}
		fallen.clear()
	}
}
