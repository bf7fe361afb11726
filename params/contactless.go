package params

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// Bounds of what is tapped.
const (
	programsMax    = 4   // EMV Contactless Book C-3, 5.2
	tornTapsMax    = 255 // DF811D
	tornSecondsMax = 0xFFFF
	relayTimeMax   = 0xFFFF
	mismatchMax    = 100
)

// The kernels. EMV Contactless Book B, 3.3.2.5.
const (
	kernelMastercard = 2
	kernelVisa       = 3
	kernelUnionPay   = 7
)

// Contactless is the antenna's part. Cards prove themselves under the keys of
// Contact.
type Contactless struct {
	Applications []TapApplication `json:"applications"` // of those that a card likes equally, the first is taken
	Programs     []TapProgram     `json:"programs,omitempty"`
	Torn         *Torn            `json:"torn,omitempty"`
}

// Torn says how many taps that broke off are remembered, for a card that can
// give its cryptogram again, and how long. EMV Contactless Book C-2, DF811D and
// DF811C.
type Torn struct {
	Taps uint8
	Life time.Duration
}

// MarshalJSON writes seconds.
func (t Torn) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Taps    uint8 `json:"taps"`
		Seconds int64 `json:"seconds"`
	}{t.Taps, int64(t.Life / time.Second)})
}

// TapApplication is one AID that may be tapped and what holds for it. Which of
// its parts is there depends on the kernel.
type TapApplication struct {
	AID    Hex   `json:"aid"`    // 5 to 16 bytes; longer names on the card match too
	Kernel uint8 `json:"kernel"` // 9F2A: 2, 3 or 7
	// Limits are those of each currency's code. A currency without them is not
	// tapped.
	Limits map[string]TapLimits `json:"limits"`
	// ExtendedSelection: what the card says in 9F29 goes with its name.
	ExtendedSelection bool `json:"extended_selection,omitempty"`

	*Generating // kernel 2
	*AtOnce     // kernels 3 and 7
}

// TapLimits decide what may be tapped at an amount. Each is as the kernel's book
// has it: over it is beyond it for kernel 2, and it is already reached by an
// equal amount for kernels 3 and 7, but for the floor limit. EMV Contactless
// Book A, 5, and Book C-2, DF8123 to DF8126.
type TapLimits struct {
	TransactionMinor int64 `json:"transaction_minor"` // beyond it another way is taken
	// DeviceMinor is that of phones which verify their owner, for kernel 2 with
	// device_cvm.
	DeviceMinor int64 `json:"transaction_device_minor,omitempty"`
	FloorMinor  int64 `json:"floor_minor"` // beyond it the issuer is asked; 0 asks always
	CVMMinor    int64 `json:"cvm_minor"`   // beyond it the cardholder is verified
}

// Generating is what kernel 2 is told.
type Generating struct {
	Version    Hex2 `json:"version"` // 9F09
	TACDenial  Hex5 `json:"tac_denial"`
	TACOnline  Hex5 `json:"tac_online"`
	TACDefault Hex5 `json:"tac_default"`
	DeviceCVM  bool `json:"device_cvm,omitempty"` // phones may verify their owner
	Balance    bool `json:"balance,omitempty"`    // is read after the cryptogram, of cards that have one
	// MagStripe is 9F6D, and allows cards that have nothing but the data of a
	// stripe. What a card can be made to pretend is then believed.
	MagStripe *Hex2  `json:"mag_stripe,omitempty"`
	Relay     *Relay `json:"relay,omitempty"` // the reader's times are looked at
}

// Relay is how long a card may take to prove that it is near, in units of 100
// microseconds. EMV Contactless Book C-2, state R1 and DF8132 to DF8137.
type Relay struct {
	GraceMin        uint16 `json:"grace_min_100us"`
	GraceMax        uint16 `json:"grace_max_100us"`
	Command         uint16 `json:"command_100us"`  // is on its way
	Response        uint16 `json:"response_100us"` // is on its way
	Accuracy        uint16 `json:"accuracy_100us"`
	MismatchPercent uint8  `json:"mismatch_percent"`
}

// AtOnce is what the kernels are told whose cards answer with their cryptogram
// at once.
type AtOnce struct {
	// TTQ is 9F66, EMV Contactless Book A, 5.7: what the reader may say of
	// itself. What is not fitted, it does not say.
	TTQ         Hex4 `json:"ttq"`
	StatusCheck bool `json:"status_check,omitempty"` // one unit of the currency always goes to the issuer
}

// TapProgram are limits for cards of one program and kernel 3, instead of their
// application's. In a currency without them the application's hold. EMV
// Contactless Book C-3, 5.2.
type TapProgram struct {
	Program     Hex                  `json:"program"` // how 9F5A begins, 1 to 16 bytes
	Limits      map[string]TapLimits `json:"limits"`
	StatusCheck bool                 `json:"status_check,omitempty"`
}

// ttqKnown are the bits of the TTQ that a document may set, and ttqNeeded those
// that it must: EMV mode. Two bits of byte 2 follow from the amount, and there
// is no kernel for stripe data that is tapped. EMV Contactless Book A, 5.7.
var (
	ttqKnown  = Hex4{0x3F, 0x20, 0x40, 0x00}
	ttqNeeded = Hex4{0x20, 0x00, 0x00, 0x00}
)

const ttqIssuerUpdate = 0x80 // byte 3, kernel 3 alone

