package ui

import (
	"github.com/cloudpos/cloudpos/drivers"
	"github.com/cloudpos/cloudpos/payment"
	"github.com/cloudpos/cloudpos/receipt"
)

// Language is the language of the screens, and of slips shown on them.
type Language = receipt.Language

// vocabulary is what the screens say in one language. A test finds an entry
// that is empty.
type vocabulary struct {
	language Language
	other    string // the other language's own name for itself
	training string

	newSale, history, offline, online string
	toPrint, toCloud, lookAt          string // with %d
	ready                             string

	amount, amountHint, clear, cancel, next, done string

	method  string
	methods map[Method]methodWords

	present                                                                map[drivers.Media]string // each set of ways
	starting, reading, leaveCard, holdStill, takeAway, choose, noneOfThese string
	tapAgain, tapAgainHint, withoutIt, seePhone                            string
	pin, pinHint, pinOnReader, pinLast                                     string
	pinTries                                                               string // with %d
	asking, askingHint, askingSwiped, askingTapped                         string
	stepCard, stepPIN, stepBank                                            string

	approved, declined, cancelled, inDoubt, reversed, fault string
	inDoubtWhat, inDoubtNext, reversedNext                  string
	approvedNext, slipWaits, signs, signsNext               string
	receipt, reprint, reprinting, newSaleAfter              string
	balance                                                 string // with %s

	historyEmpty, historyWait, details string
	states                             map[payment.State]string
	fields                             fieldWords
	devices                            string
	allWell                            string
	deviceNames                        map[Device]string
	problems                           map[problemOf]advice
	notices                            map[payment.Notice]string
	reasons                            map[string]advice
	codes                              map[string]advice
	otherReason                        map[payment.Screen]advice
}

// methodWords name a method and say what it is.
type methodWords struct{ name, hint string }

// advice is what happened and what to do next.
type advice struct{ what, next string }

// problemOf is a problem of a device; with no device, of any.
type problemOf struct {
	Device  Device
	Problem Problem
}

// fieldWords name what a record tells.
type fieldWords struct {
	amount, card, label, time, receipt, stan, auth, ref, code, state, printed string
	yes, no                                                                   string
}

func vocabularyOf(l Language) *vocabulary {
	if l == receipt.Chinese {
		return &chinese
	}
	return &english
}

// problem finds the words for a fault.
func (v *vocabulary) problem(f Fault) advice {
	for _, of := range []problemOf{{f.Device, f.Problem}, {"", f.Problem}, {f.Device, ProblemFault}} {
		if a, ok := v.problems[of]; ok {
			return a
		}
	}
	return v.problems[problemOf{"", ProblemFault}]
}

// why says how a transaction came to its end. The host's code is the most
// precise, then the flow's reason.
func (v *vocabulary) why(screen payment.Screen, reason, code string) advice {
	if a, ok := v.codes[code]; ok && screen == payment.ScreenDeclined {
		return a
	}
	if a, ok := v.reasons[reason]; ok {
		return a
	}
	return v.otherReason[screen]
}

// otherLanguage is the one that the language key offers.
func otherLanguage(l Language) Language {
	if l == receipt.Chinese {
		return receipt.English
	}
	return receipt.Chinese
}
