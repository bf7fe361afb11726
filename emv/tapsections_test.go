package emv_test

import "strings"

// Places that many taps come by.
var (
	directoryAsked   = says("# SELECT 2PAY.SYS.DDF01")
	candidateChosen  = says("# SELECT F0", "# SELECT A0")
	cardInField      = says("! card", "! collision", "! gone")
	quickAnswered    = says("# GET PROCESSING OPTIONS")
	raced            = says("# EXCHANGE RELAY RESISTANCE DATA")
	generated        = says("# GENERATE AC")
	recovered        = says("# RECOVER AC")
	balanceAsked     = says("> 80CA9F50")
	checksummed      = says("# COMPUTE CRYPTOGRAPHIC CHECKSUM")
	stripeOn         = configured("magstripe")
	recordsRead      = says("# READ RECORD")
	tapCitesTheState = func(state string) evidence { return says("(Book C-2, " + state) }
)

// configured: a setting of the story has this in it.
func configured(part string) evidence {
	return func(s story) bool { return strings.Contains(strings.Join(s.settings, "\n"), part) }
}

// heldTwice: the card was waited for again.
func heldTwice(s story) bool { return strings.Count(s.text, "* await a card") > 1 }

// tapSections are those of the EMV Contactless books. Book C-2 has states, what
// several of them share (S), and procedures. Those who wrote of kernel 7 agree in
// no numbers, so its stages have names.
var tapSections = []section{
	{"A", "5", "Combinations, their limits and types of transaction", 1, configured("combination"), nil},
	{"A", "5.7", "Terminal transaction qualifiers (TTQ)", 0, says("9F6604"), nil},
	{"A", "5.8", "Start, and a reader that runs by itself", 0, configured("autorun"), nil},
	{"A", "6.2", "Outcomes and their parameters", 0, says("\n= "), nil},
	{"A", "8.1.1.9", "End Application with a restart", 0, says("* reenter: end application"), nil},
	{"A", "9", "Messages, lights and tones", 4, says("* show "), nil},

	{"B", "3.1.1.1", "Each combination's indicators begin at zero", 0, says("; start A"), nil},
	{"B", "3.1.1.2", "The TTQ that the card is told", 0, configured("ttq="), nil},
	{"B", "3.1.1.3", "One unit of the currency is a status check", 0, configured("status-check"), nil},
	{"B", "3.1.1.4", "An amount of zero", 0, configured("amount 0"), nil},
	{"B", "3.1.1.5", "The transaction limit", 0, configured("limit="), nil},
	{"B", "3.1.1.6", "The reader's floor limit", 0, configured("floor="), nil},
	{"B", "3.1.1.7", "The terminal's floor limit in its place", 0, configured("terminal-floor="), nil},
	{"B", "3.1.1.8", "The CVM limit", 0, configured("cvm="), nil},
	{"B", "3.1.1.9", "TTQ: above the floor limit", 0, configured("floor="), nil},
	{"B", "3.1.1.10", "TTQ: a status check", 0, configured("status-check"), nil},
	{"B", "3.1.1.11", "TTQ: an amount of zero", 0, configured("amount 0"), nil},
	{"B", "3.1.1.12", "TTQ: at the CVM limit", 0, configured("cvm="), nil},
	{"B", "3.1.1.13", "No combination is allowed", 0, says("no combination is allowed"), nil},
	{"B", "3.2.1", "Protocol activation: field, polling, several cards", 0, cardInField, nil},
	{"B", "3.2.1.1", "A reader that runs by itself", 0, configured("autorun"), nil},
	{"B", "3.2.1.2", "What the cardholder is told first", 0, says(`* show "present card", ready to read`), nil},
	{"B", "3.3.2.1", "The issuer's answer goes to the same application", 0, says("* reenter: online request; start B"), nil},
	{"B", "3.3.2.2", "SELECT of the directory", 0, directoryAsked, nil},
	{"B", "3.3.2.3", "The directory's status word", 0, directoryAsked, nil},
	{"B", "3.3.2.4", "A directory without entries", 0, directoryAsked, nil},
	{"B", "3.3.2.5", "Which entries fit which combinations; kernel identifiers", 0, directoryAsked, nil},
	{"B", "3.3.2.6", "Candidates are left", 0, candidateChosen, nil},
	{"B", "3.3.2.7", "No candidate is left", 0, says("no candidate is left"), nil},
	{"B", "3.3.3.1", "One candidate", 0, candidateChosen, nil},
	{"B", "3.3.3.2", "Several candidates: priority and order", 0, candidateChosen, nil},
	{"B", "3.3.3.3", "Extended selection", 0, says("9F29["), nil},
	{"B", "3.3.3.4", "SELECT of the application", 0, candidateChosen, nil},
	{"B", "3.3.3.5", "An application that cannot be selected", 0, candidateChosen, nil},
	{"B", "3.3.3.6", "Visa cards that are older than kernel 3", 0, says("# SELECT A000000003"), nil},
	{"B", "3.3.3.7", "The card leaves during selection", 0, says("! gone"), nil},
	{"B", "3.4.1.1", "The kernel is activated", 0, quickAnswered, nil},
	{"B", "3.4.1.2", "It is told the indicators", 0, quickAnswered, nil},
	{"B", "3.4.1.3", "It is told the FCI", 0, quickAnswered, nil},
	{"B", "3.5.1.1", "Message of an outcome", 0, says("* show "), nil},
	{"B", "3.5.1.2", "Field off", 0, says("* field off"), nil},
	{"B", "3.5.1.3", "Try Again", 0, heldTwice, nil},
	{"B", "3.5.1.4", "Select Next, and outcomes that are final", 0, candidateChosen, nil},

	{"C-2", "1", "The FCI, and what the terminal says of itself", 0, says("# GET PROCESSING OPTIONS", "FCI", "PDOL"), nil},
	{"C-2", "2", "What the card wants to be told", 0, says("# GET PROCESSING OPTIONS", "PDOL"), nil},
	{"C-2", "3", "GET PROCESSING OPTIONS: which mode, which files, which limits", 0, quickAnswered, nil},
	{"C-2", "R1", "Relay resistance", 0, either(raced, configured("relay")), nil},
	{"C-2", "4", "Reading the records", 0, recordsRead, nil},
	{"C-2", "S456", "What must be in them; limits, keys, restrictions, risk, action analysis", 0, recordsRead, nil},
	{"C-2", "7.5", "Procedure: cardholder verification", 0, either(generated, tapCitesTheState("7.5"), tapCitesTheState("S456")), nil},
	{"C-2", "16", "The balance before the cryptogram", 0, balanceAsked, nil},
	{"C-2", "7.6", "Procedure: GENERATE AC, what is asked for", 0, either(generated, tapCitesTheState("S456")), nil},
	{"C-2", "9", "The answer to GENERATE AC, or none", 0, generated, nil},
	{"C-2", "10", "Recovering a cryptogram that was cut off", 0, recovered, nil},
	{"C-2", "11", "The answer to GENERATE AC when nothing could be recovered", 0, both(recovered, generated), nil},
	{"C-2", "S910", "What a cryptogram must hold, its signature, and what follows", 0, generated, nil},
	{"C-2", "17", "The balance after the cryptogram", 0, both(generated, balanceAsked), nil},
	{"C-2", "15", "The card may go", 0, says("card read"), nil},
	{"C-2", "7", "Magnetic stripe mode: reading the records", 0, both(stripeOn, recordsRead), nil},
	{"C-2", "S78", "Magnetic stripe mode: what must be in them, limits, verification", 0, both(stripeOn, recordsRead), nil},
	{"C-2", "13", "Magnetic stripe mode: the checksum, and the track that it goes to", 0, both(stripeOn, checksummed), nil},
	{"C-2", "14", "Magnetic stripe mode: the same after a verification by the phone", 0, both(stripeOn, checksummed), nil},
	{"C-2", "A", "Data objects, their defaults, and the torn transaction log", 0, quickAnswered, nil},

	{"C-3", "5.2", "What the card is told, and its answer or its refusal; limits by program", 0, says("# SELECT F0"), nil},
	{"C-3", "5.3", "Records, and objects that come twice", 0, either(quickAnswered, says("given twice")), nil},
	{"C-3", "5.4", "What must be there, and what the card has decided", 0, quickAnswered, nil},
	{"C-3", "5.5", "Expiry, usage control, exception file", 0, quickAnswered, nil},
	{"C-3", "5.6", "Data authentication (fDDA), and what follows without it", 0, quickAnswered, nil},
	{"C-3", "5.7", "Cardholder verification: PIN, device, signature, or nothing", 0, quickAnswered, nil},
	{"C-3", "5.8", "Approval, decline, the issuer; a card that leaves", 0, quickAnswered, nil},
	{"C-3", "5.9", "The issuer's update at a second tap", 0, says("? online"), nil},
	{"C-3", "A", "Data objects: CTQ and their signed copy, 9F69", 0, says("9F69["), nil},
	{"C-3", "B", "Limits by the card's program", 0, configured("dynamic"), nil},
	{"C-3", "C", "What fDDA signs", 0, says("9F4B["), nil},

	{"C-7", "initiation", "What the card is told, and its answer or its refusal", 0, says("# SELECT F0"), nil},
	{"C-7", "reading", "Records, and what must be in them", 0, quickAnswered, nil},
	{"C-7", "cryptogram", "What the card has decided", 0, quickAnswered, nil},
	{"C-7", "restrictions", "Expiry, effective date, exception file", 0, quickAnswered, nil},
	{"C-7", "data authentication", "fDDA, and what follows without it", 0, quickAnswered, nil},
	{"C-7", "cardholder verification", "PIN, device, signature, or nothing for small amounts", 0, quickAnswered, nil},
	{"C-7", "electronic cash", "What may still be spent", 0, says("9F5D[", "9F79["), nil},
	{"C-7", "outcome", "Approval, decline, the issuer; a card that leaves", 0, says("! card"), nil},
	{"C-7", "data record", "What issuer and journal are told", 0, says("9F24["), nil},
}
