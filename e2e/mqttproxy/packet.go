package mqttproxy

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// packetMax bounds an MQTT packet, in bytes behind its head.
const packetMax = 1 << 20

// publish is the type of PUBLISH in the upper half of a packet's first byte.
const publish = 3

var errPacket = errors.New("mqttproxy: malformed packet")

// readPacket reads one MQTT packet whole, MQTT 3.1.1 section 2.2.
func readPacket(r *bufio.Reader) ([]byte, error) {
	first, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	packet, size := []byte{first}, 0
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return nil, midway(err)
		}
		packet = append(packet, b)
		size |= int(b&0x7F) << shift
		if b&0x80 == 0 {
			break
		}
		if shift == 3*7 {
			return nil, fmt.Errorf("%w: a length of more than four bytes", errPacket)
		}
	}
	if size > packetMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errPacket, size, packetMax)
	}
	head := len(packet)
	packet = append(packet, make([]byte, size)...)
	if _, err := io.ReadFull(r, packet[head:]); err != nil {
		return nil, midway(err)
	}
	return packet, nil
}

// midway is an end where none may be.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// message reads what a PUBLISH is about, MQTT 3.1.1 section 3.3; ok is false
// for other packets. A payload without a key, such as a hello's, leaves Key
// zero, and a topic that is not one of ours leaves Kind empty.
func message(packet []byte) (m Message, ok bool, err error) {
	if packet[0]>>4 != publish {
		return Message{}, false, nil
	}
	body := packet[1:]
	for body[0]&0x80 != 0 {
		body = body[1:]
	}
	body = body[1:]
	if len(body) < 2 || len(body)-2 < int(binary.BigEndian.Uint16(body)) {
		return Message{}, true, fmt.Errorf("%w: a PUBLISH without its topic", errPacket)
	}
	topic, payload := string(body[2:2+binary.BigEndian.Uint16(body)]), body[2+binary.BigEndian.Uint16(body):]
	if qos := packet[0] >> 1 & 3; qos > 0 {
		if len(payload) < 2 {
			return Message{}, true, fmt.Errorf("%w: a PUBLISH without its id", errPacket)
		}
		payload = payload[2:]
	}
	m = Message{Topic: topic, Size: len(payload)}
	if _, _, kind, err := wire.ParseTopic(topic); err == nil {
		m.Kind = kind
	}
	var keyed struct {
		Key wire.Key `json:"key"`
	}
	if json.Unmarshal(payload, &keyed) == nil {
		m.Key = keyed.Key
	}
	return m, true, nil
}
