package params

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // a board may have no zones of its own, and the document's must be known anywhere

	"github.com/cloudpos/cloudpos/money"
)

// Bounds of the document.
const (
	versionMax      = 1<<53 - 1 // what any JSON reader can hold
	amountMax       = 999_999_999_999
	currenciesMax   = 16
	applicationsMax = 64
	caKeysMax       = 128
	revokedMax      = 256 // of one key
	modulusMin      = 64  // 512 bit, only to catch what is no key at all
	modulusMax      = 248 // EMV Book 2, D1.1
	ddolMax         = 252
)

// Parse reads and checks a document. The error names the first field that is
// wrong.
func Parse(data []byte) (*Document, error) {
	v, err := tree(data)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	o := r.object("document", v)
	if r.err != nil {
		return nil, r.err
	}
	o.path = ""
	doc := &Document{Schema: int(o.number("schema", Schema, Schema))}
	if doc.Schema != Schema { // the rest cannot be understood
		o.fields = nil
		o.end()
		return nil, r.err
	}
	doc.Version = o.number("version", 1, versionMax)
	doc.Environment = environment(o)
	o.object("merchant", doc.Merchant.read)
	o.object("terminal", doc.Terminal.read)
	o.object("acquirer", doc.Acquirer.read)
	doc.Currencies = currencies(o)
	o.object("limits", func(o *object) { doc.Limits.read(o, doc.Currencies) })
	o.object("contact", doc.Contact.read)
	if o.has("stripe") {
		o.object("stripe", doc.Stripe.read)
	}
	if o.has("contactless") {
		o.object("contactless", func(o *object) { doc.Contactless.read(o, doc.Currencies) })
	}
	if o.has("exceptions") {
		doc.Exceptions = &Exceptions{}
		o.object("exceptions", doc.Exceptions.read)
	}
	o.object("cvm", doc.CVM.read)
	o.object("pin", doc.PIN.read)
	o.object("timeouts", doc.Timeouts.read)
	o.end()
	if r.err != nil {
		return nil, r.err
	}
	return doc, nil
}

func environment(o *object) Environment {
	s, path, ok := o.text("environment")
	e := Environment(s)
	if ok && e != Production && e != Training && e != Development {
		o.r.fail(path, "want %s, %s or %s, got %.40q", Production, Training, Development, s)
	}
	return e
}

func (m *Merchant) read(o *object) {
	m.ID = o.code("id", 1, 15, alphanumber, "letters and digits")
	m.Name = o.words("name", 1, 40)
	m.Address = o.words("address", 0, 80)
	category, err := strconv.ParseUint(o.code("category", 4, 4, digits, "digits"), 10, 16)
	if err == nil { // else told by code
		m.Category = Category(category)
	}
}

func (t *Terminal) read(o *object) {
	t.AcquirerTerminalID = o.code("acquirer_terminal_id", 8, 8, alphanumber, "letters and digits")
	t.Serial = o.code("serial", 8, 8, alphanumber, "letters and digits")
	t.Country = uint16(o.number("country", 1, 999))
	if kind := o.code("type", 2, 2, digits, "digits"); kind != "" {
		// EMV Book 4, A1: operated by 1 to 3, of kind 1 to 6; a cardholder's
		// own is unattended.
		t.Type = Type(kind[0]-'0')<<4 | Type(kind[1]-'0')
		tens, unit := kind[0], kind[1]
		if tens < '1' || tens > '3' || unit < '1' || unit > '6' || tens == '3' && unit < '4' {
			o.r.fail(join(o.path, "type"), "%s is no terminal type of EMV Book 4, A1", kind)
		}
	}
	t.Timezone = timezone(o)
}

func timezone(o *object) Timezone {
	s, path, ok := o.text("timezone")
	if !ok {
		return Timezone{}
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		o.r.fail(path, "want a zone like Asia/Shanghai, got %.40q", s)
	}
	return Timezone{zone}
}

func (a *Acquirer) read(o *object) {
	a.ID = o.code("id", 1, 11, digits, "digits")
	a.SealKeyID = o.code("seal_key_id", 1, 32, alphanumber+"-_.", "letters, digits, dots and dashes")
	key := o.hex("seal_key", 32, 32)
	if key == nil {
		return
	}
	a.SealKey = hex.EncodeToString(key)
	if !agrees(key) {
		o.r.fail(join(o.path, "seal_key"), "is no X25519 key that can seal")
	}
}

// agrees tells whether a secret can be agreed on with this key. Under a point
// of low order all secrets would be one; a sale is a bad time to learn that.
func agrees(key []byte) bool {
	public, err := ecdh.X25519().NewPublicKey(key)
	if err != nil {
		return false
	}
	trial, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		return false
	}
	_, err = trial.ECDH(public)
	return err == nil
}

