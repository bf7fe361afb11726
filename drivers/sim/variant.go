package sim

// A Shim stands between a reader and a chip. It is given each command, and the
// chip behind it to ask or not, and returns what the reader gets: data and
// status word, or nil for silence.
type Shim func(command []byte, chip func(command []byte) []byte) []byte

// A Variant is a card that misbehaves: the chip of a card of the deck, with its
// keys, account and counters, behind something that spoils what it says.
type Variant struct {
	Name  string
	Title string // one sentence
	Of    string // the card of the deck whose chip it is
	ATR   []byte // instead of the chip's own; nil leaves that

	// Shim makes what spoils the answers, anew at each power-up; nil spoils
	// nothing.
	Shim func() Shim
	// Leaves tells whether the owner takes the card before a command; nil never.
	Leaves func(command []byte) bool
}

// A Misfit is a card that misbehaves: a Variant or a TapVariant.
type Misfit interface{ misfit() }

func (Variant) misfit()    {}
func (TapVariant) misfit() {}

// Variant makes a card of the chip's that misbehaves. Both are one chip: what
// one of them counts, the other has counted too.
func (c *Card) Variant(v Variant) *Card {
	return &Card{
		application: c.applications[0], applications: c.applications, random: c.random,
		counters: c.counters, variant: v,
	}
}

// chipName is the card of the deck that the chip belongs to.
func (c *Card) chipName() string { return c.applications[0].p.Name }

// leaves tells whether the owner takes the card before a command.
func (c *Card) leaves(command []byte) bool {
	return c.variant.Leaves != nil && c.variant.Leaves(command)
}
