//go:build strangers

package pcsc_test

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/drivers/drivertest"
	"github.com/cloudpos/cloudpos/drivers/pcsc"
	"github.com/cloudpos/cloudpos/drivers/port"
	"github.com/cloudpos/cloudpos/drivers/sim"
	"github.com/cloudpos/cloudpos/e2e/rig"
	"github.com/cloudpos/cloudpos/emv/issuer"
)

// alone is set in the process that has a network, mounts and children of its own:
// its pcscd cannot meet another one, and ends with it.
const alone = "PCSC_STRANGERS_ALONE"

// The driver keeps the promises of its class before the true pcscd, with the
// virtual reader of vsmartcard behind it and our virtual cards in that, of both
// protocols. To unplug is to end the service.
func TestConformanceStrangers(t *testing.T) {
	if os.Getenv(alone) == "" {
		runAlone(t)
		return
	}
	setUpAlone(t)
	cards := strangersCards(t)
	for _, good := range []string{"t0", "t1"} {
		t.Run(good, func(t *testing.T) {
			drivertest.TestReader(t, func(t *testing.T) (drivers.Reader, drivertest.ReaderWorld) {
				w := &strangers{t: t, cards: cards, good: good, config: readerConfig(t)}
				w.Replug()
				t.Cleanup(w.Unplug)
				return pcsc.New(port.Unix(pcsc.Socket), pcsc.Opts{Reader: "Virtual PCD"}), w
			})
		})
	}
}

// A whole sale, from the configuration file to the books of the cloud, with a card
// that the terminal reads through the true pcscd.
func TestSaleStrangers(t *testing.T) {
	if os.Getenv(alone) == "" {
		runAlone(t)
		return
	}
	setUpAlone(t)
	programs, err := rig.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := rig.New(rig.Opts{Programs: programs, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := errors.Join(
		r.Shop.SetCustomer(sim.Customer{}), // He goes to the other reader.
		r.EditFile(r.Config(), func(s string) string {
			return regexp.MustCompile(`(?m)^reader( *)=.*$`).ReplaceAllString(s, `reader$1= "pcsc:Virtual PCD"`)
		}),
		r.StartAgent(t.Context()),
	); err != nil {
		t.Fatal(err)
	}
	w := &strangers{t: t, cards: shopCards(t, r.Path("sim", "cards.json")), config: readerConfig(t), takes: true}
	w.Replug()
	defer w.Unplug()
	w.Insert("approve")
	report, err := r.Sale(t.Context(), "--amount", "12.50")
	if err != nil || report.Exit != 0 || report.Record.State != "approved" || report.Record.Entry != "05" {
		t.Fatalf("sale = %+v, %v, want approved with entry mode 05", report, err)
	}
	if err := errors.Join(r.UntilSettled(t.Context()), r.Agree(t.Context())); err != nil {
		t.Error(err)
	}
}

// shopCards are the cards of a simulated shop.
func shopCards(t *testing.T, file string) map[string]*sim.Card {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var deck []issuer.Profile
	if err := json.Unmarshal(data, &deck); err != nil {
		t.Fatal(err)
	}
	cards := map[string]*sim.Card{}
	for _, p := range deck {
		if cards[p.Name], err = sim.NewCard(p, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return cards
}

// runAlone runs the same test in a process with namespaces of its own, as root
// or as a user who is root there.
func runAlone(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), alone+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("alone: %v", err)
	}
}

// setUpAlone gives this process a /run of its own and a loopback.
func setUpAlone(t *testing.T) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("mounts of our own: %v", err)
	}
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		t.Fatalf("a /run of our own: %v", err)
	}
	if err := os.Mkdir(filepath.Dir(pcsc.Socket), 0o755); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{name: [16]byte{'l', 'o'}, flags: syscall.IFF_UP}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatalf("loopback: %v", errno)
	}
}

// vpcdPort is where the virtual reader waits for a card.
const vpcdPort = "35999"

