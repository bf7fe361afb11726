// Command cloud is the reference cloud in one program.
//
//	cloud dev-init DIR        make a development set, once
//	cloud dev-taps DIR        give a development set of before cards that are tapped
//	cloud run                 serve terminals
//	cloud ledger              show the books
//	cloud params              change the exception list of a terminal's parameters
//	cloud version
//
// parts.go is the list of what it is made of.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cloudpos/cloudpos/cloud/devset"
)

// version is set by the build.
var version = "development"

// Exit statuses.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
)

// errUsage is a command that cannot be understood.
var errUsage = errors.New("usage")

const usage = `usage: cloud COMMAND [options]

  dev-init  make keys, certificates, cards and configuration, once
              [--mqtt-port 8883] [--status-port 8081] [--screen 127.0.0.1:8082] DIR
  dev-taps  give a development set that was made before what it lacks for cards that
            are tapped: cards, accounts, parameters, and an antenna; restart its programs
              DIR
  run       serve terminals; prints a line "ready mqtt=ADDRESS status=ADDRESS"
              [--config FILE]
  ledger    show the books, also while the cloud runs
              list [--terminal ID] [--json] [--config FILE]   what the cloud knows of each sale
              host [--json] [--config FILE]                   what the host simulator decided
  params    change the exception list of a terminal's parameters: cards that were
            reported lost, stolen or misused; a terminal takes it when it starts
              except list DOCUMENT                            what is listed, as it is written there
              except add|remove DOCUMENT                      card numbers on the standard input, one a line
              [--key FILE that signs it, else params.key beside the configuration] [--config FILE]
  version

FILE is $CLOUDPOS_CLOUD_CONFIG or cloud.toml unless named.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cloud:", oneLine(err))
	}
	os.Exit(status)
}

// oneLine keeps an error of several parts on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// run performs one command and gives its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	if len(args) == 0 {
		return exitUsage, errors.New("which command? (see cloud help)")
	}
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"dev-init": runDevInit, "dev-taps": runDevTaps, "run": runCloud, "ledger": runLedger, "params": runParams, "version": runVersion,
	}
	command, ok := commands[args[0]]
	switch {
	case ok:
	case args[0] == "help" || args[0] == "-h" || args[0] == "--help":
		return help(stdout)
	default:
		return exitUsage, fmt.Errorf("no command %q (see cloud help)", args[0])
	}
	err := command(ctx, args[1:], stdout, stderr)
	switch {
	case err == nil:
		return exitDone, nil
	case errors.Is(err, flag.ErrHelp):
		return help(stdout)
	case errors.Is(err, errUsage):
		return exitUsage, fmt.Errorf("%s: %w (see cloud help)", args[0], err)
	}
	return exitError, err
}

func help(stdout io.Writer) (int, error) {
	if _, err := fmt.Fprint(stdout, usage); err != nil {
		return exitError, err
	}
	return exitDone, nil
}

func runVersion(_ context.Context, args []string, stdout, _ io.Writer) error {
	if err := parse(newFlags("version"), args, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdout, version)
	return err
}

func runDevInit(_ context.Context, args []string, stdout, _ io.Writer) error {
	fs := newFlags("dev-init")
	mqttPort := fs.Uint("mqtt-port", 8883, "")
	statusPort := fs.Uint("status-port", 8081, "")
	screen := fs.String("screen", "127.0.0.1:8082", "")
	if err := parse(fs, args, 1); err != nil {
		return err
	}
	const portMax = 1<<16 - 1
	if *mqttPort > portMax || *statusPort > portMax {
		return fmt.Errorf("%w: a port is at most %d", errUsage, portMax)
	}
	dir := fs.Arg(0)
	o := devset.Opts{Now: time.Now(), MQTTPort: uint16(*mqttPort), StatusPort: uint16(*statusPort), Screen: *screen}
	if err := devset.Make(dir, o); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "made %s: cloud run --config %s/cloud/cloud.toml, terminal run --config %s/t1/terminal.toml\n", dir, dir, dir)
	return err
}

func runDevTaps(_ context.Context, args []string, stdout, _ io.Writer) error {
	fs := newFlags("dev-taps")
	if err := parse(fs, args, 1); err != nil {
		return err
	}
	if err := devset.AddTaps(fs.Arg(0), time.Now()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "%s has cards that are tapped; restart its programs\n", fs.Arg(0))
	return err
}

// newFlags makes a flag set that reports instead of exiting.
func newFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// configFlag is the option that most commands share.
func configFlag(fs *flag.FlagSet) *string {
	file := os.Getenv("CLOUDPOS_CLOUD_CONFIG")
	if file == "" {
		file = "cloud.toml"
	}
	return fs.String("config", file, "")
}

// parse reads options, before or after the words, and refuses another number
// of words than wanted.
func parse(fs *flag.FlagSet, args []string, words int) error {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	switch {
	case len(rest) > words:
		return fmt.Errorf("%w: %q is not understood", errUsage, rest[words])
	case len(rest) < words:
		return fmt.Errorf("%w: a word is missing", errUsage)
	}
	return fs.Parse(append([]string{"--"}, rest...))
}
