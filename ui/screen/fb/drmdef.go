package fb

import "unsafe"

// mode is struct drm_mode_modeinfo.
type mode struct {
	Clock                                         uint32
	HDisplay, HSyncStart, HSyncEnd, HTotal, HSkew uint16
	VDisplay, VSyncStart, VSyncEnd, VTotal, VScan uint16
	VRefresh, Flags, Type                         uint32
	Name                                          [32]byte
}

// resources is struct drm_mode_card_res. The pointers are to arrays of ids.
type resources struct {
	FBs, CRTCs, Connectors, Encoders                     uint64
	CountFBs, CountCRTCs, CountConnectors, CountEncoders uint32
	MinWidth, MaxWidth, MinHeight, MaxHeight             uint32
}

// connector is struct drm_mode_get_connector: a socket with its panel.
type connector struct {
	Encoders, Modes, Props, PropValues    uint64
	CountModes, CountProps, CountEncoders uint32
	Encoder, ID, Type, TypeID             uint32
	Connection, WidthMM, HeightMM         uint32
	Subpixel, Pad                         uint32
}

// encoder is struct drm_mode_get_encoder: what turns pixels into a signal.
type encoder struct{ ID, Type, CRTC, PossibleCRTCs, PossibleClones uint32 }

// crtc is struct drm_mode_crtc: what scans a picture out to connectors.
type crtc struct {
	Connectors              uint64
	CountConnectors, ID, FB uint32
	X, Y, Gamma, ModeValid  uint32
	Mode                    mode
}

// dumb is struct drm_mode_create_dumb: a picture that the processor draws.
type dumb struct {
	Height, Width, Bits, Flags uint32
	Handle, Pitch              uint32
	Size                       uint64
}

// mapDumb is struct drm_mode_map_dumb: where in the device a picture lies.
type mapDumb struct {
	Handle, Pad uint32
	Offset      uint64
}

// addFB is struct drm_mode_fb_cmd, which makes a picture fit to be shown.
type addFB struct{ ID, Width, Height, Pitch, Bits, Depth, Handle uint32 }

// dirty is struct drm_mode_fb_dirty_cmd, clip its struct drm_clip_rect.
type dirty struct {
	FB, Flags, Color, CountClips uint32
	Clips                        uint64
}

type clip struct{ X1, Y1, X2, Y2 uint16 }

// capability is struct drm_get_cap.
type capability struct{ Capability, Value uint64 }

// Requests of drm.h: both directions, the structure's size, 'd', a number.
const (
	drmGetCap       = 3<<30 | uint32(unsafe.Sizeof(capability{}))<<16 | 'd'<<8 | 0x0c
	drmGetResources = 3<<30 | uint32(unsafe.Sizeof(resources{}))<<16 | 'd'<<8 | 0xa0
	drmGetCRTC      = 3<<30 | uint32(unsafe.Sizeof(crtc{}))<<16 | 'd'<<8 | 0xa1
	drmSetCRTC      = 3<<30 | uint32(unsafe.Sizeof(crtc{}))<<16 | 'd'<<8 | 0xa2
	drmGetEncoder   = 3<<30 | uint32(unsafe.Sizeof(encoder{}))<<16 | 'd'<<8 | 0xa6
	drmGetConnector = 3<<30 | uint32(unsafe.Sizeof(connector{}))<<16 | 'd'<<8 | 0xa7
	drmAddFB        = 3<<30 | uint32(unsafe.Sizeof(addFB{}))<<16 | 'd'<<8 | 0xae
	drmRemoveFB     = 3<<30 | 4<<16 | 'd'<<8 | 0xaf
	drmDirtyFB      = 3<<30 | uint32(unsafe.Sizeof(dirty{}))<<16 | 'd'<<8 | 0xb1
	drmCreateDumb   = 3<<30 | uint32(unsafe.Sizeof(dumb{}))<<16 | 'd'<<8 | 0xb2
	drmMapDumb      = 3<<30 | uint32(unsafe.Sizeof(mapDumb{}))<<16 | 'd'<<8 | 0xb3
	drmDestroyDumb  = 3<<30 | 4<<16 | 'd'<<8 | 0xb4
)

const (
	capDumbBuffer = 1 // DRM_CAP_DUMB_BUFFER
	connected     = 1 // drm_connector.connection
	preferred     = 8 // DRM_MODE_TYPE_PREFERRED
	clipsMax      = 256
	idsMax        = 64  // connectors, encoders or CRTCs of a device
	modesMax      = 512 // of a connector
)
