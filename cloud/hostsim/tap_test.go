package hostsim_test

import (
	"testing"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// panTapped is the account of a card that is tapped, without verification for
// CNY 50.00 at most.
const panTapped = "9999010000000064"

// tap is a sale with it.
func (b *bench) tap(minor int64) *sale {
	s := b.sale(panTapped, minor)
	s.more = []tlv.Object{{Tag: tlv.EntryMode, Value: []byte{0x07}}}
	s.alter = func(r *wire.Request) { r.Entry = wire.EntryTap }
	return s
}

// also changes the request beside what the sale changes.
func (s *sale) also(change func(*wire.Request)) {
	before := s.alter
	s.alter = func(r *wire.Request) { before(r); change(r) }
}

// TestTap: what a tapped card is believed, and what is not.
func TestTap(t *testing.T) {
	by := func(cvm string) func(*wire.Request) { return func(r *wire.Request) { r.CVM = cvm } }
	for name, c := range map[string]struct {
		minor        int64
		change       func(*bench, *sale)
		code, reason string
	}{
		"nobody verified":        {5000, nil, "00", ""},
		"too much for that":      {5001, nil, "61", "tap-limit"},
		"of a word not known":    {5001, func(_ *bench, s *sale) { s.also(by("blessing")) }, "61", "tap-limit"},
		"signed":                 {5001, func(_ *bench, s *sale) { s.also(by("signature")) }, "00", ""},
		"PIN":                    {5001, func(_ *bench, s *sale) { s.pin = canary }, "00", ""},
		"wrong PIN":              {5001, func(_ *bench, s *sale) { s.pin = "0000" }, "55", "pin"},
		"PIN missing":            {5001, func(_ *bench, s *sale) { s.also(by("online-pin")) }, "05", "pin-missing"},
		"phone":                  {5001, func(_ *bench, s *sale) { s.cvr = issuer.PINVerified; s.also(by("device")) }, "00", ""},
		"phone, kernel 2":        {5001, func(_ *bench, s *sale) { s.cvr, s.cvm = issuer.PINVerified, [3]byte{0x01, 0, 2}; s.also(by("device")) }, "00", ""},
		"claimed phone":          {1250, func(_ *bench, s *sale) { s.also(by("device")) }, "05", "pin-wedge"},
		"claimed, kernel 2":      {1250, func(_ *bench, s *sale) { s.cvm = [3]byte{0x01, 0, 2} }, "05", "pin-wedge"},
		"holder not verified":    {1250, func(_ *bench, s *sale) { s.tvr3 = 0x80 }, "05", "pin-not-verified"},
		"no money":               {100_001, func(_ *bench, s *sale) { s.pin = canary }, "51", "funds"},
		"amount replaced":        {1250, func(_ *bench, s *sale) { s.chipMinor = 100 }, "05", "amount"},
		"currency replaced":      {1250, func(_ *bench, s *sale) { s.currency = []byte{0x08, 0x40} }, "05", "amount"},
		"number zero":            {1250, func(_ *bench, s *sale) { s.un = make([]byte, 4) }, "05", "unpredictable-number"},
		"TC":                     {1250, func(_ *bench, s *sale) { s.cid = 0x40 }, "05", "cryptogram"},
		"TC made of it":          {1250, func(_ *bench, s *sale) { s.cid, s.turned = 0x40, 0xC0 }, "05", "cryptogram"},
		"made of a TC":           {1250, func(_ *bench, s *sale) { s.turned = 0xC0 }, "05", "cryptogram"},
		"race under it":          {1250, func(_ *bench, s *sale) { s.race = 0x02 }, "00", ""},
		"race put in":            {1250, func(_ *bench, s *sale) { s.lateTVR = [5]byte{4: 0x02} }, "05", "cryptogram"},
		"said to be inserted":    {1250, func(_ *bench, s *sale) { s.also(func(r *wire.Request) { r.Entry = wire.EntryChip }) }, "30", "entry-mode"},
		"inserted, and said not": {1250, func(_ *bench, s *sale) { s.more[0].Value = []byte{0x05} }, "30", "entry-mode"},
		"says nothing of it":     {1250, func(_ *bench, s *sale) { s.more = nil }, "30", "entry-mode"},
		"said to be swiped":      {1250, func(_ *bench, s *sale) { s.also(func(r *wire.Request) { r.Entry = wire.EntryStripe }) }, "30", "chip"},
		"as a stripe":            {1250, func(_ *bench, s *sale) { s.also(func(r *wire.Request) { r.Entry = wire.EntryTapTrack }) }, "30", "entry-mode"},
		"no chip":                {1250, func(_ *bench, s *sale) { s.also(func(r *wire.Request) { r.Card.Chip = nil }) }, "30", "chip"},
		"no type":                {1250, without(tlv.CryptogramInformation), "30", "chip"},
		"no counter":             {1250, without(tlv.ATC), "30", "chip"},
		"no cryptogram":          {1250, without(tlv.ApplicationCryptogram), "30", "chip"},
		"no number":              {1250, without(tlv.UnpredictableNumber), "05", "cryptogram"},
		"no issuer data":         {1250, without(tlv.IssuerApplicationData), "05", "cryptogram"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &hostsim.Memory{})
			s := b.tap(c.minor)
			if c.change != nil {
				c.change(b, s)
			}
			req := b.request(s)
			d := b.want(req, c.code, c.reason)
			b.want(req, c.code, c.reason) // the same again
			if held := b.held(); (held == c.minor) != (c.code == "00") {
				t.Errorf("the host holds %d", held)
			}
			if len(d.IssuerAuth)+len(d.Scripts) > 0 {
				t.Error("an answer for a card that takes none")
			}
		})
	}
}

