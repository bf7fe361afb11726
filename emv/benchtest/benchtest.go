// Package benchtest measures what a card transaction costs beyond its RSA
// operations. Machines differ and are noisy, so both are measured in the same
// run, turn by turn, in processor time:
//
//	b.Run("tap", func(b *testing.B) { benchtest.Beyond(b, func() { play(b) }, rsa) })
package benchtest

import (
	"math/big"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// turn is how many transactions are measured at once.
const turn = 1000

// An Operation is one with a public RSA key: what was signed, and the key.
type Operation struct{ Signature, Exponent, Modulus []byte }

// Bare gives the operations alone: what emv/oda does with certificates and
// signatures before it looks at what comes out.
func Bare(operations []Operation) func() {
	var e, n []*big.Int
	for _, o := range operations {
		e, n = append(e, new(big.Int).SetBytes(o.Exponent)), append(n, new(big.Int).SetBytes(o.Modulus))
	}
	return func() {
		for i, o := range operations {
			x := new(big.Int).Exp(new(big.Int).SetBytes(o.Signature), e[i], n[i])
			_ = x.FillBytes(make([]byte, len(o.Modulus)))
		}
	}
}

// Beyond runs transactions, and their bare operations beside them, and reports
// "rsa-µs", "beyond-µs" and what a transaction allocates. With less than a
// thousand runs it reports no times.
func Beyond(b *testing.B, transaction, bare func()) {
	b.Helper()
	var whole, alone []time.Duration
	b.ReportAllocs()
	done, began := 0, usage(b)
	for b.Loop() {
		transaction()
		if done++; done%turn != 0 {
			continue
		}
		runtime.GC() // what this turn leaves is not the next one's
		whole = append(whole, usage(b)-began)
		b.StopTimer()
		began = usage(b)
		for range turn {
			bare()
		}
		runtime.GC()
		alone = append(alone, usage(b)-began)
		b.StartTimer()
		began = usage(b)
	}
	if len(alone) > 0 {
		w, o := median(whole), median(alone)
		b.ReportMetric(o, "rsa-µs")
		b.ReportMetric(w-o, "beyond-µs")
	}
}

// usage is the processor time of this process so far.
func usage(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// median is that of turns, for one transaction, in microseconds.
func median(turns []time.Duration) float64 {
	slices.Sort(turns)
	return float64(turns[len(turns)/2]) / float64(time.Microsecond) / turn
}
