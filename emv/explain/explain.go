// Package explain tells a person what card data says: each data object by its
// name, its value by its format, and the ones made of bits bit by bit, in the
// words of the books.
//
//	e, err := explain.Explain(data) // e holds what stands before the fault
//	fmt.Print(e)
//
// What it writes may go to a log. Account numbers are masked; tracks, PIN data
// and certificates that hold an account number are hidden, and so is each
// value in which an account number met elsewhere in the same data stands. In
// objects that hold anything, or that the dictionary does not know, the check
// digit gives it away.
// EMV 4.4 Book 3, Annexes A and C, is where the meanings come from; the
// contactless ones are of Book A and of the kernels that the text names.
package explain

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudpos/cloudpos/emv/tlv"
)

// An Explanation is card data in words.
type Explanation struct {
	Objects []Item `json:"objects"`
	Status  string `json:"status,omitempty"` // SW1 SW2, when a whole response was given
}

// An Item is one data object.
type Item struct {
	Tag     string   `json:"tag"`
	Name    string   `json:"name,omitempty"`   // empty if the dictionary does not know it
	Source  string   `json:"source,omitempty"` // who gives it
	Offset  int      `json:"offset"`           // of its first byte
	Length  int      `json:"length"`           // of its value in bytes
	Value   string   `json:"value,omitempty"`  // hex, or masked
	Masked  bool     `json:"masked,omitempty"` // Value and Text do not show all
	Text    string   `json:"text,omitempty"`   // the value by its format
	Meaning []string `json:"meaning,omitempty"`
	Objects []Item   `json:"objects,omitempty"`
}

// Explain reads BER-TLV, or a card's response with its status word. With an
// error, which is tlv.ErrMalformed, it gives what stands before the fault.
func Explain(data []byte) (Explanation, error) {
	nodes, err := tlv.ParseTree(data)
	var e Explanation
	if nodes, e.Status = cutStatus(data, nodes, err); e.Status != "" {
		err = nil
	}
	p := printer{accounts: accounts(nodes)}
	e.Objects = p.items(nodes, 0)
	return e, err
}

// cutStatus finds a status word behind the objects: the last two bytes, which
// then are an empty object or none that can be read. No card ends its data
// with an empty issuer certificate, 9000, or an empty template, 61xx to 6Fxx.
func cutStatus(data []byte, nodes []tlv.Node, err error) ([]tlv.Node, string) {
	const size = 2
	at := len(data) - size
	if at < 0 || (data[at] != 0x90 || data[at+1] != 0) && (data[at] <= 0x60 || data[at] >= 0x70) {
		return nodes, ""
	}
	status := fmt.Sprintf("%X", data[at:])
	var syntax *tlv.SyntaxError
	last := len(nodes) - 1
	switch {
	case err == nil && last >= 0 && nodes[last].Offset == at:
		return nodes[:last], status
	case errors.As(err, &syntax) && len(syntax.Path) == 0 && syntax.Offset == at:
		return nodes, status
	}
	return nodes, ""
}

// printer makes items of nodes.
type printer struct {
	accounts []string // digits of each account number in the data
}

// once are the templates in which a primitive object stands once. EMV 4.4
// Book 3, 10.2.
var once = map[tlv.Tag]bool{
	tlv.RecordTemplate: true, tlv.ResponseFormat2: true, tlv.FCI: true, tlv.FCIProprietary: true,
}

func (p printer) items(nodes []tlv.Node, parent tlv.Tag) []Item {
	items := make([]Item, 0, len(nodes))
	seen := map[tlv.Tag]bool{}
	for _, n := range nodes {
		item := p.item(n)
		if once[parent] && seen[n.Tag] && !n.Tag.Constructed() {
			item.Meaning = append(item.Meaning, "given twice: a terminal ends the transaction (Book 3, 10.2)")
		}
		seen[n.Tag] = true
		items = append(items, item)
	}
	return items
}

func (p printer) item(n tlv.Node) Item {
	d, known := tlv.Lookup(n.Tag)
	item := Item{
		Tag: n.Tag.String(), Name: d.Name, Source: d.Source.String(), Offset: n.Offset, Length: len(n.Value),
	}
	if known && (len(n.Value) < d.Min || len(n.Value) > d.Max) {
		item.Meaning = append(item.Meaning, "the length is wrong: "+bounds(d))
	}
	switch {
	case n.Tag.Constructed():
		item.Objects = p.items(n.Nodes, n.Tag)
	case p.hide(&item, n):
	case n.Tag == tlv.ResponseFormat1:
		item.Value = fmt.Sprintf("%X", n.Value)
		item.Objects = p.items(format1(n), n.Tag)
	default:
		item.Value = fmt.Sprintf("%X", n.Value)
		item.Text = text(n.Tag, d.Format, n.Value)
		if meaning := meanings[n.Tag]; meaning != nil && len(n.Value) > 0 {
			item.Meaning = append(item.Meaning, meaning(n.Value)...)
		}
	}
	return item
}

func bounds(d tlv.Definition) string {
	if d.Min == d.Max {
		return fmt.Sprintf("%d bytes are right", d.Min)
	}
	return fmt.Sprintf("%d to %d bytes are right", d.Min, d.Max)
}

// String writes an object on a line, what it means below it, and what is in it
// further in.
func (e Explanation) String() string {
	var b strings.Builder
	for _, item := range e.Objects {
		item.write(&b, "")
	}
	if e.Status != "" {
		fmt.Fprintf(&b, "status %s\n", e.Status)
	}
	return b.String()
}

func (i *Item) write(b *strings.Builder, indent string) {
	name := i.Name
	if name == "" {
		name = "unknown"
	}
	fmt.Fprintf(b, "%s%s %s", indent, i.Tag, name)
	switch {
	case i.Value != "" && i.Text != "" && i.Masked:
		fmt.Fprintf(b, ": %s, %s", i.Value, i.Text)
	case i.Value != "" && i.Text != "":
		fmt.Fprintf(b, ": %s = %s", i.Value, i.Text)
	case i.Value != "" || i.Text != "":
		fmt.Fprintf(b, ": %s%s", i.Value, i.Text)
	case i.Length == 0:
		b.WriteString(": empty")
	default:
		b.WriteString(", " + plural(i.Length, "byte"))
	}
	b.WriteByte('\n')
	for _, m := range i.Meaning {
		fmt.Fprintf(b, "%s  - %s\n", indent, m)
	}
	for k := range i.Objects {
		i.Objects[k].write(b, indent+"  ")
	}
}
