package paint

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"image"
	"image/color"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
)

// canvasTypes reads from Fyne's source which types it can put on a canvas:
// exported structs with the methods of a canvas object.
func canvasTypes(t *testing.T) []string {
	t.Helper()
	pkg, err := build.Import("fyne.io/fyne/v2/canvas", ".", 0)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	methods := map[string]int{}
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil {
				continue
			}
			name := f.Recv.List[0].Type
			if star, ok := name.(*ast.StarExpr); ok {
				name = star.X
			}
			if id, ok := name.(*ast.Ident); ok && id.IsExported() && slices.Contains([]string{"Move", "Refresh", "Resize"}, f.Name.Name) {
				methods[id.Name]++
			}
		}
	}
	maps.DeleteFunc(methods, func(_ string, n int) bool { return n < 3 })
	return slices.Sorted(maps.Keys(methods))
}

// TestEveryType: whatever Fyne has for a canvas is painted, each look of it,
// and within its bounds. A type that a later Fyne adds fails here.
func TestEveryType(t *testing.T) {
	types, known := canvasTypes(t), examples()
	if len(types) < 10 {
		t.Fatalf("found only %v in Fyne's source", types)
	}
	for _, name := range types {
		if len(known[name]) == 0 {
			t.Errorf("canvas.%s: no example, is it painted?", name)
		}
		for i, o := range known[name] {
			o.Move(fyne.NewPos(30, 30))
			o.Resize(fyne.NewSize(60, 40))
			dst := image.NewRGBA(image.Rect(0, 0, 120, 100))
			newPainter().Paint(dst, 1, color.White, []fyne.CanvasObject{o})
			painted := image.Rectangle{}
			for y := range 100 {
				for x := range 120 {
					if dst.RGBAAt(x, y) != (color.RGBA{R: 255, G: 255, B: 255, A: 255}) {
						painted = painted.Union(image.Rect(x, y, x+1, y+1))
					}
				}
			}
			if painted.Dx() < 15 || painted.Dy() < 8 {
				t.Errorf("canvas.%s, example %d: painted %v only", name, i, painted)
			}
			if !painted.In(image.Rect(30, 30, 90, 70).Inset(-4)) {
				t.Errorf("canvas.%s, example %d: painted %v, outside its bounds", name, i, painted)
			}
		}
	}
}
