package explain

import "fmt"

// ttq is EMV Contactless Book A, 5.7.
var ttq = bits{
	{
		"magnetic stripe mode supported", "", "EMV mode supported", "EMV contact chip supported",
		"offline-only reader", "online PIN supported", "signature supported",
		"offline data authentication for online authorisations supported",
	},
	{"online cryptogram required", "CVM required", "offline PIN supported (contact chip)", "", "", "", "", ""},
	{"issuer update processing supported", "consumer device CVM supported", "", "", "", "", "", ""},
	{"fDDA version 1 supported (older Visa and PBOC readers)", "", "", "", "", "", "", ""},
}

// qualifiers tells terminal transaction qualifiers, of four bytes, from what
// kernel 2 calls by the same tag, of two.
func qualifiers(value []byte) []string {
	const size = 4
	if len(value) != size {
		return nil
	}
	return flags(ttq)(value)
}

// ctq is EMV Contactless Book C-3, Annex A.
var ctq = bits{
	{
		"online PIN required", "signature required",
		"go online if offline data authentication fails and the reader can",
		"switch interface if offline data authentication fails and the reader can",
		"go online if the application has expired", "switch interface for cash", "switch interface for cashback",
		"not valid at contactless ATMs (older Visa cards)",
	},
	{"consumer device CVM performed", "issuer update processing supported", "", "", "", "", "", ""},
}

// applicationCapabilities is kernel 2's meaning of 9F5D, of three bytes. EMV
// Contactless Book C-2, Annex A.
func applicationCapabilities(value []byte) []string {
	const size = 3
	if len(value) != size {
		return nil
	}
	versions := fmt.Sprintf("byte 1: version %d, data storage version %d", value[0]>>4, value[0]&0x0F)
	return append([]string{versions}, flags(capabilityBits)([]byte{0, value[1]})...)
}

var capabilityBits = bits{{}, {
	"", "", "", "", "", "field off detection supported", "balance reading supported",
	"CDA over TC, ARQC and AAC supported",
}}

// kernelConfiguration is EMV Contactless Book C-2, Annex A.
var kernelConfiguration = bits{{
	"magnetic stripe mode not supported", "EMV mode not supported", "on-device cardholder verification supported",
	"relay resistance supported", "reserved for the payment system", "read all records even without CDA", "", "",
}}

// The outcome that a kernel gives. EMV Contactless Book C-2, Annex A.
var (
	outcomes = map[byte]string{
		1: "approved", 2: "declined", 3: "online request", 4: "end application", 5: "select next",
		6: "try another interface", 7: "try again",
	}
	starts   = map[byte]string{0: "start A", 1: "start B", 2: "start C", 3: "start D"}
	verified = map[byte]string{0: "no CVM", 1: "signature", 2: "online PIN", 3: "confirmation code verified"}
	provided = bits{{}, {}, {}, {}, {
		"user interface request on outcome", "user interface request on restart", "data record present",
		"discretionary data present", "receipt wanted", "", "", "",
	}}
)

func outcome(value []byte) []string {
	const size, none = 8, 0x0F
	if len(value) != size {
		return nil
	}
	high := func(place int, words map[byte]string) []string {
		nibble := value[place-1] >> 4
		switch text, known := words[nibble]; {
		case nibble == none:
			return nil
		case known:
			return []string{fmt.Sprintf("byte %d: %s", place, text)}
		}
		return []string{fmt.Sprintf("byte %d: reserved", place)}
	}
	list := append(high(1, outcomes), high(2, starts)...)
	list = append(list, high(4, verified)...)
	list = append(list, flags(provided)([]byte{0, 0, 0, 0, value[4]})...)
	if value[6] != 0xFF {
		list = append(list, fmt.Sprintf("byte 7: field off for %d ms", int(value[6])*100))
	}
	return list
}

// The layers of an error. EMV Contactless Book C-2, Annex A.
var (
	layer1 = map[byte]string{0: "ok", 1: "time-out", 2: "transmission", 3: "protocol"}
	layer2 = map[byte]string{
		0x00: "ok", 0x01: "card data missing", 0x02: "card authentication failed", 0x03: "status bytes",
		0x04: "parsing", 0x05: "limit exceeded", 0x06: "card data", 0x07: "magnetic stripe mode not supported",
		0x08: "no PPSE", 0x09: "PPSE fault", 0x0A: "candidate list empty", 0x0B: "data storage: reading",
		0x0C: "data storage: writing", 0x0D: "data storage: data", 0x0E: "data storage: no matching cryptogram",
		0x0F: "terminal data",
	}
	layer3 = map[byte]string{0: "ok", 1: "time-out", 2: "stopped", 3: "amount not present"}
)

func errorIndication(value []byte) []string {
	const size = 6
	if len(value) != size {
		return nil
	}
	list := []string{
		"layer 1: " + orReserved(layer1[value[0]]),
		"layer 2: " + orReserved(layer2[value[1]]),
		"layer 3: " + orReserved(layer3[value[2]]),
	}
	if value[3] != 0 || value[4] != 0 {
		list = append(list, fmt.Sprintf("status %X", value[3:5]))
	}
	return append(list, "message: "+orReserved(messages[value[5]]))
}

// What a reader shows. EMV Contactless Book A, 9.
var (
	messages = map[byte]string{
		0x03: "approved", 0x07: "not authorised", 0x09: "enter PIN", 0x0F: "processing error", 0x10: "remove card",
		0x14: "welcome", 0x15: "present card", 0x16: "processing", 0x17: "card read ok, please remove",
		0x18: "insert or swipe", 0x19: "present one card only", 0x1A: "approved, please sign",
		0x1B: "authorising, please wait", 0x1C: "insert, swipe or try another", 0x1D: "insert card", 0x1E: "no message",
		0x20: "see phone", 0x21: "present card again",
	}
	readerStates = map[byte]string{
		0: "not ready", 1: "idle", 2: "ready to read", 3: "processing", 4: "card read ok", 5: "processing error",
	}
)

func userInterface(value []byte) []string {
	const size = 22
	if len(value) != size {
		return nil
	}
	return []string{
		"message: " + orReserved(messages[value[0]]),
		"status: " + orReserved(readerStates[value[1]]),
	}
}

func orReserved(text string) string {
	if text == "" {
		return "reserved"
	}
	return text
}
