package cloudsync

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/sync/wire"
)

// fill sets each field below v to a value of its own and returns the paths.
func fill(v reflect.Value, path string, n *int) []string {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 1, 0, 0, *n, 0, time.UTC)))
		return []string{path}
	case []byte:
		v.Set(reflect.ValueOf([]byte{byte(*n)}))
		return []string{path}
	}
	switch kind := v.Kind(); {
	case kind == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), path, n)
	case kind == reflect.Struct:
		var paths []string
		for i := range v.NumField() {
			paths = append(paths, fill(v.Field(i), path+"."+v.Type().Field(i).Name, n)...)
		}
		return paths
	case kind == reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case kind == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(*n))
	case v.CanUint():
		v.SetUint(uint64(*n))
	default:
		panic("no value for " + path + ", a " + kind.String())
	}
	return []string{path}
}

// at finds a field by its path.
func at(v reflect.Value, path string) reflect.Value {
	for _, name := range strings.Split(strings.TrimPrefix(path, "."), ".") {
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		v = v.FieldByName(name)
	}
	return v
}

// Each field of a message makes a difference on the wire, but for those that
// others imply.
func TestNoFieldOfAMessageIsForgotten(t *testing.T) {
	implied := map[string]string{
		".Amount.Currency.Numeric": "follows from the code",
	}
	var sample payment.Message
	n := 0
	for _, path := range fill(reflect.ValueOf(&sample).Elem(), "", &n) {
		if strings.HasPrefix(path, ".Ending.Card.") || path == ".Ending.ChipData" || path == ".Ending.Entry" {
			continue // Record.Message has them elsewhere
		}
		var m payment.Message
		n := 0
		fill(reflect.ValueOf(&m).Elem(), "", &n)
		before := text(t, requestOf(m))
		field := at(reflect.ValueOf(&m).Elem(), path)
		field.SetZero()
		changed := text(t, requestOf(m)) != before
		if _, ok := implied[path]; changed == ok {
			t.Errorf("%s without %s: the request changes: %v, want %v", reflect.TypeFor[payment.Message](), path, changed, !ok)
		}
	}
}

// Each field of a request has been set from the message.
func TestNoFieldOfARequestIsEmpty(t *testing.T) {
	var m payment.Message
	n := 0
	fill(reflect.ValueOf(&m).Elem(), "", &n)
	r := requestOf(m)
	r.V = 1 // the encoder's
	var paths []string
	n = 0
	var sample wire.Request
	paths = fill(reflect.ValueOf(&sample).Elem(), "", &n)
	for _, path := range paths {
		if at(reflect.ValueOf(&r).Elem(), path).IsZero() {
			t.Errorf("request%s is not set", path)
		}
	}
}

func TestNoFieldOfAnAnswerIsForgotten(t *testing.T) {
	var sample wire.Answer
	n := 0
	for _, path := range fill(reflect.ValueOf(&sample).Elem(), "", &n) {
		var a wire.Answer
		n := 0
		fill(reflect.ValueOf(&a).Elem(), "", &n)
		before := text(t, answerOf(a))
		at(reflect.ValueOf(&a).Elem(), path).SetZero()
		if changed := text(t, answerOf(a)) != before; changed == (path == ".V") {
			t.Errorf("answer without %s: the conversion changes: %v", path, changed)
		}
	}
	a := answerOf(sample)
	n = 0
	var want payment.Answer
	for _, path := range fill(reflect.ValueOf(&want).Elem(), "", &n) {
		if at(reflect.ValueOf(&a).Elem(), path).IsZero() {
			t.Errorf("answer%s is not set", path)
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Whatever a card and the devices say of themselves can be sent.
func TestOddTextsAreMadeFit(t *testing.T) {
	cny, err := money.Lookup("CNY")
	if err != nil {
		t.Fatal(err)
	}
	odd := "a\x00b\xff\n" + strings.Repeat("卡", 200)
	m := payment.Message{
		Key: payment.Key{ID: payment.ID{Terminal: "dev:t1", Epoch: 1, Seq: 1}, Leg: payment.Complete, Attempt: 1}, Version: 1,
		Kind: payment.Sale, Amount: money.Amount{Minor: 1, Currency: cny},
		Card:     payment.CardData{Label: odd},
		Ending:   &payment.Ending{Reason: odd, Detail: odd},
		Snapshot: payment.Snapshot{Software: odd, Reader: odd, PINPad: odd, Printer: odd},
	}
	data, err := wire.EncodeRequest(requestOf(m))
	if err != nil {
		t.Fatal(err)
	}
	r, err := wire.DecodeRequest(data)
	if want := "a b? " + strings.Repeat("卡", 19); err != nil || r.Card.Label != want {
		t.Errorf("label = %q, %v, want %q", r.Card.Label, err, want)
	}
}

func TestBackoffPauses(t *testing.T) {
	for name, want := range map[float64]string{
		0:         "[250ms 500ms 1s 2s 4s 5s 5s]",
		0.9999999: "[500ms 1s 2s 4s 8s 10s 10s]",
	} {
		b := backoff{least: 500 * time.Millisecond, most: 10 * time.Second, rand: func() float64 { return name }}
		var got []time.Duration
		for range 7 {
			got = append(got, b.next().Round(10*time.Millisecond))
		}
		b.reset()
		if again := b.next().Round(10 * time.Millisecond); fmt.Sprint(got) != want || again != got[0] {
			t.Errorf("pauses %v, then %v, want %s and as at first", got, again, want)
		}
	}
}
