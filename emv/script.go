package emv

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// Bounds of issuer scripts. EMV 4.4 Book 3, 10.10 limits all of them to 128
// bytes; what a host sends beyond is still sent, up to a bound.
const (
	scriptsMax       = 1024
	scriptIDSize     = 4
	scriptCommandMin = 4
	scriptCommandMax = 261
)

// Results of a script: the first nibble of its entry in 9F5B. EMV 4.4 Book 4, A5.
const (
	scriptNotPerformed = 0x00
	scriptFailed       = 0x10
	scriptSuccessful   = 0x20
	scriptPlaceMax     = 0x0F // of the failed command: 15 or later
)

// script is one template 71 or 72.
type script struct {
	id       [scriptIDSize]byte
	commands [][]byte
	next     int // the command to send
	result   byte
	bit      tvrBit // set when it fails
	broken   bool   // cannot be read: nothing of it is sent
}

// parseScripts sorts the templates of a host's answer. What cannot be taken
// apart becomes a broken script. EMV 4.4 Book 3, 10.10.
func parseScripts(data []byte) (before, after []script) {
	objects, err := tlv.Parse(data)
	if err != nil || len(data) > scriptsMax {
		return []script{{bit: tvrScriptBefore, broken: true}}, nil
	}
	for _, o := range objects {
		switch o.Tag {
		case tlv.Script1:
			before = append(before, parseScript(o.Value, tvrScriptBefore))
		case tlv.Script2:
			after = append(after, parseScript(o.Value, tvrScriptAfter))
		}
	}
	return before, after
}

// parseScript reads identifier and commands. EMV 4.4 Book 3, Annex E.
func parseScript(template []byte, bit tvrBit) script {
	s := script{bit: bit}
	objects, err := tlv.Parse(template)
	if err != nil {
		s.broken = true
		return s
	}
	for _, o := range objects {
		switch {
		case o.Tag == tlv.ScriptIdentifier && len(o.Value) == scriptIDSize:
			copy(s.id[:], o.Value)
		case o.Tag == tlv.ScriptIdentifier:
			s.broken = true
		case o.Tag == tlv.ScriptCommand && (len(o.Value) < scriptCommandMin || len(o.Value) > scriptCommandMax):
			s.broken = true
		case o.Tag == tlv.ScriptCommand:
			s.commands = append(s.commands, slices.Clone(o.Value))
		}
	}
	return s
}

// fail notes that the command that was sent last failed.
func (s *script) fail(t *tvr) {
	s.result = scriptFailed | byte(min(s.next, scriptPlaceMax))
	s.next = len(s.commands)
	t.set(s.bit)
}

// answered takes a command's result. EMV 4.4 Book 3, 10.10: 90, 62 and 63 are
// as good as a success.
func (s *script) answered(r Response, t *tvr) {
	switch r.sw() >> 8 {
	case 0x90, 0x62, 0x63:
		if s.next == len(s.commands) {
			s.result = scriptSuccessful
		}
	default:
		s.fail(t)
	}
}

// sendScripts gives the next command, or none when all is done.
func (k *Kernel) sendScripts(list []script) (Action, bool) {
	for k.running < len(list) {
		if k.running >= 0 {
			if s := &list[k.running]; s.next < len(s.commands) && !s.broken {
				s.next++
				return Transmit{Command: slices.Clone(s.commands[s.next-1])}, true
			}
		}
		k.running++
		if k.running < len(list) {
			k.tsi.set(tsiScripts)
			if list[k.running].broken {
				k.tvr.set(list[k.running].bit)
			}
		}
	}
	return nil, false
}

// scriptBefore sends templates 71, then asks for the second cryptogram.
func (k *Kernel) scriptBefore() (Action, error) {
	k.state = scriptingBefore
	if action, more := k.sendScripts(k.before); more {
		return action, nil
	}
	k.noteScripts()
	return k.conclude()
}

func (k *Kernel) scriptedBefore(r Response) (Action, error) {
	k.before[k.running].answered(r, &k.tvr)
	return k.scriptBefore()
}

// scriptAfter sends templates 72, after an AAC too, and ends.
func (k *Kernel) scriptAfter() (Action, error) {
	k.state = scriptingAfter
	if action, more := k.sendScripts(k.after); more {
		return action, nil
	}
	return k.endScripts(), nil
}

func (k *Kernel) scriptedAfter(r Response) (Action, error) {
	k.after[k.running].answered(r, &k.tvr)
	return k.scriptAfter()
}

func (k *Kernel) endScripts() Action {
	k.noteScripts()
	return k.complete()
}

// noteScripts writes 9F5B: five bytes for each script. EMV 4.4 Book 4, A5.
func (k *Kernel) noteScripts() {
	var results []byte
	for _, s := range slices.Concat(k.before, k.after) {
		results = append(append(results, s.result), s.id[:]...)
	}
	if results != nil {
		k.terminal[tlv.ScriptResults] = results
	}
}
