// Package mqttproxy stands between a terminal and its broker in end-to-end
// tests, and loses, delays, doubles, reorders and cuts by script.
//
// It ends TLS on both sides and parses MQTT 3.1.1 by itself, so that a mishap
// strikes one message and not a piece of a byte stream. A message is named by
// what it is in the sale: direction, kind, leg and which one of those. A clean
// sale's Trace yields all its messages, and Message.Rule makes the mishap for
// each:
//
//	for _, m := range trace {
//		proxy.Script(m.Rule(mqttproxy.Drop))
//		... // sell again
//	}
//
// One proxy serves one terminal: the newest connection is the one that counts.
// Payloads are forwarded and forgotten; a trace holds topics and keys alone.
package mqttproxy
