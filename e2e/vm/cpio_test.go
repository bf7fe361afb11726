package vm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// entries reads an archive as the kernel does, written apart from the writer.
func entries(t *testing.T, b []byte) (names []string, data map[string]string) {
	t.Helper()
	data = map[string]string{}
	for len(b) >= 110 {
		var magic string
		var field [13]int
		args := []any{&magic}
		for i := range field {
			args = append(args, &field[i])
		}
		if _, err := fmt.Sscanf(string(b[:110]), "%6s"+strings.Repeat("%8x", 13), args...); err != nil || magic != "070701" {
			t.Fatalf("head %q: %v", b[:110], err)
		}
		mode, size, nameSize := field[1], field[6], field[11]
		name := string(b[110 : 110+nameSize-1])
		b = b[(110+nameSize+3)&^3:]
		if name == "TRAILER!!!" {
			return names, data
		}
		names = append(names, fmt.Sprintf("%s %o %d:%d", name, mode, field[9], field[10]))
		data[name] = string(b[:size])
		b = b[(size+3)&^3:]
	}
	t.Fatal("no trailer")
	return nil, nil
}

func TestInitramfs(t *testing.T) {
	var b bytes.Buffer
	err := writeInitramfs(&b, []File{
		{Path: "t1/tls/ca.crt", Mode: 0o600, Data: []byte("12345")},
		{Path: "init", Mode: 0o755, Data: []byte("program")},
		{Path: "t1/empty", Mode: 0o644},
	})
	if err != nil {
		t.Fatal(err)
	}
	names, data := entries(t, b.Bytes())
	want := []string{
		"dev 40755 0:0", "dev/console 20600 5:1", "init 100755 0:0",
		"t1 40755 0:0", "t1/empty 100644 0:0", "t1/tls 40755 0:0", "t1/tls/ca.crt 100600 0:0",
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("entries %q, want %q", names, want)
	}
	for name, want := range map[string]string{"init": "program", "t1/tls/ca.crt": "12345", "t1/empty": "", "t1": ""} {
		if data[name] != want {
			t.Errorf("%s holds %q, want %q", name, data[name], want)
		}
	}
}
