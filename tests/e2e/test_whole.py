"""One whole proceeding in real browsers, in Chinese and once in English (issue 3, "Done when").

In Chromium: the administrator's links, the operators of three venues, the three rooms' devices, whose made-up cameras
show venue number and clock in their pixels, an expert of each venue (the third one in Chromium 109, the baseline), the
supervisor, then the auditor. Over the API: two members. The third venue is cut off for a while and comes back.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.api.installation import AHEAD, Running, running
from tests.chromium.browsers import CURRENT, FLAGS, chromium_109
from tests.e2e.album import Album
from tests.e2e.clips import devices
from tests.e2e.pages import Auditor, Expert, Operator, Person, Room, Supervisor
from web.demo.tender import case
from web.demo.venue import write_plan

IN_BROWSERS = {"seat-1": 1, "seat-4": 2, "seat-5": 3}
BY_API = ("seat-2", "seat-3")
CHECKED = {"seat-1", "seat-2", "seat-3", "seat-4", "seat-5", "room-1", "room-2", "room-3"}
CITIES = {2: "zhongshan", 3: "zhuhai"}
SUPERVISION = "finance"
CHECK_IN_S = 300.0
WHOLE_S = 1200.0
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("language", [pytest.param("zh", marks=pytest.mark.pictures), "en"])
def test_a_whole_proceeding_in_real_browsers(tmp_path: Path, language: str) -> None:
    """The Chinese run keeps a copy of every page in both languages, and axe looks at it."""
    plans = case(None).plans
    album = Album() if language == "zh" else None
    with (
        running(tmp_path / "site", launcher=AHEAD) as site,
        sync_playwright() as playwright,
        browsers(playwright) as (current, baseline),
        rooms_at(playwright, language, album) as rooms,
    ):
        links = by_the_administrator(site, current, language, album)
        operators = [Operator(current, f"operator-{n}", language, album) for n in (1, 2, 3)]
        experts = [
            Expert(baseline if seat == "seat-5" else current, seat, plans[seat], language, album)
            for seat in IN_BROWSERS
        ]
        supervisor = Supervisor(current, "supervisor-1", language, album)
        codes: dict[str, str] = {}
        people: list[Person] = [*operators, supervisor, *experts, *rooms]
        with pictured(tmp_path, people), over_the_api(site, tmp_path, links, codes):
            for n, operator in enumerate(operators, 1):
                vouch(site, n, operator.name, operator.arrive(links[operator.name]))
                operator.enter()
            for seated in [*experts, *rooms]:
                codes[seated.name] = seated.arrive(links[seated.name])
            city_vouch(site, SUPERVISION, "supervisor-1", supervisor.arrive(links["supervisor-1"]))
            supervisor.enter()
            check_in(site, operators, rooms, codes)
            for expert in experts:
                expert.enter()
            # Their part is done once their rooms are recorded; each window costs a share of two cores.
            for operator in operators[1:]:
                operator.close()
                people.remove(operator)
            operators[0].look_at_draws(site.url)
            if "draw.external" in site.view("supervisor-1")["todo"]:
                supervisor.state_the_draw(tmp_path)
            evaluate(site, operators[0], supervisor, experts, rooms[-1])
            for person in (operators[0], supervisor, *experts):
                assert person.saw_everybody, f"{person.name}: {person.moments}"
            for expert in experts:
                assert {"/expert/commitment", "/expert/recusal", "/expert/chair", "/expert/review"} <= set(expert.did)
                assert {"/expert/score", "/expert/freeze", "/expert/sign"} <= set(expert.did), expert.name
            assert "/expert/resume" in experts[-1].did
        auditor = Auditor(current, "auditor-1", language, album)
        archived(site, tmp_path)
        with pictured(tmp_path, [operators[0], auditor]):
            operators[0].look_back(site.url)
            auditor.verify(links["auditor-1"])
        everybody: list[Person] = [*operators, supervisor, auditor, *rooms, *experts]
        assert {person.name: person.wrong for person in everybody if person.wrong} == {}
        verified(site, tmp_path)
    if album is not None:
        assert album.wrong == {}, json.dumps(album.wrong, ensure_ascii=False, indent=1)


@contextmanager
def browsers(playwright: Playwright) -> Iterator[tuple[Browser, Browser]]:
    executable, environment = chromium_109()
    current = playwright.chromium.launch(executable_path=CURRENT, args=list(FLAGS))
    baseline = playwright.chromium.launch(executable_path=executable, env=dict(environment), args=list(FLAGS))
    try:
        yield current, baseline
    finally:
        current.close()
        baseline.close()


@contextmanager
def rooms_at(playwright: Playwright, language: str, album: Album | None) -> Iterator[list[Room]]:
    """The rooms' devices, each a browser of its own with the clip of its venue before camera and microphone."""
    with ExitStack() as stack:
        rooms = []
        for venue in (1, 2, 3):
            flags = [*FLAGS, *devices(venue)]
            browser = stack.enter_context(playwright.chromium.launch(executable_path=CURRENT, args=flags))
            rooms.append(Room(browser, f"room-{venue}", language, album))
        yield rooms


