package payment

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/secret"
)

var update = flag.Bool("update", false, "rewrite the expected lines of the transcripts")

var cny = money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}

// scriptedCard is a card machine that does what a transcript says, one word
// after the other.
type scriptedCard struct{ words []string }

func (c *scriptedCard) Step(e emv.Event) (emv.Action, error) {
	if _, gone := e.(emv.CardGone); gone && len(c.words) > 0 && c.words[0] == "unselected" {
		return emv.Done{Outcome: emv.Outcome{Reason: "card-removed", Parameters: emv.Parameters{Alternate: emv.InterfaceStripe}}}, nil
	} else if gone {
		return emv.Done{Outcome: emv.Outcome{Reason: "card-removed", Record: []byte("\x95\x01\x80")}}, nil
	}
	if len(c.words) == 0 {
		return nil, fmt.Errorf("the script has no word for %T", e)
	}
	word := c.words[0]
	c.words = c.words[1:]
	card := emv.Card{PAN: secret.PAN("9999010000000017"), PSN: "01", Expiry: "311231", AID: []byte{0xF0, 0x43}, Label: "Test", Track2: secret.Bytes("track")}
	host, _ := e.(emv.HostResult)
	switch word {
	case "transmit":
		return emv.Transmit{Command: []byte{0, 0xA4}}, nil
	case "choose":
		return emv.Choose{Apps: []emv.App{{AID: []byte{1}, Label: "Debit"}, {AID: []byte{2}, Label: "Credit"}}}, nil
	case "choose-again":
		return emv.Choose{Apps: []emv.App{{AID: []byte{2}, Label: "Credit"}}, Again: true}, nil
	case "pin":
		return emv.EnterPIN{Card: card}, nil
	case "card-pin", "card-pin-2", "card-pin-1", "card-pin-sealed":
		v := emv.VerifyPIN{Card: card, Command: []byte{0, 0x20, 0, 0x80}, TriesLeft: -1}
		switch word {
		case "card-pin-2":
			v.TriesLeft = 2
		case "card-pin-1":
			v.TriesLeft = 1
		case "card-pin-sealed":
			v.Command[3], v.Cipher = 0x88, &emv.PINCipher{Modulus: []byte{0xC5}, Exponent: []byte{3}, Challenge: []byte{8}}
		}
		return v, nil
	case "online":
		return emv.GoOnline{Card: card, CVM: emv.CVMOnlinePIN, Data: []byte("\x9F\x26\x01\x01")}, nil
	case "approved":
		return emv.Done{Outcome: emv.Outcome{Status: emv.Approved, Online: true, ARC: "00", Card: card, Record: []byte("\x95\x01\x80")}}, nil
	case "signed":
		return emv.Done{Outcome: emv.Outcome{Status: emv.Approved, Online: true, ARC: "00", CVM: emv.CVMSignature, Card: card, Record: []byte("\x95\x01\x80")}}, nil
	case "coded": // as a card that is asked to approve under this code
		if host.AuthCode != "A1" {
			return nil, fmt.Errorf("authorisation code %q", host.AuthCode)
		}
		return emv.Transmit{Command: []byte{0x80, 0xAE}}, nil
	case "offline":
		return emv.Done{Outcome: emv.Outcome{Status: emv.Approved, ARC: "Y3", Card: card, Record: []byte("\x95\x01\x80")}}, nil
	case "offline-other":
		card.PAN = secret.PAN("9999010000000058")
		return emv.Done{Outcome: emv.Outcome{Status: emv.Approved, ARC: "Y1", Card: card, Record: []byte("\x95\x01\x80")}}, nil
	case "declined":
		return emv.Done{Outcome: emv.Outcome{Status: emv.Declined, Reason: "card-declined", Online: host.Online, Card: card, Record: []byte("\x95\x01\x80")}}, nil
	case "refused":
		return emv.Done{Outcome: emv.Outcome{Reason: "not-accepted", Detail: "Book 1, 12.4"}}, nil
	}
	return nil, fmt.Errorf("unknown word %q", word)
}

// openSealer seals nothing, so that a transcript shows which part went where.
type openSealer struct{}

func (openSealer) Key() string { return "k1" }
func (openSealer) Seal(id ID, part keys.Part, _ []byte) ([]byte, error) {
	return []byte(fmt.Sprintf("sealed %s of %v", part, id)), nil
}
func (openSealer) Token(secret.PAN) string { return "token" }

func testConfig(kernel func(emv.Transaction, money.Currency) (emv.Machine, error)) Config {
	return Config{
		Numbers:  Numbers{ID: ID{"dev:t1", 1, 42}, STAN: 999999, Receipt: 7},
		Snapshot: Snapshot{Software: "test"},
		Waits:    Waits{Card: time.Minute, Choice: 30 * time.Second, PIN: 45 * time.Second, Host: 20 * time.Second},
		PIN:      PINRules{Min: 4, Max: 12, AttemptsMax: 3},
		Media:    drivers.Contact | drivers.Stripe,
		Sealer:   openSealer{},
		Kernel:   kernel,
	}
}

