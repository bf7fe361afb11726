package explain

import (
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// dataObjectList is EMV 4.4 Book 3, 5.4.
func dataObjectList(value []byte) []string {
	list, err := tlv.ParseDOL(value)
	if err != nil {
		return []string{"not a list: " + err.Error()}
	}
	var lines []string
	for _, e := range list {
		lines = append(lines, fmt.Sprintf("%s, %s", named(e.Tag), plural(e.Length, "byte")))
	}
	return lines
}

func tagList(value []byte) []string {
	list, err := tlv.ParseTags(value)
	if err != nil {
		return []string{"not a list: " + err.Error()}
	}
	var lines []string
	for _, t := range list {
		lines = append(lines, named(t))
	}
	return lines
}

func named(t tlv.Tag) string {
	d, known := tlv.Lookup(t)
	if !known {
		return t.String() + " unknown"
	}
	return t.String() + " " + d.Name
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// entrySize is the size of a file's entry in the AFL, and sfiMax the highest
// file. EMV 4.4 Book 3, 10.2.
const (
	entrySize = 4
	sfiMax    = 30
)

// locates reports whether a value keeps all rules of an AFL.
func locates(afl []byte) bool {
	for ; len(afl) >= entrySize; afl = afl[entrySize:] {
		if entryFault(afl) != "" {
			return false
		}
	}
	return len(afl) == 0
}

// entryFault says which rule of EMV 4.4 Book 3, 10.2 an entry breaks.
func entryFault(e []byte) string {
	sfi := e[0] >> 3
	switch {
	case e[0]&0x07 != 0 || sfi == 0 || sfi > sfiMax:
		return "the SFI is wrong"
	case e[1] == 0 || e[2] < e[1]:
		return "the records are wrong"
	case int(e[3]) > int(e[2])-int(e[1])+1:
		return "more records to authenticate than there are"
	}
	return ""
}

// fileLocator is EMV 4.4 Book 3, 10.2.
func fileLocator(value []byte) []string {
	var lines []string
	for ; len(value) >= entrySize; value = value[entrySize:] {
		records := fmt.Sprintf("record %d", value[1])
		if value[2] != value[1] {
			records = fmt.Sprintf("records %d to %d", value[1], value[2])
		}
		line := fmt.Sprintf("SFI %d, %s", value[0]>>3, records)
		switch {
		case entryFault(value) != "":
			line += ": " + entryFault(value)
		case value[3] == 1:
			line += fmt.Sprintf(", record %d for offline data authentication", value[1])
		case value[3] > 1:
			line += fmt.Sprintf(", records %d to %d for offline data authentication", value[1], value[1]+value[3]-1)
		}
		lines = append(lines, line)
	}
	if len(value) > 0 {
		lines = append(lines, plural(len(value), "byte")+" left over: entries have 4")
	}
	return lines
}

// Cryptogram types and reasons. EMV 4.4 Book 3, 6.5.5.4.
var (
	cryptograms = [4]string{"AAC: declined", "TC: approved offline", "ARQC: the issuer is asked", "reserved cryptogram type"}
	reasons     = [8]string{
		"no information", "service not allowed", "PIN try limit exceeded", "issuer authentication failed",
		"reserved reason", "reserved reason", "reserved reason", "reserved reason",
	}
)

func cryptogramInformation(value []byte) []string {
	cid := value[0]
	lines := []string{"bits 8 and 7: " + cryptograms[cid>>6]}
	if system := cid >> 4 & 3; system != 0 {
		lines = append(lines, fmt.Sprintf("bits 6 and 5: payment system's cryptogram %d", system))
	}
	if cid&0x08 != 0 {
		lines = append(lines, "bit 4: advice required")
	}
	if cid&0x07 != 0 {
		lines = append(lines, "bits 3 to 1: "+reasons[cid&0x07])
	}
	return lines
}

// methods and conditions are EMV 4.4 Book 3, Annex C3.
var methods = map[byte]string{
	0x00: "fail CVM processing",
	0x01: "plaintext PIN verified by the card",
	0x02: "enciphered PIN verified online",
	0x03: "plaintext PIN verified by the card, and signature",
	0x04: "enciphered PIN verified by the card",
	0x05: "enciphered PIN verified by the card, and signature",
	0x06: "facial biometric verified offline", 0x07: "facial biometric verified online",
	0x08: "finger biometric verified offline", 0x09: "finger biometric verified online",
	0x0A: "palm biometric verified offline", 0x0B: "palm biometric verified online",
	0x0C: "iris biometric verified offline", 0x0D: "iris biometric verified online",
	0x0E: "voice biometric verified offline", 0x0F: "voice biometric verified online",
	0x1E: "signature",
	0x1F: "no CVM required",
}

var conditions = map[byte]string{
	0x00: "always",
	0x01: "if unattended cash",
	0x02: "if not unattended cash, not manual cash and not purchase with cashback",
	0x03: "if the terminal supports the CVM",
	0x04: "if manual cash",
	0x05: "if purchase with cashback",
	0x06: "if in the application currency and under X",
	0x07: "if in the application currency and over X",
	0x08: "if in the application currency and under Y",
	0x09: "if in the application currency and over Y",
}

func method(b byte) string {
	code := b & 0x3F
	switch text, known := methods[code]; {
	case known:
		return text
	case code >= 0x20 && code < 0x30:
		return "payment system's method"
	case code >= 0x30 && code < 0x3F:
		return "issuer's method"
	}
	return "reserved method"
}

func condition(b byte) string {
	switch text, known := conditions[b]; {
	case known:
		return text
	case b >= 0x80:
		return "payment system's condition"
	}
	return "reserved condition"
}

// cvmList is EMV 4.4 Book 3, 10.5 and Annex C3.
func cvmList(value []byte) []string {
	const amounts, rule, succeeding = 8, 2, 0x40
	if len(value) < amounts || len(value)%rule != 0 {
		return []string{"not a list: two amounts of 4 bytes, then rules of 2"}
	}
	lines := []string{fmt.Sprintf("X is %s, Y is %s", binaryAmount(value[:4]), binaryAmount(value[4:8]))}
	rules := value[amounts:]
	for i := 0; i < len(rules); i += rule {
		next := "else verification has failed"
		if rules[i]&succeeding != 0 {
			next = "else the next rule"
		}
		if rules[i]&0x3F == 0 {
			next = "the list ends"
		}
		lines = append(lines, fmt.Sprintf("rule %d, %X: %s, %s; %s", i/rule+1, rules[i:i+rule],
			method(rules[i]), condition(rules[i+1]), next))
	}
	return lines
}

// cvmResults is EMV 4.4 Book 4, 6.3.4.5 and Annex A4.
func cvmResults(value []byte) []string {
	const size, none = 3, 0x3F
	if len(value) != size {
		return nil
	}
	results := map[byte]string{0: "unknown, the issuer or the merchant knows", 1: "failed", 2: "successful"}
	if value[0]&0x3F == none {
		return []string{"no CVM was performed", "result: " + orReserved(results[value[2]])}
	}
	return []string{
		"method: " + method(value[0]),
		"condition: " + condition(value[1]),
		"result: " + orReserved(results[value[2]]),
	}
}

// scriptResults is EMV 4.4 Book 4, A5. Kernel 2 has a data object list of the
// same tag, which does not look like it.
func scriptResults(value []byte) []string {
	const size, last = 5, 0x0F
	results := []string{"not performed", "failed", "successful"}
	var lines []string
	for rest := value; len(rest) > 0; rest = rest[size:] {
		if len(rest) < size || int(rest[0]>>4) >= len(results) {
			return nil
		}
		var line strings.Builder
		fmt.Fprintf(&line, "script %X: %s", rest[1:size], results[rest[0]>>4])
		switch at := rest[0] & last; at {
		case 0:
		case last:
			line.WriteString(" at command 15 or later")
		default:
			fmt.Fprintf(&line, " at command %d", at)
		}
		lines = append(lines, line.String())
	}
	return lines
}

// serviceCode tells by its first digit whether the card has a chip. ISO/IEC 7813.
func serviceCode(value []byte) []string {
	if len(value) != 2 || value[0]&0x0F != 2 && value[0]&0x0F != 6 {
		return nil
	}
	return []string{"the card has a chip"}
}

// format1 takes a response without tags apart: AIP and AFL, or what GENERATE
// AC gives. EMV 4.4 Book 3, 6.5.8.4 and 6.5.5.4. Others, a signature for one,
// stay whole.
func format1(n tlv.Node) []tlv.Node {
	const aipSize, entry, head, iadMax = 2, 4, 11, 32
	part := func(t tlv.Tag, from, to int) tlv.Node {
		return tlv.Node{Object: tlv.Object{Tag: t, Value: n.Value[from:to]}, Offset: n.Start + from}
	}
	size := len(n.Value)
	switch {
	case size >= aipSize+entry && (size-aipSize)%entry == 0 && locates(n.Value[aipSize:]):
		return []tlv.Node{part(tlv.AIP, 0, aipSize), part(tlv.AFL, aipSize, size)}
	case size >= head && size <= head+iadMax:
		parts := []tlv.Node{
			part(tlv.CryptogramInformation, 0, 1), part(tlv.ATC, 1, 3), part(tlv.ApplicationCryptogram, 3, head),
		}
		if size > head {
			parts = append(parts, part(tlv.IssuerApplicationData, head, size))
		}
		return parts
	}
	return nil
}
