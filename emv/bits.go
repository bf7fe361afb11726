package emv

// tvr is 95, the terminal verification results. EMV 4.4 Book 3, Annex C5.
type tvr [5]byte

// tvrBit is a byte's index and a bit in it.
type tvrBit uint16

const (
	tvrODANotPerformed  tvrBit = 0<<8 | 0x80
	tvrSDAFailed        tvrBit = 0<<8 | 0x40
	tvrDataMissing      tvrBit = 0<<8 | 0x20
	tvrExceptionFile    tvrBit = 0<<8 | 0x10
	tvrDDAFailed        tvrBit = 0<<8 | 0x08
	tvrCDAFailed        tvrBit = 0<<8 | 0x04
	tvrSDASelected      tvrBit = 0<<8 | 0x02
	tvrXDASelected      tvrBit = 0<<8 | 0x01
	tvrVersionsDiffer   tvrBit = 1<<8 | 0x80
	tvrExpired          tvrBit = 1<<8 | 0x40
	tvrNotYetEffective  tvrBit = 1<<8 | 0x20
	tvrServiceRefused   tvrBit = 1<<8 | 0x10
	tvrNewCard          tvrBit = 1<<8 | 0x08
	tvrCVMFailed        tvrBit = 2<<8 | 0x80
	tvrCVMUnrecognised  tvrBit = 2<<8 | 0x40
	tvrPINTryLimit      tvrBit = 2<<8 | 0x20
	tvrNoPINPad         tvrBit = 2<<8 | 0x10
	tvrPINNotEntered    tvrBit = 2<<8 | 0x08
	tvrOnlinePIN        tvrBit = 2<<8 | 0x04
	tvrFloorLimit       tvrBit = 3<<8 | 0x80
	tvrLowerLimit       tvrBit = 3<<8 | 0x40
	tvrUpperLimit       tvrBit = 3<<8 | 0x20
	tvrRandomOnline     tvrBit = 3<<8 | 0x10
	tvrForcedOnline     tvrBit = 3<<8 | 0x08
	tvrBiometricLacking tvrBit = 3<<8 | 0x02
	tvrXDAFailed        tvrBit = 3<<8 | 0x01
	tvrIssuerAuthFailed tvrBit = 4<<8 | 0x40
	tvrScriptBefore     tvrBit = 4<<8 | 0x20
	tvrScriptAfter      tvrBit = 4<<8 | 0x10
	tvrCurveCAMissing   tvrBit = 4<<8 | 0x04
	tvrCurveKeyFailed   tvrBit = 4<<8 | 0x02
)

func (t *tvr) set(b tvrBit) { t[b>>8] |= byte(b) }

// meets reports whether a bit is set that is also set in one of the codes.
func (t *tvr) meets(codes ...[5]byte) bool {
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
