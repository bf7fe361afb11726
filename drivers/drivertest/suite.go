package drivertest

import (
	"context"
	"errors"
	"testing"
	"time"
)

// patience bounds a call that must succeed, and shortly is how long a call is
// left waiting for what does not come.
const (
	patience = 20 * time.Second
	shortly  = 60 * time.Millisecond
)

// within gives a context for a call that must succeed.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// wantError fails the test unless err is one of the errors wanted.
func wantError(t *testing.T, call string, err error, wanted ...error) {
	t.Helper()
	for _, w := range wanted {
		if errors.Is(err, w) {
			return
		}
	}
	t.Fatalf("%s = %v, want %v", call, err, wanted)
}

// must fails the test when err is not nil.
func must(t *testing.T, call string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
}

// result is what a call returned that ran beside the test.
type result[T any] struct {
	value T
	err   error
}

// beside runs a call beside the test. The test waits for it at the latest when
// it ends.
func beside[T any](t *testing.T, call func() (T, error)) <-chan result[T] {
	t.Helper()
	got := make(chan result[T], 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		v, err := call()
		got <- result[T]{v, err}
	}()
	t.Cleanup(func() { <-done })
	return got
}

// soon takes the result of a call beside.
func soon[T any](t *testing.T, call string, got <-chan result[T]) (T, error) {
	t.Helper()
	select {
	case r := <-got:
		return r.value, r.err
	case <-time.After(patience):
		t.Fatalf("%s does not return", call)
		panic("unreachable")
	}
}
