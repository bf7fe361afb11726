package screen_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/widget"

	"github.com/cloudpos/cloudpos/ui/screen"
)

func TestPreferencesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	use := func(test func(*rig, fyne.Preferences)) {
		runWith(t, 100, 100, func(r *rig) { r.opts.Dir = dir }, func(*rig) fyne.CanvasObject { return widget.NewLabel("") },
			func(r *rig) { test(r, r.s.Preferences()) })
	}
	use(func(r *rig, p fyne.Preferences) {
		changes := 0
		p.AddChangeListener(func() { changes++ })
		p.SetString("language", "中文")
		p.SetString("language", "中文")
		p.SetInt("n", -5)
		p.SetFloat("f", 1.5)
		p.SetBool("b", true)
		p.SetStringList("l", []string{"a", "b"})
		p.SetInt("gone", 1)
		p.RemoveValue("gone")
		p.RemoveValue("gone")
		if changes != 7 {
			t.Errorf("%d changes, want 7", changes)
		}
		r.pass(2 * time.Second)
		if _, err := os.Stat(filepath.Join(dir, "preferences.json")); err != nil {
			t.Error("not written soon after a change:", err)
		}
		p.SetInt("last", 9) // at quit
	})
	use(func(_ *rig, p fyne.Preferences) {
		if p.String("language") != "中文" || p.Int("n") != -5 || p.Float("f") != 1.5 || !p.Bool("b") || p.Int("last") != 9 {
			t.Error("values are lost")
		}
		if l := p.StringList("l"); len(l) != 2 || l[1] != "b" {
			t.Errorf("list %v", l)
		}
		if p.IntWithFallback("gone", 7) != 7 || p.IntWithFallback("language", 8) != 8 || len(p.IntList("none")) != 0 {
			t.Error("fallbacks")
		}
	})
}

func TestBrokenPreferences(t *testing.T) {
	for _, content := range []string{"{", "[]"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "preferences.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t}
		r.options(10, 10)
		r.opts.Dir = dir
		if _, err := screen.New(r.opts); err == nil {
			t.Errorf("%q is no error", content)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*screen.Opts){
		"no display": func(o *screen.Opts) { o.Displays = nil },
		"no output":  func(o *screen.Opts) { o.Displays[0].Output = nil },
		"45 degrees": func(o *screen.Opts) { o.Displays[0].Rotation = 45 },
		"no painter": func(o *screen.Opts) { o.Painter = nil },
		"no measure": func(o *screen.Opts) { o.Measure = nil },
	} {
		r := &rig{t: t}
		r.options(10, 10)
		change(&r.opts)
		if _, err := screen.New(r.opts); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	runWith(t, 100, 100, func(r *rig) { r.opts.Dir = dir }, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		s := r.s.Storage()
		if _, err := s.Open("a"); !errors.Is(err, storage.ErrNotExists) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open: %v", err)
		}
		if _, err := s.Save("a"); !errors.Is(err, storage.ErrNotExists) {
			t.Errorf("save: %v", err)
		}
		write := func(f fyne.URIWriteCloser, err error) {
			t.Helper()
			if err == nil {
				_, err = io.WriteString(f, "text")
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		write(s.Create("a"))
		write(s.Save("a"))
		if _, err := s.Create("a"); !errors.Is(err, storage.ErrAlreadyExists) {
			t.Errorf("create again: %v", err)
		}
		f, err := s.Open("a")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil || string(text) != "text" || f.URI().Name() != "a" {
			t.Errorf("%q of %v, %v", text, f.URI(), err)
		}
		if l := s.List(); len(l) != 1 || l[0] != "a" {
			t.Errorf("list %v", l)
		}
		for _, name := range []string{"", ".", "..", "../a", "/etc/passwd", "b/a"} {
			if _, err := s.Create(name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("create %q: %v", name, err)
			}
		}
		if err := s.Remove("a"); err != nil || len(s.List()) != 0 {
			t.Errorf("remove: %v", err)
		}
		if err := s.Remove("a"); !errors.Is(err, storage.ErrNotExists) {
			t.Errorf("remove again: %v", err)
		}
	})
	run(t, func(*rig) fyne.CanvasObject { return widget.NewLabel("") }, func(r *rig) {
		if _, err := r.s.Storage().Create("a"); !errors.Is(err, screen.ErrNoFolder) {
			t.Errorf("without a folder: %v", err)
		}
	})
}
