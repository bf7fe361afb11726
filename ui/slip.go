package ui

import (
	"strings"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// slipLinesMax bounds the paper.
const slipLinesMax = 80

func (u *UI) openSlip(r *payment.Record, from place) {
	u.record, u.from = r, from
	u.goTo(atSlip)
}

// slipScreen shows the receipt as it is printed.
func (u *UI) slipScreen(p *page, a area) {
	r := u.record
	if r == nil || u.opts.Slips == nil {
		u.homeScreen(p, a)
		return
	}
	u.header(p, &a, p.words.receipt, func() { u.goTo(u.from) })
	u.reprintKey(p, u.actions(p, &a, 1)[0], r)
	paper := p.inner()
	width := min(a.w-p.grown(3), p.grown(62))
	body := area{(a.w - p.grown(3) - width) / 2, 0, width, 1 << 20}
	slips := u.opts.Slips(r)
	for i, in := range slips {
		in.Language = u.Language()
		end := float32(0)
		if i == len(slips)-1 { // the last hangs down to the end of the screen
			end = a.h
		}
		paper.sheet(&body, receipt.Render(in), end)
	}
	p.scroll(a, paper, body.y-p.gap())
}

// sheet is one piece of paper, at least down to a height. It cuts its room and
// a gap off the area.
func (p *page) sheet(a *area, doc drivers.Document, down float32) {
	sheet := p.box(*a, RolePaper, 0)
	inner := a.inset(p.grown(3), 0)
	inner.top(p.grown(3), 0)
	for _, line := range doc[:min(len(doc), slipLinesMax)] {
		p.slipLine(&inner, line)
	}
	room := a.top(max(inner.y+p.grown(3), down)-a.y, p.gap())
	sheet.Resize(room.size())
}

// slipLine draws one line of print and cuts its room off the paper.
func (p *page) slipLine(a *area, line drivers.Print) {
	size := p.grown(2.9)
	if line.Double {
		size *= 1.5
	}
	l := letters{size: size, bold: line.Bold, role: RoleInk, lines: 3}
	height := p.ruler(line.Bold).fit("M", a.w, 1<<20, size, 1).lineHeight
	if line.Rule {
		row := a.top(p.grown(3), 0)
		p.box(area{row.x, row.y + row.h/2, row.w, p.mm(0.2)}, RoleInk, 0)
		return
	}
	name, value, tabbed := strings.Cut(line.Text, "\t")
	if tabbed {
		row := a.top(height, 0)
		l.lines, l.align = 1, leading
		p.text(row.left(row.w*0.36, p.grown(1)), name, l)
		l.align = trailing
		p.text(row, value, l)
		return
	}
	switch line.Align {
	case drivers.Left:
		l.align = leading
	case drivers.Right:
		l.align = trailing
	case drivers.Centre:
	}
	f := p.ruler(line.Bold).fit(line.Text, a.w, 1<<20, size, l.lines)
	p.lines(a.top(max(height, f.height()), 0), f, l)
}
