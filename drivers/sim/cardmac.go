package sim

import (
	"crypto/subtle"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// macSize is the whole MAC: what a card of this scheme wants of it.
const macSize = 8

// secured checks the MAC at the end of a script command's data, and returns
// what is before it. The MAC covers, in this order, the MAC of the command
// before or the cryptogram, the header with Lc, and the data. EMV 4.4 Book 2,
// 9.2.3.
func (c *Card) secured(cmd apdu) ([]byte, int) {
	switch {
	case !c.p.Scripts():
		return nil, swUnknownINS
	case c.at < askedHost: // no cryptogram, so no session key
		return nil, swConditions
	case len(cmd.data) < macSize:
		return nil, swNoMAC
	}
	end := len(cmd.data) - macSize
	covered := append([]byte{}, c.chain[:]...)
	covered = append(covered, cmd.cla, cmd.ins, cmd.p1, cmd.p2, byte(len(cmd.data)))
	covered = append(covered, cmd.data[:end]...)
	mac := issuer.ScriptMAC(issuer.ScriptKey([16]byte(c.p.MACKey), c.firstAC), covered)
	if subtle.ConstantTimeCompare(mac[:], cmd.data[end:]) != 1 {
		return nil, swWrongMAC
	}
	c.chain = mac
	return cmd.data[:end], swOK
}

// deciphered is a script command's confidential data. EMV 4.4 Book 2, 9.3.
func (c *Card) deciphered(data []byte) ([]byte, bool) {
	return issuer.DecipherScript(issuer.ScriptKey([16]byte(c.p.EncipherKey), c.firstAC), data)
}
