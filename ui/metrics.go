package ui

// perMMDefault is for a canvas whose scale is dpi/160.
const perMMDefault = 160 / 25.4

// lettersMinMM is the size of the smallest letters; their capitals are 1 mm
// high. What does not fit then loses letters.
const lettersMinMM = 1.5

// targetMM is the smallest side of what can be tapped.
const targetMM = 10

// metrics are the lengths of one size of screen.
type metrics struct {
	perMM float32
	grow  float32 // 1 on a panel of 5.5 inches
	wide  bool    // things go beside each other
	low   bool    // hardly five targets high: captions have no room
}

// measureScreen chooses lengths for a screen: on a large one everything is
// larger, because it is looked at from farther away, and nothing gets smaller
// than a finger.
func measureScreen(w, h, perMM float32) metrics {
	const sideMM, growMin, growMax, lowMM = 68, 0.74, 1.7, 60
	side := min(w, h) / perMM
	return metrics{
		perMM: perMM,
		grow:  min(max(side/sideMM, growMin), growMax),
		wide:  w > h,
		low:   h/perMM < lowMM,
	}
}

// mm is a length as it is.
func (m metrics) mm(v float32) float32 { return v * m.perMM }

// grown is a length that is larger on a larger screen.
func (m metrics) grown(v float32) float32 { return v * m.perMM * m.grow }

// target is the side of what can be tapped.
func (m metrics) target() float32 { return max(m.mm(targetMM), m.grown(targetMM)) }

// gap is the space between things.
func (m metrics) gap() float32 {
	if m.low {
		return m.mm(0.9) // four keys of 10 mm have to fit, and a banner
	}
	return m.grown(1.8)
}

// radius is that of a rounded corner.
func (m metrics) radius() float32 { return m.grown(1.6) }

// The sizes of letters.
func (m metrics) caption() float32 { return m.grown(2.7) }
func (m metrics) body() float32    { return m.grown(3.2) }
func (m metrics) label() float32   { return m.grown(3.7) }
func (m metrics) title() float32   { return m.grown(4.6) }
func (m metrics) huge() float32    { return m.grown(9.5) }
