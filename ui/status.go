package ui

import "slices"

// Status is how the terminal itself is. The zero value has nothing to complain
// of but the missing cloud.
type Status struct {
	Online bool // the cloud can be reached
	Faults []Fault
	// ToPrint is the number of slips that wait for the printer.
	ToPrint int
	// ToCloud is the number of transactions that the cloud has yet to hear of.
	ToCloud int
}

// Equal tells whether there is nothing new in t.
func (s Status) Equal(t Status) bool {
	return s.Online == t.Online && s.ToPrint == t.ToPrint && s.ToCloud == t.ToCloud && slices.Equal(s.Faults, t.Faults)
}

// Fault is something that a person has to see to.
type Fault struct {
	Device  Device
	Problem Problem
	Detail  string // for the technician: the driver's own words
}

// Device is a part of the terminal.
type Device string

// The devices.
const (
	DeviceReader  Device = "reader"
	DeviceAntenna Device = "antenna"
	DeviceStripe  Device = "stripe"
	DevicePINPad  Device = "pinpad"
	DevicePrinter Device = "printer"
	DeviceCloud   Device = "cloud"
	DeviceStore   Device = "store" // the journal's disk
	DeviceCase    Device = "case"  // the tamper switch
	DeviceClock   Device = "clock"
)

// Problem is what is wrong with a device. What the words do not know is shown
// as ProblemFault.
type Problem string

// The problems.
const (
	ProblemMissing   Problem = "missing"    // not connected, or without power
	ProblemBusy      Problem = "busy"       // another program holds it
	ProblemFault     Problem = "fault"      // it reports one, or speaks garbage
	ProblemPaperOut  Problem = "paper-out"  // printer
	ProblemPaperLow  Problem = "paper-low"  // printer
	ProblemCoverOpen Problem = "cover-open" // printer
	ProblemNoKey     Problem = "no-key"     // PIN pad
	ProblemFull      Problem = "full"       // store
	ProblemOpened    Problem = "opened"     // case
	ProblemUnset     Problem = "unset"      // clock
)

// faultsMax bounds the list on the screen; a terminal has fewer devices.
const faultsMax = 12
