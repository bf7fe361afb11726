package emv

import "github.com/cloudpos/cloudpos/emv/tlv"

// assessRisk is terminal risk management. It is done whether the AIP asks for
// it or not: a floor limit is the acquirer's, not the card's. EMV 4.4 Book 3, 10.6.
func (k *Kernel) assessRisk() (Action, error) {
	k.tsi.set(tsiRisk)
	if k.cfg.Listed != nil && k.cfg.Listed(k.pan, k.cardSequence()) {
		k.tvr.Set(tvrExceptionFile) // Book 4, 6.3.5
	}
	if k.tx.ForcedOnline {
		k.tvr.Set(tvrForcedOnline) // Book 4, 6.5.3
	}
	if k.overFloorLimit() {
		k.tvr.Set(tvrFloorLimit) // Book 3, 10.6.1
	} else if k.canBoth() && k.app().picks(k.tx.AmountMinor, k.percent()) {
		k.tvr.Set(tvrRandomOnline) // Book 3, 10.6.2
	}
	if len(k.card[tlv.LowerOfflineLimit]) == 0 || len(k.card[tlv.UpperOfflineLimit]) == 0 {
		return k.analyse()
	}
	k.state = readingATC // Book 3, 10.6.3
	return getDataCommand(tlv.ATC), nil
}

// overFloorLimit looks at the amount together with what was approved to the same
// card before, so that a sale is not split to stay below. EMV 4.4 Book 3, 10.6.1.
func (k *Kernel) overFloorLimit() bool {
	amount, floor := k.tx.AmountMinor, int64(k.app().FloorLimitMinor)
	if k.cfg.Earlier == nil || amount >= floor {
		return amount >= floor
	}
	return k.cfg.Earlier(k.pan) >= floor-amount
}

// picks is the random transaction selection for an amount below the floor
// limit: the likelihood grows with it. EMV 4.4 Book 3, 10.6.2.
func (a *Application) picks(amountMinor int64, random uint8) bool {
	target, maximum := int64(a.RandomTargetPercent), int64(a.RandomMaximum)
	threshold, floor := int64(a.RandomThresholdMinor), int64(a.FloorLimitMinor)
	if amountMinor >= threshold && threshold < floor {
		target += (maximum - target) * (amountMinor - threshold) / (floor - threshold)
	}
	return int64(random) <= target
}

// percent draws a number from 1 to 99, each as likely as the other. A source
// that gives none sends the transaction online.
func (k *Kernel) percent() uint8 {
	const numbers = 99
	draw := make([]byte, 1)
	for range drawsMax {
		if k.cfg.Random(draw); draw[0] < 2*numbers {
			return draw[0]%numbers + 1
		}
	}
	return 1
}

// atcRead keeps the counter for velocity checking.
func (k *Kernel) atcRead(r Response) (Action, error) {
	var err error
	if k.atc, err = counter(r, tlv.ATC); err != nil {
		return nil, err
	}
	k.state = readingLastATC
	return getDataCommand(tlv.LastOnlineATC), nil
}

// lastATCRead checks how long the card has been offline. EMV 4.4 Book 3, 10.6.3.
func (k *Kernel) lastATCRead(r Response) (Action, error) {
	last, err := counter(r, tlv.LastOnlineATC)
	if err != nil {
		return nil, err
	}
	if last != nil && number(last) == 0 {
		k.tvr.Set(tvrNewCard)
	}
	if k.atc == nil || last == nil || number(k.atc) <= number(last) {
		k.tvr.Set(tvrLowerLimit)
		k.tvr.Set(tvrUpperLimit)
		return k.analyse()
	}
	offline := number(k.atc) - number(last)
	if offline > int(k.card[tlv.LowerOfflineLimit][0]) {
		k.tvr.Set(tvrLowerLimit)
	}
	if offline > int(k.card[tlv.UpperOfflineLimit][0]) {
		k.tvr.Set(tvrUpperLimit)
	}
	return k.analyse()
}

// counter reads a GET DATA response: two bytes, or nil when the card does not
// give it. EMV 4.4 Book 3, 6.5.7.
func counter(r Response, t tlv.Tag) ([]byte, error) {
	if r.sw() != swOK {
		return nil, nil
	}
	value, err := tlv.One(r.body(), t)
	if err != nil || len(value) != 2 {
		return nil, refuse(ReasonCardData, "GET DATA %v: not two bytes of it (Book 3, 6.5.7.4)", t)
	}
	return append([]byte(nil), value...), nil
}

func number(b []byte) int { return int(b[0])<<8 | int(b[1]) }
