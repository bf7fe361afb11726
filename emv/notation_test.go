package emv_test

import "github.com/cloudpos/cloudpos/emv/tlv/tlvtest"

// parseNotation and formatNotation are how transcripts write data objects.
var parseNotation, formatNotation = tlvtest.Parse, tlvtest.Format
