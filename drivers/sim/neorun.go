package sim

import (
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

const neoLights = 4

// Status codes. NEO 2 Interface Developer's Guide, status code table.
const (
	neoOK        = 0x00
	neoUnknown   = 0x02 // command
	neoSubWrong  = 0x03
	neoCRC       = 0x04
	neoParameter = 0x05
	neoTime      = 0x08
	neoFailed    = 0x0A
	neoMode      = 0x0B
)

// The error codes behind neoFailed.
const (
	neoCollision = 0x21
	neoMute      = 0x30
)

// neoVerb is a command that the reader knows.
type neoVerb struct {
	high   bool // its CRC has the high byte first
	inside bool // it works in pass-through mode
	beyond bool // and outside of it
	do     func(r *neoReader, code byte, data []byte) bool
}

// neoVerbs are the commands by code and sub-command. They report false for a wrong
// parameter.
func neoVerbs() map[[2]byte]neoVerb {
	return map[[2]byte]neoVerb{
		{0x18, 0x01}: {false, true, true, (*neoReader).ping},
		{0x01, 0x01}: {false, false, true, (*neoReader).pollMode},
		{0x28, 0x01}: {true, true, true, (*neoReader).antenna},
		{0x2C, 0x01}: {true, true, true, (*neoReader).passThrough},
		{0x2C, 0x03}: {true, true, false, (*neoReader).exchange},
		{0x2C, 0x0C}: {true, true, false, (*neoReader).poll},
		{0x0A, 0x02}: {true, true, false, (*neoReader).light},
		{0x0B, 0x01}: {true, true, false, (*neoReader).shortBeeps},
		{0x0B, 0x02}: {true, true, false, (*neoReader).longBeep},
	}
}

// run does one command.
func (r *neoReader) run(c neoCommand) {
	verbs := neoVerbs()
	v, known := verbs[[2]byte{c.code, c.sub}]
	family := false // whether there is such a command with any sub-command
	for k := range verbs {
		family = family || k[0] == c.code
	}
	switch {
	case !c.low && !c.high, known && v.high && !c.high, known && !v.high && !c.low:
		r.say(c.code, neoCRC)
	case !known && family:
		r.say(c.code, neoSubWrong)
	case !known:
		r.say(c.code, neoUnknown)
	case r.through && !v.inside, !r.through && !v.beyond:
		r.say(c.code, neoMode)
	case !v.do(r, c.code, c.data):
		r.say(c.code, neoParameter)
	}
}

// say answers, at once.
func (r *neoReader) say(code, status byte, data ...byte) {
	r.out(neoAnswer(code, status, data), answer)
}

func (r *neoReader) ping(code byte, _ []byte) bool {
	r.say(code, neoOK)
	return true
}

func (r *neoReader) pollMode(code byte, data []byte) bool {
	if len(data) != 1 || data[0] > 1 {
		return false
	}
	r.demand = data[0] == 1
	r.say(code, neoOK)
	return true
}

// passThrough begins or ends that mode, which ends with the field off.
func (r *neoReader) passThrough(code byte, data []byte) bool {
	if len(data) != 1 || data[0] > 1 {
		return false
	}
	if r.through = data[0] == 1; !r.through {
		r.fieldOff()
	}
	r.say(code, neoOK)
	return true
}

func (r *neoReader) antenna(code byte, data []byte) bool {
	if len(data) != 1 || data[0] > 1 {
		return false
	}
	if data[0] == 0 {
		r.fieldOff()
	} else {
		r.fieldOn()
	}
	r.say(code, neoOK)
	return true
}

// fieldOff takes the power from all cards.
func (r *neoReader) fieldOff() {
	r.on = false
	for _, h := range r.field {
		h.active = false
	}
}

// fieldOn resets them, if they had none.
func (r *neoReader) fieldOn() {
	if r.on {
		return
	}
	r.on = true
	for _, h := range r.field {
		h.card.chip.reset()
	}
}

// poll looks for a card until one is there, or for as long as the host says.
func (r *neoReader) poll(code byte, data []byte) bool {
	const size = 4
	if len(data) != size || data[0]|data[1] == 0 {
		return false
	}
	r.fieldOn()
	limit := time.Duration(data[0])*time.Second + time.Duration(data[1])*10*time.Millisecond
	if !r.activate(code) {
		came := func() { _ = r.activate(code) }
		r.later(limit, &musing{came: came}, func() { r.say(code, neoTime) })
	}
	return true
}

// activate brings up the card that is there, and reports false when there is none
// that answers: one that is active does not.
func (r *neoReader) activate(code byte) bool {
	if len(r.field) == 0 || len(r.field) == 1 && r.field[0].active {
		return false
	}
	h := r.field[0]
	failed := byte(0)
	switch {
	case len(r.field) > 1 || h.wallet:
		failed = neoCollision
	case h.card.chip.p.Behaviour == issuer.Mute:
		failed = neoMute
	}
	gone := func() { r.say(code, neoTime) }
	r.later(activateTime, &musing{left: gone}, func() {
		if failed != 0 {
			r.say(code, neoFailed, failed)
			return
		}
		h.active = true
		r.say(code, neoOK, 1+byte(h.kind), 0x08, 0x11, 0x22, 0x33)
	})
	return true
}

// exchange gives the active card a command.
func (r *neoReader) exchange(code byte, data []byte) bool {
	gone := func() { r.say(code, neoTime) }
	if len(r.field) == 0 || !r.field[0].active {
		r.later(silenceTime, &musing{}, gone)
		return true
	}
	response, took := r.field[0].card.Exchange(data)
	r.later(took, &musing{left: gone}, func() {
		if response == nil {
			r.field = nil
			gone()
			return
		}
		r.say(code, neoOK, response...)
	})
	return true
}

// light switches one light, or all.
func (r *neoReader) light(code byte, data []byte) bool {
	const all = 0xFF
	if len(data) != 2 || data[1] > 1 || data[0] >= neoLights && data[0] != all {
		return false
	}
	for n := range r.lights {
		if data[0] == all || n == int(data[0]) {
			r.lights[n] = data[1] == 1
		}
	}
	r.say(code, neoOK)
	return true
}

// shortBeeps gives one to four tones.
func (r *neoReader) shortBeeps(code byte, data []byte) bool {
	return len(data) == 1 && data[0] >= 1 && data[0] <= 4 && r.beep(code, data[0])
}

// longBeep gives one of four lengths.
func (r *neoReader) longBeep(code byte, data []byte) bool {
	const long = 0x10
	return len(data) == 1 && data[0] < 4 && r.beep(code, long|data[0])
}

func (r *neoReader) beep(code, tone byte) bool {
	r.beeps = append(r.beeps, tone)
	r.say(code, neoOK)
	return true
}
