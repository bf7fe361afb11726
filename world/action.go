package world

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/cloudpos/cloudpos/drivers/sim"
)

// ask is what a page sends with an action; each takes what it needs.
type ask struct {
	Card   string `json:"card"`
	Key    string `json:"key"`
	Device string `json:"device"`
	Fault  string `json:"fault"`
	On     bool   `json:"on"`
	N      int    `json:"n"`
	Millis int    `json:"millis"`
}

// actions are what a page can do, by name.
var actions = map[string]func(*Opts, ask) error{
	"insert":   func(o *Opts, a ask) error { return o.Shop.Insert(a.Card) },
	"swipe":    func(o *Opts, a ask) error { return o.Shop.Swipe(a.Card) },
	"pull":     func(o *Opts, _ ask) error { return o.Shop.Pull() },
	"tap":      func(o *Opts, a ask) error { return o.Shop.Tap(a.Card) },
	"lift":     func(o *Opts, _ ask) error { return o.Shop.Lift() },
	"pull-at":  func(o *Opts, a ask) error { return o.Shop.PullAt(a.N) },
	"customer": func(o *Opts, a ask) error { return o.Shop.SetCustomer(sim.Customer{Card: a.Card, Auto: a.On}) },

	"by-hand": func(o *Opts, a ask) error { return o.Shop.ByHand(a.On) },
	"press":   func(o *Opts, a ask) error { return o.Shop.Press(a.Key) },

	"paper-out": func(o *Opts, a ask) error { return o.Shop.PaperOut(a.N) },
	"paper-in":  func(o *Opts, _ ask) error { return o.Shop.PaperIn() },
	"paper-low": func(o *Opts, a ask) error { return o.Shop.PaperLow(a.On) },
	"cover":     func(o *Opts, a ask) error { return o.Shop.Cover(a.On) },
	"jam":       func(o *Opts, a ask) error { return o.Shop.Jam(a.On) },
	"slow":      func(o *Opts, a ask) error { return o.Shop.Slow(millis(a.Millis)) },

	"unplug": func(o *Opts, a ask) error { return o.Shop.Unplug(a.Device) },
	"replug": func(o *Opts, a ask) error { return o.Shop.Replug(a.Device) },
	"fault": func(o *Opts, a ask) error {
		f := sim.Fault{Kind: sim.FaultKind(a.Fault), Count: a.N}
		if f.Kind == sim.Delay {
			f.Delay = millis(a.Millis)
		}
		return o.Shop.Spoil(a.Device, f)
	},

	"cable": func(o *Opts, a ask) error { return o.Shop.PlugCable(a.On) },
	"case":  func(o *Opts, a ask) error { return o.Shop.OpenCase(a.On) },
}

// millis is a number of milliseconds; what is too long for the shop it refuses.
func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// serveAction does one thing in the shop.
func (w *world) serveAction(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("action")
	act, ok := actions[name]
	if !ok {
		reply(rw, http.StatusNotFound, problem{"there is no such action"})
		return
	}
	var a ask
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, requestMax)).Decode(&a); err != nil {
		// The reason might quote a PIN's digit.
		reply(rw, http.StatusBadRequest, problem{name + ": not a request"})
		return
	}
	if err := act(&w.opts, a); err != nil {
		reply(rw, http.StatusUnprocessableEntity, problem{err.Error()})
		return
	}
	reply(rw, http.StatusOK, struct{}{})
}

// problem is why something was not done.
type problem struct {
	Error string `json:"error"`
}
