// Package testservers gives tests a real Kafka and a real Elasticsearch, with or without Docker.
//
//	func TestShip(t *testing.T) {
//		brokers := testservers.Kafka(t) // [127.0.0.1:24203]
//		topic := testservers.Name(t)    // testship-k3v7q2mzxa
//		...
//	}
//
// [Kafka] and [Elasticsearch] take the servers that an environment variable names, and otherwise start their own with
// the script up beside this file, once for all packages under test. Those run on afterwards, until
// "make servers-down" or the end of their time; README.md says more. Where they cannot run, the test is skipped, or
// fails if CI is set.
//
// All tests use the same servers: [Name] keeps them apart, and none may change a setting of a whole server. The package
// never deletes what a test has made, and is never part of a binary: only tests import it.
package testservers