// TestTranscripts plays each story of testdata: "<" feeds the flow, "=" is
// what it must do.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, want)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs; got:\n%s", file, got)
			}
		})
	}
}

func play(t *testing.T, script []byte) []byte {
	var out bytes.Buffer
	var machines, taps [][]string
	cfg := testConfig(func(emv.Transaction, money.Currency) (emv.Machine, error) {
		if len(machines) == 0 {
			return nil, errors.New("the script has no further card")
		}
		m := machines[0]
		machines = machines[1:]
		return &scriptedCard{m}, nil
	})
	cfg.Tap = func(emv.Transaction, money.Currency) (emv.Machine, error) {
		if len(taps) == 0 {
			return nil, nil
		}
		m := taps[0]
		taps = taps[1:]
		return &scriptedTap{m}, nil
	}
	flow := NewFlow(cfg)
	lines := bufio.NewScanner(bytes.NewReader(script))
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "="):
			continue
		case strings.HasPrefix(line, "card "):
			machines = append(machines, strings.Fields(line)[1:])
		case strings.HasPrefix(line, "tap "):
			taps = append(taps, strings.Fields(line)[1:])
		case strings.HasPrefix(line, "stripe "):
			cfg.Stripe = parseStripe(strings.Fields(line)[1:])
			flow = NewFlow(cfg)
		case line == "no other reader":
			cfg.Media = 0
			flow = NewFlow(cfg)
		}
		fmt.Fprintln(&out, line)
		if words, ok := strings.CutPrefix(line, "< "); ok {
			step, err := flow.Step(parseEvent(t, words))
			printStep(&out, step, err)
		}
	}
	return out.Bytes()
}

// parseStripe reads what the parameters say of stripes.
func parseStripe(words []string) (r StripeRules) {
	for _, word := range words {
		r.Allowed = true
		switch word {
		case "fallback":
			r.Fallback = true
		case "pin":
			r.OnlinePIN = true
		case "signature":
			r.Signature = true
		case "no-cvm":
			r.NoCVM = true
		}
	}
	return r
}

// swipeOf is a card with a service code.
func swipeOf(service string) *drivers.Swipe {
	return &drivers.Swipe{
		PAN: secret.PAN("9999010000000011"), Expiry: "3112", Service: service,
		Track2: secret.Bytes("9999010000000011=3112" + service + "0000000000"),
	}
}

func parseEvent(t *testing.T, line string) Event {
	words := strings.Fields(line)
	e := Event{At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), ClockTrusted: true}
	if ref, ok := strings.CutPrefix(words[0], "#"); ok {
		n, err := strconv.ParseUint(ref, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		e.Ref, words = Ref(n), words[1:]
	}
	arg := ""
	if len(words) > 1 {
		arg = words[1]
	}
	failures := map[string]error{
		"mute": drivers.ErrCardMute, "cancelled": drivers.ErrCancelled, "timeout": drivers.ErrTimeout,
		"unread": drivers.ErrUnread, "protocol": drivers.ErrProtocol, "pulled": drivers.ErrCardGone,
		"refused": drivers.ErrRefused, "hardware": drivers.ErrHardware,
		"several": drivers.ErrCollision, "no-device": drivers.ErrNoDevice, "not-sent": ErrNotSent, "unknown": ErrUnknown, "disk-full": ErrStore,
	}
	switch words[0] {
	case "request":
		a, err := money.Parse(arg, cny)
		if err != nil {
			t.Fatal(err)
		}
		e.Body = Request{Kind: Sale, Amount: a}
	case "cancel":
		e.Body = Cancel{}
	case "choose":
		n, err := strconv.Atoi(arg)
		if err != nil {
			t.Fatal(err)
		}
		e.Body = Choose{n}
	case "card":
		e.Body = CardSeen{Media: drivers.Contact, ATR: []byte{0x3B}}
	case "tap":
		e.Body = CardSeen{Media: drivers.Contactless, ATR: []byte{0x3B, 0x80}}
	case "cleared":
		e.Body = Cleared{}
	case "swipe":
		e.Body = CardSeen{Media: drivers.Stripe, Swipe: swipeOf(arg)}
	case "response":
		e.Body = Response{Data: []byte{0x90, 0}}
	case "gone":
		e.Body = CardGone{}
	case "pin":
		e.Body = PINResult{drivers.PINEntry{Block: secret.Bytes("12345678"), Scheme: drivers.SchemeTDESDUKPT, KSN: []byte{1}}}
	case "verified":
		data, err := hex.DecodeString(arg)
		if err != nil {
			t.Fatal(err)
		}
		e.Body = PINVerified{drivers.PINVerified{Bypassed: arg == "", Response: drivers.Response{Data: data}}}
	case "bypass":
		e.Body = PINResult{drivers.PINEntry{Bypassed: true}}
	case "host":
		verdict := VerdictDeclined
		if arg == "00" {
			verdict = VerdictApproved
		} else if arg == "??" {
			verdict = "nonsense"
		}
		e.Body = HostResult{Answer{Verdict: verdict, Code: arg, AuthCode: "A1"}}
	case "fired":
		e.Body = Fired{}
	case "failed":
		failed := Failed{Err: failures[arg], Media: drivers.Contact}
		if len(words) > 2 { // not at the slot
			failed.Media = map[string]drivers.Media{"here": drivers.Contactless, "stripe": drivers.Stripe, "nowhere": 0}[words[2]]
		}
		e.Body = failed
	default:
		t.Fatalf("unknown event %q", line)
	}
	return e
}

