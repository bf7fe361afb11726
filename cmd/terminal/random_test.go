package main

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/cloudpos/cloudpos/emv"
)

// Unpredictable numbers come again no more often, and their bytes are spread no
// worse, than chance has it: a terminal whose numbers can be guessed takes
// cryptograms that were made beforehand. Both bounds are ten deviations away.
func TestUnpredictableNumbers(t *testing.T) {
	const draws = 1_000_000
	seen := make(map[uint32]bool, draws)
	var spread [4][256]int
	again := 0
	for range draws {
		un, err := emv.UnpredictableNumber(random)
		if err != nil {
			t.Fatal(err)
		}
		n := binary.BigEndian.Uint32(un)
		if seen[n] {
			again++
		}
		seen[n] = true
		for i, b := range un {
			spread[i][b]++
		}
	}
	const expected = float64(draws) * draws / 2 / (1 << 32) // 116
	if far := math.Abs(float64(again) - expected); far > 10*math.Sqrt(expected) {
		t.Errorf("%d of %d numbers came again, expected %.0f", again, draws, expected)
	}
	for i, counts := range spread {
		chi := 0.0
		for _, n := range counts {
			chi += (float64(n) - draws/256.0) * (float64(n) - draws/256.0) / (draws / 256.0)
		}
		const freedom = 255
		if chi > freedom+10*math.Sqrt(2*freedom) {
			t.Errorf("byte %d: chi-squared %.0f, expected %d", i+1, chi, freedom)
		}
	}
}
