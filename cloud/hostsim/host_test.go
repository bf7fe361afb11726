package hostsim_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/cloud/hostsim"
	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/cloud/store"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// The test keys of X9.24-1, A.4, and of no one else.
var (
	bdk = hostsim.Key{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}
	imk = hostsim.Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

const (
	panRich = "9999010000000015"
	panPoor = "9999010000000023"
	panPIN  = "9999010000000031"
	canary  = "7391" // the right PIN
)

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a host with a terminal that makes requests for it.
type bench struct {
	t    *testing.T
	host *hostsim.Host
	key  keys.Private
	pad  *keys.DUKPT
	seq  uint64
	atc  uint16
	log  bytes.Buffer
	last hostsim.Store
	cfg  hostsim.Config
	more []hostsim.Account
}

func newBench(t *testing.T, s hostsim.Store) *bench {
	t.Helper()
	key, err := keys.NewPrivate()
	if err != nil {
		t.Fatal(err)
	}
	return newBenchOf(t, s, key, hostsim.Config{
		IMK: imk, MAC: macKey, Encipher: encipherKey, BDK: bdk,
		Accounts: append([]hostsim.Account{
			{Name: "rich", PAN: panRich, PSN: "01", BalanceMinor: 100_000},
			{Name: "poor", PAN: panPoor, PSN: "01"},
			{Name: "pin", PAN: panPIN, PSN: "01", PIN: canary, BalanceMinor: 100_000},
			{Name: "tapped", PAN: panTapped, PSN: "01", PIN: canary, BalanceMinor: 100_000, TapMinor: 5000},
			{Name: "never", PAN: "9999010000000049", PSN: "01", BalanceMinor: 100_000, Decline: "62"},
		}, stripeAccounts...),
	})
}

// newBenchOf is a bench of that issuer, behind the acquirer with that key.
func newBenchOf(t *testing.T, s hostsim.Store, acquirer keys.Private, cfg hostsim.Config) *bench {
	t.Helper()
	ksn := [10]byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 0}
	ipek, err := keys.InitialKey(cfg.BDK, ksn)
	if err != nil {
		t.Fatal(err)
	}
	pad, err := keys.NewDUKPT(ipek, ksn)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, key: acquirer, pad: pad, last: s, cfg: cfg}
	b.restart()
	return b
}

