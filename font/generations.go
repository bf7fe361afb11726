package font

// generations is a map within a budget of bytes. New entries go to the young
// half; when it is full it becomes the old half, and what was old is dropped.
// An entry that is used moves back to the young half. So what was used within
// the last half budget always stays, at the cost of a map and no list: a hit
// in the young half is one look-up and no write.
//
// The zero value with a budget is ready for use.
type generations[K comparable, V any] struct {
	bytesMax             int
	young, old           map[K]entry[V]
	youngBytes, oldBytes int
}

type entry[V any] struct {
	value V
	cost  int
}

func (g *generations[K, V]) get(key K) (value V, ok bool) {
	if e, ok := g.young[key]; ok {
		return e.value, true
	}
	e, ok := g.old[key]
	if !ok {
		return value, false
	}
	delete(g.old, key)
	g.oldBytes -= e.cost
	g.put(key, e.value, e.cost)
	return e.value, true
}

// put stores a value that costs so many bytes. What alone would fill a half
// is not kept.
func (g *generations[K, V]) put(key K, value V, cost int) {
	if cost > g.bytesMax/2 {
		return
	}
	if g.youngBytes+cost > g.bytesMax/2 || g.young == nil {
		g.young, g.old = make(map[K]entry[V]), g.young
		g.youngBytes, g.oldBytes = 0, g.youngBytes
	}
	if e, ok := g.young[key]; ok {
		g.youngBytes -= e.cost
	}
	g.young[key] = entry[V]{value, cost}
	g.youngBytes += cost
}

func (g *generations[K, V]) bytes() int { return g.youngBytes + g.oldBytes }

func (g *generations[K, V]) clear() {
	g.young, g.old = nil, nil
	g.youngBytes, g.oldBytes = 0, 0
}
