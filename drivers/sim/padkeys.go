package sim

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cloudpos/cloudpos/emv/issuer"
	"github.com/cloudpos/cloudpos/keys"
	"github.com/cloudpos/cloudpos/secret"
)

// PadKeys is what was loaded into the simulated PIN pad: a DUKPT initial key
// and its serial number. The zero value is a pad without a key.
type PadKeys struct {
	IPEK [16]byte
	KSN  [10]byte
}

// padKeysFile is PadKeys in a file.
type padKeysFile struct {
	IPEK issuer.Hex `json:"ipek"`
	KSN  issuer.Hex `json:"ksn"`
}

// Format masks the key for every fmt verb.
func (k PadKeys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[PIN pad key]")) }

// LogValue masks the key for slog.
func (k PadKeys) LogValue() slog.Value { return slog.StringValue("[PIN pad key]") }

// MarshalJSON writes the key in the clear, for a file of mode 0600.
func (k PadKeys) MarshalJSON() ([]byte, error) {
	return json.Marshal(padKeysFile{k.IPEK[:], k.KSN[:]})
}

// UnmarshalJSON reads {"ipek":…,"ksn":…} in hexadecimal digits.
func (k *PadKeys) UnmarshalJSON(text []byte) error {
	var f padKeysFile
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("sim: PIN pad keys: %w", err)
	}
	if len(f.IPEK) != len(k.IPEK) || len(f.KSN) != len(k.KSN) {
		return fmt.Errorf("sim: PIN pad keys: ipek of %d bytes, ksn of %d, want 16 and 10", len(f.IPEK), len(f.KSN))
	}
	copy(k.IPEK[:], f.IPEK)
	copy(k.KSN[:], f.KSN)
	return nil
}

// keyFile is a DUKPT device whose state is a file: it is replaced before a key
// is given out, so that no key serves twice, whenever the process ends.
type keyFile struct {
	path  string
	dukpt *keys.DUKPT
}

// openKeyFile continues where the key's file in dir ends, or begins with the
// initial key. A damaged file is an error: to begin anew would repeat keys. The
// file is named after its initial key, so that another one begins another file.
func openKeyFile(dir string, k PadKeys) (*keyFile, error) {
	name := sha256.Sum256(append(k.IPEK[:], k.KSN[:]...))
	path := filepath.Join(dir, fmt.Sprintf("pinpad-%x.state", name[:6]))
	d, err := keys.NewDUKPT(k.IPEK, k.KSN)
	if err != nil {
		return nil, fmt.Errorf("sim: PIN pad: %w", err)
	}
	state, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("sim: PIN pad: %w", err)
	default:
		defer secret.Bytes(state).Clear()
		if err := d.UnmarshalBinary(state); err != nil {
			return nil, fmt.Errorf("sim: PIN pad: %s: %w", path, err)
		}
	}
	return &keyFile{path: path, dukpt: d}, nil
}

// next stores the state after this key, and then gives it out.
func (f *keyFile) next() (key [16]byte, ksn [10]byte, err error) {
	key, ksn, err = f.dukpt.Next()
	if err != nil {
		return key, ksn, fmt.Errorf("sim: PIN pad: %w", err)
	}
	state, err := f.dukpt.MarshalBinary()
	if err == nil {
		err = replace(f.path, state, true)
		clear(state)
	}
	if err != nil {
		clear(key[:])
		return key, ksn, fmt.Errorf("sim: PIN pad: %w", err)
	}
	return key, ksn, nil
}

// replace writes a file in one step and, if asked to, waits for the disk.
func replace(path string, data []byte, wait bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && wait {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
