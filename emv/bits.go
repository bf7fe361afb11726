package emv

// TVR is 95, the terminal verification results. EMV 4.4 Book 3, Annex C5.
type TVR [5]byte

// TVRBit is a byte's index and a bit in it.
type TVRBit uint16

const (
	tvrODANotPerformed  TVRBit = 0<<8 | 0x80
	tvrSDAFailed        TVRBit = 0<<8 | 0x40
	tvrDataMissing      TVRBit = 0<<8 | 0x20
	tvrExceptionFile    TVRBit = 0<<8 | 0x10
	tvrDDAFailed        TVRBit = 0<<8 | 0x08
	tvrCDAFailed        TVRBit = 0<<8 | 0x04
	tvrSDASelected      TVRBit = 0<<8 | 0x02
	tvrXDASelected      TVRBit = 0<<8 | 0x01
	tvrVersionsDiffer   TVRBit = 1<<8 | 0x80
	tvrExpired          TVRBit = 1<<8 | 0x40
	tvrNotYetEffective  TVRBit = 1<<8 | 0x20
	tvrServiceRefused   TVRBit = 1<<8 | 0x10
	tvrNewCard          TVRBit = 1<<8 | 0x08
	tvrCVMFailed        TVRBit = 2<<8 | 0x80
	tvrCVMUnrecognised  TVRBit = 2<<8 | 0x40
	tvrPINTryLimit      TVRBit = 2<<8 | 0x20
	tvrNoPINPad         TVRBit = 2<<8 | 0x10
	tvrPINNotEntered    TVRBit = 2<<8 | 0x08
	tvrOnlinePIN        TVRBit = 2<<8 | 0x04
	tvrFloorLimit       TVRBit = 3<<8 | 0x80
	tvrLowerLimit       TVRBit = 3<<8 | 0x40
	tvrUpperLimit       TVRBit = 3<<8 | 0x20
	tvrRandomOnline     TVRBit = 3<<8 | 0x10
	tvrForcedOnline     TVRBit = 3<<8 | 0x08
	tvrBiometricLacking TVRBit = 3<<8 | 0x02
	tvrXDAFailed        TVRBit = 3<<8 | 0x01
	tvrIssuerAuthFailed TVRBit = 4<<8 | 0x40
	tvrScriptBefore     TVRBit = 4<<8 | 0x20
	tvrScriptAfter      TVRBit = 4<<8 | 0x10
	tvrCurveCAMissing   TVRBit = 4<<8 | 0x04
	tvrCurveKeyFailed   TVRBit = 4<<8 | 0x02
)

// Set sets a bit.
func (t *TVR) Set(b TVRBit) { t[b>>8] |= byte(b) }

// Meets reports whether a bit is set that is also set in one of the codes.
func (t *TVR) Meets(codes ...[5]byte) bool {
	for _, code := range codes {
		for i := range t {
			if t[i]&code[i] != 0 {
				return true
			}
		}
	}
	return false
}

// tsi is 9B, the transaction status information. EMV 4.4 Book 3, Annex C6.
type tsi [2]byte

const (
	tsiODA        = 0x80
	tsiCVM        = 0x40
	tsiCardRisk   = 0x20
	tsiIssuerAuth = 0x10
	tsiRisk       = 0x08
	tsiScripts    = 0x04
)

func (t *tsi) set(b byte) { t[0] |= b }

// The bits of the AIP, byte 1. EMV 4.4 Book 3, Annex C1.
const (
	aipXDA        = 0x80
	aipSDA        = 0x40
	aipDDA        = 0x20
	aipCVM        = 0x10
	aipIssuerAuth = 0x04
	aipCDA        = 0x01
)

// aip reports whether the card says that it supports a function.
func (k *Kernel) aip(bit byte) bool { return k.card[aipTag][0]&bit != 0 }

// The bits of 9F33, terminal capabilities. EMV 4.4 Book 4, Annex A2.
const (
	capPlainPIN      = 0x80 // byte 2: offline, not enciphered
	capOnlinePIN     = 0x40
	capSignature     = 0x20
	capEncipheredPIN = 0x10 // offline, enciphered with an RSA key
	capNoCVM         = 0x08
	capSDA           = 0x80 // byte 3
	capDDA           = 0x40
	capCDA           = 0x08
	capXDA           = 0x04
)
