//go:build race

package rig

// Race tells that the programs are built with the race detector, as the test
// is.
const Race = true
