package params

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/cloudpos/cloudpos/secret"
)

// Bounds of the exceptions.
const (
	exceptionKeySize = 32
	exceptionsMax    = 2000
)

// Exceptions are cards that were reported lost, stolen or misused: EMV Book 4,
// 6.3.5. What a terminal does with one is up to the action codes.
//
// A card is written as the keyed hash that Card makes, so that a document which
// is shown or compared gives no account number away. Whoever has the document
// has its key too, and can find out by trying which numbers are meant.
type Exceptions struct {
	Key   Hex     `json:"key"` // 32 bytes, random, of this list alone
	Cards []Hex16 `json:"cards"`
}

// NewExceptions makes an empty list with a key of its own.
func NewExceptions(random io.Reader) (*Exceptions, error) {
	e := &Exceptions{Key: make(Hex, exceptionKeySize), Cards: []Hex16{}}
	if _, err := io.ReadFull(random, e.Key); err != nil {
		return nil, fmt.Errorf("params: key of the exceptions: %w", err)
	}
	return e, nil
}

// Add puts a card on the list, and tells whether it was not there before. It is
// for who makes a document, not for who has one from Parse.
func (e *Exceptions) Add(pan secret.PAN) bool {
	if e.Lists(pan) {
		return false
	}
	e.Cards = append(e.Cards, e.Card(pan))
	return true
}

// Remove takes a card from the list, and tells whether it was there; as Add.
func (e *Exceptions) Remove(pan secret.PAN) bool {
	i := slices.Index(e.Cards, e.Card(pan))
	if i < 0 {
		return false
	}
	e.Cards = slices.Delete(e.Cards, i, i+1)
	return true
}

// Card is how a card is written: the first half of HMAC-SHA256 over the digits
// of its account number.
func (e *Exceptions) Card(pan secret.PAN) Hex16 {
	mac := hmac.New(sha256.New, e.Key)
	mac.Write(pan)
	return Hex16(mac.Sum(nil)[:len(Hex16{})])
}

// Lists tells whether the card is one of them.
func (e *Exceptions) Lists(pan secret.PAN) bool { return slices.Contains(e.Cards, e.Card(pan)) }

func (e *Exceptions) read(o *object) {
	e.Key = o.hex("key", exceptionKeySize, exceptionKeySize)
	e.Cards = []Hex16{}
	o.list("cards", 0, exceptionsMax, func(path string, v any) {
		s, _ := v.(string)
		card, err := hex.DecodeString(s)
		if err != nil || len(card) != len(Hex16{}) { // not shown: it may be an account number
			o.r.fail(path, "want %d hex digits", 2*len(Hex16{}))
			return
		}
		e.Cards = append(e.Cards, Hex16(card))
	})
}
