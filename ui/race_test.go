//go:build race

package ui

// One panel is enough for the race detector: the others have the same code at
// other sizes, and each picture takes ten times as long to draw.
func init() { panels = panels[:1] }
