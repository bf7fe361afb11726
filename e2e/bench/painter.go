package main

import (
	"fmt"
	"image"
	"runtime"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/ui/screen/paint"
)

// scene is a picture that two painters paint: ours, and Fyne's own in software.
type scene struct {
	name  string
	fyne  test.WindowlessCanvas
	ours  *paint.Painter
	roots []fyne.CanvasObject
	dst   *image.RGBA
	spare *image.RGBA
	press func() // changes what the press of a key does
}

// scenes are the terminal's own amount and history, and Fyne's modal dialog,
// of which the terminal has none, above the history.
func scenes() ([]*scene, error) {
	keypad, err := keypadScene()
	if err != nil {
		return nil, err
	}
	list, err := historyScene("list")
	if err != nil {
		return nil, err
	}
	dialog, err := historyScene("dialog")
	if err != nil {
		return nil, err
	}
	dialog.ask()
	return []*scene{keypad, dialog, list}, nil
}

// newScene lays the terminal's screens out for both painters.
func newScene(name string, s *stage) *scene {
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetScale(panelScale)
	c.SetContent(s.ui.Content())
	c.Resize(fyne.NewSize(panelWidth/panelScale, panelHeight/panelScale))
	return &scene{
		name: name, fyne: c, ours: s.painter(), roots: []fyne.CanvasObject{s.ui.Content()},
		dst:   image.NewRGBA(image.Rect(0, 0, panelWidth, panelHeight)),
		spare: image.NewRGBA(image.Rect(0, 0, panelWidth, panelHeight)),
	}
}

// keypadScene is the amount. A press lets the key before go, changes the
// amount, and shows the next key pressed.
func keypadScene() (*scene, error) {
	s, err := newStage(nil)
	if err != nil {
		return nil, err
	}
	c := newScene("keypad", s)
	if _, err := s.press("New sale"); err != nil {
		return nil, err
	}
	var keys []touchKey
	for _, words := range []string{"1", "5", "<erase>", "9", "<erase>", "<erase>"} {
		key, err := find(s.ui.Content(), words)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key.object.(touchKey))
	}
	n := 0
	c.press = func() {
		before, now := keys[n%len(keys)], keys[(n+1)%len(keys)]
		n++
		before.TouchUp(&mobile.TouchEvent{})
		now.Tapped(&fyne.PointEvent{})
		now.TouchDown(&mobile.TouchEvent{})
	}
	return c, nil
}

type touchKey interface {
	fyne.Tappable
	mobile.Touchable
}

func historyScene(name string) (*scene, error) {
	s, err := newStage(nil)
	if err != nil {
		return nil, err
	}
	c := newScene(name, s)
	s.ui.ShowHistory(records())
	_, err = s.press("History")
	return c, err
}

// ask puts a modal dialog above the scene.
func (c *scene) ask() {
	title := canvas.NewText("No paper 缺纸", theme.Color(theme.ColorNameForeground))
	title.TextSize, title.TextStyle.Bold = 24, true
	box := container.NewVBox(
		container.NewHBox(widget.NewIcon(theme.WarningIcon()), title),
		widget.NewLabel("The printer has no paper.\nPut a roll in and close the lid."),
		widget.NewButton("Later", func() {}), widget.NewButton("Print again", func() {}))
	pop := widget.NewModalPopUp(box, c.fyne)
	pop.Show()
	c.roots = append(c.roots, pop)
}

// paint brings our picture up to date.
func (c *scene) paint() []image.Rectangle {
	return c.ours.Paint(c.dst, panelScale, theme.Color(theme.ColorNameBackground), c.roots)
}

// beside is one thing that both painters did, in medians.
type beside struct {
	name       string
	ours, fyne time.Duration
}

func (b beside) ratio() float64 { return float64(b.fyne) / float64(b.ours) }

// How often each painter paints. Fyne's is slow, and the two take turns, so
// that what else the machine does troubles both.
const (
	paintRounds = 12
	oursARound  = 20
)

// fullRepaint paints all of a scene. Fyne's painter knows no other way.
func (c *scene) fullRepaint() beside {
	// On another picture our painter paints everything, and keeps what it has
	// of letters and shapes.
	return c.compare(func() { c.dst, c.spare = c.spare, c.dst }, func() {})
}

// keyPress brings the scene up to date after a key.
func (c *scene) keyPress() beside {
	return c.compare(c.press, c.press)
}

// compare lets both painters paint in turn. What comes before is not measured.
func (c *scene) compare(beforeOurs, beforeFyne func()) beside {
	c.paint()
	var ours, theirs []time.Duration
	for range paintRounds {
		beforeFyne()
		began := time.Now()
		c.fyne.Capture()
		theirs = append(theirs, time.Since(began))
		runtime.GC() // what Fyne's painter leaves behind is not ours to sweep
		c.paint()
		for range oursARound {
			beforeOurs()
			began := time.Now()
			c.paint()
			ours = append(ours, time.Since(began))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	return beside{c.name, ours[len(ours)/2], theirs[len(theirs)/2]}
}

// allocations is how many a frame takes in which a key of the scene is pressed
// or let go.
func (c *scene) allocations(words string) (float64, error) {
	key, err := find(c.roots[0], words)
	if err != nil {
		return 0, err
	}
	touched := key.object.(touchKey)
	const frames = 1000
	event := &mobile.TouchEvent{}
	c.paint()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range frames {
		if touched.TouchUp(event); i%2 == 0 {
			touched.TouchDown(event)
		}
		if len(c.paint()) == 0 {
			return 0, fmt.Errorf("frame %d of the key %q paints nothing", i, words)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / frames, nil
}
