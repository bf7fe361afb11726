package sim

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/emv/issuer"
)

// pinCard is a card with PIN 1234, with a key of its own for PINs or without.
func pinCard(t *testing.T, own bool) *Card {
	t.Helper()
	expires := time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	a, err := issuer.NewAuthority(issuer.RID, issuer.CAIndex, issuer.BIN, expires)
	if err != nil {
		t.Fatal(err)
	}
	p, err := issuer.Personalise(rand.Reader, a, issuer.MasterKeys{AC: testIMK}, issuer.Order{
		Name: "keys", PAN: "9999010000000017", PIN: "1234", PINKey: own, AID: issuer.AID, Label: "TEST", Expires: expires,
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCard(p, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.ATR()
	upTo(t, c, selectAID, gpo)
	return c
}

// sealed is VERIFY with an enciphered PIN.
func sealed(key *rsa.PrivateKey, pin string, challenge []byte) string {
	data := encipherPIN(&key.PublicKey, pin, [8]byte(challenge))
	return fmt.Sprintf("00200088%02X%X", len(data), data)
}

// TestCardDeciphersPIN: a challenge is good for one PIN, and a PIN that cannot
// be deciphered costs a try like a wrong one.
func TestCardDeciphersPIN(t *testing.T) {
	for _, own := range []bool{false, true} {
		c := pinCard(t, own)
		key, other := c.key, c.pinKey
		if own {
			key, other = c.pinKey, c.key
		}
		number := func() []byte { return ask(t, c, "0084000000", "9000") }
		challenge := number()
		ask(t, c, sealed(key, "1234", challenge), "9000")
		if !c.pinRight {
			t.Error("the right PIN is not remembered")
		}
		ask(t, c, sealed(key, "1234", challenge), "6985") // used up
		ask(t, c, sealed(key, "4321", number()), "63C2")
		if c.pinRight {
			t.Error("a wrong PIN leaves the right one standing")
		}
		before := number()
		number()
		ask(t, c, sealed(key, "1234", before), "63C1") // an older one
		number()
		ask(t, c, fmt.Sprintf("0020008880%X", bytes.Repeat([]byte{0x5A}, 128)), "63C0")
		ask(t, c, sealed(key, "1234", number()), "6983")
		if own {
			c = pinCard(t, own)
			ask(t, c, sealed(other, "1234", number()), "63C2") // the key for something else
		}
		c = pinCard(t, own)
		number()
		ask(t, c, "0020008808241234FFFFFFFFFF", "6700")
		number()
		ask(t, c, "00200089080102030405060708", "6A88")
	}
}

// A card without a key deciphers nothing.
func TestCardWithoutKeyRefusesEncipheredPIN(t *testing.T) {
	p := profile(t, "sda")
	p.PIN = "1234"
	c, err := NewCard(p, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.ATR()
	upTo(t, c, selectAID, gpo)
	ask(t, c, "0084000000", "9000")
	ask(t, c, fmt.Sprintf("0020008880%X", make([]byte, 128)), "6A88")
}
