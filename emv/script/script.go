// Package script takes an issuer's scripts to a card, for all kernels alike:
// which command is next, when a script has failed, and what the issuer is told
// of it. EMV 4.4 Book 3, 10.10 and Annex E.
//
//	before, after := script.Parse(templates)
//	for command, more := before.Next(); more; command, more = before.Next() {
//		before.Answer(apdu.Status(response))
//	}
package script

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bounds of issuer scripts. EMV 4.4 Book 3, 10.10 limits all of them to 128
// bytes; what a host sends beyond is still sent, up to a bound.
const (
	scriptsMax = 1024
	idSize     = 4
	commandMin = 4
	commandMax = 261
)

// Results of a script: the first nibble of its entry in 9F5B. EMV 4.4 Book 4, A5.
const (
	failed     = 0x10
	successful = 0x20
	placeMax   = 0x0F // of the failed command: 15 or later
)

// script is one template 71 or 72.
type script struct {
	id       [idSize]byte
	commands [][]byte
	next     int // the command to send
	result   byte
	broken   bool // cannot be read: nothing of it is sent
}

// A List are the scripts of one kind, and the place among their commands. The
// zero value has none.
type List struct {
	scripts []script
	running int // the script that is being sent
	failed  bool
}

// Parse sorts the templates of a host's answer: 71, which are for before the
// second GENERATE AC, and 72, which are for after it. What cannot be taken apart
// becomes a script that has failed. EMV 4.4 Book 3, 10.10.
func Parse(templates []byte) (before, after List) {
	objects, err := tlv.Parse(templates)
	if err != nil || len(templates) > scriptsMax {
		return List{scripts: []script{{broken: true}}}, List{}
	}
	for _, o := range objects {
		switch o.Tag {
		case tlv.Script1:
			before.scripts = append(before.scripts, parse(o.Value))
		case tlv.Script2:
			after.scripts = append(after.scripts, parse(o.Value))
		}
	}
	return before, after
}

// parse reads identifier and commands. EMV 4.4 Book 3, Annex E.
func parse(template []byte) script {
	var s script
	objects, err := tlv.Parse(template)
	if err != nil {
		s.broken = true
		return s
	}
	for _, o := range objects {
		switch {
		case o.Tag == tlv.ScriptIdentifier && len(o.Value) == idSize:
			copy(s.id[:], o.Value)
		case o.Tag == tlv.ScriptIdentifier:
			s.broken = true
		case o.Tag == tlv.ScriptCommand && (len(o.Value) < commandMin || len(o.Value) > commandMax):
			s.broken = true
		case o.Tag == tlv.ScriptCommand:
			s.commands = append(s.commands, slices.Clone(o.Value))
		}
	}
	return s
}

// Any reports whether there is a script.
func (l *List) Any() bool { return len(l.scripts) > 0 }

// Failed reports whether one of them has failed so far.
func (l *List) Failed() bool { return l.failed }

// Next gives the next command, or none when all is done.
func (l *List) Next() (command []byte, more bool) {
	for ; l.running < len(l.scripts); l.running++ {
		s := &l.scripts[l.running]
		if s.broken {
			l.failed = true
			continue
		}
		if s.next < len(s.commands) {
			s.next++
			return slices.Clone(s.commands[s.next-1]), true
		}
	}
	return nil, false
}

// Answer takes the status word of the command that Next gave last. 90, 62 and
// 63 are as good as a success; after a failure the rest of the script is left
// out. EMV 4.4 Book 3, 10.10.
func (l *List) Answer(status uint16) {
	switch status >> 8 {
	case 0x90, 0x62, 0x63:
		if s := &l.scripts[l.running]; s.next == len(s.commands) {
			s.result = successful
		}
	default:
		l.Break()
	}
}

// Break takes that the command which Next gave last was not answered.
func (l *List) Break() {
	s := &l.scripts[l.running]
	s.result = failed | byte(min(s.next, placeMax))
	s.next = len(s.commands)
	l.failed = true
}

// Results writes 9F5B: five bytes for each script. EMV 4.4 Book 4, A5.
func (l *List) Results() []byte {
	var results []byte
	for _, s := range l.scripts {
		results = append(append(results, s.result), s.id[:]...)
	}
	return results
}
