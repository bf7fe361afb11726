package ui

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/cloudpos/cloudpos/payment"
)

// fill is the layout of the root: a new size is a new drawing.
type fill struct{ u *UI }

// MinSize is none: a screen takes what it gets.
func (f *fill) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// Layout draws anew if the size has changed.
func (f *fill) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	if size != f.u.size {
		f.u.size = size
		f.u.draw()
	}
}

// ticks are how a screen moves: do is called with 1, 2, … so often.
type ticks struct {
	next func(n int) time.Duration // until tick n; 0 is never
	do   func(n int)
}

// draw replaces the screen by the one that is to be seen now.
func (u *UI) draw() {
	if u.size.Width <= 0 || u.size.Height <= 0 {
		return
	}
	now := u.spot()
	if u.held(now) {
		return
	}
	u.stop()
	u.stale, u.hold = false, &hold{freed: u.freed}
	u.ticks = nil
	u.drawing++
	p := &page{metrics: measureScreen(u.size.Width, u.size.Height, u.opts.PerMM), style: &u.style, hold: u.hold}
	all := area{0, 0, u.size.Width, u.size.Height}
	p.box(all, RoleBackground, 0)
	if u.opts.Training {
		strip := all.top(p.mm(2.8)+p.grown(0.8), 0)
		p.box(strip, RoleWarning, 0)
		p.text(strip, u.style.words.training, letters{size: p.mm(2.4), bold: true, role: RoleOnWarning, lines: 1})
	}
	u.screen()(p, all.inset(p.gap(), p.gap()))
	if p.scroller != nil && u.scroller != nil && now == u.drawn {
		p.scroller.ScrollToOffset(u.scroller.Offset)
	}
	u.scroller, u.drawn = p.scroller, now
	release(u.root)
	u.root.Objects = p.objects
	u.root.Refresh()
	u.stopTicks = make([]func(), len(u.ticks))
	for i, t := range u.ticks {
		u.arm(u.drawing, i, t, 1)
	}
}

// stop ends all that moves.
func (u *UI) stop() {
	for _, stop := range u.stopTicks {
		if stop != nil {
			stop()
		}
	}
	u.stopTicks = nil
}

// arm waits for the next tick of what is the ith to move on a screen.
func (u *UI) arm(drawing, i int, t ticks, n int) {
	wait := t.next(n)
	if wait <= 0 {
		return
	}
	u.stopTicks[i] = u.opts.After(wait, func() {
		if drawing != u.drawing {
			return
		}
		t.do(n)
		if drawing == u.drawing {
			u.arm(drawing, i, t, n+1)
		}
	})
}

// screen chooses what is to be seen. A sale goes before all, its end before
// wherever the cashier was.
func (u *UI) screen() func(*page, area) {
	if u.selling() {
		return u.saleScreen()
	}
	if u.ended != nil && u.at != atSlip {
		return u.endScreen
	}
	switch u.at {
	case atHome:
	case atAmount:
		return u.amountScreen
	case atMethod:
		return u.methodScreen
	case atStarting:
		return u.processingScreen
	case atHistory:
		return u.historyScreen
	case atRecord:
		return u.recordScreen
	case atSlip:
		return u.slipScreen
	case atDevices:
		return u.devicesScreen
	}
	return u.homeScreen
}

func (u *UI) saleScreen() func(*page, area) {
	switch u.view.Screen {
	case payment.ScreenPresentCard:
		return u.presentScreen
	case payment.ScreenTapAgain:
		return u.tapAgainScreen
	case payment.ScreenChoose:
		return u.chooseScreen
	case payment.ScreenPIN:
		return u.pinScreen
	case payment.ScreenCard, payment.ScreenAuthorising:
		return u.processingScreen
	case payment.ScreenIdle, payment.ScreenApproved, payment.ScreenDeclined,
		payment.ScreenCancelled, payment.ScreenInDoubt, payment.ScreenFault:
	}
	return u.processingScreen // a screen that we do not know yet
}

// header is the top of most screens: a way back if there is one, what it is,
// and the other language.
func (u *UI) header(p *page, a *area, title string, back func()) {
	bar := a.top(p.target(), p.gap())
	u.languageKey(p, &bar)
	if back != nil {
		p.iconKey(bar.left(p.target(), p.gap()), quietLook, "back", "", p.title(), back)
	}
	p.text(bar, title, letters{size: p.title(), bold: true, role: RoleText, align: leading, lines: 2})
}

// languageKey switches to the other language, named in its own script.
func (u *UI) languageKey(p *page, bar *area) {
	w := max(p.target(), p.grown(15))
	p.labelKey(bar.right(w, p.gap()), plainLook, p.words.other, p.body(), func() {
		u.SetLanguage(otherLanguage(u.Language()))
	})
}

// notice is a banner; it takes no room when there is nothing to say.
func (p *page) notice(a area, iconName, text string) {
	p.box(a, RoleWarning, p.radius())
	inner := a.inset(p.grown(1.6), p.grown(1))
	side := min(inner.h, p.grown(6))
	p.icon(inner.left(side, p.grown(1.6)), iconName, RoleOnWarning)
	p.text(inner, text, letters{size: p.body(), bold: true, role: RoleOnWarning, align: leading, lines: 3})
}

// noticeBar cuts a notice off the top, if there is something to say.
func (p *page) noticeBar(a *area, iconName, text string) {
	if text != "" {
		b := p.noticeBlock(a.w, iconName, text)
		b.draw(a.top(b.height(1), p.gap()), 1)
	}
}

// noticeBlock is a notice among other blocks.
func (p *page) noticeBlock(width float32, iconName, text string) block {
	if text == "" {
		return fixedBlock(0, nil)
	}
	h := p.ruler(true).fit(text, width-p.grown(10.8), 1<<20, p.body(), 3).height()
	return fixedBlock(max(p.grown(9), h+p.grown(2.4)), func(a area) { p.notice(a, iconName, text) })
}
