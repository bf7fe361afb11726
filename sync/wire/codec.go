package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// What a decoder or encoder refuses. The error names the message and the field
// and never quotes a value.
var (
	ErrVersion  = errors.New("unknown version")
	ErrTooLarge = errors.New("too large")
	ErrSyntax   = errors.New("not a message")
	ErrField    = errors.New("field refused")
)

// EncodeRequest writes a request in this program's version.
func EncodeRequest(r Request) ([]byte, error) {
	r.V = Version
	return encode("request", &r)
}

// DecodeRequest reads a request of any released version.
func DecodeRequest(data []byte) (Request, error) { return decode[Request]("request", data) }

// EncodeAnswer writes an answer in this program's version.
func EncodeAnswer(a Answer) ([]byte, error) {
	a.V = Version
	return encode("answer", &a)
}

// DecodeAnswer reads an answer of any released version.
func DecodeAnswer(data []byte) (Answer, error) { return decode[Answer]("answer", data) }

// EncodeHello writes a hello in this program's version.
func EncodeHello(h Hello) ([]byte, error) {
	h.V = Version
	return encode("hello", &h)
}

// DecodeHello reads a hello of any released version.
func DecodeHello(data []byte) (Hello, error) { return decode[Hello]("hello", data) }

// EncodeWelcome writes a welcome in this program's version.
func EncodeWelcome(w Welcome) ([]byte, error) {
	w.V = Version
	return encode("welcome", &w)
}

// DecodeWelcome reads a welcome of any released version.
func DecodeWelcome(data []byte) (Welcome, error) { return decode[Welcome]("welcome", data) }

type checked[T any] interface {
	*T
	check(*checker)
}

func encode[T any, P checked[T]](what string, m P) ([]byte, error) {
	if err := check(m.check); err != nil {
		return nil, fmt.Errorf("wire: %s: %w", what, err)
	}
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("wire: %s: %w", what, explain(err))
	}
	if len(data) > MessageMax {
		return nil, fmt.Errorf("wire: %s: %w: %d bytes, at most %d", what, ErrTooLarge, len(data), MessageMax)
	}
	return data, nil
}

// decode looks at the version before the rest: a later one may have given a
// field another type, and the error should say what is wrong.
func decode[T any, P checked[T]](what string, data []byte) (T, error) {
	var m, none T
	if err := unmarshal(data, MessageMax, P(&m)); err != nil {
		return none, fmt.Errorf("wire: %s: %w", what, err)
	}
	if err := check(P(&m).check); err != nil {
		return none, fmt.Errorf("wire: %s: %w", what, err)
	}
	return m, nil
}

func unmarshal(data []byte, sizeMax int, m any) error {
	if len(data) > sizeMax {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), sizeMax)
	}
	var head struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return explain(err)
	}
	if head.V != Version {
		return fmt.Errorf("%w: v is %d, this program reads %d", ErrVersion, head.V, Version)
	}
	if err := json.Unmarshal(data, m); err != nil {
		return explain(err)
	}
	return nil
}

// explain says what is wrong with a JSON text without quoting from it, since a
// careless peer may have put anything there.
func explain(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return fmt.Errorf("%w: it is not a JSON object", ErrSyntax)
		}
		return fmt.Errorf("%w: %s has the wrong type or is out of range", ErrField, wrong.Field)
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w: not JSON at byte %d", ErrSyntax, wrong.Offset)
	}
	if _, ok := errors.AsType[base64.CorruptInputError](err); ok {
		return fmt.Errorf("%w: a binary value is not base64", ErrField)
	}
	return fmt.Errorf("%w: a value is malformed", ErrField)
}
