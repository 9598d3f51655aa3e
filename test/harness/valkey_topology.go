package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// topologyTimeout bounds how long servers may take to find each other.
const topologyTimeout = 30 * time.Second

// StartValkeyCluster starts a Cluster of nodes that share all slots among them, without replicas, and waits until it is
// whole. A node may hang for 15 seconds before the others call it failed, and then answer nothing either.
func StartValkeyCluster(ctx context.Context, dir string, nodes int, args ...string) ([]*Valkey, error) {
	const slots = 16384
	var all []*Valkey
	var ports []string
	fail := func(err error) ([]*Valkey, error) {
		for _, v := range all {
			v.Stop()
		}
		return nil, err
	}
	for i := range nodes {
		bus, err := FreeAddress(ctx)
		if err != nil {
			return fail(err)
		}
		_, port, _ := strings.Cut(bus, ":")
		v, err := StartValkey(ctx, dir, append([]string{"--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "15000"}, args...)...)
		if err != nil {
			return fail(err)
		}
		all, ports = append(all, v), append(ports, port)
		first, last := i*slots/nodes, (i+1)*slots/nodes-1
		if _, err := v.Do("CLUSTER", "ADDSLOTSRANGE", fmt.Sprint(first), fmt.Sprint(last)); err != nil {
			return fail(fmt.Errorf("give slots: %w", err))
		}
	}
	for i, v := range all {
		host, port, err := net.SplitHostPort(v.Address)
		if err == nil {
			_, err = all[0].Do("CLUSTER", "MEET", host, port, ports[i])
		}
		if err != nil {
			return fail(fmt.Errorf("introduce node: %w", err))
		}
	}
	for _, v := range all {
		if err := Poll(ctx, topologyTimeout, func() error {
			return v.says("CLUSTER INFO", "cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d", nodes))
		}); err != nil {
			return fail(err)
		}
	}
	return all, nil
}

// says asks a server, and is content when its reply holds all parts.
func (v *Valkey) says(command string, parts ...string) error {
	reply, err := v.Do(strings.Fields(command)...)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if !strings.Contains(reply, p) {
			return fmt.Errorf("%s has no %s: %s", command, p, reply)
		}
	}
	return nil
}

// StartValkeyReplica starts a server that copies another, and waits until it does.
func StartValkeyReplica(ctx context.Context, dir string, of *Valkey, args ...string) (*Valkey, error) {
	host, port, err := net.SplitHostPort(of.Address)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	v, err := StartValkey(ctx, dir, append([]string{"--replicaof", host + " " + port, "--repl-diskless-sync-delay", "0"}, args...)...)
	if err != nil {
		return nil, err
	}
	if err := Poll(ctx, topologyTimeout, func() error { return v.says("INFO replication", "master_link_status:up") }); err != nil {
		v.Stop()
		return nil, err
	}
	return v, nil
}

// StartSentinel starts a Sentinel that alone decides when the master is down, after two seconds, and waits until it knows
// its replica.
func StartSentinel(ctx context.Context, dir, name string, master *Valkey) (*Valkey, error) {
	binary, err := ValkeyBinary()
	if err != nil {
		return nil, err
	}
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	own, err := os.MkdirTemp(dir, "sentinel-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	host, port, _ := strings.Cut(master.Address, ":")
	_, ownPort, _ := strings.Cut(address, ":")
	file := filepath.Join(own, "sentinel.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %[1]s\ndir %[2]s\nsentinel monitor %[3]s %[4]s %[5]s 1\nsentinel down-after-milliseconds %[3]s 2000\nsentinel failover-timeout %[3]s 5000\n",
		ownPort, own, name, host, port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	v := &Valkey{Address: address, Log: own + ".log", ctx: context.WithoutCancel(ctx), binary: binary, dir: own, args: []string{file, "--sentinel"}}
	if err := v.Start(); err != nil {
		return nil, err
	}
	err = Poll(ctx, topologyTimeout, func() error {
		reply, err := v.Do("SENTINEL", "REPLICAS", name)
		if err == nil && !strings.Contains(reply, "slave") {
			err = errors.New("the Sentinel knows no replica yet")
		}
		return err
	})
	if err != nil {
		v.Stop()
		return nil, err
	}
	return v, nil
}
