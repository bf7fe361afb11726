package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// firstFrameFlag has this program show one picture and end.
const firstFrameFlag = "-first-frame"

// paintFirstFrame is the painter alone: letters, screen and the idle picture,
// on a panel in memory. It says when that has the picture.
func paintFirstFrame() error {
	told := errors.New("nothing was painted")
	var s *stage
	var err error
	s, err = newStage(func(f screen.Frame) {
		if told != nil {
			_, told = fmt.Println("painted", f.Pixels)
			s.app.Quit()
		}
	})
	if err != nil {
		return err
	}
	s.show()
	s.app.Run()
	return told
}

// firstFrame is the median from exec of a new process to its first picture.
func firstFrame() (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	return medianOf(func() (time.Duration, error) {
		cmd := exec.Command(self, firstFrameFlag)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		took := time.Since(began)
		if err == nil && line != fmt.Sprintf("painted %d\n", panelWidth*panelHeight) {
			err = fmt.Errorf("the first picture: %q", line)
		}
		return took, errors.Join(err, cmd.Wait())
	})
}
