package cloudsync

import (
	"context"
	"errors"
)

// ErrClosed is what a Conn's Publish fails with when the connection was gone
// before: not one byte of the message was written. Every other failure leaves
// open whether the message arrives.
var ErrClosed = errors.New("the connection is closed")

// Transport opens connections to the broker.
type Transport interface {
	// Connect opens a connection as client, subscribed to exactly the given
	// topics, at most once delivery, with no state kept from the one before. It
	// fails when a subscription is refused.
	//
	// deliver is called for each message, one at a time, from before Connect
	// returns until Close has returned. It must not block; it owns payload.
	Connect(ctx context.Context, client string, topics []string, deliver func(topic string, payload []byte)) (Conn, error)
}

// Conn is a connection. It is safe for concurrent use.
type Conn interface {
	// Publish hands a message over. Success means nothing: a message may be
	// lost after it, and may arrive after an error other than ErrClosed. It
	// returns soon after ctx ends. The payload is not changed and not kept.
	Publish(ctx context.Context, topic string, payload []byte) error
	// Done is closed when the connection is lost or closed.
	Done() <-chan struct{}
	// Err tells why, once Done is closed.
	Err() error
	// Close ends the connection and waits until nothing is delivered any more.
	Close()
}
