package emv

// State is what the kernel waits for, in words.
func (k *Kernel) State() string { return k.state.String() }

// States are all of them, but those before the first event and after the last.
func States() []string { return stateNames[idle+1 : ended] }
