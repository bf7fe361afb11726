package hostsim_test

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
	"github.com/cloudpos/cloudpos/emv"
)

// TestTapsAttacked: at a terminal of the development set, and before its host,
// every card that misbehaves or is attacked is refused, but for true ones that
// left too early or came with another: those the host approves, and over the
// limit only if the card's own list, which it signs, wants nobody verified.
func TestTapsAttacked(t *testing.T) {
	c := newCounter(t)
	approved := map[string][2]string{ // small, large
		"tap-2-early": {"00 none", "00 none"}, "tap-2-cut": {"00 none", "00 none"}, "tap-2-lost": {"00 none", "00 none"},
		"tap-3-early": {"00 none", ""}, "tap-3-gone": {"00 none", ""}, "tap-3-wallet": {"00 none", ""},
		"tap-7-early": {"00 none", ""}, "tap-7-gone": {"00 none", ""},
	}
	for _, v := range cards.Taps() {
		for i, minor := range []int64{tapSmall, tapLarge} {
			chip, p := c.chipOf(v.Name)
			o := c.sell(chip, p, minor)
			said := ""
			if c.asked != nil {
				said = c.answer.Code + " " + c.asked.CVM
			}
			good := strings.HasPrefix(said, "00")
			if good && said != approved[v.Name][i] || !good && approved[v.Name][i] != "" || (o.Status == emv.Approved) != good {
				t.Errorf("%s, %d: the host says %q (%s), want %q; the tap ended with status %d, %s",
					v.Name, minor, said, c.answer.Reason, approved[v.Name][i], o.Status, o.Detail)
			}
		}
	}
}
