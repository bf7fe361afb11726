package explain

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// meanings explain the objects that are made of bits or of parts.
var meanings = map[tlv.Tag]func([]byte) []string{
	tlv.TVR: flags(tvr), tlv.IACDefault: flags(tvr), tlv.IACDenial: flags(tvr), tlv.IACOnline: flags(tvr),
	0xDF8120: flags(tvr), 0xDF8121: flags(tvr), 0xDF8122: flags(tvr),
	tlv.TSI:                     flags(tsi),
	tlv.AIP:                     flags(aip),
	tlv.ApplicationUsageControl: flags(usage),
	tlv.TerminalCapabilities:    flags(capabilities),
	0xDF8117:                    flags(capabilities[:1]),
	0xDF8118:                    flags(capabilities[1:2]),
	0xDF8119:                    flags(capabilities[1:2]),
	0xDF811F:                    flags(capabilities[2:]),
	tlv.AdditionalCapabilities:  flags(additional),
	tlv.CTQ:                     flags(ctq),
	tlv.TTQ:                     qualifiers,
	0x9F5D:                      applicationCapabilities,
	0xDF811B:                    flags(kernelConfiguration),
	0xDF8129:                    outcome,
	0xDF8115:                    errorIndication,
	0xDF8116:                    userInterface,

	tlv.CryptogramInformation: cryptogramInformation,
	tlv.CVMList:               cvmList,
	tlv.CVMResults:            cvmResults,
	tlv.AFL:                   fileLocator,
	tlv.ScriptResults:         scriptResults,
	tlv.ServiceCode:           serviceCode,

	tlv.PDOL: dataObjectList, tlv.CDOL1: dataObjectList, tlv.CDOL2: dataObjectList, tlv.TDOL: dataObjectList,
	tlv.DDOL: dataObjectList, tlv.LogFormat: dataObjectList, 0x9F51: dataObjectList, 0xDF811A: dataObjectList,
	tlv.SDATagList: tagList, 0xDF8106: tagList, 0xDF8112: tagList,
}

// bits are the meanings of bits 8 to 1 of each byte; those without one are
// reserved.
type bits [][8]string

// flags explains the bits that are set.
func flags(table bits) func([]byte) []string {
	return func(value []byte) []string {
		var list []string
		for i, b := range value {
			for bit := range 8 {
				if b&(0x80>>bit) == 0 {
					continue
				}
				meaning := "reserved"
				if i < len(table) && table[i][bit] != "" {
					meaning = table[i][bit]
				}
				list = append(list, fmt.Sprintf("byte %d, bit %d: %s", i+1, 8-bit, meaning))
			}
		}
		return list
	}
}

// tvr is EMV 4.4 Book 3, Annex C5; the low bits of byte 5 are also kernel 2's.
var tvr = bits{
	{
		"offline data authentication was not performed", "SDA failed", "ICC data missing",
		"card appears on terminal exception file", "DDA failed", "CDA failed", "SDA selected", "XDA selected",
	}, {
		"ICC and terminal have different application versions", "expired application", "application not yet effective",
		"requested service not allowed for card product", "new card", "",
		"biometric performed and successful", "biometric template format not supported",
	}, {
		"cardholder verification was not successful", "unrecognised CVM", "PIN try limit exceeded",
		"PIN entry required and PIN pad not present or not working",
		"PIN entry required, PIN pad present, but PIN was not entered", "online CVM captured (an online PIN was entered)",
		"biometric required but capture device not working", "biometric required but bypassed",
	}, {
		"transaction exceeds floor limit", "lower consecutive offline limit exceeded",
		"upper consecutive offline limit exceeded", "transaction selected randomly for online processing",
		"merchant forced transaction online", "biometric try limit exceeded", "biometric type not supported",
		"XDA signature verification failed",
	}, {
		"default TDOL used", "issuer authentication failed", "script processing failed before final GENERATE AC",
		"script processing failed after final GENERATE AC", "relay resistance threshold exceeded (kernel 2)",
		"CA ECC key missing, or relay resistance time limits exceeded (kernel 2)",
		"ECC key recovery failed, or relay resistance performed (kernel 2)",
		"relay resistance not performed (kernel 2)",
	},
}

// tsi is EMV 4.4 Book 3, Annex C6.
var tsi = bits{{
	"offline data authentication was performed", "cardholder verification was performed",
	"card risk management was performed", "issuer authentication was performed",
	"terminal risk management was performed", "script processing was performed", "", "",
}, {}}

// aip is EMV 4.4 Book 3, Annex C1, with what contactless kernels read.
var aip = bits{
	{
		"XDA supported", "SDA supported", "DDA supported", "cardholder verification is supported",
		"terminal risk management is to be performed", "issuer authentication is supported",
		"on-device cardholder verification is supported (kernel 2)", "CDA supported",
	}, {
		"EMV mode (kernel 2), or magnetic stripe mode (kernel 3), is supported", "", "", "", "", "", "",
		"relay resistance is supported (kernel 2)",
	},
}

// usage is EMV 4.4 Book 3, Annex C2.
var usage = bits{
	{
		"valid for domestic cash transactions", "valid for international cash transactions",
		"valid for domestic goods", "valid for international goods",
		"valid for domestic services", "valid for international services",
		"valid at ATMs", "valid at terminals other than ATMs",
	},
	{"domestic cashback allowed", "international cashback allowed", "", "", "", "", "", ""},
}

// capabilities is EMV 4.4 Book 4, Annex A2.
var capabilities = bits{
	{"manual key entry", "magnetic stripe", "IC with contacts", "", "", "", "", ""},
	{
		"plaintext PIN for ICC verification", "enciphered PIN for online verification", "signature",
		"enciphered PIN for offline verification (RSA)", "no CVM required",
		"online biometric", "offline biometric", "enciphered PIN for offline verification (ECC)",
	},
	{"SDA", "DDA", "card capture", "", "CDA", "XDA", "", ""},
}

// additional is EMV 4.4 Book 4, Annex A3.
var additional = bits{
	{"cash", "goods", "services", "cashback", "inquiry", "transfer", "payment", "administrative"},
	{"cash deposit", "", "", "", "", "", "", ""},
	{"numeric keys", "alphabetic and special character keys", "command keys", "function keys", "", "", "", ""},
	{
		"print, attendant", "print, cardholder", "display, attendant", "display, cardholder", "", "",
		"code table 10", "code table 9",
	},
	{
		"code table 8", "code table 7", "code table 6", "code table 5",
		"code table 4", "code table 3", "code table 2", "code table 1",
	},
}
