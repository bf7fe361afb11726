package cloudsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// ErrRefused is what Exchange fails with, beside payment.ErrNotSent, when the
// message itself is at fault: sending it again cannot help.
var ErrRefused = errors.New("the message cannot be sent")

// Why nothing was sent.
var (
	errBusy         = errors.New("too many messages are under way")
	errNoConnection = errors.New("no connection")
)

// Exchange sends m until its answer comes or ctx ends; at once, again after
// each Resend, and at once when the connection has come back.
//
// It fails with payment.ErrNotSent only when no part of m was ever handed to
// the transport: no connection came up within ConnectWait or before ctx ended.
// Every other failure is payment.ErrUnknown.
func (l *Link) Exchange(ctx context.Context, m payment.Message) (payment.Answer, error) {
	if m.Key.Terminal != l.opts.Terminal {
		return payment.Answer{}, notSent(m.Key, fmt.Errorf("%w: it is another terminal's", ErrRefused))
	}
	data, err := wire.EncodeRequest(requestOf(m))
	if err != nil {
		return payment.Answer{}, notSent(m.Key, fmt.Errorf("%w: %w", ErrRefused, err))
	}
	key := keyOf(m.Key)
	answer, err := l.expect(key)
	if errors.Is(err, errBusy) {
		return payment.Answer{}, notSent(m.Key, err)
	}
	if err != nil { // it is being sent on somebody else's behalf
		return payment.Answer{}, unknown(m.Key, err)
	}
	defer l.forget(key, answer)

	a, sent, err := l.pursue(ctx, data, answer)
	switch {
	case err == nil:
		return answerOf(a), nil
	case sent:
		return payment.Answer{}, unknown(m.Key, err)
	}
	return payment.Answer{}, notSent(m.Key, err)
}

// pursue sends data until the answer is there or there is no more hope. It
// tells whether any of data may have left.
func (l *Link) pursue(ctx context.Context, data []byte, answer <-chan wire.Answer) (a wire.Answer, sent bool, err error) {
	wait, cancel := context.WithTimeoutCause(ctx, l.opts.ConnectWait, errNoConnection)
	defer cancel()
	for wait.Err() == nil {
		conn, changed := l.current()
		if conn != nil && l.send(wait, conn, data, sent) && !sent {
			sent, wait = true, ctx // it may be there: from now on only ctx sets a limit
		}
		resend := time.NewTimer(l.resendAfter())
		select {
		case a := <-answer:
			resend.Stop()
			return a, sent, nil
		case <-changed:
		case <-resend.C:
		case <-wait.Done():
		}
		resend.Stop()
	}
	select {
	case a := <-answer: // it came together with the end
		return a, sent, nil
	default:
		return wire.Answer{}, sent, l.why(context.Cause(wait))
	}
}

// why adds to an error that there was no connection what the last attempt to
// connect has said.
func (l *Link) why(err error) error {
	last := l.State().LastError
	if last == nil || !errors.Is(err, errNoConnection) {
		return err
	}
	return fmt.Errorf("%w: %w", err, last)
}

// send tells whether any of data may have left.
func (l *Link) send(ctx context.Context, conn Conn, data []byte, again bool) bool {
	err := conn.Publish(ctx, l.upRequest, data)
	if errors.Is(err, ErrClosed) {
		return false
	}
	if err != nil {
		l.opts.Log.Debug("cloud: publish", "err", err)
	}
	l.count(func(c *Counters) {
		c.Sent++
		if again {
			c.Resent++
		}
	})
	return true
}

func (l *Link) expect(key wire.Key) (chan wire.Answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[key] != nil {
		return nil, errors.New("the same message is under way")
	}
	if len(l.pending) >= inFlightMax {
		return nil, errBusy
	}
	answer := make(chan wire.Answer, 1)
	l.pending[key] = answer
	return answer, nil
}

func (l *Link) forget(key wire.Key, answer chan wire.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[key] == answer {
		delete(l.pending, key)
	}
}

// deliver takes a message from the transport. It never blocks.
func (l *Link) deliver(topic string, payload []byte) {
	switch topic {
	case l.downAnswer:
		l.deliverAnswer(payload)
	case l.downHello:
		l.deliverWelcome(payload)
	default:
		l.count(func(c *Counters) { c.Foreign++ })
	}
}

func (l *Link) deliverAnswer(payload []byte) {
	a, err := wire.DecodeAnswer(payload)
	if err != nil {
		l.opts.Log.Warn("cloud: answer dropped", "err", err)
		l.count(func(c *Counters) { c.Malformed++ })
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.Key.Terminal != l.opts.Terminal {
		l.state.Foreign++
		return
	}
	answer := l.pending[a.Key]
	if answer == nil {
		l.state.Stale++
		return
	}
	delete(l.pending, a.Key) // the first one counts
	answer <- a              // it has room for one
	l.state.Answered++
}

func (l *Link) deliverWelcome(payload []byte) {
	w, err := wire.DecodeWelcome(payload)
	if err != nil {
		l.opts.Log.Warn("cloud: welcome dropped", "err", err)
		l.count(func(c *Counters) { c.Malformed++ })
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.state.Stale++
		return
	}
	select {
	case l.welcome <- w:
	default:
		l.state.Stale++
	}
}

func notSent(key payment.Key, err error) error {
	return fmt.Errorf("cloudsync: %v: %w: %w", key, payment.ErrNotSent, err)
}

func unknown(key payment.Key, err error) error {
	return fmt.Errorf("cloudsync: %v: %w: %w", key, payment.ErrUnknown, err)
}