func (c *Contactless) read(o *object, all Currencies) {
	o.list("applications", 1, applicationsMax, func(path string, v any) {
		entry := o.r.object(path, v)
		var a TapApplication
		a.read(entry, all)
		entry.end()
		for _, other := range c.Applications {
			if other.Kernel == a.Kernel && bytes.Equal(other.AID, a.AID) {
				o.r.fail(join(path, "aid"), "%X is there twice for kernel %d", []byte(a.AID), a.Kernel)
			}
		}
		c.Applications = append(c.Applications, a)
	})
	if o.has("programs") {
		o.list("programs", 1, programsMax, func(path string, v any) { c.readProgram(o.r.object(path, v), all) })
	}
	if o.has("torn") {
		c.Torn = &Torn{}
		o.object("torn", c.Torn.read)
	}
}

func (t *Torn) read(o *object) {
	t.Taps = uint8(o.number("taps", 1, tornTapsMax))
	t.Life = time.Duration(o.number("seconds", 1, tornSecondsMax)) * time.Second
}

func (a *TapApplication) read(o *object, all Currencies) {
	a.AID = o.hex("aid", 5, 16)
	a.Kernel = uint8(o.number("kernel", 0, 0xFF))
	a.ExtendedSelection = o.has("extended_selection") && o.boolean("extended_selection")
	switch a.Kernel {
	case kernelMastercard:
		a.Generating = &Generating{}
		a.Generating.read(o)
	case kernelVisa, kernelUnionPay:
		a.AtOnce = &AtOnce{}
		a.AtOnce.read(o, a.Kernel)
	default:
		o.r.fail(join(o.path, "kernel"), "want 2, 3 or 7, got %d", a.Kernel)
		o.fields = nil // the rest cannot be understood
		return
	}
	a.Limits = tapLimits(o, all, a.Generating != nil && a.DeviceCVM)
}

// tapLimits are those of the currencies that are there, one at least.
func tapLimits(o *object, all Currencies, device bool) map[string]TapLimits {
	limits := map[string]TapLimits{}
	o.object("limits", func(o *object) {
		for _, c := range all {
			if o.has(c.Code) {
				o.object(c.Code, func(o *object) { limits[c.Code] = tapLimit(o, device) })
			}
		}
		if len(limits) == 0 && len(o.fields) == 0 {
			o.r.fail(o.path, "are for no currency")
		}
	})
	return limits
}

func tapLimit(o *object, device bool) TapLimits {
	l := TapLimits{TransactionMinor: int64(o.number("transaction_minor", 1, amountMax))}
	if device {
		l.DeviceMinor = int64(o.number("transaction_device_minor", 1, amountMax))
	}
	l.FloorMinor = int64(o.number("floor_minor", 0, amountMax))
	l.CVMMinor = int64(o.number("cvm_minor", 0, amountMax))
	return l
}

// readProgram reads one for which there is an application.
func (c *Contactless) readProgram(o *object, all Currencies) {
	p := TapProgram{Program: o.hex("program", 1, 16)}
	switch {
	case !slices.ContainsFunc(c.Applications, func(a TapApplication) bool { return a.Kernel == kernelVisa }):
		o.r.fail(o.path, "wants an application for kernel %d", kernelVisa)
	case slices.ContainsFunc(c.Programs, func(q TapProgram) bool { return bytes.Equal(p.Program, q.Program) }):
		o.r.fail(join(o.path, "program"), "%X is there twice", []byte(p.Program))
	}
	p.Limits = tapLimits(o, all, false)
	p.StatusCheck = o.has("status_check") && o.boolean("status_check")
	o.end()
	c.Programs = append(c.Programs, p)
}

func (g *Generating) read(o *object) {
	g.Version = o.hex2("version")
	g.TACDenial = o.hex5("tac_denial")
	g.TACOnline = o.hex5("tac_online")
	g.TACDefault = o.hex5("tac_default")
	g.DeviceCVM = o.has("device_cvm") && o.boolean("device_cvm")
	g.Balance = o.has("balance") && o.boolean("balance")
	if o.has("mag_stripe") {
		version := o.hex2("mag_stripe")
		g.MagStripe = &version
	}
	if o.has("relay") {
		g.Relay = &Relay{}
		o.object("relay", g.Relay.read)
	}
}

func (r *Relay) read(o *object) {
	units := func(name string) uint16 { return uint16(o.number(name, 0, relayTimeMax)) }
	r.GraceMin = units("grace_min_100us")
	r.GraceMax = units("grace_max_100us")
	r.Command = units("command_100us")
	r.Response = units("response_100us")
	r.Accuracy = units("accuracy_100us")
	r.MismatchPercent = uint8(o.number("mismatch_percent", 0, mismatchMax))
}

func (q *AtOnce) read(o *object, kernel uint8) {
	ttq := o.hex("ttq", len(q.TTQ), len(q.TTQ))
	copy(q.TTQ[:], ttq)
	known := ttqKnown
	if kernel == kernelVisa {
		known[2] |= ttqIssuerUpdate
	}
	for i, b := range ttq {
		switch {
		case b&^known[i] != 0:
			o.r.fail(join(o.path, "ttq"), "byte %d has %02X, which is not for kernel %d", i+1, b&^known[i], kernel)
		case b&ttqNeeded[i] != ttqNeeded[i]:
			o.r.fail(join(o.path, "ttq"), "byte %d lacks %02X, EMV mode", i+1, ttqNeeded[i])
		}
	}
	q.StatusCheck = o.has("status_check") && o.boolean("status_check")
}
