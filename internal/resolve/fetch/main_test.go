package fetch

import (
	"fmt"
	"net/netip"
	"os"
	"testing"

	"github.com/grantor-dev/grantor/test/netns"
)

// The addresses of the identity provider in these tests: public ones, of the namespace's loopback.
const (
	public4 = "5.5.5.5"
	public6 = "2a00::5"
)

func TestMain(m *testing.M) {
	// What a fetch must ignore. Nothing listens there, so that every test of a success shows that it does. They are set
	// before anything else runs, because net/http reads them once.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		if err := os.Setenv(name, "http://127.0.0.1:1"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(netns.Main(m))
}

// assign gives loopback an address.
func assign(t *testing.T, address string) {
	t.Helper()
	netns.Require(t)
	addr := netip.MustParseAddr(address).Unmap()
	if err := netns.AddAddress(netip.PrefixFrom(addr, addr.BitLen())); err != nil {
		t.Fatal(err)
	}
}
