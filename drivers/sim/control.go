package sim

import (
	"errors"
	"fmt"
	"time"
)

// The devices of a shop, by the names of their lines in its folder.
const (
	ReaderLine  = "reader"
	AntennaLine = "antenna" // reader of cards that are tapped
	StripeLine  = "stripe"  // reader of magnetic stripes
	PINPadLine  = "pinpad"
	PrinterLine = "printer"
)

// lineNames are all of them.
var lineNames = []string{ReaderLine, AntennaLine, StripeLine, PINPadLine, PrinterLine}

// Errors of a shop's controls.
var (
	ErrCommand = errors.New("sim: no such command")
	ErrCard    = errors.New("sim: no such card in the deck")
	ErrDevice  = errors.New("sim: no such device: want reader, antenna, stripe, pinpad or printer")
)

// An Exchange is one command that a card has answered, without its data.
type Exchange struct {
	Card    string `json:"card"`
	Command string `json:"command"` // name and header: "GENERATE AC 80AE8000"
	Sent    int    `json:"sent"`    // bytes of data
	Got     int    `json:"got"`     // bytes of data
	Status  string `json:"status"`  // "9000"
}

// A Customer is who stands at the counter.
type Customer struct {
	Card string `json:"card"`
	// Auto lets him insert the card whenever the terminal polls the reader, or
	// tap it when that polls the antenna, and take it when the terminal has
	// powered it off.
	Auto bool `json:"auto"`
}

// State is what a look around the shop shows.
type State struct {
	Card        string               `json:"card"`     // in the reader; "" none
	Powered     bool                 `json:"powered"`  // the card there, or at the antenna
	Field       []string             `json:"field"`    // the cards that are held to the antenna
	APDUs       int                  `json:"apdus"`    // since the card was inserted, or held there
	Customer    string               `json:"customer"` // who comes by himself; "" nobody
	Visitor     string               `json:"visitor"`  // who comes instead of him for now
	GaveUp      bool                 `json:"gaveUp"`   // one of the two: he could only tap, and was sent to the slot
	Unplugged   []string             `json:"unplugged"`
	Faults      map[string]FaultKind `json:"faults"`      // of the lines that have one
	Answers     map[string]int       `json:"answers"`     // of each device, since the shop opened
	Display     []string             `json:"display"`     // of the PIN pad
	PINRequests int                  `json:"pinRequests"` // since the shop opened
	ReaderText  []string             `json:"readerText"`  // what the customer reads at the reader's keys
	Waiting     bool                 `json:"waiting"`     // PIN pad or reader wait for the customer
	ByHand      bool                 `json:"byHand"`      // no card's owner types by himself
	Typed       int                  `json:"typed"`       // digits of the PIN that is being typed by hand
	PaperOut    bool                 `json:"paperOut"`
	PaperLow    bool                 `json:"paperLow"`
	Jammed      bool                 `json:"jammed"`
	Printed     int                  `json:"printed"` // grows with each line and cut: there is new paper to look at
	CoverOpen   bool                 `json:"coverOpen"`
	DrawerKicks int                  `json:"drawerKicks"` // over the printer
	Unknown     int                  `json:"unknown"`     // printer commands not understood
	Lost        int                  `json:"lost"`        // bytes that the printer had no room for
	Panel       Panel                `json:"panel"`
	Cable       *bool                `json:"cable"` // to the cloud is in; nil: none was laid
}

// request is one line to the control socket.
type request struct {
	Cmd      string        `json:"cmd"`
	Card     string        `json:"card,omitempty"`
	Device   string        `json:"device,omitempty"`
	N        int           `json:"n,omitempty"`
	On       bool          `json:"on,omitempty"`
	Keys     []string      `json:"keys,omitempty"`
	Pause    time.Duration `json:"pause,omitempty"`
	Fault    Fault         `json:"fault,omitzero"`
	Customer Customer      `json:"customer,omitzero"`
	Pin      string        `json:"pin,omitempty"`

	conn int // that it came over; 0 is none
}

// response is one line back.
type response struct {
	Error string     `json:"error,omitempty"`
	Slips []Slip     `json:"slips,omitempty"`
	Log   []Exchange `json:"log,omitempty"`
	Cards []CardInfo `json:"cards,omitempty"`
	State *State     `json:"state,omitempty"`
	High  bool       `json:"high,omitempty"` // of a pin
}

// CardInfo is a card of the shop, as a list shows it.
type CardInfo struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Of    string `json:"of,omitempty"` // whose chip it is, for one that misbehaves
	// Stripe: it can be swiped. NoChip: it cannot be inserted. Tap: it can be
	// tapped, and that alone.
	Stripe bool `json:"stripe,omitempty"`
	NoChip bool `json:"noChip,omitempty"`
	Tap    bool `json:"tap,omitempty"`
}

// Control is what a tester can do in a shop. A Shop has it directly, a Client
// through the shop's socket.
type Control struct {
	do func(request) (response, error)
}

func (c Control) tell(r request) error {
	_, err := c.do(r)
	return err
}

// Insert puts the named card into the reader and its owner before the PIN pad;
// a card that is there goes out. It fails with ErrCard.
func (c Control) Insert(card string) error { return c.tell(request{Cmd: "insert", Card: card}) }

