package ui

import (
	"strings"

	"github.com/cloudpos/cloudpos/payment"
)

// openHistory asks for the records and shows what was known before until they
// come.
func (u *UI) openHistory() {
	u.reprints = nil
	u.shop.ask(func(s Shop) { s.History() })
	u.goTo(atHistory)
}

// historyScreen lists the latest sales.
func (u *UI) historyScreen(p *page, a area) {
	u.header(p, &a, p.words.history, func() { u.goTo(atHome) })
	empty := ""
	switch {
	case !u.known:
		empty = p.words.historyWait
	case len(u.records) == 0:
		empty = p.words.historyEmpty
	}
	if empty != "" {
		p.text(a, empty, letters{size: p.title(), role: RoleMuted})
		return
	}
	u.list(p, a, p.grown(13), len(u.records), func(p *page, a area, i int) {
		u.recordRow(p, a, &u.records[i])
	})
}

// stateSign is the shape and colour of a state in a list.
func stateSign(s payment.State) (string, Role) {
	switch s {
	case payment.Approved:
		return "check", RoleSuccess
	case payment.Declined:
		return "cross", RoleDanger
	case payment.Cancelled:
		return "stop", RoleNeutral
	case payment.Authorising, payment.Reversing:
		return "doubt", RoleAccent
	case payment.Reversed:
		return "back", RoleNeutral
	}
	return "warning", RoleDanger
}

func (u *UI) recordRow(p *page, a area, r *payment.Record) {
	p.key(a, plainLook, func(p *page, a area) {
		inner := a.inset(p.grown(2), p.grown(1))
		name, role := stateSign(r.State)
		side := min(inner.h*0.6, p.grown(6))
		p.icon(inner.left(side, p.grown(2)), name, role)
		lines := inner.rows(2, 0)
		card := r.Card()
		top, bottom := lines[0], lines[1]
		p.text(top.right(top.w*0.5, p.gap()), written(r.Opening.Amount),
			letters{size: p.label(), bold: true, role: RoleText, align: trailing, lines: 1})
		p.text(top, p.words.states[r.State], letters{size: p.label(), bold: true, role: RoleText, align: leading, lines: 1})
		p.text(bottom.right(bottom.w*0.5, p.gap()), tail(card.Masked),
			letters{size: p.body(), role: RoleMuted, align: trailing, lines: 1})
		p.text(bottom, r.Opening.Started.In(u.opts.Zone).Format("01-02 15:04"),
			letters{size: p.body(), role: RoleMuted, align: leading, lines: 1})
	}, func() {
		u.record = r
		u.goTo(atRecord)
	})
}

// tail is the end of a masked account number.
func tail(masked string) string {
	const last = 4
	if len(masked) <= last {
		return masked
	}
	return "•• " + masked[len(masked)-last:]
}

// recordScreen tells all about one sale.
func (u *UI) recordScreen(p *page, a area) {
	r := u.record
	if r == nil {
		u.historyScreen(p, a)
		return
	}
	u.header(p, &a, p.words.details+" "+six(r.Opening.Receipt), func() { u.goTo(atHistory) })
	if u.opts.Slips == nil {
		u.reprintKey(p, u.actions(p, &a, 1)[0], r)
	} else {
		cells := u.actions(p, &a, 2)
		p.iconKey(cells[0], plainLook, "receipt", p.words.receipt, p.label(), func() { u.openSlip(r, atRecord) })
		u.reprintKey(p, cells[1], r)
	}
	top := a.top(p.grown(13), p.gap())
	name, role := stateSign(r.State)
	p.box(top, RoleSurface, p.radius())
	top = top.inset(p.grown(2), p.grown(1))
	p.icon(top.left(top.h*0.7, p.grown(2)), name, role)
	p.text(top.right(top.w*0.55, p.gap()), written(r.Opening.Amount),
		letters{size: p.title(), bold: true, role: RoleText, align: trailing, lines: 1})
	p.text(top, p.words.states[r.State], letters{size: p.title(), bold: true, role: RoleText, align: leading, lines: 2})

	fields := u.recordFields(p, r)
	rowHeight := p.grown(6.4)
	total := float32(len(fields)) * rowHeight
	target, inner := p, a
	if total > a.h {
		target = p.inner()
		inner = area{0, 0, a.w - p.grown(3), total}
	}
	rest := inner
	for _, f := range fields {
		row := rest.top(rowHeight, 0)
		target.text(row.left(row.w*0.36, p.gap()), f[0], letters{size: p.body(), role: RoleMuted, align: leading, lines: 1})
		target.text(row, f[1], letters{size: p.body(), role: RoleText, align: trailing, lines: 2})
	}
	if target != p {
		p.scroll(a, target, total)
	}
}

// recordFields are what there is to tell, without what is empty.
func (u *UI) recordFields(p *page, r *payment.Record) [][2]string {
	f, card := p.words.fields, r.Card()
	printed := ""
	if r.State == payment.Approved {
		if printed = f.no; r.Printed {
			printed = f.yes
		}
	}
	stan := r.Opening.STAN
	if a := r.Attempt(); a != nil {
		stan = a.STAN
	}
	why := ""
	if r.State != payment.Approved {
		why = p.words.why(screenOf(r.State), r.Ending.Reason, r.Ending.Code).what
	}
	all := [][2]string{
		{f.state, why},
		{f.time, r.Opening.Started.In(u.opts.Zone).Format("2006-01-02 15:04:05")},
		{f.card, card.Masked}, {f.label, card.Label},
		{f.receipt, six(r.Opening.Receipt)}, {f.stan, six(stan)},
		{f.auth, r.Ending.AuthCode}, {f.ref, r.Ending.HostRef}, {f.code, r.Ending.Code},
		{f.printed, printed},
	}
	told := all[:0]
	for _, field := range all {
		if strings.TrimSpace(field[1]) != "" {
			told = append(told, field)
		}
	}
	return told
}

func screenOf(s payment.State) payment.Screen {
	switch s {
	case payment.Approved:
		return payment.ScreenApproved
	case payment.Declined:
		return payment.ScreenDeclined
	case payment.Cancelled:
		return payment.ScreenCancelled
	case payment.Authorising, payment.Reversing, payment.Reversed:
		return payment.ScreenInDoubt
	}
	return payment.ScreenFault
}

// actions cuts room for keys: at the right of a wide screen, so that what is
// read keeps its height, and else below.
func (u *UI) actions(p *page, a *area, n int) []area {
	height := max(p.target(), p.grown(12))
	if !p.wide {
		row := a.bottom(height, p.gap())
		return row.columns(n, p.gap())
	}
	column := a.right(a.w*0.3, p.gap())
	return column.top(height*float32(n)+p.gap()*float32(n-1), 0).rows(n, p.gap())
}

// reprintKey asks for the slip on paper, once for each visit.
func (u *UI) reprintKey(p *page, a area, r *payment.Record) {
	if u.reprints[r.ID] {
		p.box(a, RoleSurface, p.radius())
		p.text(a.inset(p.gap(), 0), p.words.reprinting, letters{size: p.body(), bold: true, role: RoleText, lines: 2})
		return
	}
	id := r.ID
	p.iconKey(a, primaryLook, "printer", p.words.reprint, p.label(), func() {
		if u.reprints == nil {
			u.reprints = map[payment.ID]bool{}
		}
		u.reprints[id] = true
		u.shop.ask(func(s Shop) { s.Reprint(id) })
		u.draw()
	})
}
