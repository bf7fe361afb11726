package offline

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

const (
	numberMax        = 999_999 // STAN and receipt, ISO 8583 fields 11 and 37
	recordEntriesMax = 64      // a sale has four; more than this is a loop
	terminalMax      = 64
)

// anchor is the end of the log: how long it is, its last line, and the numbers
// that were used last. It is written with each entry.
type anchor struct {
	count   uint64 // of lines, and the position of the last
	key     [lineKeySize]byte
	head    [sha256.Size]byte // hash of the last
	epoch   uint32
	seq     uint64
	stan    uint32
	receipt uint32
	last    int64 // latest trusted time of an entry, Unix milliseconds, or 0
}

const anchorSize = 8 + lineKeySize + sha256.Size + 4 + 8 + 4 + 4 + 8 + 4

func (a anchor) encode() []byte {
	b := make([]byte, 0, anchorSize)
	b = binary.BigEndian.AppendUint64(b, a.count)
	b = append(b, a.key[:]...)
	b = append(b, a.head[:]...)
	b = binary.BigEndian.AppendUint32(b, a.epoch)
	b = binary.BigEndian.AppendUint64(b, a.seq)
	b = binary.BigEndian.AppendUint32(b, a.stan)
	b = binary.BigEndian.AppendUint32(b, a.receipt)
	b = binary.BigEndian.AppendUint64(b, uint64(a.last))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeAnchor(b []byte) (anchor, error) {
	if len(b) != anchorSize {
		return anchor{}, fmt.Errorf("%w: anchor has %d bytes, want %d", ErrDamaged, len(b), anchorSize)
	}
	body := b[:anchorSize-4]
	if got, want := crc32.Checksum(body, castagnoli), binary.BigEndian.Uint32(b[len(body):]); got != want {
		return anchor{}, fmt.Errorf("%w: anchor has checksum %08x, its content %08x", ErrDamaged, want, got)
	}
	var a anchor
	a.count = binary.BigEndian.Uint64(body)
	body = body[8:]
	body = body[copy(a.key[:], body):]
	body = body[copy(a.head[:], body):]
	a.epoch = binary.BigEndian.Uint32(body)
	a.seq = binary.BigEndian.Uint64(body[4:])
	a.stan = binary.BigEndian.Uint32(body[12:])
	a.receipt = binary.BigEndian.Uint32(body[16:])
	a.last = int64(binary.BigEndian.Uint64(body[20:]))
	return a, nil
}

// next gives the numbers of the next transaction.
func (a anchor) next(terminal string) payment.Numbers {
	return payment.Numbers{
		ID:      payment.ID{Terminal: terminal, Epoch: a.epoch, Seq: a.seq + 1},
		STAN:    a.stan%numberMax + 1,
		Receipt: a.receipt%numberMax + 1,
	}
}

// note takes down the numbers that an entry has used.
func (a anchor) note(e payment.Entry) anchor {
	if e.Opening != nil {
		a.seq, a.receipt = e.ID.Seq, e.Opening.Receipt
	}
	if e.Attempt != nil {
		a.stan = e.Attempt.STAN
	}
	if ms := e.At.UnixMilli(); e.ClockTrusted && ms > a.last {
		a.last = ms
	}
	return a
}

// lastTime is the latest trusted time of an entry, or zero.
func (a anchor) lastTime() time.Time {
	if a.last == 0 {
		return time.Time{}
	}
	return time.UnixMilli(a.last)
}

// behind tells whether somebody has seen a higher id than the log holds.
func (a anchor) behind(epoch uint32, seq uint64) bool {
	return epoch > a.epoch || epoch == a.epoch && seq > a.seq
}

// epochAfter is the first epoch above both.
func epochAfter(a, b uint32) (uint32, error) {
	last := max(a, b)
	if last == math.MaxUint32 {
		return 0, fmt.Errorf("offline: no epoch is left after %d", last)
	}
	return last + 1, nil
}

// admit says what the record is after the entry, or why the entry cannot be
// taken. A new record must have the id that next gives: anything else repeats
// an id or leaves a gap which would look like a lost sale.
func (a anchor) admit(terminal string, r payment.Record, e payment.Entry) (payment.Record, error) {
	if want := a.next(terminal).ID; r.Version == 0 && e.ID != want {
		return r, fmt.Errorf("%w: %v opens a record, %v is next", payment.ErrTransition, e.ID, want)
	}
	if r.Version >= recordEntriesMax {
		return r, fmt.Errorf("%w: %v has %d entries already", payment.ErrTransition, e.ID, r.Version)
	}
	if e.Attempt != nil && len(e.Attempt.Card.Chip) > 0 {
		return r, fmt.Errorf("%w: %v: chip data of an attempt is not stored", payment.ErrTransition, e.ID)
	}
	for _, card := range cards(e) {
		if len(card.Track) > 0 || len(card.PIN) > 0 {
			return r, fmt.Errorf("%w: %v: track and PIN are not stored", payment.ErrTransition, e.ID)
		}
	}
	err := r.Apply(e)
	return r, err
}

func cards(e payment.Entry) []payment.CardData {
	var all []payment.CardData
	if e.Attempt != nil {
		all = append(all, e.Attempt.Card)
	}
	if e.Ending != nil && e.Ending.Card != nil {
		all = append(all, *e.Ending.Card)
	}
	return all
}
