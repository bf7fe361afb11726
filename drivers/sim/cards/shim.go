package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// The instructions of commands. EMV 4.4 Book 3, 6.5 and Book 1, 11.3; GET
// RESPONSE is ISO/IEC 7816-4's.
const (
	insVerify      = 0x20
	insExternal    = 0x82
	insChallenge   = 0x84
	insInternal    = 0x88
	insSelect      = 0xA4
	insGPO         = 0xA8
	insGetData     = 0xCA
	insGenerate    = 0xAE
	insRead        = 0xB2
	insGetResponse = 0xC0
)

// Cryptogram types of 9F27. EMV 4.4 Book 3, table 15.
const (
	cidAAC = 0x00
	cidTC  = 0x40
	cidRFU = 0xC0
)

const swOK = 0x9000

// plainAAC is an AAC in format 1, which nobody signs: CID, ATC, cryptogram.
var plainAAC = []byte{0x80, 11, cidAAC, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}

// ins is the instruction of a command.
func ins(command []byte) byte {
	if len(command) < 2 {
		return 0
	}
	return command[1]
}

// always is a shim without a memory.
func always(s sim.Shim) func() sim.Shim { return func() sim.Shim { return s } }

// status is an answer without data.
func status(sw uint16) []byte { return []byte{byte(sw >> 8), byte(sw)} }

// success is an answer with data.
func success(data []byte) []byte { return append(append([]byte{}, data...), 0x90, 0x00) }

// succeeded splits a good answer.
func succeeded(answer []byte) (data []byte, ok bool) {
	n := len(answer) - 2
	if n < 0 || answer[n] != 0x90 || answer[n+1] != 0x00 {
		return nil, false
	}
	return answer[:n], true
}

// spoil changes the data of each good answer to an instruction.
func spoil(instruction byte, change func(data []byte) []byte) func() sim.Shim {
	return always(func(command []byte, chip func([]byte) []byte) []byte {
		answer := chip(command)
		if data, ok := succeeded(answer); ok && ins(command) == instruction {
			return success(change(data))
		}
		return answer
	})
}

// refuse answers an instruction by a status word; the chip is not asked.
func refuse(instruction byte, sw uint16) func() sim.Shim {
	return instead(instruction, status(sw))
}

// instead answers an instruction; the chip is not asked. nil is silence.
func instead(instruction byte, answer []byte) func() sim.Shim {
	return always(func(command []byte, chip func([]byte) []byte) []byte {
		if ins(command) == instruction {
			return answer
		}
		return chip(command)
	})
}

// first and second are the GENERATE AC commands of a transaction.
const (
	first  = 1
	second = 2
)

// generated changes the answer to one of the GENERATE AC commands. What change
// gets is the whole answer.
func generated(which int, change func(answer []byte) []byte) func() sim.Shim {
	return func() sim.Shim {
		asked := 0
		return func(command []byte, chip func([]byte) []byte) []byte {
			answer := chip(command)
			switch ins(command) {
			case insGPO:
				asked = 0
			case insGenerate:
				if asked++; asked == which {
					return change(answer)
				}
			}
			return answer
		}
	}
}

// inTemplate changes the objects of a template around all the data; what is no
// such template stays as it is.
func inTemplate(template tlv.Tag, change func([]tlv.Object) []tlv.Object) func([]byte) []byte {
	return func(data []byte) []byte {
		value, err := tlv.One(data, template)
		if err != nil {
			return data
		}
		objects, err := tlv.Parse(value)
		if err != nil {
			return data
		}
		return tlv.Append(nil, template, encode(change(objects)))
	}
}

func encode(objects []tlv.Object) []byte {
	var b []byte
	for _, o := range objects {
		b = tlv.Append(b, o.Tag, o.Value)
	}
	return b
}

// inRecord changes an object of whichever record has it.
func inRecord(tag tlv.Tag, change func(value []byte) []tlv.Object) func() sim.Shim {
	return spoil(insRead, inTemplate(tlv.RecordTemplate, func(objects []tlv.Object) []tlv.Object {
		return each(objects, tag, change)
	}))
}

// inData answers GET DATA of a tag.
func inData(tag tlv.Tag, value ...byte) func() sim.Shim {
	return always(func(command []byte, chip func([]byte) []byte) []byte {
		if ins(command) == insGetData && len(command) >= 4 && tlv.Tag(command[2])<<8|tlv.Tag(command[3]) == tag {
			return success(tlv.Append(nil, tag, value))
		}
		return chip(command)
	})
}

// inCryptogram changes an object of the answer to a GENERATE AC.
func inCryptogram(which int, tag tlv.Tag, change func(value []byte) []tlv.Object) func() sim.Shim {
	edit := inTemplate(tlv.ResponseFormat2, func(objects []tlv.Object) []tlv.Object {
		return each(objects, tag, change)
	})
	return generated(which, func(answer []byte) []byte {
		if data, ok := succeeded(answer); ok {
			return success(edit(data))
		}
		return answer
	})
}

// each replaces the objects of a tag by what change makes of their value.
func each(objects []tlv.Object, tag tlv.Tag, change func(value []byte) []tlv.Object) []tlv.Object {
	var all []tlv.Object
	for _, o := range objects {
		if o.Tag == tag {
			all = append(all, change(o.Value)...)
		} else {
			all = append(all, o)
		}
	}
	return all
}

// missing leaves an object out.
func missing([]byte) []tlv.Object { return nil }

// set gives an object another value.
func set(tag tlv.Tag, value ...byte) func([]byte) []tlv.Object {
	return func([]byte) []tlv.Object { return []tlv.Object{{Tag: tag, Value: value}} }
}

// flip turns a bit in the middle of an object's value, as a wrong key would.
func flip(tag tlv.Tag) func([]byte) []tlv.Object {
	return func(value []byte) []tlv.Object {
		b := append([]byte{}, value...)
		b[len(b)/2] ^= 0x10
		return []tlv.Object{{Tag: tag, Value: b}}
	}
}
