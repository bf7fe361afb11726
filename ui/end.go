package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/cloudpos/cloudpos/payment"
)

// sign is how an end looks from afar: each has a shape and a word of its own,
// so that colour only repeats what they say.
type sign struct {
	icon string
	look look
	word string
}

func (u *UI) signOf(e *ended) sign {
	w := u.style.words
	switch e.view.Screen {
	case payment.ScreenApproved:
		return sign{"check", successLook, w.approved}
	case payment.ScreenDeclined:
		return sign{"cross", dangerLook, w.declined}
	case payment.ScreenCancelled:
		return sign{"stop", neutralLook, w.cancelled}
	case payment.ScreenInDoubt:
		if e.reversed() {
			return sign{"back", neutralLook, w.reversed}
		}
		return sign{"doubt", warningLook, w.inDoubt}
	case payment.ScreenFault, payment.ScreenIdle, payment.ScreenPresentCard, payment.ScreenCard,
		payment.ScreenChoose, payment.ScreenPIN, payment.ScreenAuthorising, payment.ScreenTapAgain:
	}
	return sign{"warning", dangerLook, w.fault}
}

// reversed tells whether the cloud has heard of the reversal since.
func (e *ended) reversed() bool { return e.record != nil && e.record.State == payment.Reversed }

// advice says what happened and what to do.
func (u *UI) advice(e *ended) advice {
	w := u.style.words
	say := w.ended(e.view)
	switch {
	case e.view.Screen == payment.ScreenApproved && u.status.ToPrint > 0 && u.printerFault() != nil:
		say.next = w.slipWaits + " " + w.problem(*u.printerFault()).next
	case e.reversed():
		say = advice{w.why(e.view.Screen, e.view.Reason, "").what, w.reversedNext}
	}
	return say
}

// ended says what a view of an end means, whatever happened since.
func (v *vocabulary) ended(view payment.View) advice {
	switch {
	case view.Screen == payment.ScreenApproved && view.Signs:
		return advice{v.signs, v.signsNext}
	case view.Screen == payment.ScreenApproved:
		return advice{v.approvedNext, ""}
	case view.Screen == payment.ScreenInDoubt:
		return advice{v.inDoubtWhat + " " + v.why(view.Screen, view.Reason, "").what, v.inDoubtNext}
	}
	return v.why(view.Screen, view.Reason, view.Code)
}

// Advice says how a transaction has ended and what to do next, in the words of
// its screen, for where there is none. A view of no end has none.
func Advice(l Language, view payment.View) string {
	if !view.Final() {
		return ""
	}
	say := vocabularyOf(l).ended(view)
	return strings.TrimSpace(say.what + " " + say.next)
}

// balanceOf says what the card still holds, if it has said so.
func (v *vocabulary) balanceOf(view payment.View) string {
	if view.Balance.Currency.Code == "" {
		return ""
	}
	return fmt.Sprintf(v.balance, written(view.Balance))
}

func (u *UI) printerFault() *Fault {
	for i := range u.status.Faults {
		if u.status.Faults[i].Device == DevicePrinter {
			return &u.status.Faults[i]
		}
	}
	return nil
}

// An end leaves by itself once the card is out; one in doubt does not.
const (
	approvedStays = 20 * time.Second
	otherStays    = 60 * time.Second
)

// endScreen is the end of a sale: half of it is a sign.
func (u *UI) endScreen(p *page, a area) {
	e := u.ended
	s := u.signOf(e)
	var hero area
	if p.wide {
		hero = a.left(a.w*heroShare(p), p.gap())
	} else {
		hero = a.top(a.h*0.44, p.gap())
	}
	u.hero(p, hero, s, e)
	bar := a.top(p.target(), p.gap())
	u.languageKey(p, &bar)
	p.text(bar, u.opts.Merchant, letters{size: p.body(), role: RoleMuted, align: leading, lines: 1})
	u.endKeys(p, a.bottom(max(p.target(), p.grown(12)), p.gap()), e)
	say := u.advice(e)
	lead := letters{size: p.title(), bold: true, role: RoleText, lines: 4}
	follow := letters{size: p.label(), role: RoleText, lines: 6}
	small := letters{size: p.caption(), role: RoleMuted, lines: 2}
	take := p.noticeBlock(a.w, "take", "")
	switch n := e.view.Notice; {
	case n == payment.NoticeRemoveCard && e.view.Tapped:
		take = p.noticeBlock(a.w, "contactless", p.words.notices[n])
	case n == payment.NoticeRemoveCard:
		take = p.noticeBlock(a.w, "take", p.words.notices[n])
	case n == payment.NoticeTooLate:
		take = p.noticeBlock(a.w, "warning", p.words.notices[n])
	}
	p.stack(a, p.gap(), take,
		p.textBlock(a.w, say.what, lead),
		p.textBlock(a.w, say.next, follow),
		p.textBlock(a.w, p.words.balanceOf(e.view), follow),
		optional(p.textBlock(a.w, cardLine(e.view.Label, e.view.Masked), small)),
		optional(p.textBlock(a.w, e.detail, small)))
	u.leaveLater(e)
}

// hero is the sign, the word and the amount. From three metres a sharp eye
// reads letters of 4.4 mm: the word is well above, the sign four times that.
func (u *UI) hero(p *page, a area, s sign, e *ended) {
	p.box(a, s.look.plain, p.grown(2.4))
	inner := a.inset(p.grown(2.4), p.grown(2))
	u.tapLights(p, &inner, e.view, s.look.on)
	if text := written(e.view.Amount); text != "" {
		p.text(inner.bottom(min(p.grown(9), inner.h*0.22), 0), text,
			letters{size: p.grown(6), bold: true, role: s.look.on, lines: 1})
	}
	word := inner.bottom(min(p.mm(17), inner.h*0.42), 0)
	p.text(word, s.word, letters{size: max(p.mm(11), p.grown(11)), bold: true, role: s.look.on, lines: 1})
	p.icon(inner, s.icon, s.look.on)
}

// heroShare is how much of a wide screen the sign gets.
func heroShare(p *page) float32 {
	if p.low {
		return 0.56
	}
	return 0.5
}

func (u *UI) endKeys(p *page, a area, e *ended) {
	type button struct {
		look   look
		label  string
		tapped func()
	}
	buttons := []button{
		{plainLook, p.words.done, func() { u.dismiss(atHome) }},
		{primaryLook, p.words.newSaleAfter, func() { u.dismiss(atAmount) }},
	}
	if e.record != nil && u.opts.Slips != nil && e.view.Screen == payment.ScreenApproved {
		buttons[0] = button{plainLook, p.words.receipt, func() { u.openSlip(e.record, atHome) }}
	}
	for i, cell := range a.columns(len(buttons), p.gap()) {
		b := buttons[i]
		p.labelKey(cell, b.look, b.label, p.label(), b.tapped)
	}
}

func (u *UI) leaveLater(e *ended) {
	stays := otherStays
	switch {
	case running(u.view), e.view.Screen == payment.ScreenInDoubt && !e.reversed():
		return
	case e.view.Screen == payment.ScreenApproved && !e.view.Signs:
		stays = approvedStays
	}
	u.ticks = append(u.ticks, ticks{
		next: func(int) time.Duration { return stays },
		do:   func(int) { u.dismiss(atHome) },
	})
}
