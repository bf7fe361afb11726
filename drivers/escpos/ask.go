package escpos

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
)

// reach opens the line if need be and asks for the status, once more over a new
// line when the old one turns out to be down.
func (d *Dev) reach() (drivers.PrinterStatus, error) {
	const dialMax = 2
	for try := 1; ; try++ {
		fresh, err := d.link.Open()
		if err != nil {
			return drivers.PrinterStatus{}, err
		}
		d.in = decoder{}
		if err = d.settle(); err == nil {
			var s drivers.PrinterStatus
			s, err = d.status()
			if err == nil {
				return s, nil
			}
		}
		if fresh || try == dialMax || !errors.Is(err, drivers.ErrNoDevice) {
			return drivers.PrinterStatus{}, err
		}
	}
}

// settle drops what the printer has said unasked.
func (d *Dev) settle() error {
	err := d.link.Drain(quietTime)
	d.in = decoder{}
	return err
}

// status asks for everything; nothing is being printed.
func (d *Dev) status() (drivers.PrinterStatus, error) {
	s, _, err := d.ask()
	return s, err
}

// ask sends each real-time query and reads its answer. Done tells that the mark
// of a job was answered in between.
func (d *Dev) ask() (s drivers.PrinterStatus, done bool, err error) {
	for _, q := range queries {
		b, marked, err := d.query(q.n)
		if err != nil {
			return s, done, err
		}
		done = done || marked
		q.read(b, &s)
	}
	return s, done, nil
}

// query asks DLE EOT n until it is answered, three times at most.
func (d *Dev) query(n byte) (answer byte, marked bool, err error) {
	for try := range tryMax {
		if err := d.link.Send([]byte{0x10, 0x04, n}, writeTime); err != nil {
			return 0, marked, err
		}
		for by := time.Now().Add(answerTime); ; {
			k, b, err := d.next(by)
			if errors.Is(err, drivers.ErrSilent) {
				break
			}
			if err != nil {
				return 0, marked, err
			}
			switch k {
			case realTime:
				if try > 0 {
					late, err := d.late()
					return b, marked || late, err
				}
				return b, marked, nil
			case buffered:
				marked = true
			case asb, none:
			}
		}
	}
	d.link.Drop()
	return 0, marked, d.wrap(fmt.Errorf("%w: the printer does not answer", drivers.ErrNoDevice))
}

// late reads what follows an answer that had to be asked for twice: the first
// answer may come after all, and must not pass for that to the next query.
func (d *Dev) late() (marked bool, err error) {
	const lateMax = 64
	for range lateMax {
		k, _, err := d.next(time.Now().Add(quietTime))
		if errors.Is(err, drivers.ErrSilent) {
			return marked, nil
		}
		if err != nil {
			return marked, err
		}
		marked = marked || k == buffered
	}
	return marked, d.wrap(fmt.Errorf("%w: the printer never falls quiet", drivers.ErrProtocol))
}

// next reads until something is recognised.
func (d *Dev) next(by time.Time) (kind, byte, error) {
	for {
		b, err := d.link.Next(by)
		if err != nil {
			return none, 0, err
		}
		if k := d.in.feed(b); k != none {
			return k, b, nil
		}
	}
}
