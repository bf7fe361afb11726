package emv

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudpos/cloudpos/emv/records"
	"github.com/cloudpos/cloudpos/emv/script"
	"github.com/cloudpos/cloudpos/emv/tlv"
	"github.com/cloudpos/cloudpos/secret"
)

// stepsMax bounds a conversation as a whole. What directory, list of AIDs,
// file locator and scripts can ask for within their own bounds is below it.
const stepsMax = 2000

// state is what the kernel waits for.
type state uint8

const (
	idle state = iota
	selectingPSE
	readingPSE
	listingAIDs
	choosing
	selecting
	initiating
	reading
	authenticating
	enteringPIN
	readingPINTries
	challenging
	verifyingPIN
	readingATC
	readingLastATC
	generatingFirst
	askingHost
	authenticatingIssuer
	scriptingBefore
	generatingSecond
	scriptingAfter
	ended
)

var stateNames = [...]string{
	idle: "idle", selectingPSE: "selecting the PSE", readingPSE: "reading the PSE",
	listingAIDs: "selecting AIDs", choosing: "choosing", selecting: "selecting",
	initiating: "initiating", reading: "reading records", authenticating: "authenticating the card",
	enteringPIN: "entering a PIN", readingPINTries: "reading the PIN try counter",
	challenging: "waiting for a challenge", verifyingPIN: "verifying a PIN", readingATC: "reading the ATC", readingLastATC: "reading the last online ATC",
	generatingFirst: "waiting for the first cryptogram", askingHost: "asking the host",
	authenticatingIssuer: "authenticating the issuer", scriptingBefore: "running scripts before the second cryptogram",
	generatingSecond: "waiting for the second cryptogram", scriptingAfter: "running scripts after the second cryptogram", ended: "ended",
}

// String names the state for errors.
func (s state) String() string { return stateNames[s] }

// A Kernel is the contact kernel: one transaction with one card. It is not
// safe for concurrent use.
type Kernel struct {
	cfg   Config
	tx    Transaction
	state state
	steps int

	directory  directory
	list       listing
	candidates []candidate
	selected   candidate
	byHand     bool // the cardholder chose, so nothing is selected automatically any more
	readable   bool // an application was selected: whatever comes, the chip can be read

	terminal  map[tlv.Tag][]byte // ours: the card cannot replace them
	generated map[tlv.Tag][]byte // of the latest GENERATE AC
	card      map[tlv.Tag][]byte // of FCI, GPO and records
	pan       secret.PAN

	tvr        TVR
	tsi        tsi
	cvmResults [3]byte
	cvm        CVM

	records   records.List
	cdol1     tlv.DOL
	cdol2     tlv.DOL
	tdol      tlv.DOL
	auth      authentication
	rules     cvmRules
	atc       []byte // answer to GET DATA, for velocity checking
	requested cryptogram
	host      HostResult
	before    script.List // templates 71
	after     script.List // templates 72

}

// New checks the configuration and prepares one transaction.
func New(cfg Config, tx Transaction) (*Kernel, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("emv: configuration: %w", err)
	}
	if err := tx.check(); err != nil {
		return nil, fmt.Errorf("emv: transaction: %w", err)
	}
	un, err := UnpredictableNumber(cfg.Random)
	if err != nil {
		return nil, err
	}
	k := &Kernel{cfg: cfg, tx: tx, terminal: TerminalData(cfg, tx)}
	k.terminal[tlv.UnpredictableNumber] = un
	k.forget()
	return k, nil
}

// Step takes what happened and says what to do. An error is a bug in the
// caller and changes nothing; the caller reverses and gives up.
func (k *Kernel) Step(e Event) (Action, error) {
	if k.state == ended {
		return nil, fmt.Errorf("%w: %T, the transaction has ended", ErrUnexpected, e)
	}
	if _, gone := e.(CardGone); gone && k.state != idle {
		return k.cardGone(), nil
	}
	if k.steps == stepsMax {
		return k.end(EndApplication, ReasonEndless, fmt.Sprintf("more than %d steps", stepsMax)), nil
	}
	action, err := k.step(e)
	var r refusal
	if errors.As(err, &r) {
		return k.end(EndApplication, r.reason, r.detail), nil
	}
	if err == nil {
		k.steps++
	}
	return action, err
}

// step hands the event to the stage that waits for it.
func (k *Kernel) step(e Event) (Action, error) {
	switch k.state {
	case idle:
		return take(k, e, k.start)
	case selectingPSE:
		return take(k, e, k.pseSelected)
	case readingPSE:
		return take(k, e, k.pseRead)
	case listingAIDs:
		return take(k, e, k.aidSelected)
	case choosing:
		return take(k, e, k.chosen)
	case selecting:
		return take(k, e, k.applicationSelected)
	case initiating:
		return take(k, e, k.initiated)
	case reading:
		return take(k, e, k.recordRead)
	case authenticating:
		return take(k, e, k.cardSigned)
	case enteringPIN:
		return take(k, e, k.pinEntered)
	case readingPINTries:
		return take(k, e, k.pinTriesRead)
	case challenging:
		return take(k, e, k.challenged)
	case verifyingPIN:
		if p, none := e.(PINResult); none {
			return k.pinMissing(p)
		}
		return take(k, e, k.pinVerified)
	case readingATC:
		return take(k, e, k.atcRead)
	case readingLastATC:
		return take(k, e, k.lastATCRead)
	case generatingFirst:
		return take(k, e, k.firstGenerated)
	case askingHost:
		return take(k, e, k.hostAnswered)
	case authenticatingIssuer:
		return take(k, e, k.issuerAuthenticated)
	case scriptingBefore:
		return take(k, e, k.scriptedBefore)
	case generatingSecond:
		return take(k, e, k.secondGenerated)
	case scriptingAfter:
		return take(k, e, k.scriptedAfter)
	case ended:
		// Step does not let it come here.
	}
	return nil, fmt.Errorf("%w: %T while %v", ErrUnexpected, e, k.state)
}

