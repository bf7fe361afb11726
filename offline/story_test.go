package offline

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
)

const terminal = "dev:t1"

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// story writes the entries of one transaction as a sale makes them.
type story struct {
	n payment.Numbers
	t time.Time
}

func newStory(t testing.TB, j journal) story {
	t.Helper()
	n, err := j.Next()
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return story{n: n, t: noon.Add(time.Duration(n.ID.Seq) * time.Minute)}
}

func (s story) opening() *payment.Opening {
	cny, err := money.Lookup("CNY")
	if err != nil {
		panic(err)
	}
	return &payment.Opening{
		Kind:    payment.Sale,
		Amount:  money.Amount{Minor: 1250, Currency: cny},
		Receipt: s.n.Receipt,
		Started: s.t,
		Snapshot: payment.Snapshot{
			Software: "0.1.0", Params: 7, Merchant: "104110054110001", Terminal: "10000042",
			Capabilities: "E040C8", KeyScheme: "dukpt-tdes", Reader: "ccid:/dev/ttyS1",
			PINPad: "visapad:/dev/ttyS3", Printer: "escpos:/dev/usb/lp0",
		},
	}
}

// sealed is as long as a sealed part is, and the same each time.
func (s story) sealed(part string, size int) []byte {
	sum := sha256.Sum256([]byte(s.n.ID.String() + part))
	return bytes.Repeat(sum[:], size/len(sum)+1)[:size]
}

func (s story) card() payment.CardData {
	return payment.CardData{
		Masked: "990000******1234", Token: "t-4e1243bd22c66e76c2ba9eddc1f91394", AID: "A0000009990101",
		Label: "CLOUDPOS TEST", SealKey: "acq-2026-1", Account: s.sealed("account", 96),
	}
}

func (s story) authorising(attempt uint8) payment.Entry {
	e := payment.Entry{
		ID: s.n.ID, At: s.t, ClockTrusted: true, To: payment.Authorising,
		Attempt: &payment.Attempt{
			Number: attempt, STAN: s.n.STANOf(attempt), Entry: "05", Card: s.card(), CVM: "online_pin",
		},
	}
	if attempt == 1 {
		e.Opening = s.opening()
	}
	return e
}

func (s story) ends(to payment.State) payment.Entry {
	card := s.card()
	card.Chip = s.sealed("chip", 360)
	return payment.Entry{
		ID: s.n.ID, At: s.t.Add(3 * time.Second), ClockTrusted: true, To: to,
		Ending: &payment.Ending{
			Code: "00", ARC: "00", AuthCode: "831000", HostRef: "0314120000" + "42", Card: &card, CVM: "online_pin",
			Chip: &payment.ChipWords{
				AC: "C1D2E3F405162738", CID: "40", ATC: "0042", TVR: "0000008000", TSI: "E800", CVM: "420302",
			},
		},
	}
}

// signs is an approval that the customer has to sign.
func (s story) signs() payment.Entry {
	e := s.ends(payment.Approved)
	e.Ending.CVM = "signature"
	return e
}

// opens ends a record that was never sent.
func (s story) opens(to payment.State) payment.Entry {
	e := s.ends(to)
	e.Opening = s.opening()
	return e
}

func (s story) reversed() payment.Entry {
	return payment.Entry{ID: s.n.ID, At: s.t.Add(time.Minute), ClockTrusted: true, To: payment.Reversed}
}

func (s story) mark(m payment.Mark) payment.Entry {
	return payment.Entry{ID: s.n.ID, At: s.t.Add(5 * time.Second), ClockTrusted: true, Mark: m}
}

// whole is a sale as it usually goes.
func (s story) whole() []payment.Entry {
	return []payment.Entry{
		s.authorising(1), s.ends(payment.Approved), s.mark(payment.Printed), s.mark(payment.Acknowledged),
	}
}

func commit(t testing.TB, j journal, entries ...payment.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := j.Commit(e); err != nil {
			t.Fatalf("Commit(%v %s%s): %v", e.ID, e.To, e.Mark, err)
		}
	}
}
