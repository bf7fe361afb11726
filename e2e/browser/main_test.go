//go:build browser

package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

var (
	// programs are built once for all stories.
	programs rig.Programs
	// chromium is the running browser; each story opens windows of its own in
	// it.
	chromium context.Context
	// pictures is where stories keep theirs.
	pictures string
)

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	status := 1
	err := func() (err error) {
		if pictures, err = pictureFolder(); err != nil {
			return err
		}
		dir, err := os.MkdirTemp("", "cloudpos-browser-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if programs, err = rig.Build(dir); err != nil {
			return err
		}
		stop, err := startChromium(filepath.Join(dir, "profile"))
		if err != nil {
			return err
		}
		status = m.Run()
		return stop()
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

func pictureFolder() (string, error) {
	folder := os.Getenv("E2E_PICTURES")
	if folder == "" {
		folder = filepath.Join("..", "..", "var", "e2e")
	}
	return filepath.Abs(folder)
}

// startChromium starts the browser with an empty profile. It ends with stop, by
// its own process.
func startChromium(profile string) (stop func() error, err error) {
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		return nil, fmt.Errorf("no browser: install Debian's chromium, or name one in CHROMIUM")
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		// A window that no test looks at just now goes on as any other.
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("lang", "en-US"),
	)
	chromium, _ = chromedp.NewContext(allocator)
	if err := chromedp.Do(chromium); err != nil {
		release()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func() error {
		const goodbye = 10 * time.Second
		ctx, cancel := context.WithTimeout(chromium, goodbye)
		defer cancel()
		err := chromedp.Cancel(ctx)
		release()
		return err
	}, nil
}