// take calls the stage if the event is the one that it takes. A response has a
// status word at least. EMV 4.4 Book 3, 6.3.5.
func take[E Event](k *Kernel, e Event, stage func(E) (Action, error)) (Action, error) {
	fitting, ok := e.(E)
	if !ok {
		return nil, fmt.Errorf("%w: %T while %v", ErrUnexpected, e, k.state)
	}
	if r, ok := e.(Response); ok && len(r.Data) < statusSize {
		return nil, refuse(ReasonCardStatus, "%d bytes for a response while %v", len(r.Data), k.state)
	}
	return stage(fitting)
}

// cardGone ends the conversation where it stands. What card and host have
// decided together before stays decided: only the scripts after the second
// GENERATE AC are cut off. While the host is asked, its answer is not known
// here; whoever asked must reverse an approval. A script that was cut off has
// failed, and the issuer is told. A card that was there and never got as far as
// its application may be tried over another interface: EMV leaves the magnetic
// stripe to the schemes (Book 1, 12.4), which want a chip that cannot be read.
func (k *Kernel) cardGone() Action {
	if k.state == scriptingAfter {
		k.after.Break()
		k.tvr.Set(tvrScriptAfter)
		return k.endScripts()
	}
	if k.state == scriptingBefore {
		k.before.Break()
		k.tvr.Set(tvrScriptBefore)
		k.noteScripts()
	}
	return k.end(EndApplication, ReasonCardRemoved, "while "+k.state.String())
}

// forget drops what an application told, for a new selection. EMV 4.4 Book 3,
// 10.1: TVR and TSI start at zero.
func (k *Kernel) forget() {
	for _, value := range k.card {
		clear(value)
	}
	k.pan.Clear()
	k.pan = nil
	k.card, k.generated = map[tlv.Tag][]byte{}, map[tlv.Tag][]byte{}
	k.records.Clear()
	k.cdol1, k.cdol2, k.tdol = nil, nil, nil
	k.auth.clear()
	k.rules, k.atc = cvmRules{}, nil
	for _, t := range []tlv.Tag{tlv.AID, tlv.TerminalVersion, tlv.FloorLimit, tlv.DataAuthenticationCode, tlv.ICCDynamicNumber, tlv.TCHash, tlv.ARC} {
		delete(k.terminal, t)
	}
	k.tvr, k.tsi = TVR{}, tsi{}
	k.cvmResults, k.cvm = noCVMPerformed, CVMNone
}

// Clear overwrites what was learnt of the card. The kernel is of no further
// use; Outcomes that it gave keep their own copies.
func (k *Kernel) Clear() {
	k.forget()
	k.state = ended
}

// approve ends with an approval. It is the only place that does, and it looks
// at the card's cryptogram, its signature and the issuer's word once more.
func (k *Kernel) approve() Action {
	refused := k.host.Online && !k.host.Approved
	if k.cryptogram() != transactionCertificate || !k.trusted() || refused {
		return k.end(EndApplication, ReasonCryptogram, "approval without a TC that can be trusted")
	}
	return k.end(Approved, "", "")
}

// end makes the Outcome.
func (k *Kernel) end(status Status, reason Reason, detail string) Action {
	if k.auth.err != nil && status != Approved {
		detail = strings.TrimPrefix(detail+"; "+k.auth.err.Error(), "; ")
	}
	o := Outcome{
		Status: status, Reason: reason, Detail: detail, CVM: k.cvm, Card: k.cardRead(),
		Online: k.host.Online, ARC: string(k.terminal[tlv.ARC]),
		HostApproved: k.host.Approved && status != Approved,
		Record:       k.objects(recordTags),
	}
	if reason == ReasonCardRemoved && !k.readable {
		o.Alternate = InterfaceStripe
	}
	k.state = ended
	return Done{Outcome: o}
}

// cardRead is what is known of the card so far, as copies.
func (k *Kernel) cardRead() Card {
	c := Card{
		PAN:    slices.Clone(k.pan),
		Track2: slices.Clone(secret.Bytes(k.card[tlv.Track2])),
		AID:    slices.Clone(k.card[tlv.DFName]),
		Label:  k.selected.shown(k.cfg.Additional),
	}
	c.PSN = k.cardSequence()
	if expiry := k.card[tlv.ExpirationDate]; len(expiry) == dateSize {
		c.Expiry = fmt.Sprintf("%X", expiry)
	}
	return c
}

// cardSequence is 5F34 as two digits, or "".
func (k *Kernel) cardSequence() string {
	if psn := k.card[tlv.PANSequence]; len(psn) == 1 {
		return fmt.Sprintf("%02X", psn)
	}
	return ""
}

// clone copies a map of values, so that what a caller does to its response
// does no harm.
func clone(values map[tlv.Tag][]byte) map[tlv.Tag][]byte {
	copied := maps.Clone(values)
	for t, v := range copied {
		copied[t] = slices.Clone(v)
	}
	return copied
}
