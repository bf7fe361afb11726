package kernel2

import (
	"bytes"
	"errors"
	"math/bits"
	"slices"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/apdu"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// MagStripe is how cards are taken that have no EMV mode: the stripe's data
// with a checksum that is new for each tap. What a terminal takes in this mode
// can be taken from a card that was made to pretend, so it is off by default.
// EMV Contactless Book C-2, states 7, 13 and 14.
type MagStripe struct {
	Version [2]byte // 9F6D
	// CVMOver and CVMBelow are how the cardholder is verified over the CVM limit
	// and up to it, if the phone does not do it: DF811E and DF812C.
	CVMOver, CVMBelow emv.CVM
}

// NewMagStripe has the defaults of Book C-2, Annex A.
func NewMagStripe() *MagStripe {
	return &MagStripe{Version: [2]byte{0x00, 0x01}, CVMOver: emv.CVMNotApplicable, CVMBelow: emv.CVMNotApplicable}
}

// check refuses methods that this mode does not have.
func (m *MagStripe) check() error {
	if m == nil {
		return nil
	}
	known := []emv.CVM{emv.CVMNone, emv.CVMSignature, emv.CVMOnlinePIN, emv.CVMNotApplicable}
	if !slices.Contains(known, m.CVMOver) || !slices.Contains(known, m.CVMBelow) {
		return errors.New("a CVM that magnetic stripe mode does not have")
	}
	return nil
}

// Values of 9F39 and of 9F7E, which tells a phone what the reader can do.
const (
	entryModeStripe   = 0x91
	mobileSupported   = 0x01
	mobileCVMRequired = 0x02
)

// defaultUDOL is DF811A: the numeric unpredictable number.
var defaultUDOL = []byte{0x9F, 0x6A, 0x04}

// stripeFile is how the AFL begins of cards that have both modes: a file of its
// own for this one. EMV Contactless Book C-2, state 3.
var stripeFile = []byte{0x08, 0x01, 0x01, 0x00}

// modeFiles are the files that are read: a reader that has both modes leaves
// those of the other one out. EMV Contactless Book C-2, state 3.
func (t *tap) modeFiles(afl []byte) []byte {
	switch {
	case t.app.MagStripe == nil || !bytes.HasPrefix(afl, stripeFile):
		return afl
	case t.stripe:
		return stripeFile
	}
	return afl[len(stripeFile):]
}

// completeStripe looks at what the records hold, and asks for the checksum. EMV
// Contactless Book C-2, state 7 (S78).
func (t *tap) completeStripe() (emv.Action, error) {
	for _, tag := range []tlv.Tag{tlv.Track2MagStripe, tagChecksumPlaces, tagNumberPlaces, tagCounterDigits} {
		if len(t.Card[tag]) == 0 {
			return nil, missing("%v missing (Book C-2, S78)", tag)
		}
	}
	digits := t.numberDigits()
	if len(t.Card[tagNumberPlaces]) != 2 || digits < 0 || digits > numberDigitsMax {
		return nil, wrong("%d digits for the unpredictable number (Book C-2, S78)", digits)
	}
	t.Card[tlv.Track2] = t.Card[tlv.Track2MagStripe]
	if err := t.ReadAccount(); err != nil {
		return nil, wrong("9F6B: %v (Book C-2, S78)", err)
	}
	if t.overLimit() {
		return nil, overLimitFailure("Book C-2, S78")
	}
	source := defaultUDOL
	if own := t.Card[tagUDOL]; len(own) > 0 {
		source = own
	}
	list, err := tlv.ParseDOL(source)
	if err != nil || list.Size() > apdu.DataMax {
		return nil, malformed("UDOL of %d bytes (Book C-2, S78)", list.Size())
	}
	t.verifyStripe()
	if t.Terminal[tagNumberNumeric], err = t.drawDigits(digits); err != nil {
		return nil, err
	}
	t.state = checking
	const p1, p2 = 0x8E, 0x80
	return emv.Transmit{Command: apdu.Query(claProprietary, insChecksum, p1, p2, list.Build(t.Lookup))}, nil
}

// verifyStripe finds out how the cardholder is verified. EMV Contactless Book
// C-2, state 7 (S78).
func (t *tap) verifyStripe() {
	t.receipt = t.overCVMLimit()
	switch {
	case t.deviceCVM() && t.overCVMLimit():
		t.cvm = emv.CVMDevice
		t.Terminal[tagMobileSupport] = []byte{mobileSupported | mobileCVMRequired}
	case t.deviceCVM():
		t.cvm = emv.CVMNone
	case t.overCVMLimit():
		t.cvm = t.app.MagStripe.CVMOver
	default:
		t.cvm = t.app.MagStripe.CVMBelow
	}
}

// checksumMade puts what makes this tap different into the track, and has the
// issuer asked. EMV Contactless Book C-2, states 13 and 14.
func (t *tap) checksumMade(r emv.Response) (emv.Action, error) {
	if sw := apdu.Status(r.Data); sw != apdu.OK {
		return nil, statusFailure(sw, "COMPUTE CRYPTOGRAPHIC CHECKSUM: %04X (Book C-2, state 13)", sw)
	}
	template, err := tlv.One(apdu.Body(r.Data), tlv.ResponseFormat2)
	var objects []tlv.Object
	if err == nil {
		objects, err = tlv.Parse(template)
	}
	if err != nil {
		return nil, malformed("COMPUTE CRYPTOGRAPHIC CHECKSUM: %v (Book C-2, state 13)", err)
	}
	t.generated = map[tlv.Tag][]byte{}
	for _, o := range objects {
		t.generated[o.Tag] = slices.Clone(o.Value)
	}
	const size = 2
	checksum, counter := t.generated[tagChecksum], t.generated[tlv.ATC]
	if len(counter) != size || len(checksum) != size && (len(checksum) > 0 || len(t.generated[tagInteraction]) == 0) {
		return nil, missing("COMPUTE CRYPTOGRAPHIC CHECKSUM: 9F36 or 9F61 missing (Book C-2, state 13)")
	}
	switch {
	case t.seePhone():
		return t.sendToPhone(), nil
	case len(checksum) == 0:
		o := emv.Outcome{Status: emv.Declined, Reason: emv.ReasonCard, Detail: "no checksum (Book C-2, state 13)", CVM: t.cvm}
		o.UIOnOutcome = t.message(emv.MessageNotAuthorised, emv.UINotReady)
		return t.readOK(o), nil
	}
	if err := t.fillTrack(checksum, counter); err != nil {
		return nil, err
	}
	o := emv.Outcome{Status: emv.OnlineRequest, CVM: t.cvm, Record: t.Objects(stripeRecordTags...)}
	o.UIOnOutcome, o.Receipt = t.message(emv.MessageAuthorising, emv.UINotReady), t.receipt
	o.UIOnOutcome.Hold = 0
	return t.readOK(o), nil
}

// stripeRecordTags are the data record, FF8105, without the tracks: the second
// one is in the Outcome's Card. EMV Contactless Book C-2, Annex A.
var stripeRecordTags = []tlv.Tag{
	tlv.ApplicationLabel, tlv.PreferredName, tlv.DFName, tlv.CodeTableIndex, tagStripeVersion,
	tlv.PaymentAccountReference, tlv.SequenceCounter, tlv.EntryMode,
}

// numberDigits is how many digits of the unpredictable number are on the track:
// the places that the counter leaves. EMV Contactless Book C-2, state 7 (S78).
func (t *tap) numberDigits() int {
	count := 0
	for _, b := range t.Card[tagNumberPlaces] {
		count += bits.OnesCount8(b)
	}
	return count - int(t.Card[tagCounterDigits][0])
}
