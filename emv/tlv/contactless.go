package tlv

// Data objects of contactless cards and readers that have a use beside their
// explanation.
const (
	Track1MagStripe       Tag = 0x56     // track 1 data, kernel 2
	ExtendedSelection     Tag = 0x9F29   // extended selection
	KernelIdentifier      Tag = 0x9F2A   // kernel identifier
	TransactionCategory   Tag = 0x9F53   // transaction category code
	DataStorageIdentifier Tag = 0x9F5E   // data storage identifier: PAN and sequence number
	IdentityDocument      Tag = 0x9F61   // identity document (PBOC), or CVC3 of track 2
	TTQ                   Tag = 0x9F66   // terminal transaction qualifiers
	Track2MagStripe       Tag = 0x9F6B   // track 2 data, kernel 2
	ApplicationProgram    Tag = 0x9F5A   // application program identifier, kernel 3
	AvailableOffline      Tag = 0x9F5D   // available offline spending amount, kernel 3
	CardRelatedData       Tag = 0x9F69   // card authentication related data, kernel 3
	FormFactor            Tag = 0x9F6E   // form factor indicator, kernel 3
	CustomerExclusive     Tag = 0x9F7C   // customer exclusive data
	CTQ                   Tag = 0x9F6C   // card transaction qualifiers
	CardTrack1            Tag = 0xDF812A // discretionary data of the card's track 1
	CardTrack2            Tag = 0xDF812B // discretionary data of the card's track 2
	CardProduct           Tag = 0x9F63   // card product (UnionPay), or track 1 positions, kernel 2
	CashThreshold         Tag = 0x9F6D   // electronic cash reset threshold (UnionPay)
	CashAuthorisation     Tag = 0x9F74   // electronic cash authorisation code (UnionPay)
	CashBalanceLimit      Tag = 0x9F77   // electronic cash balance limit (UnionPay)
	CashLimit             Tag = 0x9F78   // electronic cash transaction limit (UnionPay)
	CashBalance           Tag = 0x9F79   // electronic cash balance (UnionPay)
	SMSupported           Tag = 0xDF69   // SM algorithms supported
)

