package mqttproxy

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// FuzzPacket compares the framing with that of an independent library.
func FuzzPacket(f *testing.F) {
	for _, qos := range []byte{0, 1} {
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Qos, p.MessageID, p.Payload = "cloudpos/v1/dev/t1/up/request", qos, 7, []byte(`{"key":{"leg":"reverse"}}`)
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte{0xD0, 0x00, 0xD0})
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		packet, err := readPacket(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		if !bytes.HasPrefix(b, packet) {
			t.Fatalf("% x is no beginning of % x", packet, b)
		}
		m, ok, err := message(packet)
		if !ok || err != nil {
			return
		}
		their, err := packets.ReadPacket(bytes.NewReader(packet))
		if err != nil {
			return // it is stricter about flags
		}
		if p, is := their.(*packets.PublishPacket); !is || p.TopicName != m.Topic || len(p.Payload) != m.Size {
			t.Errorf("% x reads as %+v, and as %v to others", packet, m, their)
		}
	})
}

func TestMessageOfEachQoS(t *testing.T) {
	for _, qos := range []byte{0, 1, 2} {
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Qos, p.MessageID = "cloudpos/v1/dev/t1/up/request", qos, 7
		p.Payload = append([]byte(`{"key":{"leg":"reverse","seq":9}}`), bytes.Repeat([]byte(" "), 20_000)...)
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		packet, err := readPacket(bufio.NewReader(&b))
		if err != nil {
			t.Fatal(err)
		}
		m, ok, err := message(packet)
		if !ok || err != nil || m.Kind != "request" || m.Key.Leg != "reverse" || m.Key.Seq != 9 || m.Size != len(p.Payload) {
			t.Errorf("QoS %d: %+v, %v, %v", qos, m, ok, err)
		}
	}
}