func printStep(out *bytes.Buffer, s Step, err error) {
	if err != nil {
		fmt.Fprintf(out, "= error %v\n", err)
		return
	}
	if c := s.Commit; c != nil {
		fmt.Fprintf(out, "= commit %s", c.To)
		if c.Attempt != nil {
			fmt.Fprintf(out, " attempt=%d stan=%d%s", c.Attempt.Number, c.Attempt.STAN, printCard(c.Attempt.Card))
			if c.Attempt.Entry != EntryChip {
				fmt.Fprintf(out, " entry=%s cvm=%s", c.Attempt.Entry, c.Attempt.CVM)
			}
		}
		if e := c.Ending; e != nil {
			fmt.Fprintf(out, " reason=%q code=%q offline=%t", e.Reason, e.Code, e.Offline)
			if e.Detail != "" {
				fmt.Fprintf(out, " detail=%q", e.Detail)
			}
			if e.Card != nil {
				out.WriteString(printCard(*e.Card))
			}
			if e.ChipData != nil {
				fmt.Fprintf(out, " chip-data")
			}
		}
		fmt.Fprintln(out)
	}
	for _, a := range s.Do {
		fmt.Fprintf(out, "= %s\n", printAction(a))
	}
	v := s.View
	fmt.Fprintf(out, "= view %s", v.Screen)
	if v.Notice != NoticeNone {
		fmt.Fprintf(out, " notice=%s", v.Notice)
	}
	if v.Signs {
		fmt.Fprintf(out, " signs")
	}
	if v.Cancellable {
		fmt.Fprintf(out, " cancellable")
	}
	if v.Masked != "" {
		fmt.Fprintf(out, " card=%s", v.Masked)
	}
	if v.Swiped {
		fmt.Fprintf(out, " swiped")
	}
	if v.Tapped {
		fmt.Fprintf(out, " tapped")
	}
	if v.Media&drivers.Contactless != 0 {
		fmt.Fprintf(out, " tap-here")
	}
	if v.Balance != (money.Amount{}) {
		fmt.Fprintf(out, " balance=%v", v.Balance)
	}
	if v.OnReader {
		fmt.Fprintf(out, " on-reader")
	}
	if v.PINTries > 0 {
		fmt.Fprintf(out, " tries=%d", v.PINTries)
	}
	if v.Screen == ScreenChoose {
		fmt.Fprintf(out, " apps=%v", v.Apps)
	}
	fmt.Fprintln(out)
	if s.Ended {
		fmt.Fprintln(out, "= ended")
	}
}

func printCard(c CardData) string {
	var parts []string
	for name, part := range map[string][]byte{"account": c.Account, "track": c.Track, "chip": c.Chip, "pin": c.PIN} {
		if part != nil {
			parts = append(parts, name)
		}
	}
	return fmt.Sprintf(" card=%s sealed=%d", c.Masked, len(parts))
}

func printAction(a Action) string {
	switch a := a.(type) {
	case Await:
		text := fmt.Sprintf("await #%d", a.Ref) + map[bool]string{true: " no stripe"}[a.Media == drivers.Contact]
		if a.Media&drivers.Contactless != 0 {
			text += map[drivers.Media]string{0: " tap alone"}[a.Media&drivers.Contact] + map[bool]string{true: " field empty"}[a.Clear]
		}
		return text
	case Transmit:
		return fmt.Sprintf("transmit #%d %X", a.Ref, a.Command)
	case Release:
		return fmt.Sprintf("release #%d%s", a.Ref, map[bool]string{true: " stay"}[a.Stay])
	case EnterPIN:
		return fmt.Sprintf("enter-pin #%d %s for %s", a.Ref, a.Request.PAN, a.Request.Amount)
	case VerifyPIN:
		text := fmt.Sprintf("verify-pin #%d %X of %d to %d digits within %v", a.Ref, a.Request.Command, a.Request.Min, a.Request.Max, a.Request.Timeout)
		if k := a.Request.Cipher; k != nil {
			text += fmt.Sprintf(" under %X^%X with %X", k.Modulus, k.Exponent, k.Challenge)
		}
		return text
	case Exchange:
		return fmt.Sprintf("exchange #%d %v %v pin=%t%s", a.Ref, a.Message.Key, a.Message.Amount, a.Message.PIN != nil, printCard(a.Message.Card))
	case Arm:
		return fmt.Sprintf("arm #%d %v", a.Ref, a.After)
	case Stop:
		return fmt.Sprintf("stop #%d", a.Ref)
	case Signal:
		return fmt.Sprintf("signal %d", a.Signal)
	}
	return fmt.Sprintf("%T", a)
}

func amountOf(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: cny} }
