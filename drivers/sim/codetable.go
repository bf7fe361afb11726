package sim

import (
	_ "embed" // the Chinese table
	"strings"
	"sync"
)

// The upper halves of the code tables that a slip may use, as vendors print
// them in their manuals. A byte without a character is a question mark.
const (
	table437 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ" +
		"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
		"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
		"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0"
	table850 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ" +
		"áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐" +
		"└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀" +
		"ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0"
	table1252 = "€?‚ƒ„…†‡ˆ‰Š‹Œ?Ž??‘’“”•–—˜™š›œ?žŸ" +
		"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿" +
		"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß" +
		"àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"
)

// tables by the number of ESC t; 858 is 850 with a euro sign.
var tables = map[byte][]rune{0: []rune(table437), 2: []rune(table850), 16: []rune(table1252), 19: []rune(table850)}

// decode is the character of a byte.
func decode(table, c byte) rune {
	const euro858 = 0xD5
	runes, ok := tables[table]
	switch {
	case c < 0x80:
		return rune(c)
	case !ok:
		return '?'
	case table == 19 && c == euro858:
		return '€'
	}
	return runes[c-0x80]
}

// gb2312 has a line for each first byte from A1 to F7, and in it a character
// for each second byte from A1 to FE; a box where the standard has none.
//
//go:embed gb2312.txt
var gb2312 string

// chinese is that table, split when first needed.
var chinese = sync.OnceValue(func() [][]rune {
	var rows [][]rune
	for line := range strings.Lines(gb2312) {
		rows = append(rows, []rune(strings.TrimSuffix(line, "\n")))
	}
	return rows
})

// decodeWide is the character of two bytes in GB 2312. What only its
// successors GBK and GB 18030 have is a box: Slip.Raw has the bytes.
func decodeWide(high, low byte) rune {
	row, cell := int(high)-0xA1, int(low)-0xA1
	if rows := chinese(); row >= 0 && row < len(rows) && cell >= 0 && cell < len(rows[row]) {
		return rows[row][cell]
	}
	return '□'
}