func (b *bench) restart() {
	b.t.Helper()
	cfg := b.cfg
	cfg.Accounts = append(cfg.Accounts[:len(cfg.Accounts):len(cfg.Accounts)], b.more...)
	var err error
	b.host, err = hostsim.New(b.t.Context(), hostsim.Parts{
		Config: cfg, Acquirer: b.key, AcquirerID: "dev-1", Store: b.last,
		Now: func() time.Time { return today }, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// sale is what a test may change before the request is made.
type sale struct {
	pan, psn, expiry string
	minor            int64
	chipMinor        int64 // what the card was told; 0: the same
	imk              [16]byte
	atc              uint16
	un               []byte
	cid              byte
	currency         []byte
	track            string
	pin              string
	ksn              *[10]byte
	alter            func(*wire.Request)
	tvr3             byte         // of the terminal verification results, byte 3
	lateTVR          [5]byte      // bits that were set after the cryptogram
	cvm              [3]byte      // 9F34
	cvr              byte         // of the card verification results, byte 2, beside the cryptogram's type
	turned           byte         // in 9F27: what was made of the type on the way
	race             byte         // of the terminal verification results, byte 5
	more             []tlv.Object // beside the others
}

// noted is the type that the card has noted under its cryptogram.
func (s *sale) noted() byte { return s.cid ^ s.turned }

func (b *bench) sale(pan string, minor int64) *sale {
	b.atc++
	return &sale{
		pan: pan, psn: "01", expiry: "311231", minor: minor, imk: imk, atc: b.atc, un: []byte{1, 2, 3, 4}, cid: 0x80,
		currency: []byte{0x01, 0x56}, track: pan + "d3112201000",
	}
}

func (b *bench) seal(req *wire.Request, part keys.Part, plain []byte) []byte {
	sealed, err := keys.Seal(b.key.Public(), keys.Info(req.Key.Terminal, req.Key.Epoch, req.Key.Seq, part), plain)
	if err != nil {
		b.t.Fatal(err)
	}
	return sealed
}

func (b *bench) request(s *sale) wire.Request {
	b.t.Helper()
	b.seq++
	req := wire.Request{
		Key: wire.Key{Terminal: "dev:t1", Epoch: 1, Seq: b.seq, Leg: wire.LegAuthorise, Attempt: 1}, Version: 1,
		Kind: "sale", AmountMinor: s.minor, Currency: "CNY", Exponent: 2, Entry: "05", CVM: "none",
		Card: wire.Card{SealKey: "dev-1"},
	}
	account, err := json.Marshal(wire.Account{PAN: s.pan, PSN: s.psn, Expiry: s.expiry})
	if err != nil {
		b.t.Fatal(err)
	}
	req.Card.Account = b.seal(&req, keys.PartAccount, account)
	track, err := hex.DecodeString(s.track + strings.Repeat("f", len(s.track)%2))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Card.Track = b.seal(&req, keys.PartTrack, track)
	req.Card.Chip = b.seal(&req, keys.PartChip, b.chip(s))
	if s.pin != "" {
		req.CVM = "online-pin"
		b.enterPIN(&req, s)
	}
	if s.alter != nil {
		s.alter(&req)
	}
	return req
}

// chip plays the card.
func (b *bench) chip(s *sale) []byte {
	minor := s.chipMinor
	if minor == 0 {
		minor = s.minor
	}
	amount, err := hex.DecodeString(fmt.Sprintf("%012d", minor))
	if err != nil {
		b.t.Fatal(err)
	}
	values := map[tlv.Tag][]byte{
		tlv.AmountAuthorised: amount, tlv.AmountOther: make([]byte, 6), tlv.TerminalCountry: {0x01, 0x56},
		tlv.TVR: {0, 0, s.tvr3, 0x80, s.race}, tlv.TransactionCurrency: s.currency, tlv.TransactionDate: {0x26, 0x03, 0x01},
		tlv.TransactionType: {0}, tlv.UnpredictableNumber: s.un, tlv.AIP: {0x3C, 0}, tlv.CryptogramInformation: {s.cid},
		tlv.ATC: {byte(s.atc >> 8), byte(s.atc)}, tlv.IssuerApplicationData: issuer.ApplicationData(issuer.Common, [4]byte{3, 0x80 | s.noted()>>2 | s.cvr, 0, 0}),
	}
	for _, o := range s.more {
		values[o.Tag] = o.Value
	}
	if s.cvm != [3]byte{} {
		values[tlv.CVMResults] = s.cvm[:]
	}
	sk := issuer.SessionKey(issuer.DeriveICC(s.imk, s.pan, s.psn), s.atc)
	ac := issuer.Cryptogram(sk, issuer.CryptogramData(func(t tlv.Tag) []byte { return values[t] }))
	values[tlv.ApplicationCryptogram] = ac[:]
	for i, bits := range s.lateTVR {
		values[tlv.TVR][i] |= bits
	}
	var out []byte
	for t, v := range values {
		out = tlv.Append(out, t, v)
	}
	return out
}

// enterPIN plays the PIN pad.
func (b *bench) enterPIN(req *wire.Request, s *sale) {
	key, ksn, err := b.pad.Next()
	if err != nil {
		b.t.Fatal(err)
	}
	if s.ksn != nil {
		ksn = *s.ksn
	}
	if key, err = keys.Variant(key, keys.UsePIN); err != nil {
		b.t.Fatal(err)
	}
	block, err := keys.EncryptPIN(0, key, secret.Bytes(s.pin), secret.PAN(s.pan))
	if err != nil {
		b.t.Fatal(err)
	}
	req.PIN = &wire.PIN{Scheme: "dukpt-tdes", Format: 0, KSN: ksn[:]}
	req.Card.PIN = b.seal(req, keys.PartPIN, block)
}

// want asks and checks code and, by the host's books, reason.
func (b *bench) want(req wire.Request, code, reason string) ingest.Decision {
	b.t.Helper()
	d, err := b.host.Authorise(b.t.Context(), req)
	if err != nil {
		b.t.Fatal(err)
	}
	all, err := b.host.Postings(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	got := ""
	for _, p := range all {
		if p.Key == req.Key {
			got = p.Reason
		}
	}
	if d.Code != code || got != reason || d.Approved != (code == "00") || d.Approved != (d.AuthCode != "") {
		b.t.Errorf("the host says %+v, reason %q; want %s, %q", d, got, code, reason)
	}
	return d
}

func (b *bench) held() (total int64) {
	all, err := b.host.Postings(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range all {
		total += p.HeldMinor()
	}
	return total
}

// forms runs a test with each store.
func forms(t *testing.T, test func(*testing.T, hostsim.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, &hostsim.Memory{}) })
	t.Run("sqlite", func(t *testing.T) {
		db, err := store.Open(filepath.Join(t.TempDir(), "host.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		s, err := hostsim.OpenSQL(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

func TestApproves(t *testing.T) {
	forms(t, func(t *testing.T, s hostsim.Store) {
		b := newBench(t, s)
		sale := b.sale(panRich, 1250)
		req := b.request(sale)
		d := b.want(req, "00", "")
		// The card checks this: ARPC under its session key, then the code.
		sk := issuer.SessionKey(issuer.DeriveICC(imk, panRich, "01"), sale.atc)
		objects, err := keys.Open(b.key, keys.Info("dev:t1", 1, req.Key.Seq, keys.PartChip), req.Card.Chip)
		if err != nil {
			t.Fatal(err)
		}
		arqc, _ := tlv.Find(objects, tlv.ApplicationCryptogram)
		arpc := issuer.ARPC1(sk, [8]byte(arqc), [2]byte{'0', '0'})
		if want := append(arpc[:], '0', '0'); !bytes.Equal(d.IssuerAuth, want) {
			t.Errorf("tag 91 is % X, want % X", d.IssuerAuth, want)
		}
		b.restart()
		if again := b.want(req, "00", ""); !bytes.Equal(again.IssuerAuth, d.IssuerAuth) || again.AuthCode != d.AuthCode {
			t.Errorf("asked again %+v, first %+v", again, d)
		}
		if held := b.held(); held != 1250 {
			t.Errorf("the host holds %d, want 1250", held)
		}
	})
}

func TestDeclines(t *testing.T) {
	for name, c := range map[string]struct {
		pan          string
		minor        int64
		change       func(*sale)
		code, reason string
	}{
		"XDA failed, no money":  {panPoor, 1250, func(s *sale) { s.lateTVR = [5]byte{3: 0x01, 4: 0x06} }, "51", "funds"},
		"other bits came later": {panRich, 1250, func(s *sale) { s.lateTVR = [5]byte{3: 0x02} }, "05", "cryptogram"},
		"amount ends in 05":     {panRich, 1005, nil, "05", "amount-ending"},
		"no money":              {panPoor, 1250, nil, "51", "funds"},
		"too little money":      {panRich, 100_001, nil, "51", "funds"},
		"always":                {"9999010000000049", 1250, nil, "62", "always"},
		"unknown account":       {"9999010000000072", 1250, nil, "14", "account"},
		"other card of it":      {panRich, 1250, func(s *sale) { s.psn = "02" }, "14", "account"},
		"expired":               {panRich, 1250, func(s *sale) { s.expiry = "260228" }, "54", "expired"},
		"no expiry":             {panRich, 1250, func(s *sale) { s.expiry = "" }, "54", "expired"},
		"another's track":       {panRich, 1250, func(s *sale) { s.track = panPoor + "d3112201000" }, "14", "track"},
		"wrong card key":        {panRich, 1250, func(s *sale) { s.imk[0] ^= 2 }, "05", "cryptogram"},
		"amount altered":        {panRich, 1250, func(s *sale) { s.chipMinor = 1 }, "05", "amount"},
		"currency altered":      {panRich, 1250, func(s *sale) { s.currency = []byte{0x08, 0x40} }, "05", "amount"},
		"number zero":           {panRich, 1250, func(s *sale) { s.un = make([]byte, 4) }, "05", "unpredictable-number"},
		"ARQC made of a TC":     {panRich, 1250, func(s *sale) { s.turned = 0xC0 }, "05", "cryptogram"},
		"of no entry mode":      {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Entry = "" } }, "30", "entry-mode"},
		"of an unknown mode":    {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Entry = "02" } }, "30", "entry-mode"},
		"TC for an ARQC":        {panRich, 1250, func(s *sale) { s.cid = 0x40 }, "05", "cryptogram"},
		"sealed elsewhere":      {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Key.Seq += 1000 } }, "30", "sealed"},
		"other seal key":        {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Card.SealKey = "x" } }, "30", "sealed"},
		"sealed altered":        {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Card.Chip[40] ^= 1 } }, "30", "sealed"},
		"no account":            {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Card.Account = nil } }, "30", "sealed"},
		"no chip":               {panRich, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.Card.Chip = nil } }, "30", "chip"},
		"PIN missing":           {panPIN, 1250, func(s *sale) { s.alter = func(r *wire.Request) { r.CVM = "online-pin" } }, "05", "pin-missing"},
		"no PIN pad":            {panPIN, 1250, func(s *sale) { s.tvr3 = 0x90 }, "05", "pin-not-verified"},
		"PIN tries spent":       {panPIN, 1250, func(s *sale) { s.tvr3 = 0xA0 }, "75", "pin-tries"},
		"wedge":                 {panPIN, 1250, func(s *sale) { s.cvm = [3]byte{0x01, 0, 2} }, "05", "pin-wedge"},
		"wedge, enciphered":     {panPIN, 1250, func(s *sale) { s.cvm = [3]byte{0x44, 3, 2} }, "05", "pin-wedge"},
		"wedge, signing":        {panPIN, 1250, func(s *sale) { s.cvm = [3]byte{0x03, 0, 0} }, "05", "pin-wedge"},
		"PIN scheme":            {panPIN, 1250, func(s *sale) { s.pin = canary; s.alter = func(r *wire.Request) { r.PIN.Scheme = "x" } }, "30", "pin-scheme"},
		"KSN too short":         {panPIN, 1250, func(s *sale) { s.pin = canary; s.alter = func(r *wire.Request) { r.PIN.KSN = r.PIN.KSN[:9] } }, "30", "pin-scheme"},
		"KSN of another":        {panPIN, 1250, func(s *sale) { s.pin = canary; s.ksn = &[10]byte{0xFF, 0xFF, 1, 1, 1, 1, 1, 1, 1, 1} }, "05", "pin-block"},
		"KSN impossible":        {panPIN, 1250, func(s *sale) { s.pin = canary; s.ksn = &[10]byte{} }, "05", "pin-block"},
		"account of no PIN":     {panRich, 1250, func(s *sale) { s.pin = canary }, "55", "pin"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &hostsim.Memory{})
			s := b.sale(c.pan, c.minor)
			if c.change != nil {
				c.change(s)
			}
			req := b.request(s)
			d := b.want(req, c.code, c.reason)
			b.want(req, c.code, c.reason) // the same again
			if b.held() != 0 {
				t.Errorf("the host holds %d", b.held())
			}
			genuine := c.reason == "amount-ending" || c.reason == "funds" || c.reason == "always" || strings.HasPrefix(c.reason, "pin")
			if genuine != (len(d.IssuerAuth) == 10) {
				t.Errorf("tag 91 has %d bytes; it belongs to genuine cryptograms, and there always", len(d.IssuerAuth))
			}
		})
	}
}

