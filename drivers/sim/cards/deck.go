package cards

// Reasons of the journal, in its words.
const (
	reasonIssuer      = "declined by issuer"
	reasonReferral    = "referral"
	reasonCard        = "declined by card"
	reasonOverruled   = "card declined after approval"
	reasonBlocked     = "card blocked"
	reasonNone        = "no application"
	reasonData        = "card data"
	reasonStatus      = "card status"
	reasonNotAllowed  = "service not allowed"
	reasonCryptogram  = "cryptogram"
	reasonSignature   = "signature wrong"
	reasonCardRemoved = "card removed"
	reasonTerminal    = "declined by terminal"
	reasonCancelled   = "cancelled"
)

// deckEnds are the ends of sales with the cards of the deck.
var deckEnds = map[string][]Ending{
	"approve":    {approved},
	"pin":        approvedWith("0000048000"),
	"decline":    refused("51"),
	"wrongpin":   approvedWith("0000048000"),
	"nopse":      {approved},
	"mute":       {stripeApproved},
	"blocked":    declined(reasonBlocked),
	"cardsaysno": reversed(reasonOverruled),
	"t1":         {approved},
	"slow":       {approved},
	"twoapps":    approvedWith("0000048000"), // the first, when nobody can be asked
	"sda":        approvedWith("0200008000"),
	"cda":        {approved},
	"xda":        approvedWith("0100008000"),
	"revoked":    approvedWith("0800008000"),
	"forged":     declined(reasonSignature),
	"signature":  {approved},
	"pinsign":    {approved},
	"listed":     approvedWith("1000008000"),
	"stripe":     {stripeApproved},
	"stripepin":  {stripeApproved},
	"swiped":     {approved},
	"referral":   {{State: stateDeclined, Reason: reasonReferral, Code: "01"}},
	"umlaut":     {approved},
	"static":     {approved},
	"status":     {approved},

	"offlinepin":   {approved},
	"offlinewrong": {approved},
	"encpin":       {approved},
	"pinblocked":   refused("75"),

	"unblock":     {onlineWith("0000208000"), approved}, // the PIN is asked for again
	"newpin":      approvedWith("0000048000"),
	"blockapp":    append(refused("62"), declined(reasonNone)...),
	"blockcard":   append(refused("41"), declined(reasonBlocked)...),
	"scriptfails": approvedWith("0000008030"),

	"offline":    {onlineWith("0008000000"), alone, alone, alone, onlineWith("0000004000"), alone},
	"newlimits":  {onlineWith("0008000000"), alone, alone, onlineWith("0000004000"), alone},
	"offlinecda": {alone},
	"offlinexda": {{State: stateApproved, TVR: "0100000000"}},
	"offlinesda": approvedWith("0200000000"),
}
