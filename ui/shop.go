package ui

import (
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
)

// Shop is asked for what a tap means. The answers come back as views, records
// and status; a request that is not possible any more is ignored by the shop.
// Its methods are called one after the other from a goroutine of their own.
type Shop interface {
	// Sell begins a sale. What comes of it is told by Show and Ended.
	Sell(money.Amount, Method)
	// Cancel asks the running sale to end, or its end not to wait for the card.
	Cancel()
	// Choose tells which application of the card was chosen, -1 for none.
	Choose(index int)
	// History wants ShowHistory to be called with the latest records.
	History()
	// Reprint wants the slip of a transaction on paper once more.
	Reprint(payment.ID)
}

// Method is a way to pay.
type Method string

// The methods.
const (
	MethodCard Method = "card"
	MethodQR   Method = "qr"
	MethodCash Method = "cash"
)

// requestsMax bounds what a stuck shop has still to hear. Later taps are lost,
// as they would be on any terminal that hangs.
const requestsMax = 16

// requests takes the taps to the shop, in order.
type requests struct {
	queue  chan func(Shop)
	closed bool
}

func newRequests(s Shop) *requests {
	r := &requests{queue: make(chan func(Shop), requestsMax)}
	go func() {
		for ask := range r.queue {
			ask(s)
		}
	}()
	return r
}

// ask never blocks.
func (r *requests) ask(request func(Shop)) {
	if r.closed {
		return
	}
	select {
	case r.queue <- request:
	default:
	}
}

// close lets the queue run dry. What is asked afterwards is lost.
func (r *requests) close() {
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
}