// A PIN that the card has verified passes, and so does one that failed where the
// card's rules let it.
func TestOfflinePIN(t *testing.T) {
	for name, change := range map[string]func(*sale){
		"verified":               func(s *sale) { s.cvm, s.cvr = [3]byte{0x01, 0, 2}, 0x04 },
		"verified, with signing": func(s *sale) { s.cvm, s.cvr = [3]byte{0x05, 0, 0}, 0x04 },
		"no CVM":                 func(s *sale) { s.cvm = [3]byte{0x1F, 0, 2} },
		"signature":              func(s *sale) { s.cvm = [3]byte{0x1E, 0, 0} },
		"tries spent, then none": func(s *sale) { s.tvr3, s.cvm = 0x20, [3]byte{0x1F, 0, 2} },
		"failed, and let pass":   func(s *sale) { s.cvm = [3]byte{0x41, 0, 1} },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &hostsim.Memory{})
			s := b.sale(panPIN, 1250)
			change(s)
			b.want(b.request(s), "00", "")
		})
	}
}

func TestPINTries(t *testing.T) {
	forms(t, func(t *testing.T, s hostsim.Store) {
		b := newBench(t, s)
		try := func(pin, code, reason string) {
			t.Helper()
			sale := b.sale(panPIN, 100)
			sale.pin = pin
			b.want(b.request(sale), code, reason)
		}
		try("0000", "55", "pin")
		try(canary, "00", "") // counts from three again
		try("0000", "55", "pin")
		try("1111", "55", "pin")
		b.restart()
		try("2222", "75", "pin-tries")
		try(canary, "75", "pin-tries")
		// The PIN has nothing to do with sales that need none.
		b.want(b.request(b.sale(panPIN, 100)), "00", "")
	})
}

