package emv

import (
	"bytes"
	"errors"
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bounds of building the candidate list. Cards have a handful of each.
const (
	pseRecordsMax  = 32
	nextMax        = 16 // SELECT next of one AID
	candidatesMax  = 64
	sfiDirectory   = 10 // the highest SFI of a directory, EMV 4.4 Book 1, 12.2.2
	pseEnvironment = "1PAY.SYS.DDF01"
)

// directory is the place in the payment system environment.
type directory struct {
	sfi, record byte
	codeTable   byte
}

// listing is the place in the list of AIDs.
type listing struct {
	application int
	occurrence  int
}

// start tries the payment system environment. EMV 4.4 Book 1, 12.3.2.
func (k *Kernel) start(Start) (Action, error) {
	k.state = selectingPSE
	return selectCommand([]byte(pseEnvironment), selectFirst), nil
}

// pseSelected begins to read the directory; a card without one, or with one
// that cannot be understood, is asked for each AID. EMV 4.4 Book 1, 12.3.2.
func (k *Kernel) pseSelected(r Response) (Action, error) {
	if r.sw() == swUnsupported {
		return nil, refuse(ReasonCardBlocked, "SELECT of the PSE: 6A81 (Book 1, 12.3.2)")
	}
	sfi, ok := tlv.Find(r.body(), tlv.FCI, tlv.FCIProprietary, tlv.SFI)
	if r.sw() != swOK || !ok || len(sfi) != 1 || sfi[0] < 1 || sfi[0] > sfiDirectory {
		return k.listAIDs()
	}
	k.directory = directory{sfi: sfi[0], record: 1}
	if table, ok := tlv.Find(r.body(), tlv.FCI, tlv.FCIProprietary, tlv.CodeTableIndex); ok && len(table) == 1 {
		k.directory.codeTable = table[0]
	}
	k.state = readingPSE
	return readCommand(k.directory.sfi, k.directory.record), nil
}

// pseRead takes a record of the directory. A record that is wrong spoils the
// directory as a whole. EMV 4.4 Book 1, 12.3.2.
func (k *Kernel) pseRead(r Response) (Action, error) {
	if r.sw() == swRecordNotFound {
		if len(k.candidates) == 0 {
			return k.listAIDs()
		}
		return k.choose()
	}
	entries, err := directoryEntries(r.body(), k.directory.codeTable)
	if r.sw() != swOK || err != nil || k.directory.record == pseRecordsMax {
		return k.listAIDs()
	}
	for _, entry := range entries {
		k.consider(entry)
	}
	k.directory.record++
	return readCommand(k.directory.sfi, k.directory.record), nil
}

// directoryEntries reads the application templates of one record. Those
// without an ADF name are passed over. EMV 4.4 Book 1, 12.2.3.
func directoryEntries(record []byte, codeTable byte) ([]candidate, error) {
	content, err := tlv.One(record, tlv.RecordTemplate)
	if err != nil {
		return nil, err
	}
	objects, err := tlv.Parse(content)
	if err != nil {
		return nil, err
	}
	var entries []candidate
	for _, o := range objects {
		if o.Tag != tlv.ApplicationTemplate {
			continue
		}
		parts, err := tlv.Parse(o.Value)
		if err != nil {
			return nil, err
		}
		c := candidate{codeTable: codeTable}
		c.describe(parts)
		for _, part := range parts {
			if part.Tag == tlv.ADFName {
				c.name = slices.Clone(part.Value)
			}
		}
		if len(c.name) >= aidMin && len(c.name) <= aidMax {
			entries = append(entries, c)
		}
	}
	return entries, nil
}

// listAIDs asks the card for each AID of the terminal. EMV 4.4 Book 1, 12.3.3.
func (k *Kernel) listAIDs() (Action, error) {
	k.candidates = nil
	k.list = listing{}
	k.state = listingAIDs
	return k.selectListed(), nil
}

func (k *Kernel) selectListed() Action {
	occurrence := byte(selectFirst)
	if k.list.occurrence > 0 {
		occurrence = selectNext
	}
	return selectCommand(k.cfg.Applications[k.list.application].AID, occurrence)
}

// nextListed goes on to the next AID, and after the last to the selection.
func (k *Kernel) nextListed() (Action, error) {
	k.list = listing{application: k.list.application + 1}
	if k.list.application == len(k.cfg.Applications) {
		return k.choose()
	}
	return k.selectListed(), nil
}

// aidSelected compares the name of the file that the card selected with the
// AID. EMV 4.4 Book 1, 12.3.3, steps 2 to 7.
func (k *Kernel) aidSelected(r Response) (Action, error) {
	first := k.list.occurrence == 0
	if first && r.sw() == swUnsupported {
		return nil, refuse(ReasonCardBlocked, "SELECT of an AID: 6A81 (Book 1, 12.3.3)")
	}
	app := k.cfg.Applications[k.list.application]
	c, _, err := parseFCI(r.body())
	warning := r.sw()>>8 == 0x62 || r.sw()>>8 == 0x63
	usable := r.sw() == swOK || r.sw() == swInvalidated || warning && !first
	if !usable || err != nil || !bytes.HasPrefix(c.name, app.AID) {
		return k.nextListed()
	}
	exact := len(c.name) == len(app.AID)
	if r.sw() == swOK && (exact || app.Partial) {
		k.consider(c)
	}
	if exact || k.list.occurrence == nextMax {
		return k.nextListed()
	}
	k.list.occurrence++
	return k.selectListed(), nil
}

// errFCI is a SELECT response that is not one.
var errFCI = errors.New("malformed FCI")

// parseFCI reads the response to SELECT of an application: what describes it
// as a candidate, and its primitive objects. EMV 4.4 Book 1, 11.3.4.
func parseFCI(body []byte) (candidate, []tlv.Object, error) {
	content, err := tlv.One(body, tlv.FCI)
	if err != nil {
		return candidate{}, nil, err
	}
	top, err := tlv.Parse(content)
	if err != nil {
		return candidate{}, nil, err
	}
	var c candidate
	var objects []tlv.Object
	proprietary := false
	for _, o := range top {
		switch o.Tag {
		case tlv.DFName:
			c.name = slices.Clone(o.Value)
			objects = append(objects, o)
		case tlv.FCIProprietary:
			inner, err := flattenFCI(o.Value)
			if err != nil || proprietary {
				return candidate{}, nil, errFCI
			}
			proprietary = true
			c.describe(inner)
			objects = append(objects, inner...)
		case tlv.PDOL: // only inside A5
			return candidate{}, nil, errFCI
		default:
			objects = append(objects, o)
		}
	}
	if !proprietary || len(c.name) < aidMin || len(c.name) > aidMax {
		return candidate{}, nil, errFCI
	}
	return c, objects, nil
}

// flattenFCI lists the objects of the proprietary template and of the issuer's
// discretionary one inside it.
func flattenFCI(template []byte) ([]tlv.Object, error) {
	objects, err := tlv.Parse(template)
	if err != nil {
		return nil, err
	}
	var flat []tlv.Object
	for _, o := range objects {
		if o.Tag != tlv.FCIDiscretionary {
			flat = append(flat, o)
			continue
		}
		inner, err := tlv.Parse(o.Value)
		if err != nil {
			return nil, err
		}
		flat = append(flat, inner...)
	}
	return flat, nil
}
