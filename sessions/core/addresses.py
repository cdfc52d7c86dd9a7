"""Which internet addresses may a server call on behalf of somebody else?

A partner names the address of its receiver, and whoever controls a name controls what it resolves to. So the address
is judged, never the name, and only addresses of the public internet pass.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        # The IANA special-purpose registries that `is_global` of some Python releases lets through.
        "100.64.0.0/10",  # shared address space of carriers (RFC 6598)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "240.0.0.0/4",
        # IPv6 forms that carry an IPv4 address: what they reach is decided by a translator, not by us.
        "::/96",  # compatible (RFC 4291 2.5.5.1), loopback and unspecified with it
        "::ffff:0:0/96",  # mapped
        "::ffff:0:0:0/96",  # translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215)
        "2001::/23",  # Teredo and other protocol assignments
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local (RFC 3879)
    )
)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet, in a form that leads nowhere else."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if any(address.version == network.version and address in network for network in REFUSED):
        return False
    return address.is_global and not address.is_multicast


def may_call(address: Address, allowed: tuple[Network, ...]) -> bool:
    """Public, or in a network that this installation allows by its settings (for tests)."""
    return is_public(address) or in_any(address, allowed)


def in_any(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address.version == network.version and address in network for network in networks)