// contactless holds what a contactless terminal meets beyond the contact
// books: EMV Contactless Books A, B, C-2, C-3 and C-7, and JR/T 0025 (PBOC).
// Tags that mean different things to different kernels are binary, so that a
// data object list passes them on as they are.
var contactless = map[Tag]Definition{
	Track1MagStripe:       {"track 1 data (magnetic stripe mode)", AlphanumericSpecial, 0, 76, FromCard},
	0x96:                  {"kernel identifier (terminal)", Binary, 1, 8, FromTerminal},
	ExtendedSelection:     {"extended selection", Binary, 0, 16, FromCard},
	KernelIdentifier:      {"kernel identifier", Binary, 0, 8, FromCard},
	0x9F50:                {"offline accumulator balance", Numeric, 6, 6, FromCard},
	0x9F51:                {"data object list of RECOVER AC", Binary, 0, 250, FromCard},
	TransactionCategory:   {"transaction category code", Alphanumeric, 1, 1, FromTerminal},
	0x9F54:                {"data storage: data of the card", Binary, 0, 160, FromCard},
	ApplicationProgram:    {"application program identifier", Binary, 1, 16, FromCard},
	0x9F5C:                {"data storage: requested operator", Binary, 8, 8, FromTerminal},
	AvailableOffline:      {"available offline spending amount, or application capabilities (kernel 2)", Binary, 3, 6, FromCard},
	DataStorageIdentifier: {"data storage identifier", Binary, 8, 11, FromCard},
	0x9F5F:                {"data storage: slot availability", Binary, 1, 1, FromCard},
	0x9F60:                {"CVC3 of track 1", Binary, 2, 2, FromCard},
	IdentityDocument:      {"CVC3 of track 2 (kernel 2), or number of the cardholder's identity document (PBOC)", Binary, 1, 40, FromCard},
	0x9F62:                {"track 1 positions of the CVC3 (kernel 2), or type of identity document (PBOC)", Binary, 1, 6, FromCard},
	CardProduct:           {"track 1 positions of number and counter, or card product (UnionPay)", Binary, 6, 16, FromCard},
	0x9F64:                {"track 1 digits of the counter", Binary, 1, 1, FromCard},
	0x9F65:                {"track 2 positions of the CVC3", Binary, 2, 2, FromCard},
	TTQ:                   {"terminal transaction qualifiers, or track 2 positions of number and counter (kernel 2)", Binary, 2, 4, FromCard | FromTerminal},
	0x9F67:                {"track 2 digits of the counter", Binary, 1, 1, FromCard},
	0x9F68:                {"card additional processes", Binary, 4, 4, FromCard},
	CardRelatedData:       {"card authentication related data, or data object list of the unpredictable number (kernel 2)", Binary, 0, 250, FromCard},
	0x9F6A:                {"unpredictable number (numeric)", Numeric, 4, 4, FromTerminal},
	Track2MagStripe:       {"track 2 data (magnetic stripe mode)", Binary, 0, 19, FromCard},
	CTQ:                   {"card transaction qualifiers", Binary, 2, 2, FromCard},
	CashThreshold:         {"magnetic stripe version (kernel 2), or electronic cash reset threshold (UnionPay)", Binary, 2, 6, FromCard | FromTerminal},
	FormFactor:            {"form factor indicator, or third party data (kernel 2)", Binary, 4, 32, FromCard},
	0x9F6F:                {"data storage: slot management", Binary, 1, 1, FromCard},
	0x9F70:                {"protected data envelope 1", Binary, 0, 192, FromCard},
	0x9F71:                {"protected data envelope 2", Binary, 0, 192, FromCard},
	0x9F72:                {"protected data envelope 3", Binary, 0, 192, FromCard},
	0x9F73:                {"protected data envelope 4", Binary, 0, 192, FromCard},
	CashAuthorisation:     {"protected data envelope 5, or electronic cash authorisation code (UnionPay)", Binary, 0, 192, FromCard},
	0x9F75:                {"unprotected data envelope 1", Binary, 0, 192, FromCard},
	0x9F76:                {"unprotected data envelope 2", Binary, 0, 192, FromCard},
	CashBalanceLimit:      {"unprotected data envelope 3, or electronic cash balance limit (UnionPay)", Binary, 0, 192, FromCard},
	CashLimit:             {"unprotected data envelope 4, or electronic cash transaction limit (UnionPay)", Binary, 0, 192, FromCard},
	CashBalance:           {"unprotected data envelope 5, or electronic cash balance (UnionPay)", Binary, 0, 192, FromCard},
	0x9F7A:                {"electronic cash terminal indicator", Binary, 1, 1, FromTerminal},
	0x9F7B:                {"electronic cash terminal limit", Numeric, 6, 6, FromTerminal},
	CustomerExclusive:     {"customer exclusive data", Binary, 0, 32, FromCard},
	0x9F7D:                {"data storage: summary 1", Binary, 8, 16, FromCard},
	0x9F7E:                {"mobile support indicator", Binary, 1, 1, FromTerminal},
	0x9F7F:                {"data storage: unpredictable number", Binary, 4, 4, FromCard},
	0xDF4B:                {"cardholder interaction", Binary, 3, 3, FromCard},
	0xDF60:                {"data storage: input of the card", Binary, 8, 8, FromCard},
	0xDF61:                {"data storage: digest, or additional functions of the card (UnionPay)", Binary, 1, 8, FromCard | FromTerminal},
	0xDF62:                {"data storage: information", Binary, 1, 1, FromTerminal},
	0xDF63:                {"data storage: data of the terminal", Binary, 0, 160, FromTerminal},
	SMSupported:           {"SM algorithms supported", Binary, 1, 1, FromTerminal},
	0xDF8101:              {"data storage: summary 2", Binary, 8, 16, FromCard},
	0xDF8102:              {"data storage: summary 3", Binary, 8, 16, FromCard},
	0xDF8104:              {"balance before GENERATE AC", Numeric, 6, 6, FromCard},
	0xDF8105:              {"balance after GENERATE AC", Numeric, 6, 6, FromCard},
	0xDF8106:              {"data needed", Binary, 0, 255, FromTerminal},
	0xDF8107:              {"data sent for CDOL1", Binary, 0, 252, FromTerminal},
	0xDF8108:              {"data storage: cryptogram type", Binary, 1, 1, FromTerminal},
	0xDF8109:              {"data storage: input of the terminal", Binary, 8, 8, FromTerminal},
	0xDF810A:              {"data storage: information for the reader", Binary, 1, 1, FromTerminal},
	0xDF810B:              {"data storage: summary status", Binary, 1, 1, FromTerminal},
	0xDF810C:              {"kernel", Binary, 1, 1, FromTerminal},
	0xDF810D:              {"data storage: versions of the terminal", Binary, 0, 252, FromTerminal},
	0xDF810E:              {"status of PUT DATA after GENERATE AC", Binary, 1, 1, FromTerminal},
	0xDF810F:              {"status of PUT DATA before GENERATE AC", Binary, 1, 1, FromTerminal},
	0xDF8110:              {"proceed to first write", Binary, 1, 1, FromTerminal},
	0xDF8111:              {"data sent for the PDOL", Binary, 0, 255, FromTerminal},
	0xDF8112:              {"tags to read", Binary, 0, 255, FromTerminal},
	0xDF8113:              {"data sent for RECOVER AC", Binary, 0, 255, FromTerminal},
	0xDF8114:              {"reference control parameter of GENERATE AC", Binary, 1, 1, FromTerminal},
	0xDF8115:              {"error indication", Binary, 6, 6, FromTerminal},
	0xDF8116:              {"user interface request", Binary, 22, 22, FromTerminal},
	0xDF8117:              {"card data input capability", Binary, 1, 1, FromTerminal},
	0xDF8118:              {"CVM capability, CVM required", Binary, 1, 1, FromTerminal},
	0xDF8119:              {"CVM capability, no CVM required", Binary, 1, 1, FromTerminal},
	0xDF811A:              {"default data object list of the unpredictable number", Binary, 3, 3, FromTerminal},
	0xDF811B:              {"kernel configuration", Binary, 1, 1, FromTerminal},
	0xDF811C:              {"longest life of a torn transaction, in seconds", Binary, 2, 2, FromTerminal},
	0xDF811D:              {"most torn transactions", Binary, 1, 1, FromTerminal},
	0xDF811E:              {"magnetic stripe CVM capability, CVM required", Binary, 1, 1, FromTerminal},
	0xDF811F:              {"security capability", Binary, 1, 1, FromTerminal},
	0xDF8120:              {"terminal action code, default", Binary, 5, 5, FromTerminal},
	0xDF8121:              {"terminal action code, denial", Binary, 5, 5, FromTerminal},
	0xDF8122:              {"terminal action code, online", Binary, 5, 5, FromTerminal},
	0xDF8123:              {"contactless floor limit", Numeric, 6, 6, FromTerminal},
	0xDF8124:              {"contactless transaction limit, no CVM on the device", Numeric, 6, 6, FromTerminal},
	0xDF8125:              {"contactless transaction limit, CVM on the device", Numeric, 6, 6, FromTerminal},
	0xDF8126:              {"contactless CVM limit", Numeric, 6, 6, FromTerminal},
	0xDF8127:              {"time-out, in milliseconds", Binary, 2, 2, FromTerminal},
	0xDF8128:              {"data storage: status", Binary, 1, 1, FromTerminal},
	0xDF8129:              {"outcome parameters", Binary, 8, 8, FromTerminal},
	CardTrack1:            {"discretionary data of track 1", AlphanumericSpecial, 0, 56, FromTerminal},
	CardTrack2:            {"discretionary data of track 2", CompressedNumeric, 0, 11, FromTerminal},
	0xDF812C:              {"magnetic stripe CVM capability, no CVM required", Binary, 1, 1, FromTerminal},
	0xDF812D:              {"message hold time", Numeric, 3, 3, FromTerminal},
	0xDF8130:              {"hold time", Binary, 1, 1, FromTerminal},
	0xDF8131:              {"phone messages", Binary, 0, 255, FromTerminal},
	0xDF8132:              {"relay resistance: minimum grace", Binary, 2, 2, FromTerminal},
	0xDF8133:              {"relay resistance: maximum grace", Binary, 2, 2, FromTerminal},
	0xDF8134:              {"relay resistance: expected time of the command", Binary, 2, 2, FromTerminal},
	0xDF8135:              {"relay resistance: expected time of the response", Binary, 2, 2, FromTerminal},
	0xDF8136:              {"relay resistance: accuracy threshold", Binary, 2, 2, FromTerminal},
	0xDF8137:              {"relay resistance: mismatch threshold", Binary, 1, 1, FromTerminal},
	0xDF8301:              {"relay resistance: terminal's entropy", Binary, 4, 4, FromTerminal},
	0xDF8302:              {"relay resistance: card's entropy", Binary, 4, 4, FromCard},
	0xDF8303:              {"relay resistance: shortest time", Binary, 2, 2, FromCard},
	0xDF8304:              {"relay resistance: longest time", Binary, 2, 2, FromCard},
	0xDF8305:              {"relay resistance: card's estimate", Binary, 2, 2, FromCard},
	0xDF8306:              {"relay resistance: measured time", Binary, 2, 2, FromTerminal},
	0xDF8307:              {"relay resistance: tries", Binary, 1, 1, FromTerminal},
	0xFF8101:              {"torn transaction", Binary, 0, 0xFFFF, FromTerminal},
	0xFF8103:              {"tags to write after GENERATE AC", Binary, 0, 255, FromTerminal},
	0xFF8104:              {"data to send", Binary, 0, 255, FromTerminal},
	0xFF8105:              {"data record", Binary, 0, 0xFFFF, FromTerminal},
	0xFF8106:              {"discretionary data", Binary, 0, 0xFFFF, FromTerminal},
}
