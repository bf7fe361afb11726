package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Bounds of the control socket.
const (
	requestMax  = 64 << 10
	responseMax = 64 << 20 // a full ring of slips with their raw bytes
	clientsMax  = 64
	answerMax   = 10 * time.Second
)

// ErrControl is what a shop answered to a request that it refused.
var ErrControl = errors.New("sim: the shop refuses")

// server serves the control socket: a line of JSON in, a line of JSON out.
type server struct {
	listener net.Listener
	do       func(request) (response, error)
	hungUp   func(conn int)
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once closed
}

func newServer(l net.Listener, do func(request) (response, error), hungUp func(conn int)) *server {
	s := &server{listener: l, do: do, hungUp: hungUp, conns: map[net.Conn]bool{}}
	s.wg.Go(s.accept)
	return s
}

func (s *server) accept() {
	for number := 1; ; number++ {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed; a UNIX socket fails for no other lasting reason
		}
		if !s.add(conn) {
			_ = conn.Close()
			continue
		}
		s.wg.Go(func() {
			defer s.remove(conn)
			s.serve(conn, number)
			s.hungUp(number)
		})
	}
}

func (s *server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil || len(s.conns) == clientsMax {
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *server) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	_ = conn.Close()
}

// serve answers one client's requests until it hangs up.
func (s *server) serve(conn net.Conn, number int) {
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, requestMax)
	out := json.NewEncoder(conn)
	for lines.Scan() {
		if out.Encode(s.answer(lines.Bytes(), number)) != nil {
			return
		}
	}
}

func (s *server) answer(line []byte, number int) response {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return response{Error: "not a request"} // the reason might quote a PIN
	}
	r.conn = number
	answer, err := s.do(r)
	if err != nil {
		return response{Error: err.Error()}
	}
	return answer
}

// close ends all connections and waits for their goroutines.
func (s *server) close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// Client is a shop's control from another process. Its methods may be called
// from any goroutine; one request at a time is served.
type Client struct {
	Control

	patience time.Duration

	mu   sync.Mutex
	conn net.Conn
	in   *bufio.Reader
}

// Dial connects to the shop that is open in dir.
func Dial(dir string) (*Client, error) { return dialWithin(dir, answerMax) }

// dialWithin connects with so much patience for each step.
func dialWithin(dir string, patience time.Duration) (*Client, error) {
	conn, err := net.DialTimeout("unix", filepath.Join(dir, socketName), patience)
	if err != nil {
		return nil, fmt.Errorf("sim: no shop is open in %s: %w", dir, err)
	}
	c := &Client{patience: patience, conn: conn, in: bufio.NewReader(conn)}
	c.Control = Control{do: c.roundTrip}
	return c, nil
}

// Close hangs up; the shop stays open.
func (c *Client) Close() error { return c.conn.Close() }

// roundTrip sends a request and reads its answer.
func (c *Client) roundTrip(r request) (response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line, err := json.Marshal(r)
	if err != nil {
		return response{}, fmt.Errorf("sim: %s: %w", r.Cmd, err)
	}
	if err := c.conn.SetDeadline(time.Now().Add(c.patience)); err != nil {
		return response{}, fmt.Errorf("sim: %s: %w", r.Cmd, err)
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return response{}, fmt.Errorf("sim: %s: %w", r.Cmd, err)
	}
	var answer response
	limited := json.NewDecoder(io.LimitReader(c.in, responseMax))
	if err := limited.Decode(&answer); err != nil {
		return response{}, fmt.Errorf("sim: %s: no answer: %w", r.Cmd, err)
	}
	if answer.Error != "" {
		return response{}, fmt.Errorf("%w: %s", ErrControl, strings.TrimPrefix(answer.Error, "sim: "))
	}
	return answer, nil
}
