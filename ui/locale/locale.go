// Package locale keeps the toolkit quiet on a board without a locale. Fyne
// parses $LANG when it is initialised, before main, and complains of "C" on
// standard error, which is where a board's programs run.
//
// It works because a package without dependencies is initialised before
// those that come after it by import path (Go specification, Package
// initialization), and the toolkit needs some of those. A test of package
// screen would see it fail. None of our own words depend on it.
package locale

import "os"

func init() {
	switch os.Getenv("LANG") {
	case "", "C", "POSIX", "C.UTF-8":
		_ = os.Setenv("LANG", "en_US.UTF-8") // what is wrong with it the toolkit will say
	}
}
