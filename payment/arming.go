package payment

import (
	"context"

	"github.com/cloudpos/cloudpos/drivers"
)

// How the readers wait together.

// seen is what a reader says of its wait.
type seen struct {
	reader int // in the order of preference
	card   drivers.Card
	err    error // nil with a card, or for an antenna whose field is empty
}

// await arms the readers of the media together. The first to say something ends
// the wait; of two cards at once the one of the reader named first wins, and any
// card over a failure. It returns only when every reader has let go.
func (r *run) await(stopped context.Context, a Await) result {
	ctx, cancel := context.WithCancel(stopped)
	defer cancel()
	results := make(chan seen)
	armed := 0
	for i, reader := range r.parts.Readers {
		if reader.Media()&a.Media != 0 {
			armed++
			go func() { results <- listenTo(ctx, i, reader, a.Clear) }()
		}
	}
	best := seen{reader: len(r.parts.Readers), err: drivers.ErrNoDevice}
	for range armed {
		s := <-results
		switch {
		case best.card != nil && (s.card == nil || s.reader > best.reader):
			dismiss(ctx, s)
		case s.card != nil:
			dismiss(ctx, best)
			best = s
		case ctx.Err() == nil:
			best = s
		}
		cancel()
	}
	return r.found(stopped, best)
}

// listenTo waits for a card at one reader, or for an antenna's empty field.
func listenTo(ctx context.Context, i int, reader drivers.Reader, clear bool) seen {
	if antenna, ok := reader.(drivers.Antenna); ok && clear {
		return seen{reader: i, err: antenna.Clear(ctx)}
	}
	card, err := reader.Await(ctx)
	return seen{i, card, err}
}

// dismiss takes the power from a card that another one won over.
func dismiss(ctx context.Context, s seen) {
	if s.card != nil {
		_ = s.card.Release(context.WithoutCancel(ctx))
	}
}

// found makes the event of what the readers have said.
func (r *run) found(stopped context.Context, s seen) result {
	media := drivers.Media(0)
	if s.reader < len(r.parts.Readers) {
		media = r.parts.Readers[s.reader].Media()
	}
	switch {
	case s.card != nil:
		swipe, _ := s.card.(*drivers.Swipe)
		return result{body: CardSeen{Media: media, ATR: s.card.ATR(), Swipe: swipe}, card: s.card}
	case stopped.Err() != nil:
		return result{body: Failed{Err: drivers.ErrCancelled, Media: media}}
	case s.err == nil:
		return result{body: Cleared{}}
	}
	return result{body: Failed{Err: s.err, Media: media}}
}