// Swipe draws the named card through the reader of magnetic stripes, with its
// owner before the PIN pad; out of the other reader, if it is there. It fails
// with ErrCard for one that has no stripe.
func (c Control) Swipe(card string) error { return c.tell(request{Cmd: "swipe", Card: card}) }

// Pull takes the card out of the reader, whatever it is doing.
func (c Control) Pull() error { return c.tell(request{Cmd: "pull"}) }

// Tap holds the named card or phone to the antenna, beside one that is there,
// with its owner before the PIN pad. It fails with ErrCard for what cannot be
// tapped.
func (c Control) Tap(card string) error { return c.tell(request{Cmd: "tap", Card: card}) }

// Lift takes away all that is held to the antenna, whatever it is doing.
func (c Control) Lift() error { return c.tell(request{Cmd: "lift"}) }

// PullAt takes the card out just before it would get its n-th APDU, counted
// from 1 since its insertion; 0 leaves it in. It holds once.
func (c Control) PullAt(n int) error { return c.tell(request{Cmd: "pull-at", N: n}) }

// SetCustomer says who comes when the terminal waits for a card.
func (c Control) SetCustomer(who Customer) error {
	return c.tell(request{Cmd: "customer", Customer: who})
}

// Visit lets the card's owner come by himself instead of the customer, and type
// his PIN whatever ByHand says, until Leave, SetCustomer or the end of the
// connection that this was said over. It fails with ErrCard.
func (c Control) Visit(card string) error {
	if card == "" {
		return fmt.Errorf("%w: %q", ErrCard, card)
	}
	return c.tell(request{Cmd: "visit", Card: card})
}

// Leave ends a visit: the visitor takes his card.
func (c Control) Leave() error { return c.tell(request{Cmd: "visit"}) }

// Keys says what the customer does, PIN request by PIN request, of the pad and
// of the reader: digits, KeyCancel, KeyBypass or KeyNothing. Whichever waits for
// him gets the first at once. When all is used up he does nothing, until a card is inserted: its
// profile tells what its owner types.
func (c Control) Keys(script ...string) error { return c.tell(request{Cmd: "keys", Keys: script}) }

// ByHand says that the owners of the cards type nothing by themselves: pad and
// reader wait for Press. A script of Keys holds nevertheless.
func (c Control) ByHand(on bool) error { return c.tell(request{Cmd: "by-hand", On: on}) }

// Press presses one key of whichever asks for a PIN: a digit, KeyEnter, KeyClear
// or KeyCancel. When nobody asks nothing happens, nor on enter after less than
// four digits; enter without any is KeyBypass.
func (c Control) Press(key string) error { return c.tell(request{Cmd: "press", Keys: []string{key}}) }

// PaperOut ends the roll after so many lines more; 0 is now.
func (c Control) PaperOut(lines int) error { return c.tell(request{Cmd: "paper-out", N: lines}) }

// PaperIn puts in a new roll that does not end.
func (c Control) PaperIn() error { return c.tell(request{Cmd: "paper-in"}) }

// PaperLow sets the near-end sensor.
func (c Control) PaperLow(low bool) error { return c.tell(request{Cmd: "paper-low", On: low}) }

// Cover opens and closes the printer.
func (c Control) Cover(open bool) error { return c.tell(request{Cmd: "cover", On: open}) }

// Jam jams the printer's cutter and frees it.
func (c Control) Jam(jammed bool) error { return c.tell(request{Cmd: "jam", On: jammed}) }

// Slow makes the printer take so long for each line.
func (c Control) Slow(line time.Duration) error { return c.tell(request{Cmd: "slow", Pause: line}) }

// Unplug pulls a device's cable: its line hangs up and its name is gone.
func (c Control) Unplug(device string) error { return c.tell(request{Cmd: "unplug", Device: device}) }

// Replug plugs it in again, as a new line under the same name.
func (c Control) Replug(device string) error { return c.tell(request{Cmd: "replug", Device: device}) }

// Spoil sets the fault of a device's answers to come.
func (c Control) Spoil(device string, f Fault) error {
	return c.tell(request{Cmd: "fault", Device: device, Fault: f})
}

// OpenCase opens the terminal's case, which its tamper switch notices, and
// closes it.
func (c Control) OpenCase(open bool) error { return c.tell(request{Cmd: "case", On: open}) }

// PlugCable puts the cable to the cloud in, or pulls it. It fails with
// ErrNoCable.
func (c Control) PlugCable(in bool) error { return c.tell(request{Cmd: "cable", On: in}) }

// Paper returns all slips since the shop opened, the one in the making last.
func (c Control) Paper() ([]Slip, error) {
	r, err := c.do(request{Cmd: "paper"})
	return r.Slips, err
}

// Log returns what the cards have answered, the last thousand.
func (c Control) Log() ([]Exchange, error) {
	r, err := c.do(request{Cmd: "log"})
	return r.Log, err
}

// Cards lists the deck.
func (c Control) Cards() ([]CardInfo, error) {
	r, err := c.do(request{Cmd: "cards"})
	return r.Cards, err
}

// State looks around.
func (c Control) State() (State, error) {
	r, err := c.do(request{Cmd: "state"})
	if err != nil || r.State == nil {
		return State{}, err
	}
	return *r.State, nil
}
