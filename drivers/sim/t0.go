package sim

// t0 is a card behind the T=0 protocol at the level of TPDUs: a header of five
// bytes, and data one way only. What goes the other way is fetched by the
// terminal: 61xx asks for GET RESPONSE, 6Cxx for the same command with another
// length. ISO/IEC 7816-3, 12.2; EMV 4.4 Book 1, 9.3.1.
type t0 struct {
	card    *Card
	before  func(command []byte) bool // tells whether the card is still there
	note    func(command, response []byte)
	pending []byte // waits for GET RESPONSE
	last    []byte // the status word that comes with its end
	again   []byte // a header answered with 6Cxx: its repetition is no new command
}

const insGetResponse = 0xC0

// readsOnly tells the commands that carry a length to read instead of data to
// write; T=0 cannot tell them by their form.
func readsOnly(ins byte) bool { return ins == 0xB2 || ins == 0xCA || ins == 0x84 }

// transmit answers one TPDU; a card that stays silent gives none. It reports
// false when the card is gone or when the bytes are no TPDU, which a reader
// cannot send.
func (t *t0) transmit(tpdu []byte) ([]byte, bool) {
	if len(tpdu) == 4 {
		tpdu = append(append([]byte{}, tpdu...), 0)
	}
	if len(tpdu) < 5 || len(tpdu) > 5 && len(tpdu) != 5+int(tpdu[4]) {
		return nil, false
	}
	if tpdu[1] == insGetResponse {
		return t.getResponse(tpdu), true
	}
	if t.again == nil || string(t.again) != string(tpdu[:4]) {
		if t.before != nil && !t.before(tpdu) {
			return nil, false
		}
	}
	t.again, t.pending = nil, nil
	if readsOnly(tpdu[1]) {
		return t.read(tpdu), true
	}
	command := tpdu
	if len(tpdu) == 5 {
		command = tpdu[:4]
		if tpdu[4] != 0 { // announces data that never came
			return status(nil, swWrongLength), true
		}
	}
	response := t.card.Exchange(command)
	t.log(tpdu, response)
	if len(response) < 2 {
		return nil, true
	}
	data, sw := response[:len(response)-2], response[len(response)-2:]
	if len(data) == 0 {
		return sw, true
	}
	t.pending, t.last = data, sw
	return []byte{0x61, byte(len(data))}, true
}

// read runs a command that reads, once the terminal knows how much there is.
func (t *t0) read(tpdu []byte) []byte {
	response := t.card.Exchange(tpdu)
	n := len(response) - 2
	if want := int(tpdu[4]); n > 0 && want%256 != n%256 {
		t.again = append([]byte{}, tpdu[:4]...)
		return []byte{0x6C, byte(n)}
	}
	t.log(tpdu, response)
	return response
}

// getResponse hands over what waits; when nothing does, the card is asked.
func (t *t0) getResponse(tpdu []byte) []byte {
	want := int(tpdu[4])
	if want == 0 {
		want = 256
	}
	switch n := len(t.pending); {
	case n == 0:
		return t.card.Exchange(tpdu)
	case want > n:
		return []byte{0x6C, byte(n)}
	case want < n:
		part := t.pending[:want]
		t.pending = t.pending[want:]
		return append(append([]byte{}, part...), 0x61, byte(len(t.pending)))
	}
	data := t.pending
	t.pending = nil
	return append(append([]byte{}, data...), t.last...)
}

func (t *t0) log(command, response []byte) {
	if t.note != nil {
		t.note(command, response)
	}
}
