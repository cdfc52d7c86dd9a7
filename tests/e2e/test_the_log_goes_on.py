"""A log whose last entries are gone everywhere goes on as `/r2`, and people come back to it in their browsers.

docs/protocol.md 11.2: database and cities' copies are cut back while the servers are stopped, what the cities
cosigned stays; an expert (her question is lost, and proven by her receipt) and a room's machine are in Chromium, the
others are programs. Afterwards the expert votes as if nothing had been.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from evidence.core.canonical import unb64u
from sessions.adapters.node_store import DATABASE
from tests.api.installation import eventually
from tests.chromium.browsers import CURRENT, FLAGS
from tests.chromium.hall import DEVICES, seated, sign_in, vouch
from tests.chromium.test_devices import apart, sending
from tests.chromium.test_sharing import SMALL
from tests.e2e.album import Album
from tests.expert.hall import SEAT, Hall, meeting
from tests.expert.steps import review, to, until
from web.demo.venue import read_opening
from web.server.installation import Layout

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
expect.set_options(timeout=60_000)

ROOM = "room-1"
REASON = "机房起火，数据库与各城市副本同时受损"
KEPT = """async name => {
    const open = indexedDB.open(name);
    const database = await new Promise(done => (open.onsuccess = () => done(open.result)));
    const read = database.transaction("kept").objectStore("kept").getAllKeys();
    const found = await new Promise(done => (read.onsuccess = () => done(read.result)));
    database.close();
    return found;
}"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with meeting(tmp_path_factory.mktemp("goes-on"), played=frozenset({SEAT, ROOM})) as found:
        yield found


@pytest.fixture(scope="module")
def machine(hall: Hall) -> Iterator[Browser]:
    """The room's, with a camera and a microphone."""
    found = hall.browser.browser_type.launch(executable_path=CURRENT, args=[*FLAGS, *DEVICES])
    yield found
    found.close()


@pytest.mark.pictures
def test_an_expert_comes_back_and_votes_where_entries_were_lost(hall: Hall, machine: Browser) -> None:
    room = send(hall, machine)
    page = hall.sit(hall.context())
    until(hall, page, "compliance-review")
    hall.wait(lambda view: len(view["voted"]) == 4)
    left, origin = Left(hall), hall.site.origin
    page.get_by_role("button", name="请求协助").click()
    page.get_by_role("button", name="发出请求").click()
    expect(page.get_by_text("已请求协助")).to_be_visible()
    (asked,) = hall.wait(lambda view: view["help"]["requests"])["help"]["requests"]
    receipt = f"proof-{unb64u(asked['id'], 32).hex()}"
    eventually(lambda: receipt in page.evaluate(KEPT, f"tongping-seat/{origin}/{SEAT}"), 60)
    witnessed = hall.site.size()
    hall.end_places()
    hall.site.stop()
    expect(page.get_by_text("与服务器的连接已中断")).to_be_visible()
    left.restore()
    hall.site.start()
    assert left.size < witnessed
    eventually(lambda: "entries-lost" in alarms(hall), 60)

    said = command("continue", origin, "--reason", REASON, "--state", hall.site.installation.main)
    assert f"改以 {origin}/r2 继续" in said
    page.reload()
    expect(page.get_by_text("还需要另一中心核对确认，此前不接受任何操作")).to_be_visible()
    city = hall.site.installation.node("zhuhai.example")
    assert city is not None
    command("city", "confirm", f"{origin}/r2", "--state", city.state)

    expect(page.get_by_text("主服务器的部分记录已丢失，评审在新的日志中继续")).to_be_visible()
    to(hall, page, "")
    page.get_by_role("button", name="去确认").click()
    panel = page.locator("section[aria-labelledby=come-back]")
    expect(panel.get_by_role("heading", name="主服务器的部分记录已丢失，评审继续")).to_be_visible()
    expect(panel).to_contain_text(f"前 {left.size} 条记录完好")
    expect(panel).to_contain_text("您填写和签署过的内容都在本机，没有丢失")
    expect(panel.get_by_role("checkbox", name="请求协助")).to_be_checked()
    album = Album()
    album.keep(page, "expert-comes-back")
    assert album.wrong == {}
    panel.get_by_role("button", name="确认，继续评审").click()
    expect(panel.get_by_role("heading", name="您已恢复")).to_be_visible()
    expect(panel.get_by_role("listitem").filter(has_text="请求协助")).to_contain_text("已记入")
    # Nobody sits before the room's machine: it says by itself what it has seen.
    eventually(lambda: not hall.site.view("supervisor-1")["seats"][ROOM]["waiting"], 60)
    expect(room.get_by_text("密钥")).to_have_count(0)

    apart(others(hall))
    hall.start_places()
    hall.wait(lambda view: view["gate"] == "open")
    expect(room.get_by_text("正在录音录像").first).to_be_visible()
    review(hall, page)
    hall.wait(lambda view: view["stage"] != "compliance-review")
    assert hall.view()["continued"]["known"] >= 1


