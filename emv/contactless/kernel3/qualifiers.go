package kernel3

// qualifiers are the terminal's or the card's transaction qualifiers, 9F66 and
// 9F6C. The card's have two bytes, and none at all if it gives none.
type qualifiers [4]byte

// bit is a place in qualifiers: byte, counted from 1, and mask.
type bit struct{ at, mask byte }

// has tells whether a bit is set.
func (q qualifiers) has(b bit) bool { return q[b.at-1]&b.mask != 0 }

// Bits of the TTQ, 9F66. EMV Contactless Book A, 5.7.
var (
	ttqContact      = bit{1, 0x10}
	ttqOfflineOnly  = bit{1, 0x08}
	ttqOnlinePIN    = bit{1, 0x04}
	ttqSignature    = bit{1, 0x02}
	ttqODAOnline    = bit{1, 0x01}
	ttqCryptogram   = bit{2, 0x80} // an online cryptogram is required
	ttqCVM          = bit{2, 0x40} // a CVM is required
	ttqIssuerUpdate = bit{3, 0x80}
)

// Bits of the CTQ, 9F6C. EMV Contactless Book C-3, Annex A.
var (
	ctqOnlinePIN      = bit{1, 0x80}
	ctqSignature      = bit{1, 0x40}
	ctqOnlineIfODA    = bit{1, 0x20} // go online if offline data authentication fails
	ctqSwitchIfODA    = bit{1, 0x10} // take another interface if it fails
	ctqOnlineIfOld    = bit{1, 0x08} // go online if the application has expired
	ctqSwitchCash     = bit{1, 0x04} // take another interface for cash
	ctqSwitchCashback = bit{1, 0x02}
	ctqDeviceCVM      = bit{2, 0x80} // the cardholder was verified on the device
	ctqIssuerUpdate   = bit{2, 0x40}
)
