package smtest_test

import (
	"crypto/rand"
	"testing"

	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/keys/smtest"
)

// TestSign: what one arithmetic signs, the other verifies.
func TestSign(t *testing.T) {
	for n := range 10 {
		s, err := smtest.New(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 30*n)
		signature, err := s.Sign(rand.Reader, message)
		if err != nil {
			t.Fatal(err)
		}
		if !(keys.SM2{}).Verify(s.Public(), message, signature) {
			t.Errorf("the signature over %d bytes is refused", len(message))
		}
		if (keys.SM2{}).Verify(s.Public(), append(message, 0), signature) {
			t.Errorf("the signature over %d bytes is taken for one over more", len(message))
		}
	}
}
