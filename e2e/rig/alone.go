package rig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// StartAgentAlone starts the terminal and does not wait for its cloud.
func (r *Rig) StartAgentAlone() (err error) {
	r.Agent, err = r.begin("terminal", exec.Command(r.Programs.Terminal, "run", "--config", r.Config()))
	return err
}

// CloudEnds runs the cloud program to its end.
func (r *Rig) CloudEnds(ctx context.Context, args ...string) (stdout, stderr string, status int, err error) {
	cmd := exec.Command(r.Programs.Cloud, args...)
	cmd.Env = append(os.Environ(), "CLOUDPOS_CLOUD_CONFIG="+r.Path("cloud", "cloud.toml"))
	return run(ctx, cmd)
}

// Tree is what lies in a folder: the contents of each file, as a digest. A
// folder that is not there is empty.
func Tree(dir string) (map[string]string, error) {
	tree := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		tree[path] = info.Mode().String()
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			tree[path] += fmt.Sprintf(" %d %s", len(data), hex.EncodeToString(sum[:8]))
		}
		return nil
	})
	if os.IsNotExist(err) {
		err = nil
	}
	return tree, err
}

// SignParamsUntil signs the parameters as they are, with another expiry.
func (r *Rig) SignParamsUntil(expires time.Time) error {
	envelope, private, err := r.signedParams()
	if err != nil {
		return err
	}
	envelope.Issued, envelope.Expires = expires.Add(-time.Hour), expires
	return r.writeParams(private, envelope, envelope.Payload)
}
