package screen

// Armed tells whether a timer of the UI goroutine runs.
func (s *Screen) Armed() bool { return !earlier(s.clock.next(), s.anims.next).IsZero() }

// Known counts the objects that the first window's tree remembers.
func (s *Screen) Known() int { return len(s.windows[0].canvas.tree.nodes) }

// KeyboardKeys gives the drawn keyboard's keys by what is written on them.
func (s *Screen) KeyboardKeys() map[string]*key {
	k := s.windows[0].canvas.keyboard
	if k == nil {
		return nil
	}
	keys := map[string]*key{}
	for _, row := range k.rows {
		for _, x := range row {
			keys[x.text()] = x
		}
	}
	return keys
}

// ToLogical and ToPanel are the two directions of a rotation.
var (
	ToLogical = Rotation.toLogical
	ToPanel   = Rotation.toPanel
	Turn      = Rotation.turn
)

// CleanCaches is what the driver calls.
var CleanCaches = cleanCaches

// Step handles an event and paints, without a loop.
func (s *Screen) Step(e Event) {
	s.dispatch(displayEvent{0, e})
	s.frames()
}

// KeyboardRunes are what is written on all keys of all pages.
func KeyboardRunes() []rune {
	var all []rune
	for _, page := range keyboardPages {
		for _, row := range page {
			all = append(all, row...)
		}
	}
	for _, row := range numberPad {
		all = append(all, row...)
	}
	return all
}
