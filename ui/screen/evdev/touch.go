package evdev

import "github.com/cloudpos/cloudpos/ui/screen"

// slotsMax bounds how many fingers are followed.
const slotsMax = 10

// slot is one finger of a panel.
type slot struct {
	down, was bool // now, and at the last report
	moved     bool
	cancel    bool // a palm, or lost events: it ends without a tap
	again     bool // it went up and another came down in one report
	x, y      int32
}

// touch follows the fingers of a device from report to report. It does no I/O.
type touch struct {
	panel   panel
	slots   [slotsMax]slot
	now     int  // the slot that is spoken of; beyond slotsMax it is ignored
	many    bool // the device speaks of slots, so what it says of one finger is an echo
	single  slot
	dropped bool
	lost    bool // events were lost and are over: ask the device where it stands
	wheel   [2]int32
}

// places are what a device remembers of its fingers. It does not repeat them:
// a finger that comes down where one was before tells its place only in part,
// or not at all, and a finger in the slot that was spoken of last tells no slot.
type places struct {
	many   bool // the device has slots
	slot   int  // spoken of last
	slots  [slotsMax]struct{ x, y int32 }
	single struct{ x, y int32 }
}

// know takes over what the device remembers: when it is opened, and after
// events were lost. Fingers that are down already tap nothing.
func (t *touch) know(p places) {
	t.lost = false
	t.single.x, t.single.y = p.single.x, p.single.y
	if !p.many {
		return
	}
	t.many, t.now = true, p.slot
	for i, at := range p.slots {
		t.slots[i].x, t.slots[i].y = at.x, at.y
	}
}

// event takes one event. At the end of a report it returns what has happened.
func (t *touch) event(e event) []screen.Event {
	if t.dropped { // what is left of this report is incomplete
		if e.kind == evSyn && e.code == synReport {
			t.dropped, t.lost = false, true
		}
		return nil
	}
	switch e.kind {
	case evAbs:
		t.axis(e.code, e.value)
	case evKey:
		if e.code == btnTouch || e.code == btnLeft {
			t.single.set(e.value != 0)
		}
	case evRel:
		switch e.code {
		case relHWheel:
			t.wheel[0] += e.value
		case relWheel:
			t.wheel[1] += e.value
		}
	case evSyn:
		switch e.code {
		case synReport:
			return t.report(e)
		case synDropped:
			return t.drop(e)
		}
	}
	return nil
}

func (t *touch) axis(code uint16, value int32) {
	switch code {
	case absX:
		t.single.x, t.single.moved = value, true
		return
	case absY:
		t.single.y, t.single.moved = value, true
		return
	case absSlot:
		t.many = true
		t.now = int(value)
		return
	}
	if t.now < 0 || t.now >= slotsMax {
		return
	}
	s := &t.slots[t.now]
	switch code {
	case absID:
		t.many = true
		s.set(value >= 0)
	case absMTX:
		s.x, s.moved = value, true
	case absMTY:
		s.y, s.moved = value, true
	case absToolType:
		s.cancel = s.cancel || value == toolPalm
	}
}

// set notes that the finger goes down or up.
func (s *slot) set(down bool) {
	if down && !s.down && s.was {
		s.again = true
	}
	if down && !s.down {
		s.cancel = false
	}
	s.down = down
}

// report ends a report.
func (t *touch) report(e event) []screen.Event {
	var out []screen.Event
	if t.many {
		for i := range t.slots {
			out = t.slots[i].report(out, i, t.panel, e)
		}
	} else {
		out = t.single.report(out, 0, t.panel, e)
	}
	if t.wheel != [2]int32{} {
		out = append(out, t.scroll(e))
	}
	return out
}

// wheelStep is how many pixels one notch of a wheel scrolls.
const wheelStep = 40

func (t *touch) scroll(e event) screen.Event {
	x, y := t.panel.pixel(t.single.x, t.single.y)
	s := screen.Scroll{X: x, Y: y, DX: -wheelStep * float32(t.wheel[0]), DY: wheelStep * float32(t.wheel[1]), At: e.when}
	t.wheel = [2]int32{}
	return s
}

// report appends what this finger did since the last report.
func (s *slot) report(out []screen.Event, finger int, p panel, e event) []screen.Event {
	add := func(kind screen.TouchKind) {
		x, y := p.pixel(s.x, s.y)
		out = append(out, screen.Touch{Finger: finger, Kind: kind, X: x, Y: y, At: e.when})
	}
	if s.was && s.cancel {
		add(screen.Cancel)
		s.was, s.down = false, false
	}
	if s.was && s.again {
		add(screen.Up)
		s.was = false
	}
	switch {
	case s.cancel: // a palm never goes down
	case s.down && !s.was:
		add(screen.Down)
		s.was = true
	case s.down && s.moved:
		add(screen.Move)
	case !s.down && s.was:
		add(screen.Up)
		s.was = false
	}
	s.moved, s.again = false, false
	return out
}

// drop ends all touches: the kernel's buffer overflowed, and what the fingers
// did meanwhile is not known. A finger that is still down must go up first.
func (t *touch) drop(e event) []screen.Event {
	t.dropped = true
	var out []screen.Event
	for i := range t.slots {
		out = t.slots[i].lose(out, i, t.panel, e)
	}
	out = t.single.lose(out, 0, t.panel, e)
	return out
}

func (s *slot) lose(out []screen.Event, finger int, p panel, e event) []screen.Event {
	if s.was {
		x, y := p.pixel(s.x, s.y)
		out = append(out, screen.Touch{Finger: finger, Kind: screen.Cancel, X: x, Y: y, At: e.when})
	}
	*s = slot{x: s.x, y: s.y}
	return out
}
