// Package browser tests the terminal as people meet it: its screen in a real
// browser, by taps on the pixels, beside the page of the simulated shop with
// its cards, PIN pad, paper and cable.
//
//	go test -count=1 -tags browser ./e2e/browser
//
// The tests stand behind the tag because they need Debian's chromium, or
// another Chrome that CHROMIUM names; without the tag nothing here is built,
// so make test needs no browser. Under the tag a missing browser fails.
//
// Nothing in the product helps them. A test draws, in its own process, what
// ought to be on the glass now, with the same ui from the views of the story
// (glass). It waits until the browser shows the very same pixels, but for
// lights and discs that move by themselves, and finds in its own drawing where
// a finger has to go. So each step shows at once that the right screen is
// there, that it came through whole, and that the tap reached its key. At the
// end of each story the books of terminal, cloud and issuer are compared with
// the paper.
//
// Each story keeps pictures of its steps in var/e2e, or in the folder that
// E2E_PICTURES names.
package browser
