package kernel2_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
)

// An application with limits of its own, and what its kernel does with a card
// that wants to be told the amount.
func ExampleNew() {
	aid := []byte{0xF0, 'C', 'P', 'O', 'S', 2}
	app := kernel2.NewApplication(aid)
	app.FloorMinor, app.LimitMinor, app.CVMMinor = 0, 100000, 30000
	app.CVMRequired, app.CVMNotRequired = 0x48, 0x08 // online PIN; none
	k, err := kernel2.New(kernel2.Config{
		Terminal: emv.Config{
			TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x48, 0x08}, CDAMode: emv.CDAMode1, Country: 156, Currency: 156,
			Applications: []emv.Application{{AID: aid}}, Random: func(b []byte) { _, _ = rand.Read(b) },
		},
		Applications: []kernel2.Application{app},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tap, err := k.Activate(contactless.Activation{
		Kernel: contactless.Kernel2, Name: aid,
		FCI:         []byte{0x6F, 0x07, 0xA5, 0x05, 0x9F, 0x38, 0x02, 0x81, 0x04}, // a PDOL with 81
		Transaction: emv.Transaction{AmountMinor: 1250, At: time.Date(2026, 11, 23, 9, 30, 15, 0, time.UTC)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	action, err := tap.Step(emv.Begin{})
	fmt.Printf("%X %v\n", action.(emv.Transmit).Command, err)
	// Output:
	// 80A80000068304000004E200 <nil>
}
