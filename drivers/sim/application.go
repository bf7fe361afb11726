package sim

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// application is one of a chip's applications. Their order is their priority.
// The chip counts for all of them together.
type application struct {
	p      issuer.Profile
	key    *rsa.PrivateKey  // nil without DDA and CDA
	curve  *ecdh.PrivateKey // nil without XDA
	pinKey *rsa.PrivateKey  // for PINs alone, or nil
	lists  struct{ pdol, cdol1, cdol2, ddol tlv.DOL }
}

// newApplications reads what a profile has.
func newApplications(p issuer.Profile) ([]application, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var all []application
	for _, p := range append([]issuer.Profile{p}, p.Others...) {
		a := application{p: p}
		var err error
		if p.Signs() {
			if a.key, err = p.Key(); err != nil {
				return nil, err
			}
		}
		if p.XDA() {
			if a.curve, err = p.CurveKey(); err != nil {
				return nil, err
			}
		}
		if len(p.PINKey) > 0 {
			if a.pinKey, err = p.KeyForPIN(); err != nil {
				return nil, err
			}
		}
		for _, list := range []struct {
			name string
			to   *tlv.DOL
			from []byte
		}{
			{"PDOL", &a.lists.pdol, p.PDOL}, {"CDOL1", &a.lists.cdol1, p.CDOL1},
			{"CDOL2", &a.lists.cdol2, p.CDOL2}, {"DDOL", &a.lists.ddol, p.DDOL},
		} {
			if *list.to, err = tlv.ParseDOL(list.from); err != nil {
				return nil, fmt.Errorf("sim: card %q: %s: %w", p.Name, list.name, err)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// The occurrences that SELECT asks for. EMV 4.4 Book 1, 11.3.2.
const (
	selectFirst = 0x00
	selectNext  = 0x02
)

// selectFile finds PSE or application. A partial name finds the first
// application that begins with it, and SELECT NEXT the one after. EMV 4.4
// Book 1, 11.3 and 12.3.
func (c *Card) selectFile(cmd apdu) ([]byte, int) {
	from := c.next
	c.reset()
	switch {
	case c.p.Behaviour == issuer.Blocked, c.counters.CardBlocked:
		return nil, swNotSupported
	case cmd.p1 != 0x04 || cmd.p2 != selectFirst && cmd.p2 != selectNext:
		return nil, swWrongParameters
	case cmd.p2 == selectFirst && string(cmd.data) == pseName:
		if c.p.Behaviour == issuer.NoPSE {
			return nil, swNotFound
		}
		c.at = inPSE
		return c.directoryFCI(), swOK
	case cmd.p2 == selectFirst:
		from = 0
	case from == 0: // there is none after nothing
		return nil, swNotFound
	}
	for i := from; i < len(c.applications); i++ {
		if a := c.applications[i]; len(cmd.data) >= 5 && bytes.HasPrefix(a.p.AID, cmd.data) {
			c.application, c.at, c.next = a, selected, i+1
			if c.blocked() {
				return a.fci(priority(i)), swInvalidated
			}
			return a.fci(priority(i)), swOK
		}
	}
	return nil, swNotFound
}

// priority is 87 of the application at a place. EMV 4.4 Book 1, 12.2.3.
func priority(at int) []byte { return []byte{byte(at + 1)} }

// codeTable is 9F11 of a card with a preferred name: ISO 8859-1.
var codeTable = tlv.Append(nil, tlv.CodeTableIndex, []byte{0x01})

func (c *Card) directoryFCI() []byte {
	inner := tlv.Append(nil, tlv.SFI, []byte{pseSFI})
	inner = tlv.Append(inner, tlv.LanguagePreference, []byte("zhen"))
	if slices.ContainsFunc(c.applications, func(a application) bool { return len(a.p.Preferred) > 0 }) {
		inner = append(inner, codeTable...)
	}
	fci := tlv.Append(nil, tlv.DFName, []byte(pseName))
	fci = tlv.Append(fci, tlv.FCIProprietary, inner)
	return tlv.Append(nil, tlv.FCI, fci)
}

// directory is the one record of the PSE's file: an entry for each application.
func (c *Card) directory() []byte {
	var entries []byte
	for i, a := range c.applications {
		entry := tlv.Append(nil, tlv.ADFName, a.p.AID)
		entry = tlv.Append(entry, tlv.ApplicationLabel, []byte(a.p.Label))
		if len(a.p.Preferred) > 0 {
			entry = tlv.Append(entry, tlv.PreferredName, a.p.Preferred)
		}
		entry = tlv.Append(entry, tlv.ApplicationPriority, priority(i))
		entries = tlv.Append(entries, tlv.ApplicationTemplate, entry)
	}
	return tlv.Append(nil, tlv.RecordTemplate, entries)
}

func (a application) fci(priority []byte) []byte {
	inner := tlv.Append(nil, tlv.ApplicationLabel, []byte(a.p.Label))
	inner = tlv.Append(inner, tlv.ApplicationPriority, priority)
	if len(a.p.PDOL) > 0 {
		inner = tlv.Append(inner, tlv.PDOL, a.p.PDOL)
	}
	inner = tlv.Append(inner, tlv.LanguagePreference, []byte("zhen"))
	if len(a.p.Preferred) > 0 {
		inner = tlv.Append(append(inner, codeTable...), tlv.PreferredName, a.p.Preferred)
	}
	fci := tlv.Append(nil, tlv.DFName, a.p.AID)
	fci = tlv.Append(fci, tlv.FCIProprietary, inner)
	return tlv.Append(nil, tlv.FCI, fci)
}
