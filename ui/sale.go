package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/payment"
)

// asked are the notices that want one way of presenting a card, whatever else
// there is.
var asked = map[payment.Notice]drivers.Media{
	payment.NoticeCardUnread:   drivers.Contact,
	payment.NoticeSwipe:        drivers.Stripe,
	payment.NoticeStripeUnread: drivers.Stripe,
	payment.NoticeInsertChip:   drivers.Contact,
	payment.NoticeInsertCard:   drivers.Contact,
	payment.NoticeTapAgain:     drivers.Contactless,
	payment.NoticeOneCard:      drivers.Contactless,
	payment.NoticeSeePhone:     drivers.Contactless,
}

// ways are the pictures of presenting a card, from the left.
var ways = []struct {
	media   drivers.Media
	picture string
}{{drivers.Contact, "insert"}, {drivers.Contactless, "contactless"}, {drivers.Stripe, "swipe"}}

// presentScreen asks for the card.
func (u *UI) presentScreen(p *page, a area) {
	media := asked[u.view.Notice]
	if media == 0 {
		media = u.view.Media
	}
	title := p.words.present[media]
	if u.view.Notice == payment.NoticeSeePhone {
		title = p.words.seePhone
	}
	u.saleFrame(p, &a, p.words.cancel)
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picturesAt, text := u.split(p, a)
	u.tapLights(p, &picturesAt, u.view, RoleMuted)
	u.waysOf(p, picturesAt, media)
	p.stack(text, p.gap(),
		p.textBlock(text.w, title, letters{size: p.grown(6), bold: true, role: RoleText, lines: 2}),
		p.amountBlock(text.w, u.view))
}

// waysOf draws how a card may be presented. A phone that has something to say
// is looked at first.
func (u *UI) waysOf(p *page, a area, media drivers.Media) {
	var pictures []string
	for _, w := range ways {
		if media&w.media != 0 {
			pictures = append(pictures, w.picture)
		}
	}
	if u.view.Notice == payment.NoticeSeePhone {
		pictures = []string{"phone", "contactless"}
	}
	if len(pictures) == 1 {
		p.icon(a.inset(p.gap(), p.gap()), pictures[0], RoleAccent)
		return
	}
	for i, cell := range a.columns(len(pictures), p.gap()) {
		p.icon(cell.inset(p.grown(0.5), p.grown(1)), pictures[i], RoleAccent)
	}
}

// tapAgainScreen asks for the card once more, so that it hears the issuer's
// answer. The sale does not hang on it: the way out is to go without.
func (u *UI) tapAgainScreen(p *page, a area) {
	u.saleFrame(p, &a, p.words.withoutIt)
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picture, text := u.split(p, a)
	u.tapLights(p, &picture, u.view, RoleMuted)
	u.waysOf(p, picture, drivers.Contactless)
	p.stack(text, p.gap(),
		p.textBlock(text.w, p.words.tapAgain, letters{size: p.grown(6), bold: true, role: RoleText, lines: 2}),
		p.textBlock(text.w, p.words.tapAgainHint, letters{size: p.label(), role: RoleMuted, lines: 4}),
		p.amountBlock(text.w, u.view),
		optional(p.textBlock(text.w, cardLine(u.view.Label, u.view.Masked), letters{size: p.body(), role: RoleMuted, lines: 2})))
}

// saleFrame is the language above, and below the way out if there still is
// one, with what it is called.
func (u *UI) saleFrame(p *page, a *area, wayOut string) {
	bar := a.top(p.target(), p.gap())
	u.languageKey(p, &bar)
	p.text(bar, u.opts.Merchant, letters{size: p.label(), role: RoleMuted, align: leading, lines: 1})
	starting := u.at == atStarting && !running(u.view)
	if !u.view.Cancellable && !starting && u.view.Screen != payment.ScreenTapAgain {
		return
	}
	p.labelKey(a.bottom(max(p.target(), p.grown(12)), p.gap()), plainLook, wayOut, p.label(), func() {
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
	u.saleFrame(p, &a, p.words.cancel)
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picture, text := u.split(p, a)
	at, hint := "pinpad", p.words.pinHint
	if u.view.OnReader {
		at, hint = "reader", p.words.pinOnReader
	}
	u.tapLights(p, &picture, u.view, RoleMuted)
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

// processing is what the terminal is doing, what the customer does meanwhile,
// and where that is between card, PIN and bank.
func (u *UI) processing(w *vocabulary) (title, hint string, at step) {
	v := u.view
	read := v.Lights == drivers.SignalSuccess
	switch {
	case v.Screen == payment.ScreenCard && !v.Tapped:
		return w.reading, w.leaveCard, stepCard
	case v.Screen == payment.ScreenCard && !read:
		return w.reading, w.holdStill, stepCard
	case v.Screen == payment.ScreenCard:
		return w.starting, w.takeAway, stepCard
	case v.Screen != payment.ScreenAuthorising:
		return w.starting, "", stepCard
	case v.Tapped:
		return w.asking, w.askingTapped, stepBank
	case v.Swiped:
		return w.asking, w.askingSwiped, stepBank
	}
	return w.asking, w.askingHint, stepBank
}

// processingScreen says what the terminal is doing.
func (u *UI) processingScreen(p *page, a area) {
	title, hint, at := u.processing(p.words)
	u.saleFrame(p, &a, p.words.cancel)
	v := u.view
	if !running(v) {
		v.Amount.Minor, v.Amount.Currency = u.amount, u.opts.Currency
	}
	p.noticeBar(&a, "warning", p.words.notices[u.view.Notice])
	picture, text := u.split(p, a)
	if !p.wide {
		text.top(p.gap(), 0)
	}
	u.tapLights(p, &picture, u.view, RoleMuted)
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
	if u.view.Tapped {
		pictures[stepCard] = "contactless"
	}
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
			u.ticks = append(u.ticks, p.breathe(circle))
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
