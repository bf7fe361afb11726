package payment

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
)

// cvmSignature is the word for a customer who signs.
const cvmSignature = "signature"

// cvmWord is the journal's word for how the cardholder was verified.
func cvmWord(c emv.CVM) string {
	switch c {
	case emv.CVMNone, emv.CVMNotApplicable:
		return "none"
	case emv.CVMOnlinePIN:
		return "online-pin"
	case emv.CVMSignature:
		return cvmSignature
	case emv.CVMOfflinePIN:
		return "offline-pin"
	case emv.CVMDevice:
		return "device"
	case emv.CVMFailed:
		return "failed"
	}
	return "unknown"
}

// forget clears a card which the machine gave us a copy of, once it has been
// looked at or its parts are sealed.
func forget(c emv.Card) {
	c.PAN.Clear()
	c.Track2.Clear()
}

// seal encloses one part for the acquirer; nothing stays nothing.
func (f *Flow) seal(part keys.Part, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	sealed, err := f.cfg.Sealer.Seal(f.cfg.Numbers.ID, part, plain)
	if err != nil {
		return nil, fmt.Errorf("payment: seal %s: %w", part, err)
	}
	return sealed, nil
}

// sealAccount makes the card data that may be stored: who, but not the track.
// The account is {"pan","psn","expiry"} in JSON.
func (f *Flow) sealAccount(c emv.Card) (CardData, error) {
	plain, err := json.Marshal(struct {
		PAN    string `json:"pan"`
		PSN    string `json:"psn,omitempty"`
		Expiry string `json:"expiry,omitempty"`
	}{string(c.PAN), c.PSN, c.Expiry})
	if err != nil {
		return CardData{}, fmt.Errorf("payment: account: %w", err)
	}
	defer clear(plain)
	account, err := f.seal(keys.PartAccount, plain)
	return CardData{
		Masked:  c.PAN.Masked(),
		Token:   f.cfg.Sealer.Token(c.PAN),
		AID:     strings.ToUpper(hex.EncodeToString(c.AID)),
		Label:   c.Label,
		SealKey: f.cfg.Sealer.Key(),
		Account: account,
	}, err
}

// sealCard makes all that the issuer needs.
func (f *Flow) sealCard(a emv.GoOnline) (CardData, error) {
	c, err := f.sealAccount(a.Card)
	if err != nil {
		return CardData{}, err
	}
	if c.Track, err = f.seal(keys.PartTrack, a.Card.Track2); err != nil {
		return CardData{}, err
	}
	c.Chip, err = f.seal(keys.PartChip, a.Data)
	return c, err
}

// sealPIN keeps the enciphered PIN for the request that follows.
func (f *Flow) sealPIN(e drivers.PINEntry) error {
	defer e.Block.Clear()
	block, err := f.seal(keys.PartPIN, e.Block)
	if err != nil {
		return err
	}
	f.pinBlock = block
	f.pin = &PIN{Scheme: e.Scheme, Format: e.Format, KSN: e.KSN}
	return nil
}

// cardEnding is what the journal keeps of the card's end and the host's word.
func (f *Flow) cardEnding(o emv.Outcome) (Ending, error) {
	defer forget(o.Card)
	e := Ending{Reason: string(o.Reason), Detail: o.Detail, ARC: o.ARC, CVM: cvmWord(o.CVM), Chip: chipWords(o.Record)}
	e.Offline = o.Status == emv.Approved && !o.Online
	if f.answer != nil {
		e.Code, e.AuthCode, e.HostRef = f.answer.Code, f.answer.AuthCode, f.answer.HostRef
	}
	if len(o.Card.PAN) > 0 && !f.issuer { // after a wrong PIN another card may have come
		card, err := f.sealAccount(o.Card)
		if err != nil {
			return Ending{}, err
		}
		e.Card, e.Entry = &card, f.entry
		f.view.Masked, f.view.Label = card.Masked, card.Label
	}
	if o.Status != emv.Approved && !f.hostApproved() {
		return e, nil
	}
	// The clearing needs it; and where a card refuses after its issuer has
	// approved, the reversal tells the issuer what the card said last.
	var err error
	e.ChipData, err = f.seal(keys.PartChip, o.Record)
	return e, err
}

// chipWords picks what slip and screen show from the outcome's data.
func chipWords(record []byte) *ChipWords {
	word := func(t tlv.Tag) string {
		v, _ := tlv.Find(record, t)
		return strings.ToUpper(hex.EncodeToString(v))
	}
	w := ChipWords{
		AC: word(0x9F26), CID: word(0x9F27), ATC: word(0x9F36),
		TVR: word(0x95), TSI: word(0x9B), CVM: word(0x9F34),
	}
	if w == (ChipWords{}) {
		return nil
	}
	return &w
}