func currencies(o *object) (all Currencies) {
	o.list("currencies", 1, currenciesMax, func(path string, v any) {
		code, ok := v.(string)
		if !ok {
			o.r.fail(path, "want a text, got %s", kind(v))
			return
		}
		c, err := money.Lookup(code)
		if err != nil {
			o.r.fail(path, "unknown currency %.40q", code)
		}
		if slices.Contains(all, c) {
			o.r.fail(path, "%s is there twice", code)
		}
		all = append(all, c)
	})
	return all
}

func (l *Limits) read(o *object, all Currencies) {
	o.object("sale_max_minor", func(o *object) {
		l.SaleMaxMinor = map[string]int64{}
		for _, c := range all {
			l.SaleMaxMinor[c.Code] = int64(o.number(c.Code, 1, amountMax))
		}
	})
}

func (c *Contact) read(o *object) {
	o.list("applications", 1, applicationsMax, func(path string, v any) {
		entry := o.r.object(path, v)
		var a Application
		a.read(entry)
		entry.end()
		for _, other := range c.Applications {
			if bytes.Equal(other.AID, a.AID) {
				o.r.fail(join(path, "aid"), "%X is there twice", []byte(a.AID))
			}
		}
		c.Applications = append(c.Applications, a)
	})
	c.CAKeys = []CAKey{}
	o.list("ca_keys", 0, caKeysMax, func(path string, v any) {
		entry := o.r.object(path, v)
		var k CAKey
		k.read(entry)
		entry.end()
		for _, other := range c.CAKeys {
			if other.RID == k.RID && other.Index == k.Index {
				o.r.fail(join(path, "index"), "key %X %02X is there twice", k.RID[:], byte(k.Index))
			}
		}
		c.CAKeys = append(c.CAKeys, k)
	})
	if o.has("xda") {
		c.XDA = o.boolean("xda")
	}
}

func (s *Stripe) read(o *object) {
	s.Allowed = o.boolean("allowed")
	s.Fallback = o.boolean("fallback")
	if s.Fallback && !s.Allowed {
		o.r.fail(join(o.path, "fallback"), "wants allowed to be true")
	}
}

func (a *Application) read(o *object) {
	a.AID = o.hex("aid", 5, 16)
	a.Partial = o.boolean("partial")
	a.Version = o.hex2("version")
	a.TACDenial = o.hex5("tac_denial")
	a.TACOnline = o.hex5("tac_online")
	a.TACDefault = o.hex5("tac_default")
	a.FloorLimitMinor = uint32(o.number("floor_limit_minor", 0, 1<<32-1))
	// EMV Book 3, 10.6.2: target <= maximum <= 99, threshold below the floor.
	thresholdMost := uint64(max(a.FloorLimitMinor, 1) - 1)
	a.RandomThresholdMinor = uint32(o.number("random_threshold_minor", 0, thresholdMost))
	a.RandomMaximumPercent = uint8(o.number("random_maximum_percent", 0, 99))
	a.RandomTargetPercent = uint8(o.number("random_target_percent", 0, uint64(a.RandomMaximumPercent)))
	a.DDOL = o.hex("ddol", 3, ddolMax)
	// EMV Book 2, 6.5.1: it asks for the unpredictable number.
	if a.DDOL != nil && !bytes.Contains(a.DDOL, []byte{0x9F, 0x37, 0x04}) {
		o.r.fail(join(o.path, "ddol"), "does not ask for the unpredictable number, 9F3704")
	}
}

func (c *CVM) read(o *object) {
	c.OnlinePIN = o.boolean("online_pin")
	c.Signature = o.boolean("signature")
	c.NoCVM = o.boolean("no_cvm")
	c.PlainPIN = o.has("plain_pin") && o.boolean("plain_pin")
	c.EncipheredPIN = o.has("enciphered_pin") && o.boolean("enciphered_pin")
	if *c == (CVM{}) {
		o.r.fail(o.path, "allows no way to verify a cardholder")
	}
}

func (p *PIN) read(o *object) {
	p.AttemptsMax = uint8(o.number("attempts_max", 1, 5))
	p.Min = uint8(o.number("min", 4, 12))
	p.Max = uint8(o.number("max", max(uint64(p.Min), 4), 12))
}

func (t *Timeouts) read(o *object) {
	seconds := func(name string, most uint64) time.Duration {
		return time.Duration(o.number(name, 1, most)) * time.Second
	}
	t.Card = seconds("card_seconds", 600)
	t.Choice = seconds("choice_seconds", 300)
	t.PIN = seconds("pin_seconds", 300)
	t.Host = seconds("host_seconds", 120)
}
