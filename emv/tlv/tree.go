package tlv

import (
	"errors"
	"fmt"
)

// A Node is a data object with what is in it.
type Node struct {
	Object
	Offset int    // of its first byte, from the start of the data
	Start  int    // of its value
	Nodes  []Node // of a constructed object
}

// ParseTree reads objects with all that they hold, for those who do not know
// beforehand what they look for. With an error it gives what stands before the
// fault, of which a person can make sense.
func ParseTree(data []byte) ([]Node, error) { return parseNodes(data, 0) }

func parseNodes(data []byte, depth int) ([]Node, error) {
	if depth == depthMax {
		return nil, &SyntaxError{Reason: fmt.Sprintf("more than %d templates inside each other", depthMax)}
	}
	var nodes []Node
	err := scan(data, func(o Object, at, value int) error {
		node := Node{Object: o, Offset: at, Start: value}
		var err error
		if o.Tag.Constructed() {
			node.Nodes, err = parseNodes(o.Value, depth+1)
			move(node.Nodes, value)
		}
		nodes = append(nodes, node)
		var syntax *SyntaxError
		if errors.As(err, &syntax) {
			syntax.Offset += value
			syntax.Path = append([]Tag{o.Tag}, syntax.Path...)
		}
		return err
	})
	return nodes, err
}

// move adds to the places of nodes that were counted from their template.
func move(nodes []Node, by int) {
	for i := range nodes {
		nodes[i].Offset += by
		nodes[i].Start += by
		move(nodes[i].Nodes, by)
	}
}

// ParseTags reads a list of tags alone, as the static data authentication tag
// list is one. EMV 4.4 Book 3, 5.4 and 10.3.
func ParseTags(data []byte) ([]Tag, error) {
	if len(data) > dolMax {
		return nil, fmt.Errorf("%w: list of %d bytes, at most %d", ErrMalformed, len(data), dolMax)
	}
	var list []Tag
	for at := 0; at < len(data); {
		tag, head, err := readTag(data[at:])
		if err != nil {
			return nil, fmt.Errorf("%w: list at byte %d: %w", ErrMalformed, at, err)
		}
		list = append(list, tag)
		at += head
	}
	return list, nil
}
