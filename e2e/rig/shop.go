package rig

import (
	"os/exec"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// StartShop starts the simulated shop with its page, as StartSim does without,
// and returns the page's address. The page shows the screen that is at screen,
// "127.0.0.1:8082" for example, and the cloud's ledger. The terminal, which
// must not run yet, gets its cloud through the page's cable. To be called once,
// with the cloud running.
func (r *Rig) StartShop(screen string) (page string, err error) {
	address, err := freeAddress()
	if err != nil {
		return "", err
	}
	cable, err := freeAddress()
	if err != nil {
		return "", err
	}
	if err := r.Via(cable); err != nil {
		return "", err
	}
	r.Sim, err = r.begin("sim", exec.Command(r.Programs.Terminal, "sim", "--dir", r.Path("sim"),
		"--http", address, "--screen", "http://"+screen+"/", "--cable", cable+"="+r.MQTT,
		"--ledger", "http://"+r.Cloud.Ready["status"]+"/ledger"))
	if err != nil {
		return "", err
	}
	r.Shop, err = sim.Dial(r.Path("sim"))
	return "http://" + address + "/", err
}
