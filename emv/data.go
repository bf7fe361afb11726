package emv

import (
	"bytes"
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// aipTag and dateSize are used where a value was checked before.
const (
	aipTag   = tlv.AIP
	dateSize = 3
)

// entryModeContact is 9F39 for a chip that is read through its contacts.
const entryModeContact = 0x05

// drawsMax bounds how often a random value is asked for anew.
const drawsMax = 64

// UnpredictableNumber draws 9F37; zero is what a broken source gives. EMV 4.4
// Book 4, 6.5.6.
func UnpredictableNumber(random func([]byte)) ([]byte, error) {
	un := make([]byte, 4)
	for range drawsMax {
		random(un)
		if !bytes.Equal(un, []byte{0, 0, 0, 0}) {
			return un, nil
		}
	}
	return nil, errors.New("emv: the source of randomness gives zeros")
}

// TerminalData is what a card may ask the terminal for and that does not
// depend on the application. EMV 4.4 Book 3, Annex A and Book 4, A1,
// A2 and A3.
func TerminalData(c Config, t Transaction) map[tlv.Tag][]byte {
	number := func(v uint64, width int) []byte { return tlv.AppendNumeric(nil, v, width) }
	date := uint64(t.At.Year()%100*10000 + int(t.At.Month())*100 + t.At.Day())
	clock := uint64(t.At.Hour()*10000 + t.At.Minute()*100 + t.At.Second())
	amount, other := uint64(t.AmountMinor), uint64(t.OtherMinor)
	data := map[tlv.Tag][]byte{
		tlv.AmountAuthorised:       number(amount, 6),
		tlv.AmountOther:            number(other, 6),
		tlv.TransactionCurrency:    number(uint64(c.Currency), 2),
		tlv.CurrencyExponent:       {c.CurrencyExponent},
		tlv.TerminalCountry:        number(uint64(c.Country), 2),
		tlv.TransactionDate:        number(date, dateSize),
		tlv.TransactionTime:        number(clock, 3),
		tlv.TransactionType:        {t.Type},
		tlv.SequenceCounter:        number(uint64(t.Sequence), 4),
		tlv.TerminalType:           {c.TerminalType},
		tlv.TerminalCapabilities:   slices.Clone(c.Capabilities[:]),
		tlv.AdditionalCapabilities: slices.Clone(c.Additional[:]),
		tlv.EntryMode:              {entryModeContact},
		tlv.TerminalIdentification: []byte(c.TerminalID),
		tlv.MerchantIdentifier:     []byte(c.MerchantID),
		tlv.MerchantName:           []byte(c.MerchantName),
		tlv.MerchantCategory:       number(uint64(c.MerchantCategory), 2),
		tlv.DeviceSerial:           []byte(c.Serial),
	}
	for _, key := range c.CAKeys {
		if key.SM2 != nil { // the card shows keys of its own then: JR/T 0025.5
			data[tlv.SMSupported] = []byte{1}
		}
	}
	if c.AcquirerID != "" {
		data[tlv.AcquirerIdentifier] = number(decimal(c.AcquirerID), 6)
	}
	// The binary forms hold four bytes; what does not fit is left out.
	if amount <= 0xFFFFFFFF {
		data[tlv.AmountAuthorisedBinary] = bigEndian(uint32(amount))
		data[tlv.AmountOtherBinary] = bigEndian(uint32(other))
	}
	return data
}

// decimal reads digits that a check has seen.
func decimal(digits string) uint64 {
	var v uint64
	for _, d := range []byte(digits) {
		v = v*10 + uint64(d-'0')
	}
	return v
}

func bigEndian(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }

// lookup finds the value of a data object: what the terminal says first, so
// that no card can replace it, then the latest cryptogram's, then the card's.
func (k *Kernel) lookup(t tlv.Tag) ([]byte, bool) {
	switch t {
	case tlv.TVR:
		return k.tvr[:], true
	case tlv.TSI:
		return k.tsi[:], true
	case tlv.CVMResults:
		return k.cvmResults[:], true
	}
	for _, source := range []map[tlv.Tag][]byte{k.terminal, k.generated, k.card} {
		if value, ok := source[t]; ok {
			return value, true
		}
	}
	return nil, false
}

// foreign are objects that terminal, issuer or a cryptogram bring along. A card
// that puts one into a record does not get it believed.
var foreign = map[tlv.Tag]bool{
	tlv.AuthorisationCode: true, tlv.ARC: true, tlv.IssuerAuthentication: true, tlv.TCHash: true,
	tlv.ScriptResults: true, tlv.ICCDynamicNumber: true, tlv.DataAuthenticationCode: true,
	tlv.ApplicationCryptogram: true, tlv.CryptogramInformation: true, tlv.ATC: true, tlv.IssuerApplicationData: true,
}

// recognised tells whether a card may give the object to a contact terminal.
// EMV 4.4 Book 3, Annex A.
func recognised(t tlv.Tag) bool {
	d, known := tlv.LookupContact(t)
	return known && d.Source&tlv.FromCard != 0
}

// learn stores primitive objects of the card. The same one twice ends the
// transaction. Of one that a terminal does not recognise nothing is kept but
// its tag, to find the second: a list that asks for it gets zeros, not the
// card's own bytes. EMV 4.4 Book 3, 10.2 and 5.4.
func (k *Kernel) learn(objects []tlv.Object) error {
	for _, o := range objects {
		if o.Tag.Constructed() || foreign[o.Tag] {
			continue
		}
		if _, twice := k.card[o.Tag]; twice {
			return refuse(ReasonCardData, "%v given twice (Book 3, 10.2)", o.Tag)
		}
		if !wellFormed(o) {
			return refuse(ReasonCardData, "%v of %d bytes (Book 3, 7.5 and Annex A)", o.Tag, len(o.Value))
		}
		k.card[o.Tag] = nil
		if recognised(o.Tag) {
			k.card[o.Tag] = slices.Clone(o.Value)
		}
	}
	return nil
}

// checked are the card's objects that the kernel computes with. Their lengths
// must be right; what others hold is not the terminal's business.
var checked = map[tlv.Tag]bool{
	tlv.AIP: true, tlv.PAN: true, tlv.PANSequence: true, tlv.ExpirationDate: true, tlv.EffectiveDate: true,
	tlv.IssuerCountry: true, tlv.ApplicationUsageControl: true, tlv.CardVersion: true, tlv.CVMList: true,
	tlv.IACDefault: true, tlv.IACDenial: true, tlv.IACOnline: true, tlv.ApplicationCurrency: true,
	tlv.LowerOfflineLimit: true, tlv.UpperOfflineLimit: true, tlv.CAKeyIndex: true,
	tlv.ApplicationCryptogram: true, tlv.CryptogramInformation: true, tlv.ATC: true,
	tlv.IssuerApplicationData: true,
}

// wellFormed checks the length of an object that the kernel computes with.
func wellFormed(o tlv.Object) bool {
	d, known := tlv.Lookup(o.Tag)
	return !known || !checked[o.Tag] || len(o.Value) >= d.Min && len(o.Value) <= d.Max
}

// hostTags are what an issuer is told: field 55 without PAN and track.
var hostTags = []tlv.Tag{
	tlv.ApplicationCryptogram, tlv.CryptogramInformation, tlv.IssuerApplicationData, tlv.UnpredictableNumber,
	tlv.ATC, tlv.TVR, tlv.TransactionDate, tlv.TransactionType, tlv.AmountAuthorised, tlv.TransactionCurrency,
	tlv.AIP, tlv.TerminalCountry, tlv.AmountOther, tlv.TerminalCapabilities, tlv.CVMResults, tlv.TerminalType,
	tlv.DeviceSerial, tlv.DFName, tlv.TerminalVersion, tlv.SequenceCounter, tlv.PANSequence,
}

// recordTags are what is kept of the end.
var recordTags = append(slices.Clone(hostTags), tlv.TSI, tlv.ARC, tlv.ScriptResults)

// objects writes those of the tags that have a value.
func (k *Kernel) objects(tags []tlv.Tag) []byte {
	var out []byte
	for _, t := range tags {
		if value, ok := k.lookup(t); ok && len(value) > 0 {
			out = tlv.Append(out, t, value)
		}
	}
	return out
}
