package emv

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The application priority indicator, 87. EMV 4.4 Book 1, 12.2.3.
const (
	priorityConfirm = 0x80 // not without the cardholder
	priorityMask    = 0x0F
)

// codeTableLatin is ISO 8859-1.
const codeTableLatin = 1

// candidate is an application that card and terminal have in common.
type candidate struct {
	name        []byte // on the card
	application int    // in the configuration
	label       []byte // 50
	preferred   []byte // 9F12
	codeTable   byte   // 9F11
	priority    byte   // 87
}

// describe takes what an entry or FCI says of the application.
func (c *candidate) describe(objects []tlv.Object) {
	for _, o := range objects {
		switch {
		case o.Tag == tlv.ApplicationLabel:
			c.label = slices.Clone(o.Value)
		case o.Tag == tlv.PreferredName:
			c.preferred = slices.Clone(o.Value)
		case o.Tag == tlv.ApplicationPriority && len(o.Value) == 1:
			c.priority = o.Value[0]
		case o.Tag == tlv.CodeTableIndex && len(o.Value) == 1:
			c.codeTable = o.Value[0]
		}
	}
}

// rank orders by priority, 1 first and none last.
func (c candidate) rank() int {
	if p := int(c.priority & priorityMask); p != 0 {
		return p
	}
	return priorityMask + 1
}

// shown is the name for the cardholder: the preferred one if the terminal has
// its code table, else the label, else the AID. EMV 4.4 Book 1, 12.4.
func (c candidate) shown(additional [5]byte) string {
	if text, ok := decode(c.preferred, c.codeTable); ok && supportsTable(additional, c.codeTable) {
		return text
	}
	// The label is in the common character set, whatever the table.
	if text, ok := decode(c.label, 0); ok {
		return text
	}
	if len(c.name) == 0 {
		return ""
	}
	return fmt.Sprintf("%X", c.name)
}

// supportsTable looks into 9F40: tables 10 and 9 in byte 4, 8 to 1 in byte 5.
// EMV 4.4 Book 4, Annex A3.
func supportsTable(additional [5]byte, table byte) bool {
	switch {
	case table >= 1 && table <= 8:
		return additional[4]&(1<<(table-1)) != 0
	case table == 9:
		return additional[3]&0x01 != 0
	case table == 0x10: // 9F11 is BCD
		return additional[3]&0x02 != 0
	}
	return false
}

// decode turns a name into text. ASCII is common to all tables; of the others
// only Latin 1 can be read here, so a name that needs another is not shown.
func decode(name []byte, table byte) (string, bool) {
	text := make([]rune, 0, len(name))
	for _, b := range bytes.TrimRight(name, " \x00") {
		if b < 0x20 || b >= 0x7F && (table != codeTableLatin || b < 0xA0) {
			return "", false
		}
		text = append(text, rune(b))
	}
	return string(text), len(text) > 0
}

// consider adds an application to the candidates if the terminal accepts its
// name: an exact match, or the longest partial one. EMV 4.4 Book 1, 12.3.1.
func (k *Kernel) consider(c candidate) {
	best := -1
	for i, app := range k.cfg.Applications {
		exact := bytes.Equal(app.AID, c.name)
		if !exact && (!app.Partial || !bytes.HasPrefix(c.name, app.AID)) {
			continue
		}
		if best < 0 || len(app.AID) > len(k.cfg.Applications[best].AID) {
			best = i
		}
	}
	known := slices.ContainsFunc(k.candidates, func(o candidate) bool { return bytes.Equal(o.name, c.name) })
	if best < 0 || known || len(k.candidates) == candidatesMax {
		return
	}
	c.application = best
	k.candidates = append(k.candidates, c)
}

// choose is the final selection. EMV 4.4 Book 1, 12.4 and Book 4, 11.3.
func (k *Kernel) choose() (Action, error) {
	slices.SortStableFunc(k.candidates, func(a, b candidate) int { return a.rank() - b.rank() })
	automatic := slices.IndexFunc(k.candidates, func(c candidate) bool { return c.priority&priorityConfirm == 0 })
	switch {
	case len(k.candidates) == 0:
		return nil, refuse(ReasonNoApplication, "no candidate is left (Book 1, 12.4)")
	case !k.cfg.CanChoose && automatic < 0:
		return nil, refuse(ReasonNoApplication, "each candidate needs the cardholder's confirmation (Book 1, 12.4)")
	case !k.cfg.CanChoose:
		return k.selectCandidate(automatic), nil
	case len(k.candidates) == 1 && automatic == 0 && !k.byHand:
		return k.selectCandidate(0), nil
	}
	apps := make([]App, len(k.candidates))
	for i, c := range k.candidates {
		apps[i] = App{AID: slices.Clone(c.name), Label: c.shown(k.cfg.Additional), Priority: c.priority & priorityMask}
	}
	k.state = choosing
	return Choose{Apps: apps, Again: k.byHand}, nil
}

// chosen takes the cardholder's choice.
func (k *Kernel) chosen(c Choice) (Action, error) {
	if c.Index == -1 {
		return nil, refuse(ReasonNotChosen, "the cardholder wants none of %d", len(k.candidates))
	}
	if c.Index < 0 || c.Index >= len(k.candidates) {
		return nil, fmt.Errorf("%w: choice %d of %d", ErrUnexpected, c.Index, len(k.candidates))
	}
	k.byHand = true
	return k.selectCandidate(c.Index), nil
}

// selectCandidate selects the card's own name for the application, and takes
// it from the list: it is not tried twice.
func (k *Kernel) selectCandidate(i int) Action {
	k.selected = k.candidates[i]
	k.candidates = slices.Delete(k.candidates, i, i+1)
	k.state = selecting
	return selectCommand(k.selected.name, selectFirst)
}

// applicationSelected takes the FCI of the final selection; if it is wrong,
// another application is tried. EMV 4.4 Book 1, 12.4.
func (k *Kernel) applicationSelected(r Response) (Action, error) {
	c, objects, err := parseFCI(r.body())
	if r.sw() != swOK || err != nil || !bytes.Equal(c.name, k.selected.name) {
		k.selected = candidate{}
		return k.choose()
	}
	k.forget()
	k.readable = true
	if err := k.learn(objects); err != nil {
		return nil, err
	}
	k.refine(c)
	app := k.cfg.Applications[k.selected.application]
	k.terminal[tlv.AID] = slices.Clone(c.name) // EMV 4.4 Book 1, 12.4: the DF name from here on
	k.terminal[tlv.TerminalVersion] = slices.Clone(app.Version[:])
	k.terminal[tlv.FloorLimit] = bigEndian(app.FloorLimitMinor)
	return k.initiate()
}

// refine prefers the FCI's names to those of the directory.
func (k *Kernel) refine(c candidate) {
	if len(c.label) > 0 {
		k.selected.label = c.label
	}
	if len(c.preferred) > 0 {
		k.selected.preferred = c.preferred
	}
	if c.codeTable != 0 {
		k.selected.codeTable = c.codeTable
	}
}

// app is the configuration of the selected application.
func (k *Kernel) app() *Application { return &k.cfg.Applications[k.selected.application] }
