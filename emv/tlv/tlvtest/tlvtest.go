// Package tlvtest is the notation of card data in transcripts.
//
// Data objects are written as TAG[content], with further objects, hex or
// "text" as content; lengths are worked out. Anything else is plain hex:
//
//	6F[84["1PAY.SYS.DDF01"] A5[88[01]]] 9000
package tlvtest

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Parse makes bytes of it.
func Parse(s string) ([]byte, error) {
	out, rest, err := parseContent(s)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q is left over", rest)
	}
	return out, err
}

// parseContent reads up to the end or an unmatched bracket.
func parseContent(s string) (out []byte, rest string, err error) {
	for {
		s = strings.TrimLeft(s, " ")
		switch {
		case s == "" || s[0] == ']':
			return out, s, nil
		case s[0] == '"':
			text, after, ok := strings.Cut(s[1:], `"`)
			if !ok {
				return nil, "", fmt.Errorf("unended text %s", s)
			}
			out, s = append(out, text...), after
			continue
		}
		n := len(s) - len(strings.TrimLeft(s, "0123456789ABCDEF"))
		digits, err := hex.DecodeString(s[:n])
		if err != nil || n == 0 {
			return nil, "", fmt.Errorf("bad hex at %q", s)
		}
		s = s[n:]
		if !strings.HasPrefix(s, "[") {
			out = append(out, digits...)
			continue
		}
		inner, after, err := parseContent(s[1:])
		if err != nil {
			return nil, "", err
		}
		if !strings.HasPrefix(after, "]") {
			return nil, "", fmt.Errorf("unended object %X", digits)
		}
		var tag tlv.Tag
		for _, b := range digits {
			tag = tag<<8 | tlv.Tag(b)
		}
		out, s = tlv.Append(out, tag, inner), after[1:]
	}
}

// Format writes objects of one level; what cannot be parsed is hex.
func Format(data []byte) string {
	objects, err := tlv.Parse(data)
	if err != nil {
		return fmt.Sprintf("%X", data)
	}
	parts := make([]string, len(objects))
	for i, o := range objects {
		parts[i] = fmt.Sprintf("%v[%X]", o.Tag, o.Value)
	}
	return strings.Join(parts, " ")
}
