package hostsim

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/cloudpos/cloudpos/cloud/ingest"
	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/secret"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// verdict is a decision before it is posted.
type verdict struct {
	approved   bool
	code       string
	reason     string
	issuerAuth []byte
	scripts    []byte
}

func no(code, reason string) verdict { return verdict{code: code, reason: reason} }

// judge decides. What it uses up (a transaction counter, a key serial number, a
// PIN try) it writes down in tx.
func (h *Host) judge(tx Tx, req *wire.Request, c *card) (verdict, error) {
	buried, err := tx.Buried(ingest.SaleOf(req.Key))
	switch {
	case err != nil:
		return verdict{}, err
	case buried:
		return no(codeInvalid, reasonReversed), nil
	case c.fault != "":
		return no(codeFormat, c.fault), nil
	case c.account == nil:
		return no(codeNoAccount, reasonAccount), nil
	case expired(c.expiry, h.p.Now().UTC().Format("060102")):
		return no(codeExpired, reasonExpired), nil
	case !c.trackFits():
		return no(codeNoAccount, reasonTrack), nil
	}
	switch {
	case swiped(req):
		return h.judgeStripe(tx, req, c)
	case req.Entry != wire.EntryChip && req.Entry != wire.EntryTap:
		return no(codeFormat, reasonEntry), nil // and 91 proves no more than a copy of it would
	}
	return h.judgeChip(tx, req, c)
}

// judgeChip decides about a card that has made a cryptogram.
func (h *Host) judgeChip(tx Tx, req *wire.Request, c *card) (verdict, error) {
	chip, v := h.checkChip(req, c, asksIssuer)
	if v.code != "" {
		return v, nil
	}
	defer clear(chip.master[:])
	first, err := c.useATC(tx, chip)
	if err != nil {
		return verdict{}, err
	}
	if !first {
		return no(codeDoNotHonour, reasonATC), nil
	}
	if v, err = h.judgeCustomer(tx, req, c, chip.pin); err != nil {
		return verdict{}, err
	}
	if chip.deaf {
		return v, nil
	}
	v.issuerAuth = chip.answer(v.code)
	v.scripts, err = h.scripts(tx, c.account, chip, v.approved)
	return v, err
}

// doubt is why a certificate that a terminal advises is not its card's, or "". A
// card makes one certificate for each of its transactions.
func (h *Host) doubt(tx Tx, req *wire.Request, c *card) (string, error) {
	switch {
	case c.fault != "":
		return c.fault, nil
	case c.account == nil:
		return reasonAccount, nil
	}
	chip, v := h.checkChip(req, c, approvesAlone)
	if v.code != "" {
		return v.reason, nil
	}
	clear(chip.master[:])
	first, err := c.useATC(tx, chip)
	switch {
	case err != nil:
		return "", err
	case !first:
		return reasonATC, nil
	case chip.pin.contrary:
		return reasonPINWedge, nil
	}
	return "", nil
}

// useATC notes the transaction counter, and reports whether it is the first
// cryptogram with it.
func (c *card) useATC(tx Tx, chip *chip) (first bool, err error) {
	return tx.Use(fmt.Sprintf("atc:%s:%d", c.account.Name, chip.atc))
}

// judgeCustomer is about the one who pays; the card is genuine.
func (h *Host) judgeCustomer(tx Tx, req *wire.Request, c *card, pin pinWord) (verdict, error) {
	v, err := h.checkPIN(tx, req, c)
	if err != nil || v.code != "" {
		return v, err
	}
	switch {
	case pin.spent:
		return no(codePINTries, reasonPINTries), nil
	case pin.unverified:
		return no(codeDoNotHonour, reasonCustomer), nil
	case pin.contrary:
		return no(codeDoNotHonour, reasonPINWedge), nil
	case req.Entry == wire.EntryTap && c.account.tooMuch(req):
		return no(codeLimit, reasonTapLimit), nil
	}
	b, _, err := tx.Account(c.account.Name)
	switch {
	case err != nil:
		return verdict{}, err
	case req.AmountMinor%100 == declinedMinorEnd:
		return no(codeDoNotHonour, reasonEnding), nil
	case c.account.Decline != "":
		return no(c.account.Decline, reasonAlways), nil
	case b.Minor < req.AmountMinor:
		return no(codeFunds, reasonFunds), nil
	}
	return verdict{approved: true, code: codeApproved}, nil
}

// chip is a cryptogram that was found genuine.
type chip struct {
	version issuer.Version
	master  [16]byte
	arqc    [8]byte
	atc     uint16
	pin     pinWord
	deaf    bool // the card is not there any more for an answer
}

// answer is the value of tag 91 for a response code.
func (c *chip) answer(code string) []byte {
	return c.version.Answer(c.master, c.atc, c.arqc, [2]byte{code[0], code[1]})
}

// Types of cryptograms. EMV 4.4 Book 3, table 15.
const (
	asksIssuer    = 0x80 // ARQC
	approvesAlone = 0x40 // TC
)

