package ui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/emv"
	"github.com/cloudpos/cloudpos/emv/contactless"
	"github.com/cloudpos/cloudpos/emv/contactless/kernel2"
	"github.com/cloudpos/cloudpos/font"
	"github.com/cloudpos/cloudpos/payment"
)

// eachText calls f with every text of a vocabulary and where it stands.
func eachText(path string, v reflect.Value, f func(path, text string)) {
	switch v.Kind() { //nolint:exhaustive // a vocabulary has no others
	case reflect.String:
		f(path, v.String())
	case reflect.Struct:
		for i := range v.NumField() {
			eachText(path+"."+v.Type().Field(i).Name, v.Field(i), f)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			eachText(path+"["+keyText(k)+"]", v.MapIndex(k), f)
		}
	}
}

func keyText(v reflect.Value) string {
	if v.Kind() == reflect.Struct {
		return v.Field(0).String() + "/" + v.Field(1).String()
	}
	return fmt.Sprint(v)
}

func texts(v *vocabulary) map[string]string {
	all := map[string]string{}
	eachText("", reflect.ValueOf(*v), func(path, text string) { all[path] = text })
	return all
}

// Both languages say everything, in letters that the faces have.
func TestVocabularies(t *testing.T) {
	en, zh := texts(&english), texts(&chinese)
	if len(en) < 150 {
		t.Fatalf("found only %d texts", len(en))
	}
	for path, text := range en {
		if text == "" || zh[path] == "" {
			t.Errorf("%s: %q in English, %q in Chinese", path, text, zh[path])
		}
		if strings.Count(text, "%d") != strings.Count(zh[path], "%d") {
			t.Errorf("%s: %q and %q do not take the same numbers", path, text, zh[path])
		}
	}
	for path := range zh {
		if _, ok := en[path]; !ok {
			t.Errorf("%s: only in Chinese", path)
		}
	}
	for _, all := range []map[string]string{en, zh} {
		for path, text := range all {
			for _, r := range text {
				if !font.Has(r) {
					t.Errorf("%s: the faces have no %q", path, r)
				}
			}
		}
	}
}

// stringConsts reads the string constants of a folder whose names begin with a
// prefix.
func stringConsts(t *testing.T, folder, prefix string) map[string]string {
	t.Helper()
	found := map[string]string{}
	pkgs, err := parser.ParseDir(token.NewFileSet(), folder, nil, 0) //nolint:staticcheck // no build is needed
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range pkgs {
		ast.Inspect(pkg, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if !strings.HasPrefix(name.Name, prefix) || i >= len(spec.Values) {
					continue
				}
				if lit, ok := spec.Values[i].(*ast.BasicLit); ok {
					if s, err := strconv.Unquote(lit.Value); err == nil {
						found[name.Name] = s
					}
				}
			}
			return true
		})
	}
	if len(found) < 3 {
		t.Fatalf("%s: found only %d constants %s…", folder, len(found), prefix)
	}
	return found
}

// Whatever a sale may end with, the screen says what to do next.
func TestEveryReasonHasAdvice(t *testing.T) {
	for _, v := range []*vocabulary{&english, &chinese} {
		for _, folder := range []string{"../payment", "../emv"} {
			for name, reason := range stringConsts(t, folder, "Reason") {
				if a, ok := v.reasons[reason]; !ok || a.what == "" || a.next == "" {
					t.Errorf("%s: %s %q has no advice", v.language, name, reason)
				}
			}
		}
		for _, reason := range []emv.Reason{contactless.ReasonInterface, kernel2.ReasonPhone} {
			if a, ok := v.reasons[string(reason)]; !ok || a.what == "" || a.next == "" {
				t.Errorf("%s: %q of a tap has no advice", v.language, reason)
			}
		}
		for name, notice := range stringConsts(t, "../payment", "Notice") {
			if notice != "" && v.notices[payment.Notice(notice)] == "" {
				t.Errorf("%s: %s has no words", v.language, name)
			}
		}
	}
}

// However a card can be presented, the screen asks for just that.
func TestEverySetOfMediaHasWords(t *testing.T) {
	for _, v := range []*vocabulary{&english, &chinese} {
		said := map[string]drivers.Media{}
		for media := drivers.Contact; media <= drivers.Contact|drivers.Contactless|drivers.Stripe; media++ {
			text := v.present[media]
			if other, twice := said[text]; text == "" || twice {
				t.Errorf("%s: media %d are asked for with %q, as are media %d", v.language, media, text, other)
			}
			said[text] = media
		}
	}
}

// Whatever is wrong with a device, the screen says what to do about it.
func TestEveryFaultHasRemedy(t *testing.T) {
	for _, v := range []*vocabulary{&english, &chinese} {
		for _, device := range stringConsts(t, ".", "Device") {
			if v.deviceNames[Device(device)] == "" || deviceIcons[Device(device)] == "" {
				t.Errorf("%s: device %q has no name or no icon", v.language, device)
			}
			for _, problem := range stringConsts(t, ".", "Problem") {
				if a := v.problem(Fault{Device: Device(device), Problem: Problem(problem)}); a.what == "" || a.next == "" {
					t.Errorf("%s: %s of %s has no remedy", v.language, problem, device)
				}
			}
		}
		if a := v.problem(Fault{Device: "toaster", Problem: "burnt"}); a.what == "" || a.next == "" {
			t.Errorf("%s: an unknown fault has no remedy", v.language)
		}
	}
}
