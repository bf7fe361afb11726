package offline_test

import (
	"fmt"

	"github.com/cloudpos/cloudpos/money"
	"github.com/cloudpos/cloudpos/offline"
	"github.com/cloudpos/cloudpos/payment"
)

// What is still to be sent to the cloud after a sale that was approved. On a
// disk it is Open instead of NewMemory, and the rest is the same.
func Example() {
	journal := offline.NewMemory("dev:t1")
	n, err := journal.Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	amount := money.Amount{Minor: 1250, Currency: money.Currency{Code: "CNY", Numeric: 156, Exponent: 2}}
	for _, e := range []payment.Entry{
		{
			ID: n.ID, To: payment.Authorising,
			Opening: &payment.Opening{Kind: payment.Sale, Amount: amount, Receipt: n.Receipt},
			Attempt: &payment.Attempt{Number: 1, STAN: n.STAN},
		},
		{ID: n.ID, To: payment.Approved, Ending: &payment.Ending{Code: payment.CodeApproved}},
	} {
		if err := journal.Commit(e); err != nil {
			fmt.Println(err)
			return
		}
	}
	for r, err := range journal.Outbox() {
		fmt.Println(r.ID, r.State, r.Pending(), err)
	}
	// Output: dev:t1/1/1 approved complete <nil>
}
