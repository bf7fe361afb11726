// Command terminal makes a board a payment terminal.
//
//	terminal run              be the terminal
//	terminal sale             sell once
//	terminal journal          explain what is on disk
//	terminal sim              be the simulated shop: reader, PIN pad, printer, cards
//	terminal cards            list the simulated shop's cards
//	terminal emv decode       explain card data
//	terminal version
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
)

// Set by the build.
var (
	version = "development"
	built   = "" // time of the commit, RFC 3339
)

// Exit statuses of a sale; 0 is approved.
const (
	exitApproved  = 0
	exitError     = 1
	exitUsage     = 2
	exitDeclined  = 3
	exitCancelled = 4
	exitInDoubt   = 5
)

// errUsage is a command that cannot be understood.
var errUsage = errors.New("usage")

const usage = `usage: terminal COMMAND [options]

  run      be the terminal
             [--config FILE] [--cloud mqtts://HOST:PORT]
  sale     sell once, through the running terminal or without one
             --amount 12.50 [--currency CNY] [--card NAME] [--online] [--json] [--config FILE]
             [--reader URI] [--antenna URI] [--stripe URI] [--pinpad URI] [--printer URI]
             --online has the issuer asked even where the card could pay without
             exit status: 0 approved, 3 declined, 4 cancelled or timed out,
             5 in doubt and being reversed, 1 error, 2 usage
  journal  explain what is on disk
             list [--limit N] [--json] [--config FILE] | show ID [--json] [--config FILE]
  sim      be the simulated shop; with --http by hand, at a page
             --dir DIR [--http 127.0.0.1:8080] [--screen http://127.0.0.1:8082/]
             [--cable LISTEN=TARGET] [--ledger http://127.0.0.1:8081/ledger]
  cards    list the simulated shop's cards, and how a sale with each ends
             [--json]
  emv      explain card data, account numbers masked
             decode HEX [--json]; words are joined, - reads the standard input
  version

FILE is $CLOUDPOS_CONFIG or terminal.toml unless named.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", oneLine(err))
	}
	stop()
	os.Exit(status)
}

// oneLine keeps an error of several parts on one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// run performs one command and gives its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	if len(args) == 0 {
		return exitUsage, errors.New("which command? (see terminal help)")
	}
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) (int, error){
		"run": runAgent, "sale": runSale, "journal": runJournal, "sim": runSim, "cards": runCards, "emv": runEMV,
		checkCommand: runCheck, "version": runVersion,
	}
	command, ok := commands[args[0]]
	switch {
	case ok:
	case args[0] == "help" || args[0] == "-h" || args[0] == "--help":
		return help(stdout)
	default:
		return exitUsage, fmt.Errorf("no command %q (see terminal help)", args[0])
	}
	status, err := command(ctx, args[1:], stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return help(stdout)
	case errors.Is(err, errUsage):
		return exitUsage, fmt.Errorf("%s: %w (see terminal help)", args[0], err)
	case err != nil && status == exitApproved:
		return exitError, err
	}
	return status, err
}

func help(stdout io.Writer) (int, error) {
	_, err := fmt.Fprint(stdout, usage)
	return exitApproved, err
}

func runVersion(_ context.Context, args []string, stdout, _ io.Writer) (int, error) {
	if err := parse(newFlags("version"), args, 0); err != nil {
		return exitUsage, err
	}
	_, err := fmt.Fprintln(stdout, version)
	return exitApproved, err
}

// newFlags makes a flag set that reports instead of exiting.
func newFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// configFlag is the option that most commands share.
func configFlag(fs *flag.FlagSet) *string {
	file := os.Getenv("CLOUDPOS_CONFIG")
	if file == "" {
		file = "terminal.toml"
	}
	return fs.String("config", file, "")
}

// parse reads options and refuses what is left over beyond the words wanted.
func parse(fs *flag.FlagSet, args []string, words int) error {
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if fs.NArg() > words {
		return fmt.Errorf("%w: %q is not understood", errUsage, fs.Arg(words))
	}
	return nil
}
