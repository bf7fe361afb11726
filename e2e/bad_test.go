package e2e

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpos/cloudpos/e2e/rig"
)

// prepared is an installation in which nothing runs.
func prepared(t *testing.T) *rig.Rig {
	t.Helper()
	r, err := rig.Prepare(rig.Opts{Programs: programs, Dir: t.TempDir()})
	must(t, err)
	endWith(t, r)
	return r
}

// program is rig.Terminal or rig.CloudEnds.
type program func(ctx context.Context, args ...string) (stdout, stderr string, status int, err error)

// refused runs a command that must fail with this status, and say why in one
// line which holds all of words.
func refused(t *testing.T, p program, status int, words []string, args ...string) {
	t.Helper()
	const most = 20 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	stdout, stderr, got, err := p(ctx, args...)
	if err != nil {
		t.Errorf("%q: %v", args, err)
		return
	}
	if got != status {
		t.Errorf("%q: exit status %d, want %d", args, got, status)
	}
	if stdout != "" {
		t.Errorf("%q: standard output is not for errors: %s", args, stdout)
	}
	oneLine(t, args, stderr, words...)
}

// oneLine demands one line with all the words, and nothing that only a
// programmer understands.
func oneLine(t *testing.T, of any, text string, words ...string) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("%q: want one line, got:\n%s", of, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q: want %q in:\n%s", of, w, text)
		}
	}
	for _, w := range []string{"panic", "goroutine", "0x", "%!"} {
		if strings.Contains(text, w) {
			t.Errorf("%q: %q in:\n%s", of, w, text)
		}
	}
}

// unchanged runs do and demands that it leaves the folder as it was.
func unchanged(t *testing.T, dir string, do func()) {
	t.Helper()
	before, err := rig.Tree(dir)
	must(t, err)
	do()
	after, err := rig.Tree(dir)
	must(t, err)
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if before[path] != after[path] {
			t.Errorf("%s is %q, was %q", path, after[path], before[path])
		}
	}
	for path := range before {
		if after[path] == "" {
			t.Errorf("%s is gone", path)
		}
	}
}

// whole demands that nothing in the folder is half written.
func whole(t *testing.T, dir string) {
	t.Helper()
	tree, err := rig.Tree(dir)
	must(t, err)
	for path := range tree {
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".new") || strings.HasSuffix(name, ".tmp") || strings.HasPrefix(name, ".dev-init-") || strings.Contains(name, ".damaged-") {
			t.Errorf("%s was left behind", path)
		}
	}
}

// kept is a file's text, which restore puts back.
func kept(t *testing.T, path string) (text string, restore func()) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data), func() {
		t.Helper()
		must(t, os.WriteFile(path, data, 0o600))
	}
}

// pays demands that a sale is approved.
func pays(t *testing.T, r *rig.Rig, args ...string) {
	t.Helper()
	report, err := r.Sale(t.Context(), append([]string{"--amount", "1.00"}, args...)...)
	if err != nil || report.Exit != 0 {
		t.Errorf("sale %q: exit %d, %v, want it approved: %+v", args, report.Exit, err, report)
	}
}

