package kernel2

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The data objects of this kernel alone. EMV Contactless Book C-2, Annex A.
const (
	tagBalance          tlv.Tag = 0x9F50   // offline accumulator balance
	tagDRDOL            tlv.Tag = 0x9F51   // what RECOVER AC wants to be told
	tagCapabilities     tlv.Tag = 0x9F5D   // what the application can do
	tagThirdParty       tlv.Tag = 0x9F6E   // third party data
	tagInteraction      tlv.Tag = 0xDF4B   // what the cardholder is to do at the phone
	tagBalanceBefore    tlv.Tag = 0xDF8104 // before GENERATE AC
	tagBalanceAfter     tlv.Tag = 0xDF8105 // after it
	tagChecksum         tlv.Tag = 0x9F61   // CVC3 of track 2, and its places on it
	tagChecksumPlaces   tlv.Tag = 0x9F65
	tagNumberPlaces     tlv.Tag = 0x9F66 // of unpredictable number and counter
	tagCounterDigits    tlv.Tag = 0x9F67
	tagUDOL             tlv.Tag = 0x9F69 // what the checksum is to be made of
	tagNumberNumeric    tlv.Tag = 0x9F6A // the unpredictable number in digits
	tagStripeVersion    tlv.Tag = 0x9F6D
	tagMobileSupport    tlv.Tag = 0x9F7E
	tagErrorIndication  tlv.Tag = 0xDF8115
	tagTerminalEntropy  tlv.Tag = 0xDF8301 // relay resistance
	tagDeviceEntropy    tlv.Tag = 0xDF8302
	tagRelayMin         tlv.Tag = 0xDF8303
	tagRelayMax         tlv.Tag = 0xDF8304
	tagDeviceEstimate   tlv.Tag = 0xDF8305
	tagRelayMeasured    tlv.Tag = 0xDF8306
	tagRelayCounter     tlv.Tag = 0xDF8307
	tagTornTransaction  tlv.Tag = 0xFF8101
	tagOptionsData      tlv.Tag = 0xDF8111 // sent for the PDOL
	tagCryptogramData   tlv.Tag = 0xDF8107 // sent for CDOL1
	tagRecoveryData     tlv.Tag = 0xDF8113 // to be sent for DRDOL
	tagReferenceControl tlv.Tag = 0xDF8114 // P1 of GENERATE AC
)

// generatedTags come with a cryptogram or on demand. A card that puts one into
// its records does not get it believed.
var generatedTags = map[tlv.Tag]bool{
	tlv.ApplicationCryptogram: true, tlv.CryptogramInformation: true, tlv.ATC: true, tlv.IssuerApplicationData: true,
	tlv.SDAD: true, tlv.ICCDynamicNumber: true, tlv.DataAuthenticationCode: true,
	tagBalance: true, tagInteraction: true, tagChecksum: true,
}

// recognised tells whether a record may hold the object. Those of three bytes
// are the reader's own. EMV Contactless Book C-2, Annex A.
func recognised(t tlv.Tag) bool {
	const twoBytes = 0xFFFF
	d, known := tlv.Lookup(t)
	return known && d.Source&tlv.FromCard != 0 && t <= twoBytes && !generatedTags[t]
}

// The bits of the AIP. EMV Contactless Book C-2, Annex A.
const (
	aipCVM       = 0x10 // byte 1
	aipDeviceCVM = 0x02
	aipCDA       = 0x01
	aipEMV       = 0x80 // byte 2
	aipRelay     = 0x01
)

// The bits of 9F33 that decide something. EMV 4.4 Book 4, Annex A2.
const (
	capContact   = 0x20 // byte 1
	capOnlinePIN = 0x40 // byte 2
	capSignature = 0x20
	capNoCVM     = 0x08
	capCDA       = 0x08 // byte 3
	securityMask = 0xE8 // of byte 3: XDA is not this kernel's
)

// The bits of 9F5D, byte 2. EMV Contactless Book C-2, Annex A.
const (
	canSignAAC  = 0x01 // CDA over TC, ARQC and AAC
	canBalance  = 0x02
	canFieldOff = 0x04 // the field may be switched off for it to notice
)

// The bits of the TVR. EMV 4.4 Book 3, Annex C5, and EMV Contactless Book C-2,
// Annex A for those of relay resistance.
const (
	tvrODANotPerformed   emv.TVRBit = 0<<8 | 0x80
	tvrDataMissing       emv.TVRBit = 0<<8 | 0x20
	tvrExceptionFile     emv.TVRBit = 0<<8 | 0x10
	tvrCDAFailed         emv.TVRBit = 0<<8 | 0x04
	tvrCVMFailed         emv.TVRBit = 2<<8 | 0x80
	tvrCVMUnrecognised   emv.TVRBit = 2<<8 | 0x40
	tvrNoPINPad          emv.TVRBit = 2<<8 | 0x10
	tvrOnlinePIN         emv.TVRBit = 2<<8 | 0x04
	tvrFloorLimit        emv.TVRBit = 3<<8 | 0x80
	tvrForcedOnline      emv.TVRBit = 3<<8 | 0x08
	tvrRelayThreshold    emv.TVRBit = 4<<8 | 0x08
	tvrRelayTime         emv.TVRBit = 4<<8 | 0x04
	tvrRelayPerformed    emv.TVRBit = 4<<8 | 0x02
	tvrRelayNotPerformed emv.TVRBit = 4<<8 | 0x01
)