@contextmanager
def pictured(folder: Path, people: Sequence[Person]) -> Iterator[None]:
    """What goes wrong leaves a picture of each page beside the log."""
    try:
        yield
    except BaseException:
        for person in people:
            print(f"{person.name} at {person.page.url}: {person.wrong}")
            person.page.screenshot(path=folder / f"{person.name}.png", full_page=True)
        raise


def by_the_administrator(site: Running, browser: Browser, language: str, album: Album | None) -> dict[str, str]:
    """Every seat's link, off the sheet that the administrator would print."""
    link = tongping("admin-link", "--state", site.installation.main).strip()
    person = Person(browser, "administrator", language, album)
    page = person.page
    page.goto(link)
    opened = page.get_by_role("link", name="教育信息化运行维护服务项目")
    opened.wait_for()
    person.keep("administrator")
    opened.click()
    person.button("administrator.links.make").click()
    person.button("administrator.links.print").wait_for()
    page.get_by_text(person.says("administrator.links.made")).wait_for()
    person.keep("administrator-links")
    slips = page.locator("article.slip").all()
    links = {slip.locator("code").first.inner_text(): slip.locator(".url").inner_text() for slip in slips}
    assert len(links) == 14
    assert person.wrong == []
    person.close()
    return links


@contextmanager
def over_the_api(site: Running, folder: Path, links: dict[str, str], codes: dict[str, str]) -> Iterator[None]:
    """The seats without a browser, as a process of their own; their codes as soon as they announce them."""
    state = folder / "place"
    state.mkdir()
    config = {
        "server": site.url,
        "origin": site.origin,
        "state": str(state),
        "policy": str(site.installation.policy),
        "links": {seat: links[seat].partition("#")[2].partition(".")[0] for seat in BY_API},
        "plans": {seat: write_plan(plan) for seat, plan in case(None).plans.items()},
    }
    path = state / "place.json"
    path.write_text(json.dumps(config, ensure_ascii=False))
    said = state / "said.jsonl"
    with (
        said.open("w") as out,
        subprocess.Popen([sys.executable, "-P", "-m", "tests.e2e.place", str(path)], stdout=out) as process,
    ):
        try:
            wait(lambda: told(said, codes) >= len(BY_API), 60.0, "the seats over the API announce their keys")
            yield
            wait(lambda: process.poll() is not None, 60.0, "the seats over the API are done")
            assert process.returncode == 0, said.read_text()[-2000:]
        finally:
            process.kill()


def told(said: Path, codes: dict[str, str]) -> int:
    for line in said.read_text().splitlines():
        found = json.loads(line)
        if found.get("what") == "announces":
            codes[found["who"]] = found["code"]
    return len(codes)


