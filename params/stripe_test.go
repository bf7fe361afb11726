package params_test

import (
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/params"
)

// TestStripe: magnetic stripes are taken where the document says so, and
// nowhere else.
func TestStripe(t *testing.T) {
	doc, err := params.Parse(sample(t))
	if err != nil || doc.Stripe != (params.Stripe{}) {
		t.Errorf("a document without stripe: %+v, %v", doc.Stripe, err)
	}
	doc, err = params.Parse(set(t, "stripe", map[string]any{"allowed": true, "fallback": true}))
	if err != nil || doc.Stripe != (params.Stripe{Allowed: true, Fallback: true}) {
		t.Fatalf("%+v, %v", doc.Stripe, err)
	}
	data, err := doc.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := params.Parse(data); err != nil || again.Stripe != doc.Stripe {
		t.Errorf("encoded and read again: %+v, %v", again.Stripe, err)
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{true, "stripe: want an object, got true or false"},
		{map[string]any{"allowed": true}, "stripe.fallback: is missing"},
		{map[string]any{"allowed": 1, "fallback": true}, "stripe.allowed: want true or false, got a number"},
		{map[string]any{"allowed": false, "fallback": true}, "stripe.fallback: wants allowed to be true"},
		{map[string]any{"allowed": true, "fallback": true, "always": true}, "stripe.always: unknown field"},
	} {
		if _, err := params.Parse(set(t, "stripe", c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.value, err, c.want)
		}
	}
}