// readerConfig is a folder for pcscd with the virtual reader in it.
func readerConfig(t *testing.T) string {
	const config = `FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:0x8C9F
LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID 0x8C9F
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vpcd"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// strangersCards are the cards that are inserted.
func strangersCards(t *testing.T) map[string]*sim.Card {
	authority, err := issuer.NewAuthority(issuer.RID, issuer.CAIndex, issuer.BIN, time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	cards := map[string]*sim.Card{}
	for name, order := range map[string]issuer.Order{
		"t0": {}, "t1": {Protocol: 1}, drivertest.CardMute: {Behaviour: issuer.Mute},
	} {
		order.Name, order.PAN, order.PIN = name, "9999010000000017", drivertest.RightPIN
		order.AID, order.Label, order.Expires = issuer.AID, "TEST", time.Now().AddDate(1, 0, 0)
		profile, err := issuer.Personalise(rand.Reader, authority, issuer.MasterKeys{AC: [16]byte{1}}, order)
		if err != nil {
			t.Fatal(err)
		}
		if cards[name], err = sim.NewCard(profile, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return cards
}

// strangers is pcscd with its virtual reader.
type strangers struct {
	t      *testing.T
	cards  map[string]*sim.Card
	good   string // the card that the suite calls good
	config string
	takes  bool // the customer takes his card when it has no power any more
	pcscd  *exec.Cmd
	name   string // of the card that is in the reader
	card   net.Conn
	served sync.WaitGroup
}

// Replug starts the service and waits until it listens. The card that was in the
// reader is in it again.
func (w *strangers) Replug() {
	w.t.Helper()
	w.pcscd = exec.Command("/usr/sbin/pcscd", "--foreground", "--error", "--config", w.config)
	w.pcscd.Stdout, w.pcscd.Stderr = os.Stdout, os.Stderr
	if err := w.pcscd.Start(); err != nil {
		w.t.Fatal(err)
	}
	// It says that it is ready before it listens.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		line, err := net.Dial("unix", pcsc.Socket)
		if err == nil {
			_ = line.Close()
			break
		}
		if time.Now().After(end) {
			w.t.Fatalf("pcscd does not start: %v", err)
		}
	}
	if w.name != "" {
		w.Insert(w.name)
	}
}

// Unplug ends the service.
func (w *strangers) Unplug() {
	if err := w.pcscd.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Error(err)
	}
	_ = w.pcscd.Wait()
	w.served.Wait() // The card was told as well.
}

// Insert connects a card to the virtual reader.
func (w *strangers) Insert(name string) {
	if name == drivertest.CardGood {
		name = w.good
	}
	w.name = name
	card, err := net.Dial("tcp", "127.0.0.1:"+vpcdPort)
	if err != nil {
		w.t.Error(err)
		return
	}
	w.card = card
	chip := &chip{card: w.cards[name], waits: name != "t1", takes: w.takes}
	w.served.Go(func() {
		chip.serve(card)
		_ = card.Close()
	})
}

// Pull takes the card out.
func (w *strangers) Pull() {
	w.name = ""
	if w.card != nil {
		_ = w.card.Close()
	}
}

// chip is a card behind the virtual reader: a length of two bytes, then one byte
// that tells what happens to its contacts, or a command.
type chip struct {
	card  *sim.Card
	waits bool // for GET RESPONSE, as cards of T=0 do
	takes bool // its owner, when it has no power any more
	atr   []byte
	data  []byte
	asked bool
}

func (c *chip) serve(line io.ReadWriter) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(line, head[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(line, b); err != nil {
			return
		}
		if c.takes && c.asked && len(b) == 1 && b[0] == 0 {
			return
		}
		answer, ok := c.hear(b)
		if !ok {
			continue
		}
		if _, err := line.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// hear returns what the reader gets to hear, if anything.
func (c *chip) hear(b []byte) (answer []byte, ok bool) {
	const on, reset, atr = 1, 2, 4
	switch {
	case len(b) != 1:
		c.asked = true
		return c.command(b), true
	case b[0] == on, b[0] == reset:
		c.atr, c.data = c.card.ATR(), nil
	case b[0] == atr && c.atr == nil:
		return []byte{0}, true // It is there, and no more is known of it.
	case b[0] == atr:
		return c.atr, true // asked for again and again, to see whether it is there
	}
	return nil, false
}

// command is the card's answer; over T=0 data that belongs to data is fetched, and
// a length must be right (ISO 7816-3, 12.2).
func (c *chip) command(b []byte) []byte {
	if !c.waits {
		return c.card.Exchange(b)
	}
	if b[1] == 0xC0 {
		return append(c.data, 0x90, 0x00)
	}
	if len(b) > 5 && len(b) != 5+int(b[4]) {
		return []byte{0x67, 0x00}
	}
	answer := c.card.Exchange(b)
	n := len(answer) - 2
	switch {
	case n > 0 && len(b) > 5:
		c.data = answer[:n]
		return []byte{0x61, byte(n)}
	case n > 0 && int(b[4]) != n&0xFF:
		return []byte{0x6C, byte(n)}
	}
	return answer
}