def check_in(site: Running, operators: list[Operator], rooms: list[Room], codes: dict[str, str]) -> None:
    """Each operator looks at the people of the own venue, and admits its room as soon as its device is in place."""
    checked: list[str] = []
    until = time.monotonic() + CHECK_IN_S
    while set(checked) != CHECKED:
        assert time.monotonic() < until, f"checked {checked}"
        for operator in operators:
            operator.check(codes, checked.append)
            operator.page.wait_for_timeout(100)
    for room in rooms:
        room.enter()
    while not everybody_admitted(site):
        assert time.monotonic() < until, site.view("supervisor-1")["rooms"]
        for operator in operators:
            operator.admit()
            operator.page.wait_for_timeout(100)


def everybody_admitted(site: Running) -> bool:
    view = site.view("supervisor-1")
    bound = all(seat["bound"] for seat in view["seats"].values() if seat["role"] != "auditor")
    return bound and all(room["recording"] for room in view["rooms"].values())


def evaluate(site: Running, leader: Operator, supervisor: Supervisor, experts: list[Expert], last: Room) -> None:
    """Everybody does what their page says, until the leading operator has closed the proceeding. While bids are scored,
    the last venue is cut off until the record says so, and its expert takes the seat again."""
    until = time.monotonic() + WHOLE_S
    cut = False
    while not leader.closed:
        stage = site.view("supervisor-1")["stage"]
        assert time.monotonic() < until, f"stuck: {stage}"
        if stage == "detailed-review" and not cut:
            cut = True
            last.leave()
            wait(lambda: site.view("supervisor-1")["venues"]["venue-3"]["lost"], 60.0, "the last venue is lost")
            last.return_to(site.url)
        if site.view("supervisor-1")["seats"]["operator-3"]["waiting"]:
            supervisor.release()
        leader.lead()
        if everybody_confirmed(site):
            supervisor.approve()
        for expert in experts:
            expert.work()
        for person in (leader, supervisor, *experts):
            if not person.saw_everybody:
                person.look_at_the_rooms()
        leader.page.wait_for_timeout(150)


def everybody_confirmed(site: Running) -> bool:
    """The supervisor waits for the last confirmation, so that nobody has to be named silent."""
    found = site.view("supervisor-1")["round"]
    return bool(found) and found["frozen"] and set(found["confirmed"]) == set(found["required"])


def archived(site: Running, folder: Path) -> None:
    """The evidence file, as soon as it is written."""

    def fetched() -> bool:
        answer = site.call("GET", f"{site.path}/evidence", session=site.session("auditor-2"))
        if answer.status_code == 200:
            (folder / "evidence.zip").write_bytes(answer.content)
        return answer.status_code == 200

    wait(fetched, 120.0, "the evidence file is written")


def verified(site: Running, folder: Path) -> None:
    """Once more without the server, under the auditor's own copy of the policy: the award notice's ranking."""
    said = json.loads(tongping("verify", folder / "evidence.zip", "--policy", site.installation.policy, "--json"))
    assert said["verdict"] == "valid", said
    assert [row["bidder"] for row in said["ranking"]] == ["bidder-4", "bidder-2", "bidder-1", "bidder-3"]


def vouch(site: Running, n: int, seat: str, code: str) -> None:
    """A venue's first operator, by the own centre's command line."""
    if n == 1:
        tongping("vouch", site.proceeding, seat, code, "--state", site.installation.main)
    else:
        city_vouch(site, CITIES[n], seat, code)


def city_vouch(site: Running, city: str, seat: str, code: str) -> None:
    """A seat of a city, by its own command line; asked again while the announcement is on its way."""
    state = site.installation.state / city

    def vouched() -> bool:
        command = ("city", "vouch", site.origin, seat, code, "--state", state)
        return run(*command).returncode == 0

    wait(vouched, 30.0, f"{city} vouches for {seat}")


def tongping(*arguments: object) -> str:
    done = run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "web.server", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.1)
