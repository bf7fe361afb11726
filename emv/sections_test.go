package emv_test

import (
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

// section is a part of EMV 4.4 that this kernel implements.
type section struct {
	book   string // "1" to "4"
	number string // "10.5.1", or "C3" of an annex
	title  string // in our words
	parts  int    // subsections .1 and on that are cited too and count here
	shown  evidence
	tests  []string // beside transcripts: package.Test
}

// Places that many stories come by.
var (
	optionsAsked   = waits("initiating")
	analysed       = waits("waiting for the first cryptogram")
	cardDataWrong  = ends(emv.ReasonCardData)
	signatureAsked = says(", signed")
	cdaChosen      = func(s story) bool {
		aip, capabilities := s.record[tlv.AIP], s.record[tlv.TerminalCapabilities]
		return len(aip) == 2 && aip[0]&0x01 != 0 && capabilities[2]&0x08 != 0
	}
	certificates = says("90[")
	xdaChosen    = tvrHas(1, 0x01)
)

// sections are what code and transcripts may cite, and must. Numbers and sense
// are ours to get right: there is no copy of the books here.
var sections = []section{
	{"1", "11.3", "SELECT and its answer, the FCI", 5, waits("selecting AIDs", "selecting"), nil},
	{"1", "12.2.1", "Names of applications: 5 to 16 bytes", 0, waits("reading the PSE", "selecting AIDs"), nil},
	{"1", "12.2.2", "The payment system environment: where its directory is", 0, waits("selecting the PSE"), nil},
	{"1", "12.2.3", "Entries of the directory: name, label, priority", 0, waits("reading the PSE"), nil},
	{"1", "12.3.1", "Which names of the card match those of the terminal", 0, waits("reading the PSE", "selecting AIDs"), nil},
	{"1", "12.3.2", "Candidates from the directory, and when it is of no use", 0, waits("selecting the PSE"), nil},
	{"1", "12.3.3", "Candidates by trying each name, and SELECT next", 0, waits("selecting AIDs"), nil},
	{"1", "12.4", "Final selection: order, choice, confirmation, names shown", 0,
		either(waits("choosing", "selecting"), ends(emv.ReasonNoApplication)), nil},

	{"2", "5.1.1", "Which data a signature covers", 0, tsiHas(0x80), []string{"oda.TestStatic"}},
	{"2", "5.1.2", "Revoked issuer certificates", 0, setting("revoked"), []string{"oda.TestRevokedElsewhere"}},
	{"2", "5.2", "Finding the CA key", 0, says("8F["), []string{"oda.TestFindCA"}},
	{"2", "5.3", "Recovering the issuer's key", 0, certificates, []string{"oda.TestChainRefused", "oda.TestVectors"}},
	{"2", "5.4", "SDA: the signed static data", 0, tvrHas(1, 0x02), []string{"oda.TestVerifyStatic", "oda.TestVectors"}},
	{"2", "6.4", "Recovering the card's key", 0, says("9F46["), []string{"oda.TestChainRefused", "oda.TestVectors"}},
	{"2", "6.5", "DDA as a whole", 0, either(waits("authenticating the card"), tvrHas(1, 0x08)), nil},
	{"2", "6.5.1", "DDA: what the card is given to sign", 0, either(waits("authenticating the card"), tvrHas(1, 0x08)), nil},
	{"2", "6.5.2", "DDA: the signature", 0, waits("authenticating the card"), []string{"oda.TestDynamicRefused", "oda.TestVectors"}},
	{"2", "6.6", "CDA as a whole: keys before the cryptogram", 0, cdaChosen, nil},
	{"2", "6.6.1", "CDA: what a signed answer holds and covers", 0, signatureAsked, nil},
	{"2", "6.6.2", "CDA: the signature", 0, both(signatureAsked, tsiHas(0x80)), []string{"oda.TestCombined", "oda.TestVectors"}},
	{"2", "7.1", "The key that a PIN is enciphered with", 0, waits("reading the PIN try counter"), nil},
	{"2", "7.2", "The challenge, and the enciphered PIN's way", 0, waits("waiting for a challenge"), nil},
	{"2", "12", "XDA as a whole", 0, xdaChosen, nil},
	{"2", "12.2", "XDA: finding the CA key", 0, xdaChosen, nil},
	{"2", "12.3", "XDA: recovering the issuer's key", 0, xdaChosen, []string{"oda.TestExtendedRefused"}},
	{"2", "12.4", "XDA: recovering the card's key", 0, xdaChosen, []string{"oda.TestExtendedRefused", "oda.TestCertified"}},
	{"2", "12.5", "XDA: what is signed, and the signature", 3, xdaChosen, []string{"oda.TestExtended"}},
	{"2", "A2.1", "Signatures with message recovery", 3, certificates, []string{"oda.TestFrame"}},
	{"2", "A2.2", "EC-SDSA, the signature on elliptic curves", 3, xdaChosen, []string{"oda.TestExtendedNumbers"}},
	{"2", "B2.1", "RSA: up to 1984 bits, exponents 3 and 65537", 0, certificates, []string{"oda.TestLongestKeys", "oda.TestCAKeyCheck"}},
	{"2", "B2", "Algorithm suites", 3, xdaChosen, []string{"oda.TestCurveCAKey"}},
	{"2", "B3.1", "SHA-1, the hash of RSA signatures", 0, certificates, []string{"oda.TestOtherAlgorithms"}},

	{"3", "4.3", "Formats of data elements", 0, optionsAsked, []string{"tlv.TestLookup"}},
	{"3", "5.3.2.2", "Short file identifiers: EMV's own and others", 0, either(waits("reading records"), cardDataWrong), nil},
	{"3", "5.4", "Data object lists: order, padding, cutting", 0, either(optionsAsked, cardDataWrong), []string{"tlv.TestDOLBuild"}},
	{"3", "6.3", "Coding of commands", 0, says("\n> "), nil},
	{"3", "6.3.5", "Status words, and those that end a transaction", 0, ends(emv.ReasonCardStatus), nil},
	{"3", "6.5.4", "EXTERNAL AUTHENTICATE", 5, waits("authenticating the issuer"), nil},
	{"3", "6.5.5", "GENERATE AC, both formats", 5, analysed, nil},
	{"3", "6.5.6", "GET CHALLENGE", 5, waits("waiting for a challenge"), nil},
	{"3", "6.5.7", "GET DATA", 5, waits("reading the PIN try counter", "reading the ATC"), nil},
	{"3", "6.5.8", "GET PROCESSING OPTIONS, both formats", 5, either(optionsAsked, cardDataWrong), nil},
	{"3", "6.5.9", "INTERNAL AUTHENTICATE, both formats", 5, waits("authenticating the card"), nil},
	{"3", "6.5.11", "READ RECORD", 5, waits("reading records"), nil},
	{"3", "6.5.12", "VERIFY", 5, waits("verifying a PIN"), nil},
	{"3", "7.2", "Objects that must be there", 0, either(cardDataWrong, tvrHas(1, 0x20)), nil},
	{"3", "7.5", "Objects that are missing or wrong", 0, either(cardDataWrong, tvrHas(1, 0x20)), nil},
	{"3", "9.2.1", "Lists for card risk management (CDOL1, CDOL2)", 0, analysed, nil},
	{"3", "9.2.2", "The TC hash and its list (TDOL)", 0, says("9814"), nil},
	{"3", "9.3", "What a card may answer to which request", 0, analysed, nil},
	{"3", "10.1", "Initiating the application", 0, optionsAsked, nil},
	{"3", "10.2", "Reading the records that the AFL names", 0, either(optionsAsked, cardDataWrong), nil},
	{"3", "10.3", "Offline data authentication: which way, and its failure", 0,
		either(analysed, waits("authenticating the card")), nil},
	{"3", "10.4", "Processing restrictions as a whole", 0, analysed, nil},
	{"3", "10.4.1", "Application versions", 0, analysed, nil},
	{"3", "10.4.2", "Usage control", 0, analysed, nil},
	{"3", "10.4.3", "Effective and expiry date", 0, analysed, nil},
	{"3", "10.5", "Cardholder verification: working through the list", 0, either(analysed, cardDataWrong), nil},
	{"3", "10.5.1", "A PIN that the card verifies", 0, waits("reading the PIN try counter"), nil},
	{"3", "10.5.2", "A PIN that the issuer verifies", 0, waits("entering a PIN"), nil},
	{"3", "10.6", "Terminal risk management as a whole", 0, tsiHas(0x08), nil},
	{"3", "10.6.1", "Floor limit, and sales that were split", 0, setting("floor-limit"), nil},
	{"3", "10.6.2", "Random selection", 0, setting("random-selection"), nil},
	{"3", "10.6.3", "Velocity checking", 0, says("9F14[", "9F23["), nil},
	{"3", "10.7", "Terminal action analysis", 0, analysed, nil},
	{"3", "10.8", "Card action analysis", 0, tsiHas(0x20), nil},
	{"3", "10.9", "Online: the issuer's answer and its authentication", 0, waits("asking the host"), nil},
	{"3", "10.10", "Issuer scripts", 0, tsiHas(0x04), nil},
	{"3", "10.11", "Completion", 0, waits("waiting for the second cryptogram"), nil},
	{"3", "A", "The data elements", 0, either(analysed, cardDataWrong), []string{"tlv.TestDictionary"}},
	{"3", "B1", "Tags, and padding between objects", 0, says("] 00", "[00", " 00 "), []string{"tlv.TestParse", "tlv.TestTag"}},
	{"3", "B2", "Lengths", 0, says("81"), []string{"tlv.TestParse", "tlv.TestParseMalformed"}},
	{"3", "C1", "Bits of the AIP", 0, holds(tlv.AIP), nil},
	{"3", "C2", "Bits of the usage control", 0, says("9F07["), nil},
	{"3", "C3", "Rules of cardholder verification", 0, says("8E["), nil},
	{"3", "C5", "Bits of the TVR", 0, holds(tlv.TVR), nil},
	{"3", "C6", "Bits of the TSI", 0, holds(tlv.TSI), nil},
	{"3", "E", "TVR and TSI after scripts", 0, tsiHas(0x04), nil},

	{"4", "6.3.2.1", "When CDA is asked for, and what follows its failure", 0, cdaChosen, nil},
	{"4", "6.3.2.2.4", "What follows when XDA has failed", 0, either(tvrHas(4, 0x01), tvrHas(5, 0x06)), nil},
	{"4", "6.3.4.1", "Offline PIN: tries, and who is not asked", 0, waits("reading the PIN try counter"), nil},
	{"4", "6.3.4.3", "A PIN that is bypassed", 0, says("! pin bypassed"), nil},
	{"4", "6.3.4.5", "CVM results", 0, analysed, nil},
	{"4", "6.3.5", "The exception file", 0, setting("listed"), nil},
	{"4", "6.3.7", "\"Service not allowed\"", 0, ends(emv.ReasonNotAllowed), nil},
	{"4", "6.3.8", "Unable to go online; referral", 0, waits("asking the host", "waiting for the second cryptogram"), nil},
	{"4", "6.5.3", "Forced online by the merchant", 0, setting("forced-online"), nil},
	{"4", "6.5.6", "The unpredictable number", 0, says("01234567"), []string{"emv.TestNewRefuses"}},
	{"4", "6.7.3", "Years of two digits", 0, analysed, nil},
	{"4", "10.2", "What a terminal holds for each application", 0, setting("ca-key", "random-selection"), []string{"emv.TestNewRefuses"}},
	{"4", "11.3", "Choosing again, and \"try again\"", 0, waits("choosing"), nil},
	{"4", "A1", "Terminal types", 0, setting("terminal-type"), []string{"emv.TestNewRefuses"}},
	{"4", "A2", "Terminal capabilities", 0, setting("capabilities"), []string{"emv.TestNewRefuses"}},
	{"4", "A3", "Additional terminal capabilities", 0, setting("additional"), nil},
	{"4", "A5", "Issuer script results", 0, holds(tlv.ScriptResults), nil},
	{"4", "A6", "Response codes that the terminal makes", 0,
		says(`ARC "Y1"`, `ARC "Z1"`, `ARC "Y3"`, `ARC "Z3"`), nil},
}
