// Package cloudsync is how a terminal reaches its cloud, and the home of the
// MQTT client.
//
// A Transport opens connections: MQTT does so over TLS, Memory within the
// process. Link keeps one connection open, says hello on it, and is the
// payment.Host of a terminal: it sends a message again and again under the
// same key until the answer for that very key has come. Uplink takes what the
// cloud must still be told from the journal and tells it.
//
// Nothing that a transport or a broker says counts as delivery. Only the
// cloud's own answer does, which it gives after its commit: publish tokens of
// the MQTT client complete for messages that are lost, and brokers acknowledge
// messages that they drop.
package cloudsync
