package evdev

import (
	"sync"
	"time"

	"github.com/cloudpos/cloudpos/ui/screen"
)

// listPath is the kernel's list of input devices.
const listPath = "/proc/bus/input/devices"

// lookEvery is how long a device that was plugged in waits to be found.
const lookEvery = time.Second

// fingersMax separates the fingers of two panels.
const fingersMax = 64

// KeepOpts are the options of a Kept.
type KeepOpts struct {
	// Opts are those of each device. Path names the one to open; without it all
	// touch panels and keyboards of the board are.
	Opts
	// List is the kernel's list of devices, /proc/bus/input/devices if empty.
	List string
	// OnError is told, once each time it changes, why a device cannot be used.
	// It is called on a goroutine of its own.
	OnError func(error)
}

// Kept is an input that outlives its devices: what is unplugged may come back,
// and what is plugged in later is found.
type Kept struct {
	opts   KeepOpts
	events chan screen.Event
	quit   chan struct{}
	once   sync.Once
	work   sync.WaitGroup
	told   map[string]string // errors, by path

	mu   sync.Mutex
	open map[string]int // devices, by path, and their places
}

var _ screen.Input = (*Kept)(nil)

// Keep starts looking for devices. It never fails: a panel may come later.
func Keep(o KeepOpts) *Kept {
	if o.List == "" {
		o.List = listPath
	}
	k := &Kept{
		opts: o, events: make(chan screen.Event, readMax), quit: make(chan struct{}),
		told: map[string]string{}, open: map[string]int{},
	}
	k.work.Go(k.watch)
	return k
}

// Events gives what fingers and keys do on any of the devices. It is closed by
// Close.
func (k *Kept) Events() <-chan screen.Event { return k.events }

// Close closes the devices and waits for that.
func (k *Kept) Close() error {
	k.once.Do(func() {
		close(k.quit)
		k.work.Wait()
		close(k.events)
	})
	return nil
}

// watch looks for devices until Close.
func (k *Kept) watch() {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		k.look()
		select {
		case <-again.C:
		case <-k.quit:
			return
		}
	}
}

// look opens what is there and not open.
func (k *Kept) look() {
	paths := []string{k.opts.Path}
	if k.opts.Path == "" {
		found, err := Find(k.opts.List)
		k.tell(k.opts.List, err)
		paths = nil
		for _, f := range found {
			paths = append(paths, f.Path)
		}
	}
	for _, path := range paths {
		place, taken := k.take(path)
		if taken {
			continue
		}
		o := k.opts.Opts
		o.Path = path
		dev, err := Open(o)
		k.tell(path, err)
		if err != nil {
			k.give(path)
			continue
		}
		k.work.Go(func() { k.pass(dev, place) })
	}
}

// take gives a device that is not open the lowest free place.
func (k *Kept) take(path string) (place int, taken bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.open[path]; ok {
		return 0, true
	}
	used := map[int]bool{}
	for _, p := range k.open {
		used[p] = true
	}
	for used[place] {
		place++
	}
	k.open[path] = place
	return place, false
}

func (k *Kept) give(path string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open, path)
}

// tell reports an error that is not the one told last.
func (k *Kept) tell(what string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != k.told[what] && err != nil && k.opts.OnError != nil {
		k.opts.OnError(err)
	}
	k.told[what] = text
}

// pass hands on what a device says until it is gone or Close.
func (k *Kept) pass(dev *Dev, place int) {
	defer k.give(dev.opts.Path)
	for {
		select {
		case e, ok := <-dev.Events():
			if !ok {
				return
			}
			if t, is := e.(screen.Touch); is {
				t.Finger += place * fingersMax
				e = t
			}
			select {
			case k.events <- e:
			case <-k.quit:
			}
		case <-k.quit:
			_ = dev.Close() // only read from
			return
		}
	}
}
