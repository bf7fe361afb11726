package issuer

import (
	"fmt"
	"io"
	"time"
)

// The development set's identifiers, unlike any scheme's.
var (
	// RID is the registered application provider of the test cards: F0 (not
	// registered) and "CPOS".
	RID = [5]byte{0xF0, 'C', 'P', 'O', 'S'}
	// AID is the test cards' application.
	AID = []byte{0xF0, 'C', 'P', 'O', 'S', 0x01, 0x01}
	// AIDOffline is that of cards which approve small sales by themselves.
	AIDOffline = []byte{0xF0, 'C', 'P', 'O', 'S', 0x02, 0x01}
)

// BIN begins the account numbers of the test cards.
const BIN = "999901"

// The development set's authority: its key index, and how long keys and cards
// are good.
const (
	CAIndex    = 0x01 // of its RSA key; the next one is on an elliptic curve
	caYears    = 10
	cardYears  = 5
	testPIN    = "1234"
	wrongPIN   = "0000"
	chinaISO   = 156 // ISO 3166-1 and ISO 4217 have the same number
	labelOfAll = "CLOUDPOS TEST"
	labelAlone = "CLOUDPOS OFFLINE"
	oldPIN     = "1111"
)

// deck is the development set, by the names that testers use.
var deck = []Order{
	{Name: "approve", Title: "Asks for no PIN; the issuer approves.", PAN: pan(1)},
	{Name: "pin", Title: "Asks for an online PIN, which is 1234.", PAN: pan(2), PIN: testPIN, Keys: []string{testPIN}},
	{Name: "decline", Title: "The issuer declines: no money (51).", PAN: pan(3)},
	{Name: "wrongpin", Title: "Like pin; the customer first types 0000.", PAN: pan(4), PIN: testPIN, Keys: []string{wrongPIN, testPIN}},
	{Name: "nopse", Title: "Has no payment system environment.", PAN: pan(5), Behaviour: NoPSE},
	{Name: "mute", Title: "Gives no answer to reset; after three tries the customer swipes it.", PAN: pan(6), Behaviour: Mute},
	{Name: "blocked", Title: "Refuses each SELECT with 6A81.", PAN: pan(7), Behaviour: Blocked},
	{Name: "cardsaysno", Title: "The issuer approves, the card declines.", PAN: pan(8), Behaviour: SaysNo},
	{Name: "t1", Title: "Like approve, over T=1 and with answers in format 1.", PAN: pan(9), Protocol: 1, Format1: true},
	{Name: "slow", Title: "Over T=1; asks for more time before each cryptogram.", PAN: pan(10), Protocol: 1, Behaviour: AskPause},
	{
		Name: "twoapps", Title: "Has two applications: debit, which asks for PIN 1234, and credit, which asks for none.",
		PAN: pan(11), PIN: testPIN, Keys: []string{testPIN}, AID: append(AID[:len(AID):len(AID)], 1), Label: "CLOUDPOS DEBIT",
		Others: []Order{{Name: "twoapps-credit", PAN: pan(12), AID: append(AID[:len(AID):len(AID)], 2), Label: "CLOUDPOS CREDIT"}},
	},
	{Name: "sda", Title: "Has no key of its own; its issuer signed its data (SDA).", PAN: pan(13), Proof: ProofSDA},
	{Name: "cda", Title: "Signs its cryptograms (CDA); the issuer approves.", PAN: pan(14), Proof: ProofCDA},
	{Name: "xda", Title: "Signs its cryptograms on an elliptic curve (XDA); the issuer approves.", PAN: pan(50), Proof: ProofXDA},
	{Name: "signature", Title: "Wants its owner's signature; the issuer approves.", PAN: pan(42), CVM: cvmSignature},
	{
		Name: "pinsign", Title: "Verifies its PIN 1234 itself, and wants its owner's signature too; the issuer approves.", PAN: pan(44), PIN: testPIN,
		CVM: cvmPlainPINSign, Keys: []string{testPIN},
	},
	{Name: "listed", Title: "Is on the list of exceptions; the issuer is told so (TVR 10 in byte 1), and approves.", PAN: pan(43)},
	{Name: "referral", Title: "The issuer wants to be called first (01).", PAN: pan(41)},
	{Name: "umlaut", Title: "Has a name in Latin letters, which a terminal with a screen shows: Prüfkarte Köln.", PAN: pan(40), Preferred: "Prüfkarte Köln"},
	{Name: "revoked", Title: "Its issuer's certificate was revoked; the issuer approves.", PAN: pan(69), Revoked: true},
	{Name: "forged", Title: "Signs its cryptograms wrongly (CDA): declined without asking the issuer.", PAN: pan(15), Proof: ProofCDA, Behaviour: Forged},
	{Name: "stripe", Title: "Has no chip: the customer swipes it; the issuer approves.", PAN: pan(51), Proof: ProofSDA, Behaviour: NoChip, Service: "101"},
	{
		Name: "stripepin", Title: "Has no chip; its stripe wants an online PIN, which is 1234.", PAN: pan(52), Proof: ProofSDA, Behaviour: NoChip,
		Service: "120", PIN: testPIN, Keys: []string{testPIN},
	},
	{Name: "swiped", Title: "Has a chip, and the customer swipes it before he inserts it.", PAN: pan(53), Behaviour: SwipedFirst},
	{Name: "static", Title: "Makes its cryptograms with its master key (version 10); the issuer approves.", PAN: pan(16), Version: Static},
	{Name: "status", Title: "Wants a card status update for an answer (ARPC method 2); the issuer approves.", PAN: pan(17), Version: Status},
	{
		Name: "offlinepin", Title: "Verifies its PIN 1234 itself, as it is; the issuer approves.", PAN: pan(20), PIN: testPIN,
		CVM: cvmPlainPIN, Keys: []string{testPIN},
	},
	{
		Name: "offlinewrong", Title: "Like offlinepin; the customer first types 0000.", PAN: pan(21), PIN: testPIN,
		CVM: cvmPlainPIN, Keys: []string{wrongPIN, testPIN},
	},
	{
		Name: "encpin", Title: "Verifies its PIN 1234 itself, enciphered for a key of its own; the issuer approves.", PAN: pan(22), PIN: testPIN,
		CVM: cvmEncipheredPIN, PINKey: true, Keys: []string{testPIN},
	},
	{
		Name: "pinblocked", Title: "Its PIN was wrong too often: nobody is asked for it, and the issuer declines (75).", PAN: pan(23), PIN: testPIN,
		CVM: cvmPlainPIN, Behaviour: NoTries,
	},
	{
		Name: "unblock", Title: "Comes with its PIN 1234 blocked, so nobody is asked for it; the issuer approves and unblocks it.", PAN: pan(60),
		PIN: testPIN, CVM: cvmOfflinePINOrNone, Keys: []string{testPIN}, Behaviour: NoTries,
	},
	{
		Name: "newpin", Title: "Has its old PIN (1111) in the chip; the issuer writes the one it knows (1234), which the customer types.",
		PAN: pan(61), PIN: testPIN, OldPIN: oldPIN, Keys: []string{testPIN},
	},
	{Name: "blockapp", Title: "The issuer declines (62) and blocks the application.", PAN: pan(62)},
	{Name: "blockcard", Title: "The issuer declines (41) and blocks the card.", PAN: pan(63)},
	{Name: "scriptfails", Title: "The issuer approves, and sends scripts with a wrong MAC.", PAN: pan(64)},
	{
		Name: "offline", Title: "Approves up to three sales in a row by itself, once the issuer has seen it.", PAN: pan(65),
		AID: AIDOffline, Label: labelAlone, Offline: true, LowerLimit: 3, UpperLimit: 6,
	},
	{
		Name: "newlimits", Title: "Like offline, but for one sale; the issuer makes that two.", PAN: pan(66),
		AID: AIDOffline, Label: labelAlone, Offline: true, LowerLimit: 1, UpperLimit: 2,
	},
	{
		Name: "offlinecda", Title: "Approves by itself, and signs that (CDA).", PAN: pan(67),
		AID: AIDOffline, Label: labelAlone, Offline: true, Proof: ProofCDA,
	},
	{
		Name: "offlinexda", Title: "Approves by itself, and signs that on an elliptic curve (XDA).", PAN: pan(59),
		AID: AIDOffline, Label: labelAlone, Offline: true, Proof: ProofXDA,
	},
	{
		Name: "offlinesda", Title: "Would approve by itself, but has no key: the issuer is asked.", PAN: pan(68),
		AID: AIDOffline, Label: labelAlone, Offline: true, Proof: ProofSDA,
	},
}

