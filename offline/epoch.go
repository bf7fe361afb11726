package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudpos/cloudpos/durable"
)

const epochName = "epoch"

// epochFile is the last epoch that was begun, kept outside the journal so that
// a lost or replaced journal repeats no id. It is written before the journal
// is, so it is never behind.
type epochFile struct {
	Terminal string `json:"terminal"`
	Epoch    uint32 `json:"epoch"`
}

// readEpoch returns 0 and no error when there is no file, and ErrDamaged when
// it makes no sense.
func readEpoch(dir, terminal string) (uint32, error) {
	path := filepath.Join(dir, epochName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("offline: %w", err)
	}
	f, err := parseEpoch(data)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	if f.Terminal != terminal {
		return 0, fmt.Errorf("offline: %s belongs to terminal %q, this is %q", path, f.Terminal, terminal)
	}
	return f.Epoch, nil
}

func parseEpoch(data []byte) (epochFile, error) {
	var f epochFile
	if err := json.Unmarshal(data, &f); err != nil {
		return epochFile{}, err
	}
	if f.Epoch == 0 || f.Terminal == "" {
		return epochFile{}, errors.New("terminal or epoch is missing")
	}
	return f, nil
}

func writeEpoch(dir, terminal string, epoch uint32) error {
	data, err := json.Marshal(epochFile{Terminal: terminal, Epoch: epoch})
	if err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	path := filepath.Join(dir, epochName)
	if err := durable.Replace(path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrStore, path, err)
	}
	return nil
}
