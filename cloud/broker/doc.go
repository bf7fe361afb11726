// Package broker is the cloud's MQTT broker, embedded: a NATS server with its
// MQTT listener, and the workers that take the terminals' messages off it. It
// is the one home of nats-server and nats.go.
//
//	b, err := broker.Start(broker.Config{Listen: "127.0.0.1:8883", TLS: cert, ClientCAs: pool, Data: dir, Handle: core.Handle})
//	defer b.Close(ctx)
//
// Terminals speak MQTT 3.1.1 over TLS 1.3 and show a certificate. Its common
// name is the terminal's id, "dev:t1"; it must be the MQTT client id too, and
// is what the topics are made of: the terminal may publish each kind of message
// to its own up topics, by name, and subscribe to its own down topics. Nothing
// else: no wildcard, no $ topic, no retained message elsewhere.
//
// Workers are in-process connections in a core NATS queue group. A message that
// no worker took is gone, and that is the contract: both ways at QoS 0, the
// terminal sends again until the cloud's own answer comes, which is given after
// the ledger's commit. JetStream is on because the MQTT listener keeps its
// sessions there; no message of ours is in it.
//
// Traps that are handled here: with DontListen set and a cluster configured,
// the server never starts its routes, so a cluster needs a listener on loopback
// (gate refuses it: only TLS with a certificate, or the in-process pipe with a
// random token, gets in). And the authentication hook has no getter for the
// MQTT client id; it is read off the connection's String form, which is
// undocumented and pinned by a test.
package broker