// A Listing is a card of the deck, as a list shows it.
type Listing struct {
	Name  string
	Title string // one sentence
}

// List tells which cards Deck makes, without making them.
func List() []Listing { return listings(deck) }

func listings(orders []Order) []Listing {
	all := make([]Listing, len(orders))
	for i, o := range orders {
		all[i] = Listing{o.Name, o.Title}
	}
	return all
}

// Deck makes the development set's cards and the authority above them, whose
// public keys go into the terminals' parameters. Cards are good from the day
// before now.
func Deck(random io.Reader, keys MasterKeys, now time.Time) ([]Profile, []CAKey, error) {
	orders := make([]Order, len(deck))
	for i, o := range deck {
		if o.AID == nil {
			o.AID, o.Label = AID, labelOfAll
		}
		orders[i] = o
	}
	return makeDeck(random, keys, now, CAIndex, orders)
}

// makeDeck makes the cards that are ordered, under an authority whose keys have
// the given index and the next.
func makeDeck(random io.Reader, keys MasterKeys, now time.Time, index byte, orders []Order) ([]Profile, []CAKey, error) {
	year := now.Year()
	caExpiry := time.Date(year+caYears, time.December, 31, 0, 0, 0, 0, time.UTC)
	a, err := NewAuthority(RID, index, BIN, caExpiry)
	if err != nil {
		return nil, nil, err
	}
	cards := make([]Profile, 0, len(orders))
	for _, o := range orders {
		o.Country, o.Currency = chinaISO, chinaISO
		o.Issued = now.AddDate(0, 0, -1)
		o.Expires = time.Date(year+cardYears, time.December, 31, 0, 0, 0, 0, time.UTC)
		card, err := Personalise(random, a, keys, o)
		if err != nil {
			return nil, nil, err
		}
		cards = append(cards, card)
	}
	return cards, a.Public(), nil
}

// pan is the account number of the n-th test card, with its check digit.
func pan(n int) string {
	digits := fmt.Sprintf("%s%09d", BIN, n)
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 { // ISO/IEC 7812-1, Annex B: every second digit, from the right
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}
