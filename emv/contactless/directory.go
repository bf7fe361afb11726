package contactless

import (
	"slices"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// entry is one application template, 61, of the PPSE. EMV Contactless Book B,
// 3.3.2.5.
type entry struct {
	name     []byte   // 4F
	kernel   KernelID // 9F2A, or by the name; 0 leaves it to the reader
	priority byte     // 87
	extended []byte   // 9F29
}

// parsePPSE reads the directory in the FCI of the PPSE. Entries that make no
// sense are passed over; a directory that cannot be read has none.
func parsePPSE(fci []byte) []entry {
	directory, _ := tlv.Find(fci, tlv.FCI, tlv.FCIProprietary, tlv.FCIDiscretionary)
	objects, err := tlv.Parse(directory)
	if err != nil {
		return nil
	}
	var entries []entry
	for _, o := range objects {
		if o.Tag != tlv.ApplicationTemplate {
			continue
		}
		if e, ok := parseEntry(o.Value); ok {
			entries = append(entries, e)
		}
	}
	return entries
}

// parseEntry reads one template. EMV Contactless Book B, 3.3.2.5.
func parseEntry(template []byte) (entry, bool) {
	var e entry
	objects, err := tlv.Parse(template)
	if err != nil {
		return entry{}, false
	}
	var requested []byte
	for _, o := range objects {
		switch {
		case o.Tag == tlv.ADFName:
			e.name = slices.Clone(o.Value)
		case o.Tag == tlv.ApplicationPriority && len(o.Value) == 1:
			e.priority = o.Value[0]
		case o.Tag == tlv.KernelIdentifier:
			requested = o.Value
		case o.Tag == tlv.ExtendedSelection && len(o.Value) <= aidMax:
			e.extended = slices.Clone(o.Value)
		}
	}
	if len(e.name) < aidMin || len(e.name) > aidMax {
		return entry{}, false
	}
	var ok bool
	e.kernel, ok = requestedKernel(requested, e.name)
	return e, ok
}

// The two upper bits of a kernel identifier's first byte say which kind it is,
// the others are the short identifier.
const (
	kernelDomestic  = 0x80
	kernelShortMask = 0x3F
	kernelLong      = 3 // bytes of a domestic identifier
)

// defaultKernels are those of cards that name none, by the first five bytes of
// the application's name. EMV Contactless Book B, 3.3.2.5, table 3-6.
var defaultKernels = map[[5]byte]KernelID{
	{0xA0, 0, 0, 0, 0x03}:    Kernel3, // Visa
	{0xA0, 0, 0, 0, 0x04}:    Kernel2, // Mastercard
	{0xA0, 0, 0, 0, 0x25}:    Kernel4, // American Express
	{0xA0, 0, 0, 0, 0x65}:    Kernel5, // JCB
	{0xA0, 0, 0, 0x01, 0x52}: Kernel6, // Discover
	{0xA0, 0, 0, 0x03, 0x33}: Kernel7, // UnionPay
}

// requestedKernel reads 9F2A; 0 is any kernel. It reports false for an
// identifier that cannot be used. EMV Contactless Book B, 3.3.2.5.
func requestedKernel(value, name []byte) (KernelID, bool) {
	switch {
	case len(value) == 0:
		return defaultKernels[[5]byte(name)], true
	case value[0]&kernelDomestic == 0:
		return KernelID(value[0]), true
	case len(value) < kernelLong || value[0]&kernelShortMask == 0:
		return 0, false
	}
	return KernelID(value[0])<<16 | KernelID(value[1])<<8 | KernelID(value[2]), true
}
