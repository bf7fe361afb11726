package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"github.com/cloudpos/cloudpos/payment"
)

// presentScreen asks for the card.
func (u *UI) presentScreen(p *page, a area) {
	title, picture := p.words.insertOrTap, "contactless"
	alone := true
	switch n := u.view.Notice; {
	case n == payment.NoticeSwipe, n == payment.NoticeStripeUnread:
		title, picture = p.words.swipe, "swipe"
	case n == payment.NoticeInsertChip, u.opts.ContactOnly && !u.opts.Stripe:
		title, picture = p.words.insert, "insert"
	case u.opts.ContactOnly:
		title, picture = p.words.insertOrSwipe, "insert"
	case u.opts.Stripe:
		title, alone = p.words.insertTapOrSwipe, false
	default:
		alone = false
	}
	u.saleFrame(p, &a)
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picturesAt, text := u.split(p, a)
	if alone {
		p.icon(picturesAt.inset(p.gap(), p.gap()), picture, RoleAccent)
	} else {
		p.lights(picturesAt.top(p.grown(4), p.gap()), 1)
		both := picturesAt.columns(2, p.gap())
		p.icon(both[0].inset(p.grown(1), p.grown(1)), "insert", RoleAccent)
		p.icon(both[1].inset(p.grown(1), p.grown(1)), picture, RoleAccent)
	}
	p.stack(text, p.gap(),
		p.textBlock(text.w, title, letters{size: p.grown(6), bold: true, role: RoleText, lines: 2}),
		p.amountBlock(text.w, u.view))
}

// saleFrame is the language above, and below the way out if there still is
// one.
func (u *UI) saleFrame(p *page, a *area) {
	bar := a.top(p.target(), p.gap())
	u.languageKey(p, &bar)
	p.text(bar, u.opts.Merchant, letters{size: p.label(), role: RoleMuted, align: leading, lines: 1})
	starting := u.at == atStarting && !running(u.view)
	if !u.view.Cancellable && !starting {
		return
	}
	p.labelKey(a.bottom(max(p.target(), p.grown(12)), p.gap()), plainLook, p.words.cancel, p.label(), func() {
		u.shop.ask(func(s Shop) { s.Cancel() })
		if starting {
			u.goTo(atHome)
		}
	})
}

// split is room for a picture and for text, beside each other on a wide screen.
func (u *UI) split(p *page, a area) (picture, text area) {
	if p.wide {
		picture = a.left(a.w*0.42, p.gap())
		return picture.inset(0, p.gap()), a
	}
	picture = a.top(a.h*0.46, p.gap())
	return picture, a
}

func (p *page) amountBlock(width float32, v payment.View) block {
	return p.textBlock(width, written(v.Amount), letters{size: p.huge(), bold: true, role: RoleText, lines: 1})
}

// cardLine names the card, as far as it may be shown.
func cardLine(label, masked string) string {
	return strings.TrimSpace(label + "  " + masked)
}

// chooseScreen lets the customer choose among the card's applications.
func (u *UI) chooseScreen(p *page, a area) {
	title := p.words.choose
	if p.low {
		title = written(u.view.Amount)
	}
	u.header(p, &a, title, nil)
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	p.labelKey(a.bottom(max(p.target(), p.grown(12)), p.gap()), plainLook, p.words.noneOfThese, p.label(), func() {
		u.shop.ask(func(s Shop) { s.Choose(-1) })
	})
	if !p.low {
		p.text(a.top(p.grown(8), p.gap()), written(u.view.Amount), letters{size: p.title(), bold: true, role: RoleText, lines: 1})
	}
	const appsMax = 16
	apps := u.view.Apps[:min(len(u.view.Apps), appsMax)]
	u.list(p, a, p.grown(14), len(apps), func(p *page, a area, i int) {
		p.key(a, primaryLook, func(p *page, a area) {
			inner := a.inset(p.grown(2.4), p.grown(1))
			p.icon(inner.left(min(inner.h, p.grown(8)), p.grown(2.4)), "card", RoleOnPrimary)
			p.text(inner, apps[i], letters{size: p.title(), bold: true, role: RoleOnPrimary, align: leading, lines: 2})
		}, func() { u.shop.ask(func(s Shop) { s.Choose(i) }) })
	})
}

// list puts n rows below each other, and lets them scroll if there are more
// than fit.
func (u *UI) list(p *page, a area, rowHeight float32, n int, draw func(*page, area, int)) {
	rowHeight = max(rowHeight, p.target())
	total := float32(n)*(rowHeight+p.gap()) - p.gap()
	if total <= a.h {
		for i := range n {
			draw(p, a.top(rowHeight, p.gap()), i)
		}
		return
	}
	inner := p.inner()
	bar := p.grown(3) // beside the scroll bar
	rest := area{0, 0, a.w - bar, total}
	for i := range n {
		draw(inner, rest.top(rowHeight, p.gap()), i)
	}
	p.scroll(a, inner, total)
}

// scroll puts a page that is higher than its area behind a scroll bar.
func (p *page) scroll(a area, inner *page, height float32) {
	spacer := canvas.NewRectangle(p.colours[RoleBackground])
	spacer.SetMinSize(area{w: a.w - p.grown(3), h: height}.size())
	spacer.Resize(spacer.MinSize())
	content := container.NewWithoutLayout(append([]fyne.CanvasObject{spacer}, inner.objects...)...)
	p.scroller = container.NewVScroll(content)
	p.put(p.scroller, a)
}

