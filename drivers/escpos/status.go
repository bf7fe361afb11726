package escpos

import "github.com/cloudpos/cloudpos/drivers"

// kind is what a decoder has recognised in what a printer sends.
type kind uint8

const (
	none     kind = iota
	realTime      // one byte, the answer to DLE EOT n
	buffered      // one byte, the answer to GS r n
	asb           // four bytes, sent by the printer when its state changes
)

// decoder tells a printer's answers apart by their fixed bits (ESC/POS command
// reference; facts of DLE EOT, GS a and GS r). They may be interleaved in any
// way, with XON and XOFF between them.
type decoder struct {
	asb  [4]byte
	have int // bytes of an automatic status that have come
}

func (d *decoder) feed(b byte) kind {
	const xon, xoff = 0x11, 0x13
	switch {
	case b == xon || b == xoff:
		return none
	case b&0x93 == 0x12:
		return realTime
	case b&0x93 == 0x10:
		// The first byte of an automatic status; an unfinished one was lost.
		d.asb[0], d.have = b, 1
		return none
	case b&0x90 != 0:
		d.have = 0
		return none
	case d.have > 0:
		d.asb[d.have] = b
		d.have++
		if d.have < len(d.asb) {
			return none
		}
		d.have = 0
		return asb
	default:
		return buffered
	}
}

// automatic reads an automatic status.
func automatic(b [4]byte) drivers.PrinterStatus {
	return drivers.PrinterStatus{
		CoverOpen: b[0]&0x20 != 0,
		Fault:     b[1]&0x28 != 0,
		PaperLow:  b[2]&0x03 != 0,
		PaperOut:  b[2]&0x0C != 0,
	}
}

// query is a real-time status request, and how its answer adds to the status.
type query struct {
	n    byte
	read func(b byte, s *drivers.PrinterStatus)
}

// queries ask for the cause of being offline, for errors, and for the paper.
// DLE EOT 1 comes first: a printer that answers to it is there.
var queries = []query{
	{1, func(byte, *drivers.PrinterStatus) {}},
	{2, func(b byte, s *drivers.PrinterStatus) {
		s.CoverOpen = s.CoverOpen || b&0x04 != 0
		s.PaperOut = s.PaperOut || b&0x20 != 0
	}},
	{3, func(b byte, s *drivers.PrinterStatus) { s.Fault = s.Fault || b&0x28 != 0 }},
	{4, func(b byte, s *drivers.PrinterStatus) {
		s.PaperLow = s.PaperLow || b&0x0C != 0
		s.PaperOut = s.PaperOut || b&0x60 != 0
	}},
}

// trouble is the error that a status stands for, or nil.
func trouble(s drivers.PrinterStatus) error {
	switch {
	case s.CoverOpen:
		return drivers.ErrCoverOpen
	case s.PaperOut:
		return drivers.ErrPaperOut
	case s.Fault:
		return drivers.ErrHardware
	default:
		return nil
	}
}
