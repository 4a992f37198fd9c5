package quota_test

import (
	"net/netip"
	"strings"
	"testing"

	"example.org/optout/functions/internal/quota"
)

func TestNetwork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ address, network string }{
		"an IPv4 address":                     {"203.0.113.7", "203.0.113.7"},
		"with a port":                         {"203.0.113.7:567", "203.0.113.7"},
		"an IPv6 address":                     {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		"its neighbour":                       {"2001:0DB8:1:2::7", "2001:db8:1:2::/64"},
		"the next network":                    {"2001:db8:1:3::7", "2001:db8:1:3::/64"},
		"IPv6 with a port":                    {"[2001:db8:1:2::7]:80", "2001:db8:1:2::/64"},
		"IPv6 in brackets":                    {"[2001:db8:1:2::7]", "2001:db8:1:2::/64"},
		"IPv6 with a zone":                    {"fe80::1%eth0", "fe80::/64"},
		"IPv6 with a zone and a port":         {"[fe80::1%eth0]:80", "fe80::/64"},
		"the loopback":                        {"[::1]:80", "::/64"},
		"IPv4 in IPv6":                        {"::ffff:203.0.113.7", "203.0.113.7"},
		"IPv4 in IPv6, in hexadecimal":        {"::ffff:cb00:7107", "203.0.113.7"},
		"IPv4 in IPv6 with a port":            {"[::ffff:203.0.113.7]:80", "203.0.113.7"},
		"nothing":                             {"", quota.Unknown},
		"a name":                              {"localhost:80", quota.Unknown},
		"a list, of which nobody knows whose": {"203.0.113.7, 198.51.100.1", quota.Unknown},
		"an octal":                            {"0203.0.113.7", quota.Unknown},
		"too long":                            {strings.Repeat("1", 1<<16), quota.Unknown},
	} {
		if got := quota.Network(c.address); got != c.network {
			t.Errorf("%s: %.60q is of the network %s, want %s", name, c.address, got, c.network)
		}
	}
}

// An address is of one network, however it is spelled.
func FuzzNetwork(f *testing.F) {
	for _, s := range []string{"203.0.113.7", "203.0.113.7:567", "[::1]:80", "fe80::1%eth0", "::ffff:203.0.113.7", "[2001:db8::1", "", "x", "\x00", "1.2.3.4%:5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		network := quota.Network(address)
		if network == quota.Unknown {
			if _, err := netip.ParseAddr(address); err == nil {
				t.Errorf("%q is an address", address)
			}
			return
		}
		inside := network
		if p, err := netip.ParsePrefix(network); err == nil {
			if p.Bits() != 64 || p != p.Masked() || !p.Addr().Is6() {
				t.Errorf("%q is of the network %s", address, network)
			}
			inside = p.Addr().String()
		} else if a, err := netip.ParseAddr(network); err != nil || !a.Is4() {
			t.Errorf("%q is of the network %s", address, network)
		}
		a := netip.MustParseAddr(inside)
		for _, spelled := range []string{inside, netip.AddrPortFrom(a, 80).String(), a.StringExpanded(), netip.AddrFrom16(a.As16()).String()} {
			if got := quota.Network(spelled); got != network {
				t.Errorf("%q is of the network %s, and %q of %s", address, network, spelled, got)
			}
		}
	})
}
