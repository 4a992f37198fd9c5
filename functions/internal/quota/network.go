package quota

import (
	"net/netip"
	"strings"
)

// Unknown is the network of all addresses that cannot be read.
const Unknown = "unknown"

// Network is what of a client's address is counted as one: an IPv4 address, or the /64 of an IPv6 address, within which
// a device takes new addresses as it likes (RFC 8981). A port and a zone are left out.
func Network(address string) string {
	ip, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(address)
		if err != nil {
			return Unknown
		}
		ip = withPort.Addr()
	}
	ip = ip.WithZone("").Unmap()
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return Unknown
	}
	return prefix.String()
}
