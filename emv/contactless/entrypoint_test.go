package contactless_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
)

// tap is a setup with one combination without limits.
func tap(t testing.TB) *setup {
	t.Helper()
	s := newSetup()
	if err := s.combine("F043504F530101 21"); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNew(t *testing.T) {
	for want, change := range map[string]func(*setup){
		"0 combinations":          func(s *setup) { s.config.Combinations = nil },
		"129 combinations":        func(s *setup) { s.config.Combinations = make([]contactless.Combination, 129) },
		"AID of 4 bytes":          func(s *setup) { s.config.Combinations[0].AID = make([]byte, 4) },
		"there is no such":        func(s *setup) { s.config.Combinations[0].Kernel = 0x22 },
		"for no type":             func(s *setup) { s.config.Combinations[0].Types = nil },
		"twice for transaction":   func(s *setup) { s.config.Combinations = append(s.config.Combinations, s.config.Combinations[0]) },
		"exponent 10":             func(s *setup) { s.config.CurrencyExponent = 10 },
		"amount -1":               func(s *setup) { s.tx.AmountMinor = -1 },
		"amount 1000000000000":    func(s *setup) { s.tx.AmountMinor = 1_000_000_000_000 },
		"amount 1250, other 1251": func(s *setup) { s.tx.OtherMinor = 1251 },
		"start 3":                 func(s *setup) { s.start = emv.RestartC },
	} {
		s := tap(t)
		change(s)
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestUnexpected: an event that does not fit is refused, wherever the machine
// stands, and changes nothing.
func TestUnexpected(t *testing.T) {
	events := []emv.Event{
		emv.Begin{}, emv.Performed{}, emv.Start{}, emv.Cleared{}, emv.Response{Data: []byte{0x90, 0}},
		emv.PINResult{}, emv.HostResult{}, emv.Choice{},
	}
	m, err := tap(t).Open()
	if err != nil {
		t.Fatal(err)
	}
	for i, right := range []int{0, 1, 1, 2, 4} { // begin, shown, field on, card, no directory
		for j, e := range events {
			if j == right {
				continue
			}
			if _, err := m.Step(e); !errors.Is(err, emv.ErrUnexpected) {
				t.Errorf("step %d: Step(%T) gives %v, want ErrUnexpected", i, e, err)
			}
		}
		if _, err := m.Step(events[right]); err != nil {
			t.Fatalf("step %d: Step(%T): %v", i, events[right], err)
		}
	}
}

// TestEndless: a card that never stays, and one that leads on and on, come to
// an end.
func TestEndless(t *testing.T) {
	m, err := tap(t).Open()
	if err != nil {
		t.Fatal(err)
	}
	var event emv.Event = emv.Begin{}
	for range 1000 {
		action, err := m.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Transmit:
			event = emv.CardGone{}
		case emv.AwaitCard:
			event = emv.Start{}
		case emv.Done:
			if a.Outcome.Reason != emv.ReasonEndless || a.Outcome.Status != emv.EndApplication {
				t.Errorf("ends with %+v", a.Outcome)
			}
			return
		default:
			event = emv.Performed{}
		}
	}
	t.Error("no end")
}

// kernelFunc is a kernel that consists of its steps.
type kernelFunc func(emv.Event) (emv.Action, error)

func (k kernelFunc) Activate(contactless.Activation) (emv.Machine, error) { return k, nil }
func (k kernelFunc) Step(e emv.Event) (emv.Action, error)                 { return k(e) }

// TestKernelContract: what a kernel may not do is an error, and no approval.
func TestKernelContract(t *testing.T) {
	broken := errors.New("broken")
	for name, step := range map[string]kernelFunc{
		"asks the host":  func(emv.Event) (emv.Action, error) { return emv.GoOnline{}, nil },
		"has a status":   func(emv.Event) (emv.Action, error) { return emv.Done{Outcome: emv.Outcome{Status: 99}}, nil },
		"fails":          func(emv.Event) (emv.Action, error) { return nil, broken },
		"restarts at 99": func(emv.Event) (emv.Action, error) { return restartAt(99), nil },
		"endless": func(emv.Event) (emv.Action, error) {
			return emv.Transmit{Command: []byte{0, 0xB2, 1, 0x0C, 0}}, nil
		},
	} {
		s := tap(t)
		s.config.Kernels[0x21] = step
		err := runTo(s, []byte{0x90, 0x00})
		if name == "endless" {
			if err == nil || !strings.Contains(err.Error(), string(emv.ReasonEndless)) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err == nil || strings.Contains(err.Error(), "ended") {
			t.Errorf("%s: %v, want an error of Step", name, err)
		}
	}
}

func restartAt(r emv.Restart) emv.Action {
	return emv.Done{Outcome: emv.Outcome{Status: emv.EndApplication, Parameters: emv.Parameters{Start: r}}}
}

// runTo plays a card with one application whose every other answer is given.
// It returns how the conversation ends, as an error.
func runTo(s *setup, answer []byte) error {
	directory := "< 6F[A5[BF0C[61[4F[F043504F530101]]]]] 9000"
	m, err := s.Open()
	if err != nil {
		return err
	}
	var event emv.Event = emv.Begin{}
	for {
		action, err := m.Step(event)
		if err != nil {
			return err
		}
		switch a := action.(type) {
		case emv.Transmit:
			event = emv.Response{Data: answer}
			if bytes.Contains(a.Command, []byte("2PAY")) {
				event = mustEvent(directory)
			}
		case emv.AwaitCard:
			event = emv.Start{}
		case emv.GoOnline:
			event = emv.HostResult{}
		case emv.Done:
			return fmt.Errorf("ended: %s", a.Outcome.Reason)
		default:
			event = emv.Performed{}
		}
	}
}

// TestKernelRefuses: a kernel that cannot do with its configuration says so.
func TestKernelRefuses(t *testing.T) {
	s := tap(t)
	s.config.Kernels[0x21] = refusing{}
	if err := runTo(s, []byte{0x90, 0x00}); err == nil || !strings.Contains(err.Error(), "kernel 21: no keys") {
		t.Errorf("error %v", err)
	}
}

type refusing struct{}

func (refusing) Activate(contactless.Activation) (emv.Machine, error) {
	return nil, errors.New("no keys")
}

// cardKernel ends at once with a card that is known.
type cardKernel struct {
	card    emv.Card
	status  emv.Status
	cleared bool
}

func (k *cardKernel) Activate(contactless.Activation) (emv.Machine, error) { return k, nil }
func (k *cardKernel) Clear()                                               { k.cleared = true; k.card.PAN.Clear() }
func (k *cardKernel) Step(emv.Event) (emv.Action, error) {
	return emv.Done{Outcome: emv.Outcome{Status: k.status, Card: k.card}}, nil
}

// TestClear: whoever gets the card may clear it, the kernel is cleared when it
// has done its work, and Clear leaves nothing.
func TestClear(t *testing.T) {
	const number = "6210948000000011"
	kernel := &cardKernel{status: emv.OnlineRequest}
	kernel.card.PAN = []byte(number)
	s := tap(t)
	s.config.Kernels[0x21] = kernel
	m, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	var asked emv.GoOnline
	var event emv.Event = emv.Begin{}
	for asked.Card.PAN == nil { // up to the question
		action, err := m.Step(event)
		if err != nil {
			t.Fatal(err)
		}
		switch a := action.(type) {
		case emv.Transmit:
			event = mustEvent("< 6F[A5[BF0C[61[4F[F043504F530101]]]]] 9000")
		case emv.AwaitCard:
			event = emv.Start{}
		case emv.GoOnline:
			asked = a
		default:
			event = emv.Performed{}
		}
	}
	asked.Card.PAN.Clear()
	action, err := m.Step(emv.HostResult{Online: true, ARC: "00", Approved: true})
	if err != nil {
		t.Fatal(err)
	}
	done, ok := action.(emv.Done)
	if !ok || string(done.Outcome.Card.PAN) != number || done.Outcome.Status != emv.Approved {
		t.Errorf("the end is %T, status %v, card %d bytes", action, done.Outcome.Status, len(done.Outcome.Card.PAN))
	}
	if !kernel.cleared || string(kernel.card.PAN) == number {
		t.Error("the kernel keeps the card")
	}
	m.(interface{ Clear() }).Clear()
	if string(done.Outcome.Card.PAN) != number {
		t.Error("Clear takes the outcome's card")
	}
	if _, err := m.Step(emv.Performed{}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("Step after the end: %v", err)
	}
}

// TestHostAnswer: an answer without a code is a bug of the caller.
func TestHostAnswer(t *testing.T) {
	kernel := &cardKernel{status: emv.OnlineRequest}
	s := tap(t)
	s.config.Kernels[0x21] = kernel
	m, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []emv.Event{
		emv.Begin{}, emv.Performed{}, emv.Performed{}, emv.Start{},
		mustEvent("< 6F[A5[BF0C[61[4F[F043504F530101]]]]] 9000"), emv.Response{Data: []byte{0x90, 0x00}},
	} {
		if _, err := m.Step(e); err != nil {
			t.Fatalf("Step(%T): %v", e, err)
		}
	}
	if _, err := m.Step(emv.HostResult{Online: true, Approved: true}); !errors.Is(err, emv.ErrUnexpected) {
		t.Errorf("an answer without ARC gives %v", err)
	}
}

// TestMixed: a card with the application of one scheme and the number of
// another pays nothing, whatever its kernel says.
func TestMixed(t *testing.T) {
	for _, c := range []struct {
		aid, pan string
		mixed    bool
	}{
		{"A0000000031010", "4761739001010010", false},
		{"A0000000031010", "5413330089601034", true},
		{"A0000000041010", "5413330089601034", false},
		{"A0000000041010", "2223000010410010", false},
		{"A0000000043060", "6799990100000000019", false},
		{"A0000000041010", "4761739001010010", true},
		{"A000000025010701", "374245001721009", false},
		{"A000000025010701", "5413330089601034", true},
		{"A000000333010101", "4761739001010010", false}, // UnionPay issues under many
		{"F043504F530101", "9999010000000018", false},
		{"A0000000031010", "", false},
		{"", "4761739001010010", false},
	} {
		for _, status := range []emv.Status{emv.Approved, emv.OnlineRequest, emv.Declined} {
			kernel := &cardKernel{status: status}
			kernel.card.PAN, kernel.card.AID = []byte(c.pan), mustEvent("< "+c.aid).(emv.Response).Data
			s := tap(t)
			s.config.Kernels[0x21] = kernel
			err := runTo(s, []byte{0x90, 0x00})
			refused := err != nil && strings.Contains(err.Error(), string(emv.ReasonCardData))
			if want := c.mixed && status != emv.Declined; refused != want {
				t.Errorf("application %s, number %.4s..., status %d: %v, want it refused: %v", c.aid, c.pan, status, err, want)
			}
		}
	}
}
