// Package e2e tests the whole: both programs as they are shipped, simulated
// devices on pseudo-terminals, TLS and MQTT on loopback, and every fault that
// can come between.
package e2e
