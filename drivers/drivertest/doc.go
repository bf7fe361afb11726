// Package drivertest tests drivers: on recorded wires, and against the promises
// of their class.
//
// A wire is a text that reads like a conversation. Playback plays the device's
// side of it, Record writes one while a true device answers:
//
//	# The reader sends its greeting twice.
//	> 03 06 65 00 00 00 00 00 01 00 00 00 61
//	< 03 06 81 00 00 00 00 00 01 02 00 00 87
//	~ 200ms
//	< 50 03
//	! hang up
//
// TestReader, TestAntenna, TestStripe, TestPINPad, TestPrinter, TestDisplay,
// TestScanner and TestPanel are the conformance suites, one for each class, and
// TestStripe for readers that hold no card. They are given a device and the world around it (cards,
// fingers, paper, cables), so that a driver before its simulator and a driver
// before a person's hands pass the same tests. TestAntennaStories plays wires
// between the calls that they are about.
package drivertest
