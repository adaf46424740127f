// Package broker is the Kafka broker inside the waybill binary, for one
// machine: development, demos and small single-node use.
//
//	b, err := broker.Open(broker.Config{Dir: "waybill-data/broker", Addr: "127.0.0.1:7692"})
//	defer b.Close()
//	client, err := sarama.NewClient([]string{b.Addr()}, nil)
//
// It speaks the Kafka protocol through franz-go's kfake with every batch synced
// to disk. It never replicates and has no authentication: the machine's disk is
// the only copy, and it listens on loopback unless told otherwise. What it
// retains is read into memory after a crash, so retention is capped. Production
// uses real Kafka, with the same client code.
package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/waybill-log/waybill/infra/lockfile"
)

// Config says where the broker keeps its data and listens.
type Config struct {
	Dir       string // data folder; locked while open
	Addr      string // host:port; port 0 takes a free one
	Advertise string // host:port told to clients; empty: the address listened on
}

const (
	segmentBytes   = 16 << 20  // a file goes only when all of it has expired, so files are small
	retentionBytes = 128 << 20 // per partition; a restart after a crash holds what is retained in memory
	retainEvery    = 30 * time.Second
)

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	unlock  func() error
	stop    chan struct{}
	done    chan struct{}
}

// Open locks cfg.Dir, binds cfg.Addr and starts the broker. The errors say
// which folder or address is taken and what to do.
func Open(cfg Config) (*Broker, error) {
	unlock, err := lockfile.Acquire(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open embedded broker: %w", err)
	}
	b := &Broker{unlock: unlock, stop: make(chan struct{}), done: make(chan struct{})}
	if err := b.start(cfg); err != nil {
		return nil, fmt.Errorf("open embedded broker: %w", errors.Join(err, unlock()))
	}
	go b.retain()
	return b, nil
}

func (b *Broker) start(cfg Config) error {
	ln, err := net.Listen("tcp", cfg.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("address %s is taken; stop what listens there or choose another with --kafka-addr", cfg.Addr)
	}
	if err != nil {
		return err
	}
	if b.addr = cfg.Advertise; b.addr == "" {
		b.addr = ln.Addr().String()
	}
	if b.addr, err = reachable(b.addr); err != nil {
		return errors.Join(err, ln.Close())
	}
	b.cluster, err = kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.DataDir(cfg.Dir),
		kfake.SyncWrites(),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return advertised{ln, hostPort(b.addr)}, nil }),
		kfake.BrokerConfigs(map[string]string{
			"log.segment.bytes":      strconv.Itoa(segmentBytes),
			"log.retention.bytes":    strconv.Itoa(retentionBytes),
			"log.cleaner.backoff.ms": strconv.Itoa(int(retainEvery.Milliseconds())),
		}),
	)
	if err != nil {
		return errors.Join(fmt.Errorf("folder %s: %w", cfg.Dir, err), ln.Close())
	}
	// The file holds producers' sequence windows as of the last orderly stop. Read
	// again after a later crash it is stale, and refuses batches it has taken.
	if err := os.Remove(filepath.Join(cfg.Dir, "seq_windows.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.cluster.Close()
		return err
	}
	return nil
}

// Addr is the address clients use.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker in order and unlocks its folder.
func (b *Broker) Close() error {
	close(b.stop)
	<-b.done
	b.cluster.Close()
	return b.unlock()
}

// retain applies retention by itself: after a restart the cluster's own ticker
// rests until a topic is created or altered.
func (b *Broker) retain() {
	defer close(b.done)
	ticker := time.NewTicker(retainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.cluster.ApplyRetention()
		case <-b.stop:
			return
		}
	}
}

// advertised is a listener that tells clients another address than it listens
// on; bound to all interfaces, the cluster would advertise "[::]".
type advertised struct {
	net.Listener
	addr hostPort
}

// reachable is an address that clients on this machine can connect to.
func reachable(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("advertised address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

func (a advertised) Addr() net.Addr { return a.addr }

type hostPort string

func (hostPort) Network() string  { return "tcp" }
func (a hostPort) String() string { return string(a) }