// pinScreen sends the customer to the PIN pad, or to the reader's keys.
func (u *UI) pinScreen(p *page, a area) {
	u.saleFrame(p, &a)
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picture, text := u.split(p, a)
	at, hint := "pinpad", p.words.pinHint
	if u.view.OnReader {
		at, hint = "reader", p.words.pinOnReader
	}
	p.icon(picture.inset(p.gap(), p.grown(2)), at, RoleAccent)
	p.stack(text, p.gap(),
		p.textBlock(text.w, p.words.pin, letters{size: p.grown(6), bold: true, role: RoleText, lines: 2}),
		u.pinDots(p),
		optional(p.textBlock(text.w, hint, letters{size: p.body(), role: RoleMuted, lines: 2})),
		u.pinTries(p, text.w),
		p.amountBlock(text.w, u.view),
		optional(p.textBlock(text.w, cardLine(u.view.Label, u.view.Masked), letters{size: p.body(), role: RoleMuted, lines: 2})))
}

// pinTries tells how often the PIN may still be wrong, when the card tells.
func (u *UI) pinTries(p *page, width float32) block {
	text, role := fmt.Sprintf(p.words.pinTries, u.view.PINTries), RoleMuted
	switch u.view.PINTries {
	case 0:
		return fixedBlock(0, nil)
	case 1:
		text, role = p.words.pinLast, RoleText
	}
	return p.textBlock(width, text, letters{size: p.body(), bold: role == RoleText, role: role, lines: 2})
}

// pinDots are one for each key pressed, when the pad tells. Their number is all
// that is known here of a PIN.
func (u *UI) pinDots(p *page) block {
	if u.pinKeys < 0 {
		return fixedBlock(0, nil)
	}
	return fixedBlock(p.grown(7), func(a area) {
		p.box(a.centred(p.grown(44), a.h), RoleSurface, a.h/2)
		side := p.grown(2.6)
		row := a.centred(side*float32(max(0, 2*u.pinKeys-1))*0.7+side*0.3, side)
		for range u.pinKeys {
			p.dot(row.left(side, side*0.4), RoleText)
		}
	})
}

// step is where a sale is between card, PIN and bank.
type step uint8

const (
	stepCard step = iota
	stepPIN
	stepBank
)

// processingScreen says what the terminal is doing.
func (u *UI) processingScreen(p *page, a area) {
	title, hint, at := p.words.starting, "", stepCard
	switch u.view.Screen {
	case payment.ScreenCard:
		title, hint = p.words.reading, p.words.leaveCard
	case payment.ScreenAuthorising:
		title, hint, at = p.words.asking, p.words.askingHint, stepBank
		if u.view.Swiped {
			hint = p.words.askingSwiped
		}
	case payment.ScreenIdle, payment.ScreenPresentCard, payment.ScreenChoose, payment.ScreenPIN, payment.ScreenTapAgain,
		payment.ScreenApproved, payment.ScreenDeclined, payment.ScreenCancelled,
		payment.ScreenInDoubt, payment.ScreenFault:
	}
	u.saleFrame(p, &a)
	v := u.view
	if !running(v) {
		v.Amount.Minor, v.Amount.Currency = u.amount, u.opts.Currency
	}
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picture, text := u.split(p, a)
	if !p.wide {
		text.top(p.gap(), 0)
	}
	u.steps(p, picture, at)
	p.stack(text, p.gap(),
		p.textBlock(text.w, title, letters{size: p.grown(6), bold: true, role: RoleText, lines: 2}),
		p.textBlock(text.w, hint, letters{size: p.label(), role: RoleMuted, lines: 3}),
		p.amountBlock(text.w, v),
		optional(p.textBlock(text.w, cardLine(v.Label, v.Masked), letters{size: p.body(), role: RoleMuted, lines: 2})))
}

// pulse is how often the present step changes its look.
const pulse = 600 * time.Millisecond

// steps shows card, PIN and bank; the present one is large and breathes.
func (u *UI) steps(p *page, a area, at step) {
	row := a.centred(min(a.w, p.grown(62)), min(a.h, p.grown(24)))
	names := []string{p.words.stepCard, p.words.stepPIN, p.words.stepBank}
	pictures := []string{"card", "pinpad", "bank"}
	for i, cell := range row.columns(len(names), p.grown(4)) {
		name := cell.bottom(min(p.grown(5.6), cell.h*0.34), 0)
		side := min(cell.h, cell.w)
		disc := cell.centred(side, side)
		role, on := RoleSurface, RoleMuted
		switch {
		case step(i) < at:
			role, on = RoleSuccess, RoleOnSuccess
		case step(i) == at:
			role, on = RolePrimary, RoleOnPrimary
		}
		circle := p.dot(disc, role)
		if step(i) == at {
			u.ticks = p.breathe(circle)
		}
		inner := disc.centred(side*0.56, side*0.56)
		if step(i) < at {
			p.icon(inner, "check", on)
		} else {
			p.icon(inner, pictures[i], on)
		}
		p.text(name, names[i], letters{size: p.body(), bold: step(i) == at, role: RoleText, lines: 1})
	}
}

// breathe lets a disc change between two colours, on both of which its icon
// can be read.
func (p *page) breathe(c *canvas.Circle) ticks {
	return ticks{
		next: func(int) time.Duration { return pulse },
		do: func(n int) {
			role := RolePrimary
			if n%2 == 1 {
				role = RolePrimaryPressed
			}
			c.FillColor = p.colours[role]
			c.Refresh()
		},
	}
}
