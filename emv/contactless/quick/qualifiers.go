package quick

// Qualifiers are the terminal's or the card's transaction qualifiers, 9F66 and
// 9F6C. The card's have two bytes, and none at all if it gives none.
type Qualifiers [4]byte

// A Bit is a place in Qualifiers: byte, counted from 1, and mask.
type Bit struct{ At, Mask byte }

// Has tells whether a bit is set.
func (q Qualifiers) Has(b Bit) bool { return q[b.At-1]&b.Mask != 0 }

// With is the same with one more bit.
func (q Qualifiers) With(b Bit) Qualifiers {
	if b.Mask != 0 {
		q[b.At-1] |= b.Mask
	}
	return q
}

// Bits of the TTQ, 9F66. The Entry Point sets some of them, so they are the
// same for all kernels. EMV Contactless Book A, 5.7.
var (
	TTQContact     = Bit{1, 0x10}
	TTQOfflineOnly = Bit{1, 0x08}
	TTQOnlinePIN   = Bit{1, 0x04}
	TTQSignature   = Bit{1, 0x02}
	TTQODAOnline   = Bit{1, 0x01} // the card proves itself even if the issuer is asked
	TTQCryptogram  = Bit{2, 0x80} // an online cryptogram is required
	TTQCVM         = Bit{2, 0x40} // a CVM is required
)

// CTQBits tell where the bits of the CTQ, 9F6C, are.
type CTQBits struct {
	OnlinePIN, Signature Bit
	OnlineIfODA          Bit // go online if offline data authentication fails
	SwitchIfODA          Bit // take another interface if it fails
	OnlineIfOld          Bit // go online if the application has expired
	DeviceCVM            Bit // the cardholder was verified on the device
}

// CTQVisa are those bits as EMV Contactless Book C-3, Annex A, has them.
func CTQVisa() CTQBits {
	return CTQBits{
		OnlinePIN: Bit{1, 0x80}, Signature: Bit{1, 0x40}, OnlineIfODA: Bit{1, 0x20}, SwitchIfODA: Bit{1, 0x10},
		OnlineIfOld: Bit{1, 0x08}, DeviceCVM: Bit{2, 0x80},
	}
}

// OnlineCapable tells whether the reader can ask an issuer.
func (t *Tap) OnlineCapable() bool { return !t.TTQ.Has(TTQOfflineOnly) }
