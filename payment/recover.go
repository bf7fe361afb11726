package payment

import (
	"fmt"
	"iter"
	"time"
)

// Recover says what a restart must commit, oldest first: whatever was
// authorising when the terminal went down is reversed, since nobody knows what
// became of it. Money rule 2. It is pure: at is when the restart looks.
func Recover(unfinished iter.Seq2[Record, error], at time.Time, clockTrusted bool) ([]Entry, error) {
	var entries []Entry
	for r, err := range unfinished {
		if err != nil {
			return nil, fmt.Errorf("payment: recover: %w", err)
		}
		if !r.Unfinished() {
			return nil, fmt.Errorf("payment: recover: %v is %q, and not unfinished", r.ID, r.State)
		}
		entries = append(entries, Entry{
			ID: r.ID, At: at, ClockTrusted: clockTrusted, To: Reversing,
			Ending: &Ending{Reason: ReasonRestart},
		})
	}
	return entries, nil
}
