package broker_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/infra/broker"
)

func produce(t *testing.T, addr, value string) {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Producer.Return.Successes = true
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	p, err := sarama.NewSyncProducer([]string{addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: "t", Value: sarama.StringEncoder(value)}); err != nil {
		t.Fatal(err)
	}
}

func end(t *testing.T, addr string) int64 {
	t.Helper()
	c, err := sarama.NewClient([]string{addr}, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := c.GetOffset("t", 0, sarama.OffsetNewest)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecordsSurviveARestartAndNoStaleWindowsRemain(t *testing.T) {
	dir := t.TempDir()
	for round := range 2 {
		b, err := broker.Open(broker.Config{Dir: dir, Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "seq_windows.json")); !os.IsNotExist(err) {
			t.Errorf("round %d: seq_windows.json is there: %v", round, err)
		}
		if round == 0 {
			admin, err := sarama.NewClusterAdmin([]string{b.Addr()}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := admin.CreateTopic("t", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
				t.Fatal(err)
			}
			admin.Close()
		}
		produce(t, b.Addr(), "x")
		if got := end(t, b.Addr()); got != int64(round+1) {
			t.Errorf("round %d: end offset %d", round, got)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenSaysWhatIsTaken(t *testing.T) {
	dir := t.TempDir()
	b, err := broker.Open(broker.Config{Dir: dir, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := broker.Open(broker.Config{Dir: dir, Addr: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("folder: %v", err)
	}
	if _, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: b.Addr()}); err == nil || !strings.Contains(err.Error(), b.Addr()+" is taken") {
		t.Errorf("address: %v", err)
	}
}

func TestOnAllInterfacesItAdvertisesAnAddressClientsReach(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "0.0.0.0:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, port, _ := net.SplitHostPort(b.Addr())
	c, err := sarama.NewClient([]string{"127.0.0.1:" + port}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Brokers()[0].Addr(); got != "localhost:"+port {
		t.Errorf("advertised %s", got)
	}
}
