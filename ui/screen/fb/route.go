package fb

import (
	"fmt"
	"image"
	"runtime"
	"slices"
	"unsafe"
)

// path is a way for a picture to a panel.
type path struct {
	connector, crtc uint32
	mode            mode
	millimetres     image.Point
}

// route finds the first connected panel and a CRTC that can feed it: the one
// that feeds it already, or the first that an encoder of its can be fed from.
func route(dev kernel) (path, error) {
	crtcs, connectors, err := ids(dev)
	if err != nil {
		return path{}, err
	}
	for _, id := range connectors {
		c, modes, encoders, err := ask(dev, id)
		if err != nil {
			return path{}, fmt.Errorf("connector %d: %w", id, err)
		}
		if c.Connection != connected || len(modes) == 0 {
			continue
		}
		best := max(slices.IndexFunc(modes, func(m mode) bool { return m.Type&preferred != 0 }), 0)
		if c.Encoder != 0 {
			encoders = append([]uint32{c.Encoder}, encoders...)
		}
		if feed := feeder(dev, encoders, crtcs); feed != 0 {
			return path{id, feed, modes[best], millimetres(c.WidthMM, c.HeightMM)}, nil
		}
	}
	return path{}, fmt.Errorf("%w: none of %d connectors has a panel", ErrNoDisplay, len(connectors))
}

// feeder returns the CRTC for one of the encoders, or 0.
func feeder(dev kernel, encoders, crtcs []uint32) uint32 {
	for _, id := range encoders {
		e := encoder{ID: id}
		if dev.ioctl(drmGetEncoder, unsafe.Pointer(&e)) != nil {
			continue // another may do
		}
		if e.CRTC != 0 {
			return e.CRTC
		}
		for i, c := range crtcs {
			if i < 32 && e.PossibleCRTCs&(1<<i) != 0 {
				return c
			}
		}
	}
	return 0
}

// ids asks for the CRTCs and connectors of a device: first for how many there
// are, then for them. What is plugged in between is not seen.
func ids(dev kernel) (crtcs, connectors []uint32, err error) {
	var r resources
	if err := dev.ioctl(drmGetResources, unsafe.Pointer(&r)); err != nil {
		return nil, nil, fmt.Errorf("resources: %w", err)
	}
	crtcs = make([]uint32, min(r.CountCRTCs, idsMax))
	connectors = make([]uint32, min(r.CountConnectors, idsMax))
	var pin runtime.Pinner
	defer pin.Unpin()
	r = resources{
		CRTCs: address(&pin, crtcs), CountCRTCs: uint32(len(crtcs)),
		Connectors: address(&pin, connectors), CountConnectors: uint32(len(connectors)),
	}
	if err := dev.ioctl(drmGetResources, unsafe.Pointer(&r)); err != nil {
		return nil, nil, fmt.Errorf("resources: %w", err)
	}
	return kept(crtcs, r.CountCRTCs), kept(connectors, r.CountConnectors), nil
}

// ask asks for a connector, its modes and encoders, in the same way.
func ask(dev kernel, id uint32) (c connector, modes []mode, encoders []uint32, err error) {
	c.ID = id
	if err := dev.ioctl(drmGetConnector, unsafe.Pointer(&c)); err != nil {
		return c, nil, nil, err
	}
	modes = make([]mode, min(c.CountModes, modesMax))
	encoders = make([]uint32, min(c.CountEncoders, idsMax))
	var pin runtime.Pinner
	defer pin.Unpin()
	c = connector{
		ID: id, Modes: address(&pin, modes), CountModes: uint32(len(modes)),
		Encoders: address(&pin, encoders), CountEncoders: uint32(len(encoders)),
	}
	if err := dev.ioctl(drmGetConnector, unsafe.Pointer(&c)); err != nil {
		return c, nil, nil, err
	}
	return c, kept(modes, c.CountModes), kept(encoders, c.CountEncoders), nil
}

// kept returns what the kernel has filled. It fills nothing at all when there
// is more by now than there was room for.
func kept[T any](s []T, count uint32) []T {
	if int64(count) > int64(len(s)) {
		return nil
	}
	return s[:count]
}
