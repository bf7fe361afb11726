// Package sim simulates a shop's devices and the cards in its customers'
// hands, byte by byte: a serial card reader, one for cards that are tapped, one
// for magnetic stripes, a PIN pad and a receipt printer, each behind a
// pseudo-terminal, so that the true drivers talk to them as to hardware. Beside
// them are the pins of a panel, for its true driver, and a cable to the cloud
// that can be pulled.
//
// A [Shop] is all of them together. It serves a control socket in its folder,
// and [Dial] gives a [Client] for it, so that tests and a command line can
// insert cards, press keys, take the paper out and pull cables while a
// terminal runs in another process:
//
//	shop, err := sim.Open(dir, deck, pad) // dir/reader, dir/pinpad, dir/printer
//	defer shop.Close()
//	...
//	c, err := sim.Dial(dir)
//	err = c.Insert("pin")
//	slips, err := c.Paper()
//
// The frames are built and parsed here without any code of the drivers:
// deliberate duplication, so that a misreading of a protocol shows. What a
// simulator decides where the manuals are thin is written beside it.
//
// A [Card] is a chip that follows EMV 4.4 with real cryptograms and real
// signatures, and obeys its issuer's script commands; what it has counted and
// been told it remembers. A [Variant] of it misbehaves; drivers/sim/cards lists
// those that there are. A [Tapped] card or phone is one that is held to an
// antenna: the shop's, or a [PN532], which is a board of its own and belongs to
// no shop. So are a [Display], a [Scanner] and a [PP60], which is a PIN pad with
// another protocol than the shop's.
//
// No log or answer of this package shows card data, PINs or keys.
package sim
