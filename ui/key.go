package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/widget"
)

// key is whatever can be tapped: a digit, a button, a row of a list. It looks
// pressed from the moment a finger touches it, which Fyne's own button does
// not (it starts an animation).
type key struct {
	widget.BaseWidget
	page    page // for what is drawn on it
	plain   color.Color
	pressed color.Color
	radius  float32
	draw    func(*page, area)
	tapped  func()

	down     bool
	renderer *keyRenderer // once there is one
}

var (
	_ fyne.Tappable     = (*key)(nil)
	_ mobile.Touchable  = (*key)(nil)
	_ desktop.Mouseable = (*key)(nil)
)

// look is the colours of a key.
type look struct{ plain, pressed, on Role }

var (
	plainLook   = look{RoleSurface, RoleSurfacePressed, RoleText}
	quietLook   = look{RoleBackground, RoleSurfacePressed, RoleText}
	primaryLook = look{RolePrimary, RolePrimaryPressed, RoleOnPrimary}
	dangerLook  = look{RoleDanger, RoleDangerPressed, RoleOnDanger}
	successLook = look{RoleSuccess, RoleSuccessPressed, RoleOnSuccess}
	warningLook = look{RoleWarning, RoleWarningPressed, RoleOnWarning}
	neutralLook = look{RoleNeutral, RoleNeutralPressed, RoleOnNeutral}
)

// key puts one on the page. What is on it is drawn for its size.
func (p *page) key(a area, l look, draw func(*page, area), tapped func()) *key {
	k := &key{
		page:  *p.inner(),
		plain: p.colours[l.plain], pressed: p.colours[l.pressed],
		radius: p.radius(), draw: draw, tapped: tapped,
	}
	k.ExtendBaseWidget(k)
	p.put(k, a)
	return k
}

// labelKey is one with a text.
func (p *page) labelKey(a area, l look, label string, size float32, tapped func()) *key {
	return p.key(a, l, func(p *page, a area) {
		p.text(a.inset(p.grown(1.2), 0), label, letters{size: size, bold: true, role: l.on, lines: 2})
	}, tapped)
}

// iconKey is one with an icon, and beside it a text if there is one.
func (p *page) iconKey(a area, l look, name, label string, size float32, tapped func()) *key {
	return p.key(a, l, func(p *page, a area) {
		side := min(size*1.5, a.h*0.6)
		if label == "" {
			p.icon(a.centred(side, side), name, l.on)
			return
		}
		inner := a.inset(p.grown(1.6), 0)
		gap := p.grown(1.4)
		f := p.ruler(true).fit(label, inner.w-side-gap, inner.h, size, 2)
		w := float32(0)
		for _, line := range f.lines {
			w = max(w, p.ruler(true).measure(line, f.size).Width)
		}
		inner = inner.centred(side+gap+w, inner.h)
		p.icon(inner.left(side, gap), name, l.on)
		p.lines(inner, f, letters{bold: true, role: l.on, align: leading})
	}, tapped)
}

// Tapped does what the key is for.
func (k *key) Tapped(*fyne.PointEvent) {
	k.press(false)
	if k.tapped != nil {
		k.tapped()
	}
}

// TouchDown shows that the finger was felt.
func (k *key) TouchDown(*mobile.TouchEvent) { k.press(true) }

// TouchUp and TouchCancel let go.
func (k *key) TouchUp(*mobile.TouchEvent) { k.press(false) }

// TouchCancel comes instead of TouchUp when the finger has moved away.
func (k *key) TouchCancel(*mobile.TouchEvent) { k.press(false) }

// MouseDown and MouseUp do the same in a window on a desk.
func (k *key) MouseDown(*desktop.MouseEvent) { k.press(true) }

// MouseUp lets go.
func (k *key) MouseUp(*desktop.MouseEvent) { k.press(false) }

func (k *key) press(down bool) {
	if k.down != down {
		k.down = down
		k.page.hold.key(down)
		k.Refresh()
	}
}

// MinSize is a finger's.
func (k *key) MinSize() fyne.Size {
	side := k.page.mm(targetMM)
	return fyne.NewSize(side, side)
}

// CreateRenderer is Fyne's.
func (k *key) CreateRenderer() fyne.WidgetRenderer {
	r := &keyRenderer{key: k, face: canvas.NewRectangle(k.plain)}
	r.face.CornerRadius = k.radius
	r.objects = []fyne.CanvasObject{r.face}
	k.renderer = r
	return r
}

// release lets go of what is drawn on the keys of a screen that has gone. Fyne
// keeps their renderers for a minute, and with them every icon.
func release(o fyne.CanvasObject) {
	switch o := o.(type) {
	case *fyne.Container:
		for _, child := range o.Objects {
			release(child)
		}
	case *container.Scroll:
		release(o.Content)
	case *key:
		if r := o.renderer; r != nil {
			r.objects, r.key.page.objects = []fyne.CanvasObject{r.face}, nil
		}
	}
}

type keyRenderer struct {
	key     *key
	face    *canvas.Rectangle
	objects []fyne.CanvasObject
	size    fyne.Size
}

func (r *keyRenderer) Layout(size fyne.Size) {
	if size == r.size {
		return
	}
	r.size = size
	r.face.Resize(size)
	r.key.page.objects = append(r.objects[:0], r.face)
	r.key.draw(&r.key.page, area{0, 0, size.Width, size.Height})
	r.objects = r.key.page.objects
}

func (r *keyRenderer) MinSize() fyne.Size           { return r.key.MinSize() }
func (r *keyRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *keyRenderer) Destroy()                     {}

func (r *keyRenderer) Refresh() {
	r.Layout(r.key.Size())
	if r.face.FillColor = r.key.plain; r.key.down {
		r.face.FillColor = r.key.pressed
	}
	r.face.Refresh()
}
