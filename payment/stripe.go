package payment

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/secret"
)

// stripeMachine is a swiped card as a machine, so that the flow has one path.
// It asks for a PIN where the card's service code wants one, goes online always
// and approves nothing by itself: a stripe can be copied, so whatever the
// issuer does not answer is declined.
type stripeMachine struct {
	swipe *drivers.Swipe // the flow's
	rules StripeRules
	state stripeState
	cvm   emv.CVM
}

var _ emv.Machine = (*stripeMachine)(nil)

type stripeState uint8

const (
	stripeIdle stripeState = iota
	stripeEnteringPIN
	stripeAskingHost
	stripeEnded
)

// Step implements emv.Machine.
func (m *stripeMachine) Step(e emv.Event) (emv.Action, error) {
	switch m.state {
	case stripeIdle:
		if _, ok := e.(emv.Start); ok {
			return m.start(), nil
		}
	case stripeEnteringPIN:
		if r, ok := e.(emv.PINResult); ok {
			return m.pinEntered(r), nil
		}
	case stripeAskingHost:
		if r, ok := e.(emv.HostResult); ok {
			return m.hostAnswered(r), nil
		}
	case stripeEnded:
	}
	return nil, fmt.Errorf("%w: %T for a stripe in state %d", emv.ErrUnexpected, e, m.state)
}

// wantsPIN is what the third digit of the service code says of PINs.
type wantsPIN uint8

const (
	pinNotWanted  wantsPIN = iota
	pinIfPossible          // prompt where there is a PIN pad
	pinRequired
)

// service reads the third digit of the service code, ISO/IEC 7813: what may be
// bought with the card here, where there is neither a cash machine nor cash
// from the till.
func service(code string) (pin wantsPIN, allowed bool) {
	switch code[len(code)-1] {
	case '0', '5': // no restrictions; goods and services only
		return pinRequired, true
	case '1', '2': // the same, without a PIN
		return pinNotWanted, true
	case '6', '7':
		return pinIfPossible, true
	}
	return pinNotWanted, false // 3 cash machines, 4 cash, and what is not defined
}

func (m *stripeMachine) start() emv.Action {
	pin, allowed := service(m.swipe.Service)
	otherwise := m.rules.Signature || m.rules.NoCVM
	switch {
	case !allowed:
		return m.end(emv.EndApplication, emv.ReasonNotAllowed, "service code "+m.swipe.Service+" (ISO/IEC 7813)")
	case m.rules.OnlinePIN && (pin != pinNotWanted || !otherwise):
		m.state = stripeEnteringPIN
		return emv.EnterPIN{Card: m.card()}
	}
	return m.withoutPIN()
}

// withoutPIN takes the next best way to verify the customer.
func (m *stripeMachine) withoutPIN() emv.Action {
	pin, _ := service(m.swipe.Service)
	switch {
	case pin == pinRequired:
		return m.end(emv.Declined, ReasonNotVerified, "no PIN, service code "+m.swipe.Service+" (ISO/IEC 7813)")
	case m.rules.Signature:
		m.cvm = emv.CVMSignature
	case !m.rules.NoCVM:
		return m.end(emv.Declined, ReasonNotVerified, "the parameters allow no other way")
	}
	return m.goOnline()
}

func (m *stripeMachine) pinEntered(r emv.PINResult) emv.Action {
	if r.Status != emv.PINEntered {
		return m.withoutPIN()
	}
	m.cvm = emv.CVMOnlinePIN
	return m.goOnline()
}

func (m *stripeMachine) goOnline() emv.Action {
	m.state = stripeAskingHost
	return emv.GoOnline{Card: m.card(), CVM: m.cvm}
}

func (m *stripeMachine) hostAnswered(r emv.HostResult) emv.Action {
	var done emv.Done
	switch {
	case !r.Online:
		done = m.end(emv.Declined, emv.ReasonUnable, "")
	case !r.Approved:
		done = m.end(emv.Declined, emv.ReasonIssuer, "")
	default:
		done = m.end(emv.Approved, "", "")
	}
	done.Outcome.Online, done.Outcome.ARC = r.Online, r.ARC
	return done
}

func (m *stripeMachine) end(status emv.Status, reason emv.Reason, detail string) emv.Done {
	m.state = stripeEnded
	return emv.Done{Outcome: emv.Outcome{Status: status, Reason: reason, Detail: detail, CVM: m.cvm, Card: m.card()}}
}

// card is the card as a chip would tell it, as copies. A stripe has no sequence
// number.
func (m *stripeMachine) card() emv.Card {
	return emv.Card{
		PAN: slices.Clone(m.swipe.PAN), Expiry: lastDay(m.swipe.Expiry), Track2: packTrack2(m.swipe.Track2),
	}
}

// lastDay makes YYMMDD of a stripe's YYMM: the last day of that month.
func lastDay(yymm string) string {
	year, errYear := strconv.Atoi(yymm[:2])
	month, errMonth := strconv.Atoi(yymm[2:])
	if errYear != nil || errMonth != nil {
		return yymm // no reader gives it; the issuer will not know it either
	}
	const century = 2000
	return time.Date(century+year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Format("060102")
}

// packTrack2 writes track 2 as a chip has it in tag 57: digits in nibbles, D
// for the separator, F to a whole byte. EMV 4.4 Book 3, Annex A1.
func packTrack2(track secret.Bytes) secret.Bytes {
	packed := make(secret.Bytes, (len(track)+1)/2)
	for i := range 2 * len(packed) {
		nibble := byte(0x0F)
		switch {
		case i >= len(track):
		case track[i] == '=':
			nibble = 0x0D
		default:
			nibble = track[i] - '0'
		}
		packed[i/2] |= nibble << (4 * (1 - i%2))
	}
	return packed
}
