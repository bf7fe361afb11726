package cards

import (
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// tapped is the list of cards and phones that are tapped: the deck first.
func tapped() []Card {
	var all []Card
	row := func(name, title, of string) {
		c := Card{Variant: sim.Variant{Name: name, Title: title, Of: of}, Tap: true}
		c.Ends, c.Large = tapEnds(name)
		all = append(all, c)
	}
	for _, listed := range issuer.TapList() {
		row(listed.Name, listed.Title, "")
	}
	for _, v := range Taps() {
		row(v.Name, v.Title, v.Of)
	}
	return all
}

// tapEnds are the ends of sales with a card that is tapped, below and above the
// amount from which on its holder is verified.
func tapEnds(name string) (small, large []Ending) {
	const kernel = len("tap-3")
	ends, ok := ends2[name]
	if !ok {
		ends, ok = endsAtOnce[name]
	}
	if !ok {
		ends = endsAtOnce[name[kernel:]]
	}
	return ends[0], ends[1]
}

// The ends of taps.
var (
	paid     = []Ending{{State: stateApproved, Code: codeApproved}}
	unsigned = declined(reasonSignature)
	changed  = declined(reasonCryptogram)
	noWay    = declined(reasonTerminal) // to verify the holder with this card
	// sent is who was sent to the slot with what has no contacts: he left.
	sent = []Ending{{State: stateCancelled, Reason: reasonCancelled}}
)

// ends2 are those of cards for kernel 2.
var ends2 = map[string][2][]Ending{
	"tap-2":         {paid, paid},
	"tap-2-pin":     {paid, paid},
	"tap-2-sign":    {paid, paid},
	"tap-2-offline": {paid, paid},
	"tap-2-phone":   {paid, paid},
	"tap-2-race":    {paid, paid},
	"tap-2-torn":    {paid, paid},
	"tap-2-no":      {sent, sent},
	"tap-2-forged":  {unsigned, unsigned},

	"tap-2-relayed":   {sent, sent},
	"tap-2-hurried":   {unsigned, unsigned},
	"tap-2-claim":     {sent, sent},
	"tap-2-nocvm":     {sent, sent},
	"tap-2-unknownca": {sent, sent},
	"tap-2-phoneca":   {noWay, noWay},
	"tap-2-yes":       {unsigned, unsigned},
	"tap-2-turned":    {changed, changed},
	"tap-2-unsigned":  {unsigned, unsigned},
	"tap-2-stripe":    {declined(reasonNotAllowed), declined(reasonNotAllowed)},
	"tap-2-early":     {paid, paid},
	"tap-2-cut":       {paid, paid},
	"tap-2-lost":      {paid, paid},

	"tap-2-abroad":      {unsigned, unsigned},
	"tap-2-bare":        {sent, sent},
	"tap-2-cheap":       {unsigned, unsigned},
	"tap-2-codes":       {sent, sent},
	"tap-2-kernel":      {sent, sent},
	"tap-2-phonestripe": {declined(reasonNotAllowed), declined(reasonNotAllowed)},
	"tap-2-preplay":     {unsigned, unsigned},
	"tap-2-short":       {sent, sent},
}

// endsAtOnce are those of cards that answer at once, by their whole name where
// the kernels differ: kernel 7 sees first that there is no way to verify the
// holder.
var endsAtOnce = map[string][2][]Ending{
	"":         {paid, noWay},
	"-pin":     {paid, paid},
	"-sign":    {paid, paid},
	"-offline": {paid, noWay},
	"-switch":  {paid, noWay},
	"-ask":     {paid, noWay},
	"-phone":   {paid, paid},
	"-no":      {declined(reasonCard), declined(reasonCard)},

	"tap-3-forged": {unsigned, unsigned},
	"tap-7-forged": {unsigned, noWay},
	"tap-3-update": {paid, noWay},

	"-claim":    {changed, changed},
	"-copy":     {unsigned, unsigned},
	"-bypass":   {changed, changed},
	"-unsigned": {unsigned, unsigned},
	"-phoneca":  {unsigned, unsigned},
	"-turned":   {refused("05"), noWay},
	"-stripe":   {declined(reasonData), declined(reasonData)},
	"-early":    {paid, noWay},
	"-gone":     {paid, noWay},
	"-alone":    {refused("05"), noWay},
	"-kernel":   {sent, sent},

	"tap-3-unknownca": {unsigned, unsigned},
	"tap-3-switchca":  {unsigned, unsigned},
	"tap-3-askca":     {unsigned, unsigned},
	"tap-3-yes":       {refused("05"), noWay},
	"tap-3-mixup":     {sent, sent},
	"tap-3-wallet":    {paid, noWay},
	"tap-3-abroad":    {unsigned, unsigned},
	"tap-3-cheap":     {unsigned, unsigned},
	"tap-3-preplay":   {unsigned, unsigned},
	"tap-3-short":     {declined(reasonData), declined(reasonData)},
	"tap-3-slip":      {refused("05"), refused("05")},
	"tap-3-wishless":  {refused("05"), refused("05")},
	"tap-7-unknownca": {unsigned, noWay},
	"tap-7-abroad":    {unsigned, noWay},
	"tap-7-cheap":     {unsigned, noWay},
	"tap-7-preplay":   {unsigned, noWay},
	"tap-7-short":     {unsigned, noWay},
	"tap-7-slip":      {unsigned, unsigned},
	"tap-7-wishless":  {unsigned, unsigned},
	"tap-7-switchca":  {unsigned, noWay},
	"tap-7-askca":     {unsigned, noWay},
	"tap-7-yes":       {unsigned, noWay},
}
