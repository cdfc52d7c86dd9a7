"""A city node as a process: state folder (with `policy` and `trust.json`), main server's URL, port, operator token."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import uvicorn

from evidence.adapters import envelope_p256
from sessions.adapters.node_source import HttpLogSource
from sessions.adapters.node_store import FileNodeStore
from sessions.node import CityNode
from sessions.node_keys import NodeKeys
from sessions.trust import Pins
from web.city.app import create_city_app


def main(folder: Path, main_url: str, port: int, token: str) -> None:
    pins = Pins.parse((folder / "policy").read_text(), (folder / "trust.json").read_text())
    store = FileNodeStore.open(folder / "node")
    keys = NodeKeys.load(store)
    source = HttpLogSource(
        main_url=main_url, main=pins.trust.main, domain=keys.domain, signer=keys.identity, clock=time.time
    )
    node = CityNode(keys=keys, pins=pins, store=store, source=source, envelopes=envelope_p256, clock=time.time)
    uvicorn.run(create_city_app(node, operator_token=token), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
