package wire

import (
	"errors"
	"fmt"
	"strings"
)

// What is refused about names.
var (
	ErrTerminal = errors.New("not a terminal id")
	ErrTopic    = errors.New("not a topic")
)

// root is the beginning of all topics. Its version is that of the topics'
// shape; messages have their own.
const root = "cloudpos/v1/"

// nameMax bounds a tenant, a device and a kind.
const nameMax = 32

// Direction is who a message comes from.
type Direction string

// The directions.
const (
	Up   Direction = "up"   // from the terminal
	Down Direction = "down" // from the cloud
)

// CheckTerminal tells whether a terminal's id is of the form tenant:device,
// each of 1 to 32 characters a-z, 0-9 and hyphen. Such an id is safe in an
// MQTT topic, a NATS subject, a client id and a file name.
func CheckTerminal(terminal string) error {
	tenant, device, ok := strings.Cut(terminal, ":")
	if !ok || !isName(tenant) || !isName(device) {
		return fmt.Errorf("wire: %w: write it tenant:device, each of 1 to %d characters a-z, 0-9 and hyphen", ErrTerminal, nameMax)
	}
	return nil
}

// Topic names the topic of one terminal's messages of a kind:
// "cloudpos/v1/dev/t1/up/request".
func Topic(terminal string, dir Direction, kind string) (string, error) {
	if err := CheckTerminal(terminal); err != nil {
		return "", err
	}
	if dir != Up && dir != Down {
		return "", fmt.Errorf("wire: %w: the direction is neither up nor down", ErrTopic)
	}
	if !isName(kind) {
		return "", fmt.Errorf("wire: %w: the kind is not a name", ErrTopic)
	}
	tenant, device, _ := strings.Cut(terminal, ":")
	return root + tenant + "/" + device + "/" + string(dir) + "/" + kind, nil
}

// ParseTopic reads what Topic writes.
func ParseTopic(topic string) (terminal string, dir Direction, kind string, err error) {
	rest, ok := strings.CutPrefix(topic, root)
	if parts := strings.SplitN(rest, "/", 5); ok && len(parts) == 4 {
		terminal, dir, kind = parts[0]+":"+parts[1], Direction(parts[2]), parts[3]
		if again, err := Topic(terminal, dir, kind); err == nil && again == topic {
			return terminal, dir, kind, nil
		}
	}
	return "", "", "", fmt.Errorf("wire: %w: want %stenant/device/up/kind", ErrTopic, root)
}

func isName(s string) bool {
	return s != "" && len(s) <= nameMax && isAll(s, func(b byte) bool {
		return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-'
	})
}