func TestNothingServesTwice(t *testing.T) {
	forms(t, func(t *testing.T, s hostsim.Store) {
		b := newBench(t, s)
		sale := b.sale(panPIN, 100)
		sale.pin = canary
		first := b.request(sale)
		b.want(first, "00", "")

		replayed := b.sale(panPIN, 100) // the same cryptogram in a new sale
		replayed.atc = sale.atc
		b.want(b.request(replayed), "05", "atc")

		again := b.sale(panPIN, 100) // the same key serial number
		again.pin, again.ksn = canary, (*[10]byte)(first.PIN.KSN)
		b.want(b.request(again), "05", "ksn")

		b.want(first, "00", "") // while the same request has the same answer
	})
}

func TestReverse(t *testing.T) {
	forms(t, func(t *testing.T, s hostsim.Store) {
		b := newBench(t, s)
		// All the money, twice: the second sale is paid with what came back.
		for range 2 {
			req := b.request(b.sale(panRich, 100_000))
			b.want(req, "00", "")
			for range 3 {
				if err := b.host.Reverse(t.Context(), ingest.SaleOf(req.Key)); err != nil {
					t.Fatal(err)
				}
			}
			if d, err := b.host.Authorise(t.Context(), req); err != nil || d.Approved || d.Code != "12" {
				t.Errorf("asked again after the reversal: %+v, %v; want 12", d, err)
			}
			b.restart()
		}
		b.want(b.request(b.sale(panRich, 100_001)), "51", "funds") // it came back once
		if b.held() != 0 {
			t.Errorf("the host holds %d", b.held())
		}
		late := b.request(b.sale(panRich, 100))
		if err := b.host.Reverse(t.Context(), ingest.SaleOf(late.Key)); err != nil {
			t.Fatal(err)
		}
		b.want(late, "12", "reversed")
	})
}

