package screen_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestBoardWithoutLocale starts a program with the toolkit in it as a board
// does, and wants it to say nothing of its own.
func TestBoardWithoutLocale(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"", "C", "POSIX", "zh_CN.UTF-8"} {
		cmd := exec.Command(self, "-test.run=^$")
		cmd.Env = []string{"LANG=" + lang, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "Fyne") {
			t.Errorf("LANG=%q: %v\n%s", lang, err, out)
		}
	}
}
