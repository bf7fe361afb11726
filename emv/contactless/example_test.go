package contactless_test

import (
	"fmt"

	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
)

// A whole tap, of an amount that is too high for it: no card is waited for.
func Example() {
	limit := int64(30000)
	p, err := contactless.New(contactless.Config{
		Combinations: []contactless.Combination{{
			AID: []byte{0xF0, 'C', 'P', 'O', 'S', 3}, Kernel: contactless.Kernel3, Types: []byte{0x00},
			Limits: contactless.Limits{TransactionMinor: &limit}, TTQ: &contactless.TTQ{0x36, 0, 0x40, 0},
		}},
		Kernels:          map[contactless.KernelID]contactless.Kernel{contactless.Kernel3: refusing{}},
		CurrencyExponent: 2,
	}, emv.Transaction{AmountMinor: 31250}, emv.RestartA)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Clear()

	var event emv.Event = emv.Begin{}
	for {
		action, err := p.Step(event)
		if err != nil {
			fmt.Println(err) // a bug of the caller or a kernel: never an approval
			return
		}
		switch a := action.(type) {
		case emv.Show:
			fmt.Println("show:", a.Request.Message)
			event = emv.Performed{}
		case emv.Field:
			event = emv.Performed{}
		case emv.AwaitCard:
			event = emv.Start{}
		case emv.Transmit:
			event = emv.CardGone{}
		case emv.Done:
			fmt.Println("ended:", a.Outcome.Reason)
			return
		}
	}
	// Output:
	// show: present card
	// show: insert or swipe
	// ended: another interface
}
