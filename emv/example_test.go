package emv_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/cloudpos/cloudpos/emv"
)

// A whole conversation, with a card that is blocked: it answers 6A81 to the
// first command.
func Example() {
	k, err := emv.New(emv.Config{
		TerminalType: 0x22, Capabilities: [3]byte{0x20, 0x48, 0x40}, Country: 156, Currency: 156,
		Applications: []emv.Application{{AID: []byte{0xF0, 'C', 'P', 'O', 'S', 1, 1}, Partial: true}},
		Random:       func(b []byte) { _, _ = rand.Read(b) },
	}, emv.Transaction{AmountMinor: 1250, At: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer k.Clear()

	var event emv.Event = emv.Start{ATR: []byte{0x3B, 0x00}}
	for {
		action, err := k.Step(event)
		if err != nil {
			fmt.Println(err) // a bug of the caller: never an approval
			return
		}
		switch a := action.(type) {
		case emv.Transmit:
			fmt.Printf("send %X\n", a.Command)
			event = emv.Response{Data: []byte{0x6A, 0x81}}
		case emv.Choose:
			event = emv.Choice{Index: 0}
		case emv.EnterPIN:
			event = emv.PINResult{Status: emv.PINEntered}
		case emv.GoOnline:
			event = emv.HostResult{Online: true, ARC: "00", Approved: true}
		case emv.Done:
			fmt.Println("ended:", a.Outcome.Reason)
			return
		}
	}
	// Output:
	// send 00A404000E315041592E5359532E444446303100
	// ended: card blocked
}
