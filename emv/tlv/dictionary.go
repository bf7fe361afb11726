package tlv

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

// A Definition is an entry of the dictionary. Min and Max bound the length of
// the value in bytes.
type Definition struct {
	Name   string
	Format Format
	Min    int
	Max    int
}

// Lookup finds the definition of a data element.
func Lookup(t Tag) (Definition, bool) {
	d, ok := dictionary[t]
	return d, ok
}

// FormatOf is the format of a data element; an unknown one is binary.
func FormatOf(t Tag) Format { return dictionary[t].Format }

// dictionary is EMV 4.4 Book 3, Annex A, without biometrics, and 9F5B, which
// terminals make.
var dictionary = map[Tag]Definition{
	IssuerIdentificationNumber:   {"issuer identification number", Numeric, 3, 3},
	ADFName:                      {"ADF name", Binary, 5, 16},
	ApplicationLabel:             {"application label", AlphanumericSpecial, 1, 16},
	Track2:                       {"track 2 equivalent data", Binary, 0, 19},
	PAN:                          {"application primary account number", CompressedNumeric, 0, 10},
	ApplicationTemplate:          {"application template", Binary, 0, 252},
	FCI:                          {"file control information template", Binary, 0, 252},
	RecordTemplate:               {"READ RECORD response template", Binary, 0, 252},
	Script1:                      {"issuer script template 1", Binary, 0, 255},
	Script2:                      {"issuer script template 2", Binary, 0, 255},
	DirectoryDiscretionary:       {"directory discretionary template", Binary, 0, 252},
	ResponseFormat2:              {"response template format 2", Binary, 0, 252},
	ResponseFormat1:              {"response template format 1", Binary, 0, 253},
	AmountAuthorisedBinary:       {"amount, authorised (binary)", Binary, 4, 4},
	AIP:                          {"application interchange profile", Binary, 2, 2},
	CommandTemplate:              {"command template", Binary, 0, 255},
	DFName:                       {"dedicated file name", Binary, 5, 16},
	ScriptCommand:                {"issuer script command", Binary, 0, 261},
	ApplicationPriority:          {"application priority indicator", Binary, 1, 1},
	SFI:                          {"short file identifier", Binary, 1, 1},
	AuthorisationCode:            {"authorisation code", Alphanumeric, 6, 6},
	ARC:                          {"authorisation response code", Alphanumeric, 2, 2},
	CDOL1:                        {"card risk management data object list 1", Binary, 0, 252},
	CDOL2:                        {"card risk management data object list 2", Binary, 0, 252},
	CVMList:                      {"cardholder verification method list", Binary, 8, 252},
	CAKeyIndex:                   {"certification authority public key index", Binary, 1, 1},
	IssuerCertificate:            {"issuer public key certificate", Binary, 0, 248},
	IssuerAuthentication:         {"issuer authentication data", Binary, 8, 16},
	IssuerKeyRemainder:           {"issuer public key remainder", Binary, 0, 248},
	SSAD:                         {"signed static application data", Binary, 0, 248},
	AFL:                          {"application file locator", Binary, 0, 252},
	TVR:                          {"terminal verification results", Binary, 5, 5},
	TDOL:                         {"transaction certificate data object list", Binary, 0, 252},
	TCHash:                       {"transaction certificate hash value", Binary, 20, 20},
	TransactionDate:              {"transaction date", Numeric, 3, 3},
	TSI:                          {"transaction status information", Binary, 2, 2},
	TransactionType:              {"transaction type", Numeric, 1, 1},
	DDFName:                      {"directory definition file name", Binary, 5, 16},
	FCIProprietary:               {"file control information proprietary template", Binary, 0, 252},
	CardholderName:               {"cardholder name", AlphanumericSpecial, 2, 26},
	ExpirationDate:               {"application expiration date", Numeric, 3, 3},
	EffectiveDate:                {"application effective date", Numeric, 3, 3},
	IssuerCountry:                {"issuer country code", Numeric, 2, 2},
	TransactionCurrency:          {"transaction currency code", Numeric, 2, 2},
	LanguagePreference:           {"language preference", Alphanumeric, 2, 8},
	ServiceCode:                  {"service code", Numeric, 2, 2},
	PANSequence:                  {"application PAN sequence number", Numeric, 1, 1},
	CurrencyExponent:             {"transaction currency exponent", Numeric, 1, 1},
	IssuerURL:                    {"issuer URL", AlphanumericSpecial, 0, 252},
	IBAN:                         {"international bank account number", Binary, 0, 34},
	BIC:                          {"bank identifier code", Binary, 8, 11},
	IssuerCountryAlpha2:          {"issuer country code (alpha 2)", Alphabetic, 2, 2},
	IssuerCountryAlpha3:          {"issuer country code (alpha 3)", Alphabetic, 3, 3},
	AccountType:                  {"account type", Numeric, 1, 1},
	AcquirerIdentifier:           {"acquirer identifier", Numeric, 6, 6},
	AmountAuthorised:             {"amount, authorised", Numeric, 6, 6},
	AmountOther:                  {"amount, other", Numeric, 6, 6},
	AmountOtherBinary:            {"amount, other (binary)", Binary, 4, 4},
	ApplicationDiscretionary:     {"application discretionary data", Binary, 1, 32},
	AID:                          {"application identifier (terminal)", Binary, 5, 16},
	ApplicationUsageControl:      {"application usage control", Binary, 2, 2},
	CardVersion:                  {"application version number (card)", Binary, 2, 2},
	TerminalVersion:              {"application version number (terminal)", Binary, 2, 2},
	ASRPD:                        {"application selection registered proprietary data", Binary, 0, 252},
	CardholderNameExtended:       {"cardholder name extended", AlphanumericSpecial, 27, 45},
	IINExtended:                  {"issuer identification number extended", Numeric, 3, 4},
	IACDefault:                   {"issuer action code, default", Binary, 5, 5},
	IACDenial:                    {"issuer action code, denial", Binary, 5, 5},
	IACOnline:                    {"issuer action code, online", Binary, 5, 5},
	IssuerApplicationData:        {"issuer application data", Binary, 0, 32},
	CodeTableIndex:               {"issuer code table index", Numeric, 1, 1},
	PreferredName:                {"application preferred name", AlphanumericSpecial, 1, 16},
	LastOnlineATC:                {"last online ATC register", Binary, 2, 2},
	LowerOfflineLimit:            {"lower consecutive offline limit", Binary, 1, 1},
	MerchantCategory:             {"merchant category code", Numeric, 2, 2},
	MerchantIdentifier:           {"merchant identifier", AlphanumericSpecial, 15, 15},
	PINTryCounter:                {"PIN try counter", Binary, 1, 1},
	ScriptIdentifier:             {"issuer script identifier", Binary, 4, 4},
	TokenRequestor:               {"token requestor identifier", Numeric, 6, 6},
	TerminalCountry:              {"terminal country code", Numeric, 2, 2},
	FloorLimit:                   {"terminal floor limit", Binary, 4, 4},
	TerminalIdentification:       {"terminal identification", Alphanumeric, 8, 8},
	TerminalRiskData:             {"terminal risk management data", Binary, 1, 8},
	DeviceSerial:                 {"interface device serial number", Alphanumeric, 8, 8},
	Track1Discretionary:          {"track 1 discretionary data", AlphanumericSpecial, 0, 252},
	Track2Discretionary:          {"track 2 discretionary data", CompressedNumeric, 0, 252},
	TransactionTime:              {"transaction time", Numeric, 3, 3},
	CAKeyIndexTerminal:           {"certification authority public key index (terminal)", Binary, 1, 1},
	UpperOfflineLimit:            {"upper consecutive offline limit", Binary, 1, 1},
	PaymentAccountReference:      {"payment account reference", Alphanumeric, 29, 29},
	PANLast4:                     {"last four digits of the PAN", Numeric, 2, 2},
	ApplicationCryptogram:        {"application cryptogram", Binary, 8, 8},
	CryptogramInformation:        {"cryptogram information data", Binary, 1, 1},
	PINKeyCertificate:            {"ICC PIN encipherment public key certificate", Binary, 0, 248},
	PINKeyExponent:               {"ICC PIN encipherment public key exponent", Binary, 1, 3},
	PINKeyRemainder:              {"ICC PIN encipherment public key remainder", Binary, 0, 248},
	IssuerKeyExponent:            {"issuer public key exponent", Binary, 1, 3},
	TerminalCapabilities:         {"terminal capabilities", Binary, 3, 3},
	CVMResults:                   {"CVM results", Binary, 3, 3},
	TerminalType:                 {"terminal type", Numeric, 1, 1},
	ATC:                          {"application transaction counter", Binary, 2, 2},
	UnpredictableNumber:          {"unpredictable number", Binary, 4, 4},
	PDOL:                         {"processing options data object list", Binary, 0, 252},
	EntryMode:                    {"point-of-service entry mode", Numeric, 1, 1},
	AmountReferenceCurrency:      {"amount, reference currency", Binary, 4, 4},
	ApplicationReferenceCurrency: {"application reference currency", Numeric, 2, 8},
	TransactionReferenceCurrency: {"transaction reference currency code", Numeric, 2, 2},
	TransactionReferenceExponent: {"transaction reference currency exponent", Numeric, 1, 1},
	AdditionalCapabilities:       {"additional terminal capabilities", Binary, 5, 5},
	SequenceCounter:              {"transaction sequence counter", Numeric, 2, 4},
	ApplicationCurrency:          {"application currency code", Numeric, 2, 2},
	ApplicationReferenceExponent: {"application reference currency exponent", Numeric, 1, 4},
	ApplicationExponent:          {"application currency exponent", Numeric, 1, 1},
	DataAuthenticationCode:       {"data authentication code", Binary, 2, 2},
	ICCCertificate:               {"ICC public key certificate", Binary, 0, 248},
	ICCKeyExponent:               {"ICC public key exponent", Binary, 1, 3},
	ICCKeyRemainder:              {"ICC public key remainder", Binary, 0, 248},
	DDOL:                         {"dynamic data authentication data object list", Binary, 0, 252},
	SDATagList:                   {"static data authentication tag list", Binary, 0, 252},
	SDAD:                         {"signed dynamic application data", Binary, 0, 248},
	ICCDynamicNumber:             {"ICC dynamic number", Binary, 2, 8},
	LogEntry:                     {"log entry", Binary, 2, 2},
	MerchantName:                 {"merchant name and location", AlphanumericSpecial, 0, 252},
	LogFormat:                    {"log format", Binary, 0, 252},
	ScriptResults:                {"issuer script results", Binary, 0, 255},
	FCIDiscretionary:             {"FCI issuer discretionary data", Binary, 0, 222},
}
