package cloudsync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	cloudsync "github.com/cloudpos/cloudpos/sync"

	"github.com/cloudpos/cloudpos/payment"
)

// unreachable is a transport that never connects; the reason is another one
// from the turn-th attempt on.
type unreachable struct{ attempts, turn int }

func (u *unreachable) Connect(context.Context, string, []string, func(string, []byte)) (cloudsync.Conn, error) {
	u.attempts++
	if u.attempts >= u.turn {
		return nil, fmt.Errorf("attempt %d: %w", u.attempts, errors.New("certificate refused"))
	}
	return nil, fmt.Errorf("attempt %d: %w", u.attempts, errors.New("connection refused"))
}

// Waiting for a cloud fills no log, and who could not reach it is told why.
func TestWhyNotConnectedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		transport := &unreachable{turn: 20}
		link := must(cloudsync.New(transport, cloudsync.Opts{Terminal: "dev:t1", Log: slog.New(slog.NewTextHandler(&log, nil))}))
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		ran := make(chan error, 1)
		go func() { ran <- link.Run(ctx) }()

		_, err := link.Exchange(ctx, message(1, payment.Authorise))
		if !errors.Is(err, payment.ErrNotSent) || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("Exchange: %v, want ErrNotSent and why", err)
		}
		<-ctx.Done()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "connection refused") || !strings.Contains(lines[1], "certificate refused") {
			t.Errorf("after %d attempts the log has %d lines, want each reason once:\n%s", transport.attempts, len(lines), &log)
		}
	})
}
