package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/sync/wire"
)

func TestTopic(t *testing.T) {
	got, err := wire.Topic("dev:t1", wire.Up, wire.KindRequest)
	if want := "cloudpos/v1/dev/t1/up/request"; got != want || err != nil {
		t.Errorf("Topic = %q, %v, want %q", got, err, want)
	}
	for _, c := range []struct {
		terminal string
		dir      wire.Direction
		kind     string
		want     error
	}{
		{"dev", wire.Up, "request", wire.ErrTerminal},
		{"dev:t1", "sideways", "request", wire.ErrTopic},
		{"dev:t1", wire.Down, "#", wire.ErrTopic},
		{"dev:t1", wire.Down, "", wire.ErrTopic},
		{"dev:+", wire.Down, "answer", wire.ErrTerminal},
	} {
		if got, err := wire.Topic(c.terminal, c.dir, c.kind); !errors.Is(err, c.want) || got != "" {
			t.Errorf("Topic(%q, %q, %q) = %q, %v, want %v", c.terminal, c.dir, c.kind, got, err, c.want)
		}
	}
}

func TestParseTopic(t *testing.T) {
	terminal, dir, kind, err := wire.ParseTopic("cloudpos/v1/dev/t1/down/answer")
	if terminal != "dev:t1" || dir != wire.Down || kind != "answer" || err != nil {
		t.Errorf("ParseTopic = %q, %q, %q, %v", terminal, dir, kind, err)
	}
	for _, in := range []string{
		"", "cloudpos/v1/", "cloudpos/v2/dev/t1/down/answer", "cloudpos/v1/dev/t1/down", "cloudpos/v1/dev/t1/down/answer/x",
		"cloudpos/v1/dev/t1/left/answer", "cloudpos/v1//t1/down/answer", "cloudpos/v1/dev/T1/down/answer",
		"/cloudpos/v1/dev/t1/down/answer", "cloudpos/v1/dev/+/down/answer", "cloudpos/v1/dev/t1/down/#",
	} {
		if terminal, _, _, err := wire.ParseTopic(in); !errors.Is(err, wire.ErrTopic) {
			t.Errorf("ParseTopic(%q) = %q, %v, want ErrTopic", in, terminal, err)
		}
	}
}

func TestCheckTerminal(t *testing.T) {
	long := strings.Repeat("a", 32)
	for _, ok := range []string{"dev:t1", "a:b", long + ":" + long, "shop-7:till-2", "0:0"} {
		if err := wire.CheckTerminal(ok); err != nil {
			t.Errorf("CheckTerminal(%q) = %v", ok, err)
		}
	}
	for _, bad := range []string{
		"", ":", "dev:", ":t1", "dev", "dev:t1:x", "dev:T1", "dev:t 1", "dev:t.1", "dev:t*", "dev:>", "dev:é", "dev:t1\n", long + "a:b", "dev/t1",
	} {
		if err := wire.CheckTerminal(bad); !errors.Is(err, wire.ErrTerminal) {
			t.Errorf("CheckTerminal(%q) = %v, want ErrTerminal", bad, err)
		}
	}
}

func FuzzParseTopic(f *testing.F) {
	f.Add("cloudpos/v1/dev/t1/up/request")
	f.Add("cloudpos/v1/a:b/c/up/request")
	f.Fuzz(func(t *testing.T, in string) {
		terminal, dir, kind, err := wire.ParseTopic(in)
		if err != nil {
			return
		}
		if got, err := wire.Topic(terminal, dir, kind); got != in || err != nil {
			t.Errorf("%q is %q, %q, %q, which is %q, %v", in, terminal, dir, kind, got, err)
		}
	})
}

func ExampleTopic() {
	topic, err := wire.Topic("dev:t1", wire.Down, wire.KindAnswer)
	fmt.Println(topic, err)
	// Output: cloudpos/v1/dev/t1/down/answer <nil>
}