func TestAdvise(t *testing.T) {
	forms(t, func(t *testing.T, s hostsim.Store) {
		b := newBench(t, s)
		alone := b.sale(panPoor, 500)
		alone.cid = 0x40
		req := b.request(alone)
		req.Key.Leg = wire.LegAdvise
		for range 2 {
			if err := b.host.Advise(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		}
		if b.held() != 500 {
			t.Errorf("the host holds %d, want 500", b.held())
		}
		if err := b.host.Reverse(t.Context(), ingest.SaleOf(req.Key)); err != nil {
			t.Fatal(err)
		}
		late := b.request(b.sale(panPoor, 500))
		late.Key.Leg = wire.LegAdvise
		if err := b.host.Reverse(t.Context(), ingest.SaleOf(late.Key)); err != nil {
			t.Fatal(err)
		}
		if err := b.host.Advise(t.Context(), late); err != nil || b.held() != 0 {
			t.Errorf("an advice after its reversal: %v, the host holds %d", err, b.held())
		}
	})
}

// TestAdviseDoubted: a certificate that the card has not made, or not for this,
// takes no money from its account.
func TestAdviseDoubted(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	for name, spoil := range map[string]func(*sale){
		"cryptogram": func(s *sale) { s.imk[0] ^= 2 },
		"amount":     func(s *sale) { s.chipMinor = 1 },
		"pin-wedge":  func(s *sale) { s.cvm = [3]byte{0x01, 0, 2} },
		"entry-mode": func(s *sale) { s.more = []tlv.Object{{Tag: tlv.EntryMode, Value: []byte{0x07}}} },
		"account":    func(s *sale) { s.pan = "9999010000009999" },
		"atc":        func(s *sale) { s.atc = 700 },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "atc" {
				first := b.sale(panPoor, 500)
				first.atc, first.cid = 700, 0x40
				b.advise(t, first, "")
			}
			s := b.sale(panPoor, 500)
			s.cid = 0x40
			spoil(s)
			b.advise(t, s, name)
		})
	}
	asked := b.sale(panPoor, 500) // an ARQC approves nothing
	b.advise(t, asked, "cryptogram")
	asked = b.sale(panPoor, 500) // nor if it says that it is a TC
	asked.cid, asked.turned = 0x40, 0xC0
	b.advise(t, asked, "cryptogram")
}

