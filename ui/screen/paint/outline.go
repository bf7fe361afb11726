package paint

import "math"

// A point is in pixels, from the corner of a shape's box.
type point struct{ x, y float64 }

// polar returns the point at a clockwise angle from the top, in radians.
func (c point) polar(radius, angle float64) point {
	sin, cos := math.Sincos(angle)
	return point{c.x + radius*sin, c.y - radius*cos}
}

// An outline is closed curves as corners of polygons. A hole runs against the
// sense of what it is in.
type outline [][]point

const fullTurn = 2 * math.Pi

// bend appends an arc. Its corners are so near that none is further from the
// circle than a fifteenth of a pixel.
func bend(to []point, c point, radius, from, sweep float64) []point {
	if radius <= 0 {
		return append(to, c)
	}
	step := math.Pi / 2
	if radius > 0.1 {
		step = math.Min(step, 2*math.Acos(1-0.0667/math.Max(radius, 0.0667)))
	}
	n := int(math.Ceil(math.Abs(sweep) / step))
	n = min(max(n, 1), 1024)
	for i := 0; i <= n; i++ {
		to = append(to, c.polar(radius, from+sweep*float64(i)/float64(n)))
	}
	return to
}

// outlineOf returns the edge of a shape that is filled.
func outlineOf(s *shape) outline {
	c := point{float64(s.w) / 2, float64(s.h) / 2}
	radius := math.Min(c.x, c.y)
	switch s.kind {
	case kindCircle:
		return outline{bend(nil, c, radius, 0, fullTurn)}
	case kindPolygon:
		return outline{polygonOutline(s, c, radius)}
	case kindArc:
		return arcOutline(s, c, radius)
	case kindRectangle, kindLine, kindText, kindImage, kindRaster, kindLinear, kindRadial:
		// A line has no inside, and the others need no outline.
	}
	return nil
}

// polygonOutline returns a regular polygon whose corners may be rounded.
func polygonOutline(s *shape, c point, radius float64) []point {
	start, half := s.p[0]*math.Pi/180, math.Pi/float64(s.sides)
	if s.rounded >= radius {
		return bend(nil, c, radius, 0, fullTurn)
	}
	rounded := math.Min(s.rounded, radius*math.Cos(half))
	var edge []point
	for i := range s.sides {
		angle := start + 2*half*float64(i)
		if rounded <= 0 {
			edge = append(edge, c.polar(radius, angle))
			continue
		}
		edge = bend(edge, c.polar(radius-rounded/math.Cos(half), angle), rounded, angle-half, 2*half)
	}
	return edge
}

// arcOutline returns a slice of a pie or of a ring.
func arcOutline(s *shape, c point, outer float64) outline {
	from, to := s.p[0]*math.Pi/180, s.p[1]*math.Pi/180
	if to < from {
		from, to = to, from
	}
	sweep, inner := to-from, outer*s.p[2]
	if sweep >= fullTurn {
		o := outline{bend(nil, c, outer, 0, fullTurn)}
		if inner > 0 {
			o = append(o, bend(nil, c, inner, 0, -fullTurn))
		}
		return o
	}
	span := math.Sin(math.Min(sweep, math.Pi) / 2)
	round := math.Min(s.rounded, math.Min(outer-inner, 1.5*outer*span/(1+span))/2)
	if round <= 0 {
		edge := bend(nil, c, outer, from, sweep)
		if inner > 0 {
			return outline{bend(edge, c, inner, to, -sweep)}
		}
		return outline{append(edge, c)}
	}
	// A corner's circle touches the arc from within, and the straight side.
	quarter, out := math.Pi/2, math.Asin(round/(outer-round))
	edge := bend(nil, c, outer, from+out, sweep-2*out)
	edge = bend(edge, c.polar(outer-round, to-out), round, to-out, quarter+out)
	if inner > 0 {
		within := math.Min(round, sweep*inner/2)
		if span < 1 {
			within = math.Min(within, inner*span/(1-span))
		}
		in := math.Asin(within / (inner + within))
		edge = bend(edge, c.polar(inner+within, to-in), within, to+quarter, quarter-in)
		edge = bend(edge, c, inner, to-in, 2*in-sweep)
		edge = bend(edge, c.polar(inner+within, from+in), within, from+in-math.Pi, quarter-in)
	} else {
		edge = append(edge, c)
	}
	return outline{bend(edge, c.polar(outer-round, from+out), round, from-quarter, quarter+out)}
}

// stroke returns what a pen of the given width covers along closed curves, as
// pieces that all turn the same way: the rasterizer adds them up.
func stroke(edges outline, width float64) outline {
	var pieces outline
	for _, edge := range edges {
		edge = distinct(edge)
		if len(edge) < 2 {
			continue
		}
		for i, a := range edge {
			b, next := edge[(i+1)%len(edge)], edge[(i+2)%len(edge)]
			pieces = append(pieces, bar(a, b, width))
			if join := joint(a, b, next, width/2); join != nil {
				pieces = append(pieces, join)
			}
		}
	}
	return pieces
}

// distinct drops points that have no direction to the next one.
func distinct(edge []point) []point {
	kept := edge[:0:0]
	for _, p := range edge {
		if n := len(kept); n == 0 || math.Hypot(p.x-kept[n-1].x, p.y-kept[n-1].y) > 1e-4 {
			kept = append(kept, p)
		}
	}
	for n := len(kept); n > 1 && math.Hypot(kept[0].x-kept[n-1].x, kept[0].y-kept[n-1].y) <= 1e-4; n = len(kept) {
		kept = kept[:n-1]
	}
	return kept
}

// bar returns a straight stroke without caps.
func bar(a, b point, width float64) []point {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return nil
	}
	nx, ny := (b.y-a.y)/length*width/2, (a.x-b.x)/length*width/2
	return []point{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}}
}

// joint returns the round corner between two strokes, on the outer side of b.
func joint(a, b, c point, radius float64) []point {
	in, out := math.Atan2(b.x-a.x, a.y-b.y), math.Atan2(c.x-b.x, b.y-c.y)
	turn := math.Remainder(out-in, fullTurn)
	if math.Abs(turn) < 1e-3 {
		return nil
	}
	// The outer side is on the left of one who turns right.
	side := -math.Pi / 2
	if turn < 0 {
		side = math.Pi / 2
	}
	fan := bend([]point{b}, b, radius, in+side, turn)
	if turn < 0 {
		for i, j := 0, len(fan)-1; i < j; i, j = i+1, j-1 {
			fan[i], fan[j] = fan[j], fan[i]
		}
	}
	return fan
}
