package ui

import (
	"fmt"

	"github.com/cloudpos/cloudpos/drivers"
)

// homeScreen is what the terminal shows when nobody wants anything.
func (u *UI) homeScreen(p *page, a area) {
	title := u.opts.Merchant
	if title == "" {
		title = p.words.ready
	}
	u.header(p, &a, title, nil)
	u.statusLine(p, a.bottom(p.grown(6), p.gap()))
	if !u.opts.ContactOnly {
		u.lights(p, a.top(p.grown(3.4), p.gap()), drivers.SignalIdle, RoleMuted)
	}
	if p.wide {
		u.newSaleKey(p, a.left(a.w*0.58, p.gap()))
	} else {
		rest := a.bottom(max(a.h*0.42, 2*p.target()+p.gap()), p.gap())
		u.newSaleKey(p, a)
		a = rest
	}
	rows := a.rows(2, p.gap())
	p.iconKey(rows[0], plainLook, "history", p.words.history, p.label(), u.openHistory)
	look, name, label := plainLook, "reader", p.words.devices
	if n := len(u.status.Faults); n > 0 {
		look, name, label = warningLook, "warning", fmt.Sprintf(p.words.lookAt, n)
	}
	p.iconKey(rows[1], look, name, label, p.label(), func() { u.goTo(atDevices) })
}

// newSaleKey is the largest thing on the screen.
func (u *UI) newSaleKey(p *page, a area) {
	p.key(a, primaryLook, func(p *page, a area) {
		label := letters{size: p.grown(6.5), bold: true, role: RoleOnPrimary, lines: 2}
		inner := a.inset(p.gap(), p.gap())
		side := min(inner.h*0.45, inner.w*0.5, p.grown(24))
		p.stack(inner, p.gap(),
			pictureBlock(side, p.mm(5), func(a area) { p.icon(a, "sale", RoleOnPrimary) }),
			p.textBlock(inner.w, p.words.newSale, label))
	}, func() {
		u.amount = 0
		u.goTo(atAmount)
	})
}

// statusLine tells how it stands with the cloud and the printer.
func (u *UI) statusLine(p *page, a area) {
	name, text := "offline", p.words.offline
	if u.status.Online {
		name, text = "cloud", p.words.online
	}
	for _, waiting := range []struct {
		n    int
		text string
	}{{u.status.ToCloud, p.words.toCloud}, {u.status.ToPrint, p.words.toPrint}} {
		if waiting.n > 0 {
			text += "  ·  " + fmt.Sprintf(waiting.text, waiting.n)
		}
	}
	p.icon(a.left(a.h*0.9, p.grown(1.4)), name, RoleMuted)
	p.text(a, text, letters{size: p.body(), role: RoleMuted, align: leading, lines: 1})
}