// TestWrongArguments: exit status 2, one line, and nothing is touched.
func TestWrongArguments(t *testing.T) {
	t.Parallel()
	r := prepared(t)
	const usage = 2
	terminal := func(words string, args ...string) {
		t.Helper()
		refused(t, r.Terminal, usage, []string{"terminal: ", words}, args...)
	}
	cloud := func(words string, args ...string) {
		t.Helper()
		refused(t, r.CloudEnds, usage, []string{"cloud: ", words}, args...)
	}
	unchanged(t, r.Dir, func() {
		terminal("terminal help")
		terminal(`"sell"`, "sell")
		for _, command := range []string{"run", "sale", "sim", "version"} {
			terminal(`"extra"`, command, "extra")
			terminal("-nonsense", command, "--nonsense")
		}
		terminal("-nonsense", "journal", "list", "--nonsense")
		terminal("-config", "run", "--config")
		terminal("--amount", "sale")
		for _, flag := range []string{"amount", "currency", "card", "reader", "pinpad", "printer", "config"} {
			terminal("-"+flag, "sale", "--"+flag)
		}
		terminal("-json", "sale", "--amount", "1", "--json=maybe")
		terminal(`--reader`, "sale", "--amount", "1", "--reader", "/dev/ttyS1")
		terminal(`"pcsx"`, "sale", "--amount", "1", "--reader", "pcsx:/dev/ttyS1")
		terminal(`baud="fast"`, "sale", "--amount", "1", "--reader", "ccid:/dev/ttyS1?baud=fast")
		terminal(`"ccid"`, "sale", "--amount", "1", "--pinpad", "ccid:/dev/ttyS1")
		terminal("bauds", "sale", "--amount", "1", "--pinpad", "visapad:/dev/ttyS1?bauds=9600")
		terminal("colour", "sale", "--amount", "1", "--printer", "escpos:/dev/usb/lp0?colour=1")
		terminal("no option speed", "sale", "--amount", "1", "--printer", "sim:../sim?speed=1")
		terminal("--dir", "sim")
		terminal("-dir", "sim", "--dir")
		terminal("list", "journal")
		terminal("list", "journal", "lost")
		terminal("list", "journal", "list", "extra")
		terminal("ID", "journal", "show")
		terminal(`"42"`, "journal", "show", "42")
		terminal(`"x"`, "journal", "show", "dev:t1/x/1")
		terminal("1000", "journal", "list", "--limit", "0")
		terminal("1000", "journal", "list", "--limit", "1001")
		terminal(`"all"`, "journal", "list", "--limit", "all")
		terminal("one path", "check-journal")

		cloud("cloud help")
		cloud(`"serve"`, "serve")
		for _, command := range []string{"run", "version"} {
			cloud(`"extra"`, command, "extra")
			cloud("-nonsense", command, "--nonsense")
		}
		cloud("-config", "run", "--config")
		cloud("missing", "dev-init")
		cloud(`"b"`, "dev-init", "a", "b")
		cloud("65535", "dev-init", "--mqtt-port", "70000", "a")
		cloud("65535", "dev-init", "--status-port", "65536", "a")
		cloud(`"-1"`, "dev-init", "--mqtt-port", "-1", "a")
		cloud(`"http"`, "dev-init", "--status-port", "http", "a")
		cloud("list and host", "ledger", "lost")
		cloud("missing", "ledger")
		cloud(`"extra"`, "ledger", "list", "extra")
		cloud("-terminal", "ledger", "list", "--terminal")
		cloud("-json", "ledger", "list", "--json=maybe")
	})
}

// TestWrongRequests: a sale that cannot be is usage too, told by a terminal of
// its own and by the running one in the same words.
func TestWrongRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, rig.Opts{})
	requests := func(where string) {
		for _, c := range []struct {
			words string
			args  []string
		}{
			{`not an amount: "ten"`, []string{"--amount", "ten"}},
			{`not an amount: "1.234"`, []string{"--amount", "1.234"}},
			{`not an amount: "-5"`, []string{"--amount", "-5"}},
			{`not an amount: "1.5"`, []string{"--amount", "1.5", "--currency", "JPY"}},
			{"not an amount: CNY 0.00", []string{"--amount", "0"}},
			{"at most CNY 50000.00", []string{"--amount", "50000.01"}},
			{"twelve digits", []string{"--amount", "99999999999.00"}},
			{`unknown currency "XXX"`, []string{"--amount", "1", "--currency", "XXX"}},
			{"GBP is not sold in", []string{"--amount", "1", "--currency", "GBP"}},
			{`no such card in the deck: "gold"`, []string{"--amount", "1", "--card", "gold"}},
		} {
			refused(t, r.Terminal, 2, []string{"terminal: ", c.words}, append([]string{"sale"}, c.args...)...)
		}
		refused(t, r.Terminal, 1, []string{"no such record: dev:t1/1/999"}, "journal", "show", "dev:t1/1/999")
		if t.Failed() {
			t.Fatal(where)
		}
	}
	requests("a sale of its own")
	must(t, r.StartAgent(t.Context()))
	requests("the running terminal")
	refused(t, r.Terminal, 2, []string{"--reader", "terminal.sock"}, "sale", "--amount", "1", "--reader", "none:")
	pays(t, r)
	must(t, r.Agree(t.Context()))
	records, err := r.Journal(t.Context())
	must(t, err)
	if len(records) != 1 {
		t.Errorf("%d sales, want only the one that was allowed", len(records))
	}
}

