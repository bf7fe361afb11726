package ui

import (
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"github.com/cloudpos/cloudpos/money"
)

// amountMax is ten digits: as much as a shop takes, and as fits.
const amountMax = 9_999_999_999

// amountScreen is where the cashier keys in the amount, from the cents up as on
// a till.
func (u *UI) amountScreen(p *page, a area) {
	keys := a
	back := func() { u.goTo(atHome) }
	if p.wide {
		left := a
		keys = left.right(max(a.w*0.52, 3*p.target()+2*p.gap()), p.gap())
		a = left
		u.header(p, &a, p.words.amount, back)
	} else {
		u.header(p, &a, p.words.amount, back)
	}
	actions := a.bottom(max(p.target(), p.grown(12)), p.gap())
	if !p.wide {
		show := a.top(min(a.h*0.24, p.grown(24)), p.gap())
		keys, a = a, show
	}
	display := u.amountDisplay(p, a)
	clearRow := actions.columns(2, p.gap())
	p.labelKey(clearRow[0], plainLook, p.words.clear, p.label(), func() { display.set(u, 0) })
	p.labelKey(clearRow[1], primaryLook, p.words.next, p.label(), u.amountDone)
	u.digitKeys(p, keys, display)
	display.set(u, u.amount)
}

// digitKeys are the twelve keys of a till.
func (u *UI) digitKeys(p *page, a area, display *amountDisplay) {
	labels := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0", "erase"}
	for i, row := range a.rows(4, p.gap()) {
		for j, cell := range row.columns(3, p.gap()) {
			label := labels[3*i+j]
			if label == "erase" {
				p.iconKey(cell, plainLook, label, "", p.grown(6), func() { display.set(u, u.amount/10) })
				continue
			}
			p.labelKey(cell, plainLook, label, p.grown(6.5), func() { display.set(u, keyIn(u.amount, label)) })
		}
	}
}

// keyIn appends digits to an amount; what does not fit is ignored.
func keyIn(amount int64, digits string) int64 {
	for _, d := range digits {
		next := amount*10 + int64(d-'0')
		if next > amountMax {
			return amount
		}
		amount = next
	}
	return amount
}

// amountDisplay shows the amount while it is keyed in. It changes in place: a
// key press paints one text.
type amountDisplay struct {
	area  area
	page  *page
	text  *canvas.Text
	width ruler
}

func (u *UI) amountDisplay(p *page, a area) *amountDisplay {
	p.box(a, RoleSurface, p.radius())
	inner := a.inset(p.grown(2.4), p.grown(1))
	caption := inner.top(min(p.grown(6), inner.h*0.36), 0)
	p.text(caption.right(p.grown(9), p.gap()), u.opts.Currency.Code,
		letters{size: p.body(), role: RoleMuted, align: trailing, lines: 1})
	p.text(caption, p.words.amountHint, letters{size: p.caption(), role: RoleMuted, align: leading, lines: 1})
	d := &amountDisplay{area: inner, page: p, width: p.ruler(true)}
	d.text = canvas.NewText("", p.colours[RoleText])
	d.text.TextStyle.Bold = true
	d.text.Alignment = fyne.TextAlignTrailing
	p.put(d.text, inner)
	return d
}

// set shows an amount, and remembers it.
func (d *amountDisplay) set(u *UI, minor int64) {
	u.amount = minor
	text := grouped(money.Amount{Minor: minor, Currency: u.opts.Currency}.Plain())
	f := d.width.fit(text, d.area.w, d.area.h, d.page.huge(), 1)
	if len(f.lines) == 0 || d.text.Text == f.lines[0] && d.text.TextSize == f.size {
		return
	}
	d.text.Text, d.text.TextSize = f.lines[0], f.size
	d.text.Resize(fyne.NewSize(d.area.w, f.lineHeight))
	d.text.Move(fyne.NewPos(d.area.x, d.area.y+(d.area.h-f.lineHeight)/2))
	d.text.Refresh()
}

// amountDone goes on once there is an amount.
func (u *UI) amountDone() {
	switch {
	case u.amount <= 0:
	case len(u.opts.Methods) > 1:
		u.goTo(atMethod)
	default:
		u.sell(u.opts.Methods[0])
	}
}

// sell asks for the sale. Until its first view comes the screen says that
// something happens, and the cashier can give up.
func (u *UI) sell(method Method) {
	amount := money.Amount{Minor: u.amount, Currency: u.opts.Currency}
	u.shop.ask(func(s Shop) { s.Sell(amount, method) })
	u.goTo(atStarting)
}

// methodScreen chooses the way to pay.
func (u *UI) methodScreen(p *page, a area) {
	u.header(p, &a, p.words.method, func() { u.goTo(atAmount) })
	amount := money.Amount{Minor: u.amount, Currency: u.opts.Currency}
	p.text(a.top(min(a.h*0.2, p.grown(16)), p.gap()), written(amount), letters{size: p.huge(), bold: true, role: RoleText, lines: 1})
	cells := a.rows(len(u.opts.Methods), p.gap())
	if p.wide {
		cells = a.columns(len(u.opts.Methods), p.gap())
	}
	for i, method := range u.opts.Methods {
		u.methodKey(p, cells[i], method)
	}
}

func (u *UI) methodKey(p *page, a area, method Method) {
	words := p.words.methods[method]
	p.key(a, plainLook, func(p *page, a area) {
		inner := a.inset(p.grown(2.4), p.gap())
		name := letters{size: p.title(), bold: true, role: RoleText, lines: 1}
		hint := letters{size: p.body(), role: RoleMuted, lines: 2}
		side := min(p.grown(16), inner.h*0.6, inner.w*0.4)
		if !p.wide {
			p.icon(inner.left(side, p.grown(3)), string(method), RoleAccent)
			name.align, hint.align = leading, leading
			p.stack(inner, 0, p.textBlock(inner.w, words.name, name), p.textBlock(inner.w, words.hint, hint))
			return
		}
		p.stack(inner, p.gap(),
			pictureBlock(side, p.mm(5), func(a area) { p.icon(a, string(method), RoleAccent) }),
			p.textBlock(inner.w, words.name, name), p.textBlock(inner.w, words.hint, hint))
	}, func() { u.sell(method) })
}

// written is an amount with its currency and grouped digits: "CNY 1,250.00".
func written(a money.Amount) string {
	if a.Currency.Code == "" {
		return ""
	}
	return a.Currency.Code + " " + grouped(a.Plain())
}

// grouped puts a comma before each three digits of the whole part.
func grouped(plain string) string {
	whole, fraction, pointed := strings.Cut(plain, ".")
	digits := strings.TrimPrefix(whole, "-")
	var out strings.Builder
	out.WriteString(whole[:len(whole)-len(digits)])
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	if pointed {
		out.WriteByte('.')
		out.WriteString(fraction)
	}
	return out.String()
}

// six writes a number of the terminal's as on the slip; zero is none.
func six(n uint32) string {
	const digits = 6
	if n == 0 {
		return ""
	}
	s := strconv.FormatUint(uint64(n), 10)
	return strings.Repeat("0", max(0, digits-len(s))) + s
}
