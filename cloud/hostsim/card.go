package hostsim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// Machine words for why something was declined.
const (
	reasonReversed   = "reversed"
	reasonSealed     = "sealed"
	reasonAccount    = "account"
	reasonExpired    = "expired"
	reasonTrack      = "track"
	reasonChip       = "chip"
	reasonCryptogram = "cryptogram"
	reasonAmount     = "amount"
	reasonNumber     = "unpredictable-number"
	reasonATC        = "atc"
	reasonPINScheme  = "pin-scheme"
	reasonPINMissing = "pin-missing"
	reasonKSN        = "ksn"
	reasonPINBlock   = "pin-block"
	reasonPIN        = "pin"
	reasonPINTries   = "pin-tries"
	reasonPINWedge   = "pin-wedge"
	reasonCustomer   = "pin-not-verified"
	reasonEnding     = "amount-ending"
	reasonAlways     = "always"
	reasonEntry      = "entry-mode"
	reasonSwiped     = "chip-card-swiped"
	reasonTapLimit   = "tap-limit"
	reasonFunds      = "funds"
)

// card is what the sealed parts of a request hold.
type card struct {
	account *Account // nil: none of ours
	expiry  string
	track   secret.Bytes
	chip    secret.Bytes
	pin     secret.Bytes
	fault   string // why a part could not be read
}

// name is what the store calls the account.
func (c *card) name() string {
	if c.account == nil {
		return ""
	}
	return c.account.Name
}

func (c *card) clear() {
	c.track.Clear()
	c.chip.Clear()
	c.pin.Clear()
}

// open opens the parts. They open for this terminal, epoch and sequence only.
func (h *Host) open(req *wire.Request) *card {
	c := &card{}
	if req.Card.SealKey != h.p.AcquirerID {
		c.fault = reasonSealed
		return c
	}
	part := func(name keys.Part, sealed []byte) secret.Bytes {
		if len(sealed) == 0 || c.fault != "" {
			return nil
		}
		info := keys.Info(req.Key.Terminal, req.Key.Epoch, req.Key.Seq, name)
		plain, err := keys.Open(h.p.Acquirer, info, sealed)
		if err != nil {
			c.fault = reasonSealed // what exactly is wrong, nobody is told
		}
		return plain
	}
	account := part(keys.PartAccount, req.Card.Account)
	defer account.Clear()
	c.track = part(keys.PartTrack, req.Card.Track)
	c.chip = part(keys.PartChip, req.Card.Chip)
	c.pin = part(keys.PartPIN, req.Card.PIN)
	if c.fault != "" {
		return c
	}
	var a wire.Account
	if err := json.Unmarshal(account, &a); err != nil {
		c.fault = reasonSealed
		return c
	}
	c.expiry = a.Expiry
	// A stripe does not tell the card's sequence number.
	if own := h.accounts[a.PAN]; own != nil && (own.PSN == a.PSN || swiped(req) && a.PSN == "") {
		c.account = own
	}
	return c
}

// swiped tells whether the magnetic stripe was read.
func swiped(req *wire.Request) bool {
	return req.Entry == wire.EntryStripe || req.Entry == wire.EntryFallback
}

// trackFits tells whether the track, if there is one, is of the same account.
func (c *card) trackFits() bool {
	if len(c.track) == 0 {
		return true
	}
	_, fits := c.afterNumber()
	return fits
}

// afterNumber is what the track says after the number: expiry YYMM and service
// code. It tells whether the track is of the same account. Tag 57 is digits in
// nibbles, with D between number and expiry.
func (c *card) afterNumber() (expiryAndService string, fits bool) {
	digits := make([]byte, hex.EncodedLen(len(c.track)))
	defer clear(digits)
	hex.Encode(digits, c.track)
	number, rest, found := bytes.Cut(digits, []byte("d"))
	return string(rest[:min(stripeSize, len(rest))]), found && string(number) == c.account.PAN
}

// chipGet reads the chip's data objects.
func (c *card) chipGet() (func(tlv.Tag) []byte, bool) {
	objects, err := tlv.Parse(c.chip)
	if err != nil || len(objects) == 0 {
		return nil, false
	}
	values := map[tlv.Tag][]byte{}
	for _, o := range objects {
		if _, twice := values[o.Tag]; twice {
			return nil, false // which of the two the cryptogram covers is not for us to guess
		}
		values[o.Tag] = o.Value
	}
	return func(t tlv.Tag) []byte { return values[t] }, true
}

// expired tells whether the card's last day, YYMMDD, is before today, YYMMDD.
// Cards have no century; this one does not need one.
func expired(expiry, today string) bool {
	return len(expiry) != 6 || !decimal(expiry) || strings.Compare(expiry, today) < 0
}
