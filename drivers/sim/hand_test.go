package sim

import (
	"errors"
	"strings"
	"testing"
)

// hand presses keys one by one.
func (pt *padTest) hand(keys string) string {
	pt.t.Helper()
	for key := range strings.FieldsSeq(keys) {
		if err := pt.p.hand.stroke([]string{key}); err != nil {
			pt.t.Fatal(err)
		}
	}
	return pt.wire.take()
}

func TestPadByHand(t *testing.T) {
	// The first key of X9.24-1, annex A.4, and 1234.
	const first = "710" + "9876543210E00001" + "1B9C1845EB993A7A"
	for _, tc := range []struct{ name, keys, want string }{
		{"a PIN", "1 2 3 4 ENTER", packetHex(first)},
		{"corrected", "9 9 CLEAR 1 2 3 4 ENTER", packetHex(first)},
		{"too short at first", "1 2 3 ENTER 4 ENTER", packetHex(first)},
		{"cancelled", "1 2 CANCEL", "04"},
		{"without a PIN", "ENTER", packetHex("7109876543210E00001")},
		{"not finished", "1 2 3 4", ""},
	} {
		pt := newPadTest(t)
		pt.p.hand.setByHand(true)
		pt.p.hand.serve("pin", []string{"0000"}, false)
		pt.expect(tc.name+": no key yet", pt.do(pinRequest), "06")
		pt.expect(tc.name, pt.hand(tc.keys), tc.want)
		if done := tc.want != ""; (pt.p.waiting == nil) != done || done && len(pt.p.hand.typed) != 0 {
			t.Errorf("%s: waiting %v with %d digits", tc.name, pt.p.waiting != nil, len(pt.p.hand.typed))
		}
	}
}

func TestPadByHandForgets(t *testing.T) {
	pt := newPadTest(t)
	pt.p.hand.setByHand(true)
	pt.hand("1 2 3 4 ENTER") // nobody asks
	pt.expect("asked", pt.do(pinRequest), "06")
	pt.hand("9 9 9 9 9 9 9 9 9 9 9 9 9 9")
	if n := len(pt.p.hand.typed); n != pinMax {
		t.Errorf("%d digits were taken", n)
	}
	pt.do("72")
	if len(pt.p.hand.typed) != 0 || pt.p.hand.typed[:1][0] != 0 {
		t.Error("the digits of a PIN that is of no more use are kept")
	}
	pt.expect("asked again", pt.do(pinRequest), "06")
	pt.expect("enter alone", pt.hand("ENTER"), packetHex("7109876543210E00001"))
}

func TestPadHabitsComeBack(t *testing.T) {
	pt := newPadTest(t)
	pt.p.hand.serve("pin", []string{"1234"}, false)
	pt.p.hand.setByHand(true)
	pt.expect("by hand", pt.do(pinRequest), "06")
	pt.p.hand.setByHand(false)
	pt.p.hand.serve("pin", []string{"1234"}, false)
	if got := pt.do(pinRequest); !strings.HasPrefix(got, "06 02373130") {
		t.Errorf("with habits: %s", got)
	}
}

func TestPadRefusesOtherKeys(t *testing.T) {
	pt := newPadTest(t)
	for _, keys := range [][]string{nil, {""}, {"12"}, {"A"}, {"1", "2"}, {KeyBypass}} {
		if err := pt.p.hand.stroke(keys); !errors.Is(err, ErrKeys) || len(keys) > 0 && keys[0] != "" && strings.Contains(err.Error(), keys[0]+`"`) {
			t.Errorf("%v: %v", keys, err)
		}
	}
}

// packetHex is an answer packet, as hex.
func packetHex(body string) string { return strings.TrimPrefix(reply(body), "06 ") }