// without takes an object out of what the terminal sends.
func without(tag tlv.Tag) func(*bench, *sale) {
	return func(b *bench, s *sale) {
		s.also(func(r *wire.Request) {
			objects, err := tlv.Parse(b.chip(s))
			if err != nil {
				b.t.Fatal(err)
			}
			var rest []byte
			for _, o := range objects {
				if o.Tag != tag {
					rest = tlv.Append(rest, o.Tag, o.Value)
				}
			}
			r.Card.Chip = b.seal(r, keys.PartChip, rest)
		})
	}
}

// TestTapOnce: a cryptogram serves for one sale, and for one approval of a
// card's own.
func TestTapOnce(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	first := b.tap(1250)
	b.want(b.request(first), "00", "")
	again := b.tap(1250)
	again.atc = first.atc
	b.want(b.request(again), "05", "atc")

	alone := b.tap(1250)
	alone.cid = 0x40
	b.advise(t, alone, "")
	b.advise(t, alone, "atc")
	claimed := b.tap(1250)
	claimed.cid, claimed.cvm = 0x40, [3]byte{0x01, 0, 2}
	b.advise(t, claimed, "pin-wedge")
	silent := b.tap(1250) // from a terminal that says nothing of entry modes
	silent.cid = 0x40
	silent.also(func(r *wire.Request) { r.Entry = "" })
	b.advise(t, silent, "")
}

// TestTapAnswer: an answer and scripts are for cards and readers that bring them
// together again.
func TestTapAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		ctq, ttq []byte
		want     bool
	}{
		"both":       {[]byte{0, 0x40}, []byte{0x37, 0, 0xC0, 0}, true},
		"card alone": {[]byte{0, 0x40}, []byte{0x37, 0, 0x40, 0}, false},
		"reader":     {[]byte{0, 0x80}, []byte{0x37, 0, 0xC0, 0}, false},
		"neither":    {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &hostsim.Memory{})
			b.withScript(hostsim.Account{Script: "pin-change", PIN: canary})
			for _, minor := range []int64{1250, 1005} {
				s := b.tap(minor)
				s.pan, s.track = panScript, panScript+"d3112201000"
				s.more = append(s.more, tlv.Object{Tag: tlv.CTQ, Value: c.ctq}, tlv.Object{Tag: tlv.TTQ, Value: c.ttq})
				d, err := b.host.Authorise(t.Context(), b.request(s))
				if err != nil || d.Approved != (minor == 1250) {
					t.Fatalf("%+v, %v", d, err)
				}
				if (len(d.IssuerAuth) > 0) != c.want || (len(d.Scripts) > 0) != (c.want && d.Approved) {
					t.Errorf("answer %X, scripts %X; want some: %v", d.IssuerAuth, d.Scripts, c.want)
				}
			}
		})
	}
}
