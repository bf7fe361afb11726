package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// withScreen measures the terminal's screen: its painter beside Fyne's, and
// then a whole terminal that has one.
func withScreen(ctx context.Context, programs rig.Programs, dir string) error {
	all, err := scenes()
	if err != nil {
		return err
	}
	fmt.Printf(`
| measured on a screen of %dx%d | here | wanted | beside it |
|---|---|---|---|
`, panelWidth, panelHeight)
	for _, s := range all {
		b := s.fullRepaint()
		fmt.Printf("| full repaint: %s | %.2f ms, %.0f times as fast | 60 times | Fyne's painter takes %.0f ms |\n", b.name, ms(b.ours), b.ratio(), ms(b.fyne))
	}
	keypad := all[0]
	b := keypad.keyPress()
	fmt.Printf("| key press to painted | %.3f ms, %.0f times as fast | 150 times | Fyne's painter takes %.0f ms |\n", ms(b.ours), b.ratio(), ms(b.fyne))
	allocs, err := keypad.allocations("5")
	if err != nil {
		return err
	}
	t, err := tapsApart()
	if err != nil {
		return err
	}
	fmt.Printf("| tap to painted, p99 of %d touches | %.1f ms | at most 5 ms | half of them take at most %.1f ms |\n",
		t.Touches, ms(t.P99), ms(t.Half))
	fmt.Printf("| allocations for each frame of the keypad | %.1f | at most 10 | |\n", allocs)
	first, err := firstFrame()
	if err != nil {
		return err
	}
	fmt.Printf("| exec to first picture, painter alone | %.0f ms | at most 80 ms | |\n", ms(first))
	d, err := exercise(ctx, programs, filepath.Join(dir, "screen"))
	if err != nil {
		return err
	}
	fmt.Printf("| idle CPU of the terminal, somebody looking | %.2f %% | under 0.5 %% | of one core, over %v |\n", 100*d.idle, idleFor)
	fmt.Printf("| resident memory after %d keys, %d pages, %d scrolls | %.0f MB | at most 85 MB | %.0f MB before; %d pictures were sent |\n",
		keysPressed, pagesOpened, listsScrolled, d.rss/1e6, d.first/1e6, d.pictures)
	return nil
}
