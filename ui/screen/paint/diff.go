package paint

import "image"

const (
	// damageMax is how many rectangles a frame's damage has at most.
	damageMax = 16
	// wasteMax is how many pixels may be repainted for nothing so that two
	// rectangles become one. Walking the list for a rectangle costs about this.
	wasteMax = 4096
	// aheadMax is how far diff looks for the place where two lists meet again.
	aheadMax = 16
)

// diff appends to damage the areas in which the two lists paint otherwise.
//
// What it pairs is a common subsequence. The areas of all that is in none of
// its pairs are damaged; in the rest both lists paint the same in the same
// order. Any common subsequence is right, a longer one damages less. What is
// equal at the end is taken off first: something long may have come before it.
func diff(damage []image.Rectangle, last, list []op) []image.Rectangle {
	for n, m := len(last), len(list); n > 0 && m > 0 && last[n-1] == list[m-1]; n, m = n-1, m-1 {
		last, list = last[:n-1], list[:m-1]
	}
	i, j := 0, 0
	for i < len(last) && j < len(list) {
		if last[i] == list[j] {
			i, j = i+1, j+1
			continue
		}
		di, dj := meet(last[i:], list[j:])
		for ; di > 0; di-- {
			damage = merge(damage, last[i].area)
			i++
		}
		for ; dj > 0; dj-- {
			damage = merge(damage, list[j].area)
			j++
		}
	}
	for ; i < len(last); i++ {
		damage = merge(damage, last[i].area)
	}
	for ; j < len(list); j++ {
		damage = merge(damage, list[j].area)
	}
	return damage
}

// meet returns how many operations to leave out of each list, which differ in
// their first, until they are equal again. The fewest in all win; one of each
// is tried first, as most changes leave the tree's form alone.
func meet(a, b []op) (int, int) {
	for sum := 1; sum <= aheadMax; sum++ {
		if sum == 2 && len(a) > 1 && len(b) > 1 && a[1] == b[1] {
			return 1, 1
		}
		for i := 0; i <= sum; i++ {
			if j := sum - i; i < len(a) && j < len(b) && a[i] == b[j] {
				return i, j
			}
		}
	}
	return 1, 1
}

// merge adds a rectangle, joining it with those near it.
func merge(all []image.Rectangle, r image.Rectangle) []image.Rectangle {
	if r.Empty() {
		return all
	}
	for again := true; again; {
		again = false
		for i, s := range all {
			if waste(s, r) <= wasteMax {
				r = r.Union(s)
				all[i] = all[len(all)-1]
				all = all[:len(all)-1]
				again = true
				break
			}
		}
	}
	if len(all) < damageMax {
		return append(all, r)
	}
	least := 0
	for i := range all {
		if waste(all[i], r) < waste(all[least], r) {
			least = i
		}
	}
	r = r.Union(all[least])
	all[least] = all[len(all)-1]
	return merge(all[:len(all)-1], r)
}

// waste returns the pixels of the union that are in neither.
func waste(a, b image.Rectangle) int {
	u, both := a.Union(b), a.Intersect(b)
	return u.Dx()*u.Dy() - a.Dx()*a.Dy() - b.Dx()*b.Dy() + both.Dx()*both.Dy()
}
