package ui

import "image/color"

// Role is what a colour is for. Screens name roles and never colours.
type Role uint8

// The roles. An On role is for what stands on the colour that it names.
const (
	RoleBackground     Role = iota // of the screen
	RoleSurface                    // cards, rows and plain keys
	RoleSurfacePressed             // under a finger
	RoleText                       // on the three above
	RoleMuted                      // text of less weight, on background and surface
	RoleLine                       // separators; carries no meaning
	RolePrimary                    // what is done next
	RolePrimaryPressed
	RoleOnPrimary
	RoleAccent // icons and links on background and surface
	RoleSuccess
	RoleSuccessPressed
	RoleOnSuccess
	RoleDanger
	RoleDangerPressed
	RoleOnDanger
	RoleWarning
	RoleWarningPressed
	RoleOnWarning
	RoleNeutral // an end that is nobody's fault
	RoleNeutralPressed
	RoleOnNeutral
	RoleLightOn  // the four lights
	RoleLightOff // the same, dark
	RolePaper
	RoleInk // on paper
	rolesMax
)

// Pair is two colours of which one is read on the other.
type Pair struct{ Text, On Role }

// Pairs are all that the screens use. Each has a contrast of at least 4.5:1
// (WCAG 2.2, 1.4.3), large letters and icons too.
func Pairs() []Pair {
	return []Pair{
		{RoleText, RoleBackground}, {RoleText, RoleSurface}, {RoleText, RoleSurfacePressed},
		{RoleMuted, RoleBackground}, {RoleMuted, RoleSurface}, {RoleMuted, RoleSurfacePressed},
		{RoleAccent, RoleBackground}, {RoleAccent, RoleSurface}, {RoleAccent, RoleSurfacePressed},
		{RoleOnPrimary, RolePrimary}, {RoleOnPrimary, RolePrimaryPressed},
		{RoleOnSuccess, RoleSuccess}, {RoleOnSuccess, RoleSuccessPressed},
		{RoleOnDanger, RoleDanger}, {RoleOnDanger, RoleDangerPressed},
		{RoleOnWarning, RoleWarning}, {RoleOnWarning, RoleWarningPressed},
		{RoleOnNeutral, RoleNeutral}, {RoleOnNeutral, RoleNeutralPressed},
		{RoleSuccess, RoleSurface}, {RoleDanger, RoleSurface}, {RoleNeutral, RoleSurface},
		{RoleSuccess, RoleSurfacePressed}, {RoleDanger, RoleSurfacePressed}, {RoleNeutral, RoleSurfacePressed},
		{RoleInk, RolePaper},
		{RoleLightOn, RoleLightOff},
	}
}

// palette has a colour for each role.
type palette [rolesMax]color.NRGBA

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xFF}
}

// light is for shops by day.
var light = palette{
	RoleBackground: rgb(0xEEF2F5), RoleSurface: rgb(0xFFFFFF), RoleSurfacePressed: rgb(0xCBD8E1),
	RoleText: rgb(0x14232E), RoleMuted: rgb(0x43545F), RoleLine: rgb(0xD3DCE2),
	RolePrimary: rgb(0x0F5C8C), RolePrimaryPressed: rgb(0x093F61), RoleOnPrimary: rgb(0xFFFFFF),
	RoleAccent:  rgb(0x0B4F79),
	RoleSuccess: rgb(0x17693C), RoleSuccessPressed: rgb(0x0E4A29), RoleOnSuccess: rgb(0xFFFFFF),
	RoleDanger: rgb(0xA3262B), RoleDangerPressed: rgb(0x76181C), RoleOnDanger: rgb(0xFFFFFF),
	RoleWarning: rgb(0xFFCF5C), RoleWarningPressed: rgb(0xE3A92A), RoleOnWarning: rgb(0x2B1F00),
	RoleNeutral: rgb(0x475A68), RoleNeutralPressed: rgb(0x30404B), RoleOnNeutral: rgb(0xFFFFFF),
	RoleLightOn: rgb(0x3DDC84), RoleLightOff: rgb(0x33434E),
	RolePaper: rgb(0xFFFFFF), RoleInk: rgb(0x1A1A1A),
}

// dark is for bars by night.
var dark = palette{
	RoleBackground: rgb(0x10181E), RoleSurface: rgb(0x1D2A33), RoleSurfacePressed: rgb(0x344753),
	RoleText: rgb(0xF1F5F7), RoleMuted: rgb(0xB9C7D0), RoleLine: rgb(0x31424E),
	RolePrimary: rgb(0x8CCBF0), RolePrimaryPressed: rgb(0x5FA9D4), RoleOnPrimary: rgb(0x06202F),
	RoleAccent:  rgb(0x9BD3F3),
	RoleSuccess: rgb(0x84DDA6), RoleSuccessPressed: rgb(0x57B67C), RoleOnSuccess: rgb(0x062413),
	RoleDanger: rgb(0xFFB1AD), RoleDangerPressed: rgb(0xE58480), RoleOnDanger: rgb(0x3A0607),
	RoleWarning: rgb(0xFFD873), RoleWarningPressed: rgb(0xD9AC3C), RoleOnWarning: rgb(0x2B1F00),
	RoleNeutral: rgb(0xC3D0D8), RoleNeutralPressed: rgb(0x98A9B4), RoleOnNeutral: rgb(0x14212A),
	RoleLightOn: rgb(0x3DDC84), RoleLightOff: rgb(0x31414C),
	RolePaper: rgb(0xF7F4EC), RoleInk: rgb(0x1A1A1A),
}
