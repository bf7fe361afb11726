package newland

import "slices"

// Heads of the commands that are used here, by chapter of the manual.
const (
	headReset     = 0xD5 // 4.1
	headDirectory = 0xD6 // 4.2
	headKSN       = 0x97 // 4.11
	headChoose    = 0x82 // 4.12
	headEnter     = 0x83 // 4.13
)

// failed takes the mark of success out of a head.
const failed = 0x7F

// Sizes of data.
const (
	blockSize = 8
	ksnSize   = 10
	dataMax   = 18 // of a command: the PIN entry's
)

// frame is head, length, data, and the XOR of all that.
func frame(head byte, data []byte) []byte {
	f := make([]byte, 0, dataMax+3)
	f = append(f, head, byte(len(data)))
	f = append(f, data...)
	return append(f, edc(f))
}

// edc is the check byte. Over a whole frame it is 0.
func edc(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// successSizes are how much data the answer to a command has, nil for one that is
// not known here.
func successSizes(head byte) []int {
	switch head {
	case headReset, headDirectory:
		return []int{0}
	case headKSN:
		return []int{ksnSize}
	case headChoose:
		return []int{blockSize}
	case headEnter:
		return []int{0, blockSize}
	}
	return nil
}

// kind is what a decoder has recognised.
type kind uint8

const (
	none kind = iota
	good      // an answer; decoder.head and decoder.data hold it
	bad       // what looked like one, and is not
)

// decoder looks for answers in what a pad sends. Frames have no start byte: only
// heads and lengths that can come now are taken for a beginning, and after a wrong
// check byte the search goes on one byte further. It survives any input.
type decoder struct {
	heads []byte // of the commands whose answers are awaited
	buf   []byte
	head  byte
	data  []byte
	code  byte // of an answer that says why not
	ok    bool // the command succeeded
}

// expect begins anew, for the answers to these commands.
func (d *decoder) expect(heads ...byte) {
	d.reset()
	d.heads = heads
}

// reset forgets all, and wipes it: it may hold a PIN block.
func (d *decoder) reset() {
	clear(d.buf[:cap(d.buf)])
	clear(d.data[:cap(d.data)])
	d.buf, d.data = d.buf[:0], d.data[:0]
}

// open tells whether a frame has begun and not ended.
func (d *decoder) open() bool { return len(d.buf) >= 2 }

func (d *decoder) feed(b byte) kind {
	d.buf = append(d.buf, b)
	k := none
	for len(d.buf) > 0 {
		size := d.size()
		switch {
		case size < 0:
			d.drop(1)
		case size == 0 || len(d.buf) < size:
			return k
		case edc(d.buf[:size]) != 0:
			k = bad
			d.drop(1)
		default:
			d.take(size)
			return good
		}
	}
	return k
}

// size is that of the frame at the beginning, 0 while it is not known, and less
// if none can begin there.
func (d *decoder) size() int {
	for _, head := range d.heads {
		sizes := successSizes(head)
		if sizes == nil {
			sizes = []int{blockSize} // a random number
		}
		if d.buf[0] == head&failed {
			sizes = []int{1}
		} else if d.buf[0] != head {
			continue
		}
		if len(d.buf) == 1 {
			return 0
		}
		if slices.Contains(sizes, int(d.buf[1])) {
			return int(d.buf[1]) + 3
		}
	}
	return -1
}

// take keeps the frame at the beginning.
func (d *decoder) take(size int) {
	d.head, d.ok, d.code = d.buf[0]|^byte(failed), d.buf[0]&^failed != 0, 0
	d.data = append(d.data[:0], d.buf[2:size-1]...)
	if !d.ok {
		d.code = d.data[0]
	}
	d.drop(size)
}

// drop forgets bytes at the beginning, and wipes what they leave behind.
func (d *decoder) drop(n int) {
	rest := copy(d.buf, d.buf[n:])
	clear(d.buf[rest:])
	d.buf = d.buf[:rest]
}
