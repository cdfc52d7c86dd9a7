"""How do four parties come to know each other before the first proceeding?

As they would anywhere: each makes its own keys in its own state directory, hands its public file to the others, and all
write the same policy. Only that they share one machine is the demo's.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from web.demo.tender import CENTRES, CITIES, SUPERVISION
from web.server import wiring
from web.server.errors import BadSettings
from web.server.installation import Layout, read_private, write_toml, write_trust
from web.server.settings import CITY_FILE, SERVER_FILE, load_city_settings, load_settings

MARK = ".tongping-demo"
ADDRESS = "127.0.0.1"
MAIN = CENTRES[0]
OPERATOR = "同评演示（本机）"
"""One machine runs all four parties here, so the verdict must say `one-operator` (protocols.md section 8)."""
NODES = (*CENTRES[1:], SUPERVISION)
"""Witnesses and holders: the two secondary cities' and the supervisor's (protocols.md section 11)."""
QUORUM, HOLDER_K, DISHONEST = 3, 2, 1
"""Witnesses n = k = 3, holders n = 3, k = 2; with 2k - n > f one witness may be dishonest (protocols.md section 2)."""


@dataclass(frozen=True, slots=True)
class Node:
    """A city node of the demo."""

    domain: str
    url: str
    state: Path

    @property
    def operator_token(self) -> str:
        return read_private(Layout(self.state).secrets / wiring.OPERATOR_TOKEN).decode().strip()


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that is running once it is started."""

    state: Path
    url: str
    nodes: tuple[Node, ...]

    @property
    def main(self) -> Path:
        return self.state / "main"

    @property
    def policy(self) -> Path:
        """The agreement as an auditor holds it: not the server's copy."""
        return self.state / "policy"

    @property
    def actors(self) -> Path:
        return self.state / "actors"

    @property
    def administrator_token(self) -> str:
        return read_private(Layout(self.main).secrets / wiring.ADMINISTRATOR_TOKEN).decode().strip()

    def node(self, domain: str) -> Node | None:
        """The node of a centre; the main centre has none."""
        return next((node for node in self.nodes if node.domain == domain), None)


def install(state: Path) -> Installation:
    """A new installation in a new folder, or in one that an earlier demo made: nobody else's is ever emptied."""
    if state.exists() and any(state.iterdir()) and not (state / MARK).exists():
        raise BadSettings(f"{state} is not empty, and no demo made it")
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    (state / MARK).touch()
    web, signing, *listening = free_ports(socket.SOCK_STREAM, 2 + len(NODES))
    (media,) = free_ports(socket.SOCK_DGRAM, 1)
    nodes = tuple(
        Node(domain, f"http://{ADDRESS}:{port}", state / domain.partition(".")[0])
        for domain, port in zip(NODES, listening, strict=True)
    )
    installation = Installation(state, f"http://{ADDRESS}:{web}", nodes)
    installation.actors.mkdir(parents=True)
    installation.main.mkdir()
    tables = {
        "cities": [{"domain": node.domain, "url": node.url} for node in nodes],
    }
    write_toml(
        installation.main / SERVER_FILE,
        {
            "domain": MAIN,
            "operator": OPERATOR,
            **named(MAIN),
            "public_origin": installation.url,
            "web.port": web,
            "signing.port": signing,
            "media.first_port": media,
            "media.last_port": media,
            # The partner's receiver of webhooks runs on this machine, too.
            "webhooks.test_networks": [f"{ADDRESS}/32"],
        },
        tables,
    )
    main = wiring.initialise_centre(load_settings(installation.main))
    parties = []
    for node, port in zip(nodes, listening, strict=True):
        node.state.mkdir()
        values = {
            "domain": node.domain,
            "operator": OPERATOR,
            **named(node.domain),
            "main_url": installation.url,
            "listen.port": port,
        }
        write_toml(node.state / CITY_FILE, values, {})
        parties.append(wiring.initialise_city(load_city_settings(node.state), node.url))
    for holder in (installation.main, *(node.state for node in nodes)):
        write_trust(Layout(holder).policy, main=main, cities=parties, quorum=QUORUM, holder_k=HOLDER_K, f=DISHONEST)
    write_trust(installation.policy, main=main, cities=parties, quorum=QUORUM, holder_k=HOLDER_K, f=DISHONEST)
    return installation


def named(domain: str) -> dict[str, str]:
    """The settings of a centre's name."""
    return dict(zip(("name.zh", "name.en"), CITIES[domain], strict=True))


def free_ports(kind: socket.SocketKind, count: int) -> list[int]:
    """Ports that nobody uses at this moment, all different."""
    with ExitStack() as stack:
        return [stack.enter_context(bound).getsockname()[1] for bound in _bound(kind, count)]


def _bound(kind: socket.SocketKind, count: int) -> Iterator[socket.socket]:
    for _ in range(count):
        one = socket.socket(socket.AF_INET, kind)
        one.bind((ADDRESS, 0))
        yield one
