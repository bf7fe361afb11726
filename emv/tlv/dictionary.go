package tlv

import "strings"

// Format is how a data element's value is laid out, which decides how a data
// object list cuts and pads it. EMV 4.4 Book 3, 4.3.
type Format uint8

// The formats.
const (
	Binary              Format = iota // b, and those that vary
	Numeric                           // n: BCD, right-justified, zeros on the left
	CompressedNumeric                 // cn: BCD, left-justified, F on the right
	Alphabetic                        // a
	Alphanumeric                      // an
	AlphanumericSpecial               // ans
)

// String is the book's sign for the format.
func (f Format) String() string {
	switch f {
	case Numeric:
		return "n"
	case CompressedNumeric:
		return "cn"
	case Alphabetic:
		return "a"
	case Alphanumeric:
		return "an"
	case AlphanumericSpecial:
		return "ans"
	case Binary:
	}
	return "b"
}

// Source is who gives a data element; some have several. EMV 4.4 Book 3, Annex A.
type Source uint8

// The sources.
const (
	FromCard Source = 1 << iota
	FromTerminal
	FromIssuer
)

// String is "card", or "card or terminal".
func (s Source) String() string {
	var names []string
	for i, name := range []string{"card", "terminal", "issuer"} {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// A Definition is an entry of the dictionary. Min and Max bound the length of
// the value in bytes.
type Definition struct {
	Name   string
	Format Format
	Min    int
	Max    int
	Source Source
}

// Lookup finds the definition of a data element. Where kernels give one tag
// different meanings, the name tells both.
func Lookup(t Tag) (Definition, bool) {
	d, ok := LookupContact(t)
	if !ok {
		d, ok = contactless[t]
	}
	return d, ok
}

// LookupContact is Lookup without what only contactless terminals know.
func LookupContact(t Tag) (Definition, bool) {
	d, ok := dictionary[t]
	return d, ok
}

// FormatOf is the format of a data element; an unknown one is binary.
func FormatOf(t Tag) Format {
	d, _ := Lookup(t)
	return d.Format
}

// dictionary is EMV 4.4 Book 3, Annex A, without biometrics, and 9F5B, which
// terminals make. A CVM list of 8 bytes has no rules, which Book 3, 10.5 allows.
var dictionary = map[Tag]Definition{
	IssuerIdentificationNumber:   {"issuer identification number", Numeric, 3, 3, FromCard},
	ADFName:                      {"ADF name", Binary, 5, 16, FromCard},
	ApplicationLabel:             {"application label", AlphanumericSpecial, 1, 16, FromCard},
	Track2:                       {"track 2 equivalent data", Binary, 0, 19, FromCard},
	PAN:                          {"application primary account number", CompressedNumeric, 0, 10, FromCard},
	ApplicationTemplate:          {"application template", Binary, 0, 252, FromCard},
	FCI:                          {"file control information template", Binary, 0, 252, FromCard},
	RecordTemplate:               {"READ RECORD response template", Binary, 0, 252, FromCard},
	Script1:                      {"issuer script template 1", Binary, 0, 255, FromIssuer},
	Script2:                      {"issuer script template 2", Binary, 0, 255, FromIssuer},
	DirectoryDiscretionary:       {"directory discretionary template", Binary, 0, 252, FromCard},
	ResponseFormat2:              {"response template format 2", Binary, 0, 252, FromCard},
	ResponseFormat1:              {"response template format 1", Binary, 0, 253, FromCard},
	AmountAuthorisedBinary:       {"amount, authorised (binary)", Binary, 4, 4, FromTerminal},
	AIP:                          {"application interchange profile", Binary, 2, 2, FromCard},
	CommandTemplate:              {"command template", Binary, 0, 255, FromTerminal},
	DFName:                       {"dedicated file name", Binary, 5, 16, FromCard},
	ScriptCommand:                {"issuer script command", Binary, 0, 261, FromIssuer},
	ApplicationPriority:          {"application priority indicator", Binary, 1, 1, FromCard},
	SFI:                          {"short file identifier", Binary, 1, 1, FromCard},
	AuthorisationCode:            {"authorisation code", Alphanumeric, 6, 6, FromIssuer},
	ARC:                          {"authorisation response code", Alphanumeric, 2, 2, FromIssuer | FromTerminal},
	CDOL1:                        {"card risk management data object list 1", Binary, 0, 252, FromCard},
	CDOL2:                        {"card risk management data object list 2", Binary, 0, 252, FromCard},
	CVMList:                      {"cardholder verification method list", Binary, 8, 252, FromCard},
	CAKeyIndex:                   {"certification authority public key index", Binary, 1, 1, FromCard},
	IssuerCertificate:            {"issuer public key certificate", Binary, 0, 248, FromCard | FromTerminal},
	IssuerAuthentication:         {"issuer authentication data", Binary, 8, 16, FromIssuer},
	IssuerKeyRemainder:           {"issuer public key remainder", Binary, 0, 248, FromCard},
	SSAD:                         {"signed static application data", Binary, 0, 248, FromCard},
	AFL:                          {"application file locator", Binary, 0, 252, FromCard},
	TVR:                          {"terminal verification results", Binary, 5, 5, FromTerminal},
	TDOL:                         {"transaction certificate data object list", Binary, 0, 252, FromCard},
	TCHash:                       {"transaction certificate hash value", Binary, 20, 20, FromTerminal},
	PINData:                      {"transaction PIN data", Binary, 0, 252, FromTerminal},
	TransactionDate:              {"transaction date", Numeric, 3, 3, FromTerminal},
	TSI:                          {"transaction status information", Binary, 2, 2, FromTerminal},
	TransactionType:              {"transaction type", Numeric, 1, 1, FromTerminal},
	DDFName:                      {"directory definition file name", Binary, 5, 16, FromCard},
	FCIProprietary:               {"file control information proprietary template", Binary, 0, 252, FromCard},
	CardholderName:               {"cardholder name", AlphanumericSpecial, 2, 26, FromCard},
	ExpirationDate:               {"application expiration date", Numeric, 3, 3, FromCard},
	EffectiveDate:                {"application effective date", Numeric, 3, 3, FromCard},
	IssuerCountry:                {"issuer country code", Numeric, 2, 2, FromCard},
	TransactionCurrency:          {"transaction currency code", Numeric, 2, 2, FromTerminal},
	LanguagePreference:           {"language preference", Alphanumeric, 2, 8, FromCard},
	ServiceCode:                  {"service code", Numeric, 2, 2, FromCard},
	PANSequence:                  {"application PAN sequence number", Numeric, 1, 1, FromCard},
	CurrencyExponent:             {"transaction currency exponent", Numeric, 1, 1, FromTerminal},
	IssuerURL:                    {"issuer URL", AlphanumericSpecial, 0, 252, FromCard},
	IBAN:                         {"international bank account number", Binary, 0, 34, FromCard},
	BIC:                          {"bank identifier code", Binary, 8, 11, FromCard},
	IssuerCountryAlpha2:          {"issuer country code (alpha 2)", Alphabetic, 2, 2, FromCard},
	IssuerCountryAlpha3:          {"issuer country code (alpha 3)", Alphabetic, 3, 3, FromCard},
	AccountType:                  {"account type", Numeric, 1, 1, FromTerminal},
	AcquirerIdentifier:           {"acquirer identifier", Numeric, 6, 6, FromTerminal},
	AmountAuthorised:             {"amount, authorised", Numeric, 6, 6, FromTerminal},
	AmountOther:                  {"amount, other", Numeric, 6, 6, FromTerminal},
	AmountOtherBinary:            {"amount, other (binary)", Binary, 4, 4, FromTerminal},
	ApplicationDiscretionary:     {"application discretionary data", Binary, 1, 32, FromCard},
	AID:                          {"application identifier (terminal)", Binary, 5, 16, FromTerminal},
	ApplicationUsageControl:      {"application usage control", Binary, 2, 2, FromCard},
	CardVersion:                  {"application version number (card)", Binary, 2, 2, FromCard},
	TerminalVersion:              {"application version number (terminal)", Binary, 2, 2, FromTerminal},
	ASRPD:                        {"application selection registered proprietary data", Binary, 0, 252, FromCard},
	CardholderNameExtended:       {"cardholder name extended", AlphanumericSpecial, 27, 45, FromCard},
	IINExtended:                  {"issuer identification number extended", Numeric, 3, 4, FromCard},
	IACDefault:                   {"issuer action code, default", Binary, 5, 5, FromCard},
	IACDenial:                    {"issuer action code, denial", Binary, 5, 5, FromCard},
	IACOnline:                    {"issuer action code, online", Binary, 5, 5, FromCard},
	IssuerApplicationData:        {"issuer application data", Binary, 0, 32, FromCard},
	CodeTableIndex:               {"issuer code table index", Numeric, 1, 1, FromCard},
	PreferredName:                {"application preferred name", AlphanumericSpecial, 1, 16, FromCard},
	LastOnlineATC:                {"last online ATC register", Binary, 2, 2, FromCard},
	LowerOfflineLimit:            {"lower consecutive offline limit", Binary, 1, 1, FromCard},
	MerchantCategory:             {"merchant category code", Numeric, 2, 2, FromTerminal},
	MerchantIdentifier:           {"merchant identifier", AlphanumericSpecial, 15, 15, FromTerminal},
	PINTryCounter:                {"PIN try counter", Binary, 1, 1, FromCard},
	ScriptIdentifier:             {"issuer script identifier", Binary, 4, 4, FromIssuer},
	TokenRequestor:               {"token requestor identifier", Numeric, 6, 6, FromCard},
	TerminalCountry:              {"terminal country code", Numeric, 2, 2, FromTerminal},
	FloorLimit:                   {"terminal floor limit", Binary, 4, 4, FromTerminal},
	TerminalIdentification:       {"terminal identification", Alphanumeric, 8, 8, FromTerminal},
	TerminalRiskData:             {"terminal risk management data", Binary, 1, 8, FromTerminal},
	DeviceSerial:                 {"interface device serial number", Alphanumeric, 8, 8, FromTerminal},
	Track1Discretionary:          {"track 1 discretionary data", AlphanumericSpecial, 0, 252, FromCard},
	Track2Discretionary:          {"track 2 discretionary data", CompressedNumeric, 0, 252, FromCard},
	TransactionTime:              {"transaction time", Numeric, 3, 3, FromTerminal},
	CAKeyIndexTerminal:           {"certification authority public key index (terminal)", Binary, 1, 1, FromTerminal},
	UpperOfflineLimit:            {"upper consecutive offline limit", Binary, 1, 1, FromCard},
	PaymentAccountReference:      {"payment account reference", Alphanumeric, 29, 29, FromCard},
	PANLast4:                     {"last four digits of the PAN", Numeric, 2, 2, FromCard},
	ApplicationCryptogram:        {"application cryptogram", Binary, 8, 8, FromCard},
	CryptogramInformation:        {"cryptogram information data", Binary, 1, 1, FromCard},
	PINKeyCertificate:            {"ICC PIN encipherment public key certificate", Binary, 0, 248, FromCard},
	PINKeyExponent:               {"ICC PIN encipherment public key exponent", Binary, 1, 3, FromCard},
	PINKeyRemainder:              {"ICC PIN encipherment public key remainder", Binary, 0, 248, FromCard},
	IssuerKeyExponent:            {"issuer public key exponent", Binary, 1, 3, FromCard},
	TerminalCapabilities:         {"terminal capabilities", Binary, 3, 3, FromTerminal},
	CVMResults:                   {"CVM results", Binary, 3, 3, FromTerminal},
	TerminalType:                 {"terminal type", Numeric, 1, 1, FromTerminal},
	ATC:                          {"application transaction counter", Binary, 2, 2, FromCard},
	UnpredictableNumber:          {"unpredictable number", Binary, 4, 4, FromTerminal},
	PDOL:                         {"processing options data object list", Binary, 0, 252, FromCard},
	EntryMode:                    {"point-of-service entry mode", Numeric, 1, 1, FromTerminal},
	AmountReferenceCurrency:      {"amount, reference currency", Binary, 4, 4, FromTerminal},
	ApplicationReferenceCurrency: {"application reference currency", Numeric, 2, 8, FromCard},
	TransactionReferenceCurrency: {"transaction reference currency code", Numeric, 2, 2, FromTerminal},
	TransactionReferenceExponent: {"transaction reference currency exponent", Numeric, 1, 1, FromTerminal},
	AdditionalCapabilities:       {"additional terminal capabilities", Binary, 5, 5, FromTerminal},
	SequenceCounter:              {"transaction sequence counter", Numeric, 2, 4, FromTerminal},
	ApplicationCurrency:          {"application currency code", Numeric, 2, 2, FromCard},
	ApplicationReferenceExponent: {"application reference currency exponent", Numeric, 1, 4, FromCard},
	ApplicationExponent:          {"application currency exponent", Numeric, 1, 1, FromCard},
	DataAuthenticationCode:       {"data authentication code", Binary, 2, 2, FromCard},
	ICCCertificate:               {"ICC public key certificate", Binary, 0, 248, FromCard},
	ICCKeyExponent:               {"ICC public key exponent", Binary, 1, 3, FromCard},
	ICCKeyRemainder:              {"ICC public key remainder", Binary, 0, 248, FromCard},
	DDOL:                         {"dynamic data authentication data object list", Binary, 0, 252, FromCard},
	SDATagList:                   {"static data authentication tag list", Binary, 0, 252, FromCard},
	SDAD:                         {"signed dynamic application data", Binary, 0, 248, FromCard},
	ICCDynamicNumber:             {"ICC dynamic number", Binary, 2, 8, FromCard},
	LogEntry:                     {"log entry", Binary, 2, 2, FromCard},
	MerchantName:                 {"merchant name and location", AlphanumericSpecial, 0, 252, FromTerminal},
	LogFormat:                    {"log format", Binary, 0, 252, FromCard},
	ScriptResults:                {"issuer script results", Binary, 0, 255, FromTerminal},
	FCIDiscretionary:             {"FCI issuer discretionary data", Binary, 0, 222, FromCard},
}
