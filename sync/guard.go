package cloudsync

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cloudpos/cloudpos/sync/wire"
)

// packetMax bounds what a broker may send in one MQTT packet: a message, its
// topic and the heads.
const packetMax = wire.MessageMax + 1024

// errPacket ends a connection whose broker sends what is no use.
var errPacket = errors.New("the broker sent a malformed or oversized packet")

// guard is the terminal's side of a connection. It looks at the heads of
// incoming MQTT packets before the client does, which would allocate as much
// as a head claims (up to 256 MB) and index its subscriptions by the length of
// a SUBACK. It also bounds each write and the end: the client writes its pings
// without a deadline.
type guard struct {
	net.Conn
	raw          net.Conn // below TLS
	writeTimeout time.Duration
	subackMax    int // longest SUBACK, in bytes behind the head

	err   error
	kind  byte // of the packet whose length is being read
	shift uint // how far into that length, plus 7; 0 at the start of a packet
	size  int
	body  int // bytes of the packet still to come
}

// Write implements net.Conn.
func (g *guard) Write(b []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(g.writeTimeout)); err != nil {
		return 0, err
	}
	return g.Conn.Write(b)
}

// Close implements net.Conn. TLS says goodbye first, which takes five seconds
// on a network that takes no bytes any more; it is given less.
func (g *guard) Close() error {
	defer time.AfterFunc(quiesce, func() { _ = g.raw.Close() }).Stop()
	return g.Conn.Close()
}

// Read implements net.Conn. It is called by one goroutine at a time.
func (g *guard) Read(b []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.Conn.Read(b)
	if g.err = g.inspect(b[:n]); g.err != nil {
		return 0, g.err
	}
	return n, err
}

// inspect follows the packets' framing, MQTT 3.1.1 section 2.2.
func (g *guard) inspect(b []byte) error {
	for len(b) > 0 {
		if g.body > 0 {
			n := min(g.body, len(b))
			g.body -= n
			b = b[n:]
			continue
		}
		if err := g.head(b[0]); err != nil {
			return err
		}
		b = b[1:]
	}
	return nil
}

func (g *guard) head(b byte) error {
	if g.shift == 0 {
		g.kind, g.shift, g.size = b>>4, 7, 0
		return nil
	}
	g.size |= int(b&0x7F) << (g.shift - 7)
	if b&0x80 != 0 {
		if g.shift += 7; g.shift > 4*7 {
			return fmt.Errorf("cloudsync: %w: a length of more than four bytes", errPacket)
		}
		return nil
	}
	g.shift = 0
	const suback = 9
	if g.size > packetMax || g.kind == suback && g.size > g.subackMax {
		return fmt.Errorf("cloudsync: %w: type %d with %d bytes", errPacket, g.kind, g.size)
	}
	g.body = g.size
	return nil
}