// checkChip verifies a cryptogram of one type, and that it covers this request: an amount
// or number that was altered on the way must not pass (Bond et al., arXiv
// 1209.2531).
func (h *Host) checkChip(req *wire.Request, c *card, kind byte) (*chip, verdict) {
	get, ok := c.chipGet()
	if !ok || len(get(tlv.ApplicationCryptogram)) != 8 || len(get(tlv.ATC)) != 2 || len(get(tlv.CryptogramInformation)) != 1 {
		return nil, no(codeFormat, reasonChip)
	}
	if !entryFits(req, get) {
		return nil, no(codeFormat, reasonEntry)
	}
	tap := tapped(get)
	out := &chip{arqc: [8]byte(get(tlv.ApplicationCryptogram)), atc: binary.BigEndian.Uint16(get(tlv.ATC))}
	version, cvr, own := issuer.ParseApplicationData(get(tlv.IssuerApplicationData))
	out.version, out.master = version, issuer.DeriveICC(h.p.Config.IMK, c.account.PAN, c.account.PSN)
	told := asTold(get)
	if tap {
		told = get // there is no XDA, and the bits are those of the race
	}
	want := version.Cryptogram(out.master, out.atc, issuer.CryptogramData(told))
	if !own || !ofType(kind, get(tlv.CryptogramInformation)[0], cvr) || subtle.ConstantTimeCompare(want[:], out.arqc[:]) != 1 {
		return nil, no(codeDoNotHonour, reasonCryptogram)
	}
	currency, err := money.Lookup(req.Currency)
	if err != nil ||
		!bytes.Equal(get(tlv.AmountAuthorised), bcd(req.AmountMinor, 6)) ||
		!bytes.Equal(get(tlv.TransactionCurrency), bcd(int64(currency.Numeric), 2)) ||
		!bytes.Equal(get(tlv.TransactionType), []byte{0}) { // 9C 00: purchase
		return nil, no(codeDoNotHonour, reasonAmount)
	}
	if un := get(tlv.UnpredictableNumber); len(un) != 4 || bytes.Equal(un, make([]byte, 4)) {
		return nil, no(codeDoNotHonour, reasonNumber)
	}
	out.pin = offlinePIN(get, cvr)
	if tap {
		out.pin, out.deaf = byDevice(req, get, cvr), !takesAnswer(get)
	}
	return out, verdict{}
}

// ofType tells whether a cryptogram is of a type by 9F27, and by the results
// that it covers: 9F27 it does not cover, so that what asks the issuer could be
// turned into an approval on its way.
func ofType(kind, cid byte, cvr [4]byte) bool {
	const typeMask, notYet = 0xC0, 0x80
	first, second := cvr[1]<<2&typeMask, cvr[1]&typeMask
	return cid&typeMask == kind && (second == notYet && first == kind || second == kind && kind != asksIssuer)
}

// asTold gives the TVR as it was when the card made its cryptogram. What XDA
// finds wrong comes later: byte 4 b1, byte 5 b3 and b2. EMV 4.4 Book 2, 12.
func asTold(get func(tlv.Tag) []byte) func(tlv.Tag) []byte {
	return func(tag tlv.Tag) []byte {
		value := get(tag)
		if tag == tlv.TVR && len(value) == 5 {
			value = []byte{value[0], value[1], value[2], value[3] &^ 0x01, value[4] &^ 0x06}
		}
		return value
	}
}

// bcd writes n as packed digits of size bytes. A negative n, or one with more
// digits, equals no amount.
func bcd(n int64, size int) []byte {
	out, err := hex.DecodeString(fmt.Sprintf("%0*d", 2*size, n))
	if err != nil || len(out) != size {
		return nil
	}
	return out
}

// checkPIN checks a PIN where there is one, and that there is one where the
// terminal says so. The zero verdict lets the request pass.
func (h *Host) checkPIN(tx Tx, req *wire.Request, c *card) (verdict, error) {
	if req.PIN == nil {
		if req.CVM == cvmOnlinePIN || len(c.pin) > 0 {
			return no(codeDoNotHonour, reasonPINMissing), nil
		}
		return verdict{}, nil
	}
	if req.PIN.Scheme != schemeDUKPT || len(req.PIN.KSN) != 10 || len(c.pin) != 8 {
		return no(codeFormat, reasonPINScheme), nil
	}
	first, err := tx.Use("ksn:" + hex.EncodeToString(req.PIN.KSN))
	if err != nil {
		return verdict{}, err
	}
	if !first {
		return no(codeDoNotHonour, reasonKSN), nil
	}
	b, _, err := tx.Account(c.account.Name)
	if err != nil {
		return verdict{}, err
	}
	if b.Tries <= 0 {
		return no(codePINTries, reasonPINTries), nil
	}
	right, err := h.pinRight(req.PIN, c)
	if err != nil {
		return no(codeDoNotHonour, reasonPINBlock), nil //nolint:nilerr // a block of another key or account is an outcome
	}
	if right {
		b.Tries = triesMax
		return verdict{}, tx.PutAccount(c.account.Name, b)
	}
	b.Tries--
	v := no(codeWrongPIN, reasonPIN)
	if b.Tries == 0 {
		v = no(codePINTries, reasonPINTries)
	}
	return v, tx.PutAccount(c.account.Name, b)
}

// What the wire calls them; see drivers.SchemeTDESDUKPT and payment.
const (
	schemeDUKPT  = "dukpt-tdes"
	cvmOnlinePIN = "online-pin"
)

var errPIN = errors.New("hostsim: PIN block")

// pinRight deciphers the block and compares. Every failure is errPIN.
func (h *Host) pinRight(p *wire.PIN, c *card) (bool, error) {
	key, err := keys.TransactionKey(h.p.Config.BDK, [10]byte(p.KSN))
	if err != nil {
		return false, errPIN
	}
	defer clear(key[:])
	pinKey, err := keys.Variant(key, keys.UsePIN)
	if err != nil {
		return false, errPIN
	}
	defer clear(pinKey[:])
	pan := secret.PAN(c.account.PAN)
	defer pan.Clear()
	pin, err := keys.DecryptPIN(p.Format, pinKey, c.pin, pan)
	if err != nil {
		return false, errPIN
	}
	defer pin.Clear()
	return len(c.account.PIN) > 0 && subtle.ConstantTimeCompare(pin, []byte(c.account.PIN)) == 1, nil
}