// advise has the host take a certificate, with that doubt.
func (b *bench) advise(t *testing.T, s *sale, doubt string) {
	t.Helper()
	req := b.request(s)
	req.Key.Leg = wire.LegAdvise
	if err := b.host.Advise(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	all, err := b.host.Postings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := all[0]; p.Reason != doubt || (p.Account == "") != (doubt != "") || !p.Approved {
		t.Errorf("posted to %q with doubt %q, want %q", p.Account, p.Reason, doubt)
	}
}

// TestTellsNothing looks for account number, PIN and keys in what the host
// logs, lists and prints.
func TestTellsNothing(t *testing.T) {
	b := newBench(t, &hostsim.Memory{})
	s := b.sale(panPIN, 1250)
	s.pin = canary
	b.want(b.request(s), "00", "")
	all, err := b.host.Postings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listed, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cfg := hostsim.Config{IMK: imk, BDK: bdk, Accounts: []hostsim.Account{{Name: "pin", PAN: panPIN, PIN: canary}}}
	said := b.log.String() + string(listed) + fmt.Sprintf("%v %+v %#v %x %s", cfg, cfg, cfg, imk, cfg.Accounts)
	for _, c := range []string{panPIN, canary, "0123456789abcdef", "01020304", "[1 35", "0x1, 0x23"} {
		if strings.Contains(strings.ToLower(said), c) {
			t.Errorf("%q is in what was said", c)
		}
	}
	if !strings.Contains(said, "code=00") {
		t.Errorf("nothing was logged: %s", said)
	}
}
