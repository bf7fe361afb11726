package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers/sim/cards"
)

// The list has all of the catalogue, for people and for programs.
func TestCards(t *testing.T) {
	text, _, status, err := command(t, "cards")
	if err != nil || status != exitApproved || strings.Count(text, "\n") != len(cards.All()) {
		t.Fatalf("status %d, %v, %d lines of %d cards", status, err, strings.Count(text, "\n"), len(cards.All()))
	}
	if !strings.Contains(text, "\nnopan ") || !strings.Contains(text, "  declined: card data  ") || !strings.Contains(text, "  Has no account number.\n") {
		t.Errorf("nopan is not told in\n%s", text)
	}
	if !strings.Contains(text, "\ntap-3-turned     declined: declined by issuer (05); 150.00: declined by terminal  What it ") || !strings.Contains(text, "\ntap-2-relayed    cancelled  ") {
		t.Errorf("what is tapped is not told in\n%s", text)
	}
	encoded, _, _, err := command(t, "cards", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var all []cardReport
	if err := json.Unmarshal([]byte(encoded), &all); err != nil || len(all) != len(cards.All()) || all[0].Name != "approve" || all[0].Ends[0].State != "approved" {
		t.Errorf("%v, %d cards: %+v", err, len(all), all[:1])
	}
	if _, _, status, err := command(t, "cards", "gold"); status != exitUsage || err == nil {
		t.Errorf("cards gold: status %d, %v", status, err)
	}
}
