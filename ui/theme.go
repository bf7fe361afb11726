package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/cloudpos/cloudpos/font"
)

// face is a bundled face as a resource. One face holds both scripts, so nothing
// falls back to a font of the system; our own driver asks for no more than the
// name, and unpacks no file that nobody reads.
type face struct{ bold bool }

// The bundled faces.
var faceRegular, faceBold fyne.Resource = face{}, face{bold: true}

// Name is the same for as long as the program runs.
func (f face) Name() string {
	if f.bold {
		return "cloudpos-bold.otf"
	}
	return "cloudpos-regular.otf"
}

// Content is the file.
func (f face) Content() []byte { return font.TTF(f.bold) }

// Theme tells Fyne's own widgets our colours, sizes and faces.
type Theme struct {
	colours *palette
	perMM   float32
}

// NewTheme makes one; perMM is as in Opts.
func NewTheme(isDark bool, perMM float32) *Theme {
	t := &Theme{colours: &light, perMM: perMM}
	if isDark {
		t.colours = &dark
	}
	if t.perMM <= 0 {
		t.perMM = perMMDefault
	}
	return t
}

var _ fyne.Theme = (*Theme)(nil)

// themeRoles says which of Fyne's names are which roles. What is not in it is
// text if it is a foreground, and background if it is a background.
var themeRoles = map[fyne.ThemeColorName]Role{
	theme.ColorNameBackground:          RoleBackground,
	theme.ColorNameButton:              RoleSurface,
	theme.ColorNameDisabledButton:      RoleSurface,
	theme.ColorNameDisabled:            RoleMuted,
	theme.ColorNamePlaceHolder:         RoleMuted,
	theme.ColorNameError:               RoleDanger,
	theme.ColorNameFocus:               RolePrimary,
	theme.ColorNameForeground:          RoleText,
	theme.ColorNameForegroundOnError:   RoleOnDanger,
	theme.ColorNameForegroundOnPrimary: RoleOnPrimary,
	theme.ColorNameForegroundOnSuccess: RoleOnSuccess,
	theme.ColorNameForegroundOnWarning: RoleOnWarning,
	theme.ColorNameHeaderBackground:    RoleSurface,
	theme.ColorNameHover:               RoleSurfacePressed,
	theme.ColorNameHyperlink:           RoleAccent,
	theme.ColorNameInputBackground:     RoleSurface,
	theme.ColorNameInputBorder:         RoleLine,
	theme.ColorNameMenuBackground:      RoleSurface,
	theme.ColorNameOverlayBackground:   RoleSurface,
	theme.ColorNamePressed:             RoleSurfacePressed,
	theme.ColorNamePrimary:             RolePrimary,
	theme.ColorNameScrollBar:           RoleMuted,
	theme.ColorNameScrollBarBackground: RoleBackground,
	theme.ColorNameSelection:           RoleSurfacePressed,
	theme.ColorNameSeparator:           RoleLine,
	theme.ColorNameSuccess:             RoleSuccess,
	theme.ColorNameWarning:             RoleWarning,
}

// Color gives the role's colour. The variant is our own choice, not Fyne's.
func (t *Theme) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	if role, ok := themeRoles[name]; ok {
		return t.colours[role]
	}
	if name == theme.ColorNameShadow {
		return color.Transparent
	}
	return t.colours[RoleText]
}

// Font gives one of the two faces. There is no slanted or monospaced one.
func (t *Theme) Font(style fyne.TextStyle) fyne.Resource {
	if style.Bold {
		return faceBold
	}
	return faceRegular
}

// Icon gives Fyne's own; our screens have icons of their own.
func (t *Theme) Icon(name fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(name) }

// themeSizes are in millimetres.
var themeSizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNameText:               3,
	theme.SizeNameHeadingText:        4.5,
	theme.SizeNameSubHeadingText:     3.6,
	theme.SizeNameCaptionText:        2.4,
	theme.SizeNamePadding:            1,
	theme.SizeNameInnerPadding:       2.8, // a line of text and this twice is a button of 10 mm
	theme.SizeNameInlineIcon:         4,
	theme.SizeNameScrollBar:          2.4,
	theme.SizeNameScrollBarSmall:     1,
	theme.SizeNameScrollBarRadius:    0.5,
	theme.SizeNameInputRadius:        1,
	theme.SizeNameSelectionRadius:    0.8,
	theme.SizeNameInputBorder:        0.25,
	theme.SizeNameLineSpacing:        0.5,
	theme.SizeNameSeparatorThickness: 0.2,
}

// Size gives it in Fyne's units.
func (t *Theme) Size(name fyne.ThemeSizeName) float32 {
	if mm, ok := themeSizes[name]; ok {
		return mm * t.perMM
	}
	return theme.DefaultTheme().Size(name)
}
