package emv

import "github.com/cloudpos/cloudpos/emv/tlv"

// recordRead stores a record and asks for the next. EMV 4.4 Book 3, 10.2.
func (k *Kernel) recordRead(r Response) (Action, error) {
	place := k.records.String()
	if r.sw() != swOK {
		return nil, refuse(ReasonCardStatus, "READ RECORD %s: %04X (Book 3, 10.2)", place, r.sw())
	}
	objects, err := k.records.Take(r.body())
	if err != nil {
		return nil, refuse(ReasonCardData, "record %s: %v (Book 3, 6.5.11.4)", place, err)
	}
	if err := k.learn(objects); err != nil {
		return nil, err
	}
	if !k.records.Done() {
		return Transmit{Command: k.records.Command()}, nil
	}
	if err := k.mandatory(); err != nil {
		return nil, err
	}
	return k.authenticate()
}

// panMin and panMax bound an account number. ISO/IEC 7812-1.
const panMin, panMax = 8, 19

// mandatory checks that the records held what no transaction goes without, and
// reads the lists for GENERATE AC now: after the issuer's approval it would be
// too late to find them malformed. EMV 4.4 Book 3, 7.2.
func (k *Kernel) mandatory() error {
	for _, t := range []tlv.Tag{tlv.ExpirationDate, tlv.PAN, tlv.CDOL1, tlv.CDOL2} {
		if len(k.card[t]) == 0 {
			return refuse(ReasonCardData, "%v missing (Book 3, 7.2)", t)
		}
	}
	pan, err := tlv.AppendDigits(nil, k.card[tlv.PAN])
	if err != nil || len(pan) < panMin || len(pan) > panMax {
		return refuse(ReasonCardData, "5A is no account number (Book 3, 7.5)")
	}
	k.pan = pan
	for _, t := range []tlv.Tag{tlv.ExpirationDate, tlv.EffectiveDate, tlv.PANSequence} {
		if _, err := tlv.ParseNumeric(k.card[t]); err != nil {
			return refuse(ReasonCardData, "%v is no number (Book 3, 7.5)", t)
		}
	}
	if k.cdol1, err = k.dataList(tlv.CDOL1); err != nil {
		return err
	}
	if k.cdol2, err = k.dataList(tlv.CDOL2); err != nil {
		return err
	}
	k.tdol, err = k.dataList(tlv.TDOL)
	return err
}

// dataList reads a data object list of the card that must fit into a command.
// EMV 4.4 Book 3, 5.4.
func (k *Kernel) dataList(t tlv.Tag) (tlv.DOL, error) {
	list, err := tlv.ParseDOL(k.card[t])
	if err != nil {
		return nil, refuse(ReasonCardData, "%v: %v (Book 3, 5.4)", t, err)
	}
	if list.Size() > dataMax {
		return nil, refuse(ReasonCardData, "%v asks for %d bytes (Book 3, 6.5.5)", t, list.Size())
	}
	return list, nil
}
