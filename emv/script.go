package emv

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// sendScripts gives the next command of a list, or none when all is done. bit
// says that one has failed. EMV 4.4 Book 3, 10.10.
func (k *Kernel) sendScripts(list *script.List, bit TVRBit) (Action, bool) {
	command, more := list.Next()
	if list.Any() {
		k.tsi.set(tsiScripts)
	}
	if list.Failed() {
		k.tvr.Set(bit)
	}
	return Transmit{Command: command}, more
}

// scriptBefore sends templates 71, then asks for the second cryptogram.
func (k *Kernel) scriptBefore() (Action, error) {
	k.state = scriptingBefore
	if action, more := k.sendScripts(&k.before, tvrScriptBefore); more {
		return action, nil
	}
	k.noteScripts()
	return k.conclude()
}

func (k *Kernel) scriptedBefore(r Response) (Action, error) {
	k.before.Answer(r.sw())
	return k.scriptBefore()
}

// scriptAfter sends templates 72, after an AAC too, and ends.
func (k *Kernel) scriptAfter() (Action, error) {
	k.state = scriptingAfter
	if action, more := k.sendScripts(&k.after, tvrScriptAfter); more {
		return action, nil
	}
	return k.endScripts(), nil
}

func (k *Kernel) scriptedAfter(r Response) (Action, error) {
	k.after.Answer(r.sw())
	return k.scriptAfter()
}

func (k *Kernel) endScripts() Action {
	k.noteScripts()
	return k.complete()
}

// noteScripts writes 9F5B. EMV 4.4 Book 4, A5.
func (k *Kernel) noteScripts() {
	if results := slices.Concat(k.before.Results(), k.after.Results()); results != nil {
		k.terminal[tlv.ScriptResults] = results
	}
}
