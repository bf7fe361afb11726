package ui

// devicesScreen says what is wrong and what to do about it.
func (u *UI) devicesScreen(p *page, a area) {
	u.header(p, &a, p.words.devices, func() { u.goTo(atHome) })
	if !p.low {
		u.statusLine(p, a.bottom(p.grown(6), p.gap()))
	}
	faults := u.status.Faults
	if len(faults) == 0 {
		p.stack(a, p.gap(),
			pictureBlock(p.grown(20), p.mm(8), func(a area) { p.icon(a, "check", RoleAccent) }),
			p.textBlock(a.w, p.words.allWell, letters{size: p.title(), bold: true, role: RoleText, lines: 2}))
		return
	}
	u.list(p, a, p.grown(27), len(faults), func(p *page, a area, i int) { u.faultCard(p, a, faults[i]) })
}

// deviceIcons name a picture for each device.
var deviceIcons = map[Device]string{
	DeviceReader: "reader", DeviceAntenna: "contactless", DeviceStripe: "swipe", DevicePINPad: "pinpad", DevicePrinter: "printer", DeviceCloud: "offline",
	DeviceStore: "store", DeviceCase: "case", DeviceClock: "clock",
}

// faultCard is one fault: what it is, in which device, and what to do.
func (u *UI) faultCard(p *page, a area, f Fault) {
	p.box(a, RoleSurface, p.radius())
	a = a.inset(p.grown(2.4), p.grown(1.4))
	name := deviceIcons[f.Device]
	if name == "" {
		name = "warning"
	}
	p.icon(a.left(min(a.h, p.grown(9)), p.grown(2.4)), name, RoleAccent)
	say := p.words.problem(f)
	device := p.words.deviceNames[f.Device]
	if device == "" {
		device = string(f.Device)
	}
	caption := letters{size: p.caption(), role: RoleMuted, align: leading, lines: 1}
	lead := letters{size: p.label(), bold: true, role: RoleText, align: leading, lines: 2}
	follow := letters{size: p.body(), role: RoleText, align: leading, lines: 3}
	p.stack(a, p.grown(0.4),
		p.textBlock(a.w, device, caption), p.textBlock(a.w, say.what, lead),
		p.textBlock(a.w, say.next, follow), optional(p.textBlock(a.w, f.Detail, caption)))
}