def send(hall: Hall, machine: Browser) -> Page:
    """The room's page at work, which its operator admits as soon as its key is bound."""
    context = machine.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    context.add_init_script(SMALL)
    door = sign_in(context, hall.site, ROOM)
    vouch(hall.site, door, ROOM)
    door.get_by_text("本机已登记").wait_for()
    return sending(hall.site, context, door)


class Left:
    """What there is of the log now: all that is left of it after `restore`."""

    def __init__(self, hall: Hall) -> None:
        self._site = hall.site
        self._ledger = Layout(hall.site.installation.main).data / "tongping.db"
        self._copy = hall.folder / "ledger"
        with closing(sqlite3.connect(self._ledger)) as here, closing(sqlite3.connect(self._copy)) as there:
            here.backup(there)
            query = "SELECT count(*) FROM entries WHERE origin = ?"
            (self.size,) = there.execute(query, (hall.site.origin,)).fetchone()

    def restore(self) -> None:
        """While nothing runs: the older database, and in the cities no more than that of the copy; what they know to
        have cosigned stays."""
        for path in self._ledger.parent.glob(f"{self._ledger.name}-*"):
            path.unlink()
        shutil.copy(self._copy, self._ledger)
        for node in self._site.installation.nodes:
            with closing(sqlite3.connect(Layout(node.state).data / "node" / DATABASE)) as database, database:
                # A copy ends where one of its checkpoints does.
                query = "SELECT max(size) FROM head WHERE origin = ? AND size <= ?"
                (end,) = database.execute(query, (self._site.origin, self.size)).fetchone()
                for table, least in (("mirror", "n >= ?"), ("head", "size > ?")):
                    database.execute(f"DROP TRIGGER IF EXISTS {table}_DELETE")
                    database.execute(f"DELETE FROM {table} WHERE origin = ? AND {least}", (self._site.origin, end))


def alarms(hall: Hall) -> list[str]:
    """What the administrator of the machines is told."""
    answer = hall.site.call("GET", "/v1/proceedings", bearer=hall.site.installation.administrator_token)
    (found,) = [each for each in answer.json()["proceedings"] if each["id"] == hall.site.proceeding]
    return [each["kind"] for each in found["alarms"]]


def command(*words: object) -> str:
    """`tongping ...` as it is typed."""
    run = [sys.executable, "-P", "-m", "web.server", *map(str, words)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def others(hall: Hall) -> None:
    """Everybody else's device follows the log and says what it has seen."""
    async with AsyncExitStack() as stack:
        devices: dict[str, Path] = {path.name: path for path in hall.folder.glob("*/*") if path.is_dir()}
        supervisor = await seated(stack, hall.site, "supervisor-1", kept=devices.pop("supervisor-1"))
        opening = await read_opening(supervisor.client)
        seats = [supervisor, *[await seated(stack, hall.site, name, opening, path) for name, path in devices.items()]]
        for seat in seats:
            assert await seat.go_on()
            view = await seat.client.view()
            if "seat.resume" in view["todo"]:
                await seat.resume(view["me"]["ctr"])