// TestBadConfiguration: the line names file, line where it has one, and key.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	r := prepared(t)
	type change struct {
		old, new string
		words    []string
	}
	try := func(p program, file string, changes []change, args ...string) {
		t.Helper()
		for _, c := range changes {
			text, restore := kept(t, file)
			if strings.Count(text, c.old) != 1 {
				t.Fatalf("%q is in %s %d times", c.old, file, strings.Count(text, c.old))
			}
			must(t, os.WriteFile(file, []byte(strings.Replace(text, c.old, c.new, 1)), 0o600))
			unchanged(t, r.Dir, func() { refused(t, p, 1, append(c.words, file), args...) })
			restore()
		}
	}
	terminal := []change{
		{"data =", "date =", []string{":3: date: unknown key"}},
		{"panel =", "pannel =", []string{":21: devices.pannel: unknown key"}},
		{`data = "data"`, "data = 5", []string{":3: data: want string, got "}},
		{"[tls]", "[tls", []string{":7: "}},
		{`data = "data"`, "", []string{"data is missing"}},
		{`key = "client.key"`, "", nil},
		{`terminal = "dev:t1"`, `terminal = "dev/t1"`, []string{": terminal: "}},
		{"mqtts://", "mqtt://", []string{`cloud is "mqtt://`, "mqtts://cloud.example:8883"}},
		{`data = "data"`, "data = \"data\"\nlanguage = \"fr\"", []string{`language is "fr", want en or zh`}},
		{`data = "data"`, "data = \"data\"\nmin_epoch = -1", []string{":4: min_epoch"}},
		{`reader = "sim:../sim"`, `reader = "/dev/ttyS1"`, []string{"devices.reader", `"/dev/ttyS1"`}},
		{`reader = "sim:../sim"`, `reader = "usb:1"`, []string{"devices.reader", `"usb"`}},
		{`pinpad = "sim:../sim"`, `pinpad = "visapad:/dev/ttyS1?baud=x"`, []string{"devices.pinpad", `baud="x"`}},
		{`printer = "sim:../sim"`, `printer = "escpos:/dev/usb/lp0?dots=9"`, []string{"devices.printer", "dots"}},
		{`panel = "sim:../sim"`, `panel = "lamp:1"`, []string{"devices.panel", `"lamp"`}},
		{`cloud = "mqtts://`, `cloud = "mqtts:///`, []string{`cloud is "mqtts:///127`, "mqtts://cloud.example:8883"}},
	}
	terminal[5].old, terminal[5].words = `key = "tls/client.key"`, []string{"tls.key is missing"}
	file := r.Config()
	for _, args := range [][]string{{"run"}, {"sale", "--amount", "1"}} {
		try(r.Terminal, file, terminal, args...)
	}
	for _, args := range [][]string{{"run"}, {"sale", "--amount", "1"}, {"journal", "list"}} {
		refused(t, r.Terminal, 1, []string{"none.toml: no such file"}, append(args, "--config", "none.toml")...)
		refused(t, r.Terminal, 1, []string{r.Dir, "is a directory"}, append(args, "--config", r.Dir)...)
	}

	file = r.Path("cloud", "cloud.toml")
	try(r.CloudEnds, file, []change{
		{"data =", "date =", []string{":2: date: unknown key"}},
		{"workers = 16", `workers = "many"`, []string{":5: workers"}},
		{"workers = 16", "workers = 0", []string{"workers is 0, want 1 to 256"}},
		{`status = "127.0.0.1:`, `status = "0.0.0.0:`, []string{"status is ", "loopback"}},
		{`mqtt = "127.0.0.1:`, `mqtt = "127.0.0.1`, []string{"mqtt"}},
		{`key = "acquirer.key"`, "", []string{"acquirer.key is missing"}},
	}, "run")
	for _, args := range [][]string{{"run"}, {"ledger", "list"}} {
		refused(t, r.CloudEnds, 1, []string{"none.toml: no such file"}, append(args, "--config", "none.toml")...)
	}
	refused(t, r.CloudEnds, 1, []string{r.Dir, "is not empty"}, "dev-init", r.Dir)
	refused(t, r.CloudEnds, 1, []string{"terminal.toml", "not a directory"}, "dev-init", r.Config())
	refused(t, r.CloudEnds, 1, []string{"terminal.toml", "not a directory"}, "dev-init", r.Config()+"/set")
	whole(t, filepath.Dir(r.Dir))

	must(t, r.StartCloud())
	pays(t, r)
}
