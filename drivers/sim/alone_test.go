package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

const (
	selectOffline = "00A4040007F043504F53020100"
	askTC         = "80AE40001D" + cdol1Data + "00"
)

// cid sells once with what the terminal asks for, and tells the card's answer.
func cid(t *testing.T, c *Card, ask1 string) byte {
	t.Helper()
	c.ATR()
	upTo(t, c, selectOffline, gpo)
	return find(t, ask(t, c, ask1, "9000"), 0x77, 0x9F27)[0]
}

// A card that approves by itself does so for as many sales in a row as its
// limit says, and wants the issuer's word then, as it does when it is asked to.
func TestCardApprovesAlone(t *testing.T) {
	c := newCard(t, "offline")
	for i, want := range []byte{0x40, 0x40, 0x40, 0x80, 0x80} {
		if got := cid(t, c, askTC); got != want {
			t.Errorf("sale %d: CID %02X, want %02X", i+1, got, want)
		}
	}
	c.Restore(Counters{ATC: 9, LastOnline: 9, PINTries: pinTriesMax})
	if got := cid(t, c, strings.Replace(askTC, "80AE40", "80AE80", 1)); got != 0x80 {
		t.Errorf("asked for an ARQC: CID %02X", got)
	}
	if got := cid(t, c, strings.Replace(askTC, "80AE40", "80AE00", 1)); got != 0x00 {
		t.Errorf("asked for an AAC: CID %02X", got)
	}
	for name, want := range map[string]byte{"approve": 0x80, "offlinecda": 0x40} {
		c := newCard(t, name)
		if name == "approve" {
			upTo(t, c, selectAID)
		} else {
			upTo(t, c, selectOffline)
		}
		upTo(t, c, gpo)
		if got := find(t, ask(t, c, askTC, "9000"), 0x77, 0x9F27)[0]; got != want {
			t.Errorf("%s: CID %02X, want %02X", name, got, want)
		}
	}
}

// A blocked application approves nothing.
func TestBlockedCardDoesNotApproveAlone(t *testing.T) {
	c := newCard(t, "offline")
	c.Restore(Counters{PINTries: pinTriesMax, Blocked: 1})
	c.ATR()
	ask(t, c, selectOffline, "6283")
	upTo(t, c, gpo)
	if got := find(t, ask(t, c, askTC, "9000"), 0x77, 0x9F27)[0]; got != 0x00 {
		t.Errorf("CID %02X", got)
	}
}

// The limits are in a record that is not signed; what the issuer puts into the
// chip is read there, and counts, from then on.
func TestCardLimits(t *testing.T) {
	c := newCard(t, "newlimits")
	limits := func() string {
		t.Helper()
		c.ATR()
		upTo(t, c, selectOffline, gpo)
		record := ask(t, c, "00B2010C00", "9000")
		return fmt.Sprintf("%X %X", find(t, record, 0x70, tlv.LowerOfflineLimit), find(t, record, 0x70, tlv.UpperOfflineLimit))
	}
	if got := limits(); got != "01 02" {
		t.Errorf("at first %s", got)
	}
	host := scripter(c, find(t, ask(t, c, strings.Replace(askTC, "80AE40", "80AE80", 1), "9000"), 0x77, 0x9F26))
	lower, err := host.PutData(tlv.LowerOfflineLimit, []byte{5})
	if err != nil {
		t.Fatal(err)
	}
	tell(t, c, lower, "9000")
	if got := limits(); got != "05 02" {
		t.Errorf("with a new lower limit %s", got)
	}
	upper, err := host.PutData(tlv.UpperOfflineLimit, []byte{7})
	if err != nil {
		t.Fatal(err)
	}
	tell(t, c, upper, "6985") // the transaction of this issuer's answer is over
	for want := range 3 {
		if got := cid(t, c, askTC); got != 0x40 {
			t.Errorf("sale %d: CID %02X", want+1, got)
		}
	}
	again := newCard(t, "newlimits")
	again.Restore(c.Counters())
	if limit, ok := again.lowerLimit(); limit != 5 || !ok {
		t.Errorf("after a restart %d, %t", limit, ok)
	}
	two := newCard(t, "newlimits")
	upTo(t, two, selectOffline, gpo)
	ac := [8]byte(find(t, ask(t, two, askTC, "9000"), 0x77, 0x9F26))
	tell(t, two, signed(two, ac, "04DA9F14", []byte{1, 2}), "6700")
}

// A chip whose issuer has a new PIN for it has the old one until then.
func TestCardHasItsOldPIN(t *testing.T) {
	c := newCard(t, "newpin")
	upTo(t, c, selectAID, gpo)
	ask(t, c, "0020008008241234FFFFFFFFFF", "63C2")
	ask(t, c, "0020008008241111FFFFFFFFFF", "9000")
	host := scripter(c, find(t, ask(t, c, gac1, "9000"), 0x77, 0x9F26))
	tell(t, c, changed(t, host, "1234"), "9000")
	ask(t, c, "0020008008241234FFFFFFFFFF", "9000")
	p := profile(t, "newpin")
	p.OldPIN = "12"
	if _, err := NewCard(p, nil); err == nil {
		t.Error("an old PIN of two digits is taken")
	}
}
