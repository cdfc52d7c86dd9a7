"""What is announced to whom, when it is said again, and which addresses are called (docs/protocol.md 10.6)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core.addresses import is_public, may_call
from sessions.core.state import EMPTY, Proceeding
from sessions.core.tenancy import Feed
from sessions.core.webhooks import (
    DELIVERED,
    ED25519,
    FAILED,
    HMAC,
    PENDING,
    ROTATION_S,
    SCHEDULE_S,
    SESSION,
    TYPES,
    Delivery,
    Endpoint,
    Key,
    Notice,
    cloud_event,
    message_id,
    notices,
)
from tests.sessions import drive

LOG = "a.example/proceedings/x"
INSIDE = """
127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3 224.0.0.1
255.255.255.255 240.0.0.1 192.0.0.8 192.0.2.1 198.18.0.1 192.88.99.1 :: ::1 ::7f00:1 ::ffff:10.0.0.1
::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1
fe80::1 fe80::1%eth0 fec0::1 fd00::1 fc00::1 ff02::1 2001:db8::1
"""


def founded() -> Proceeding:
    game = drive.Drive()
    game.found()
    return game.state


@pytest.mark.parametrize("address", INSIDE.split())
def test_an_address_that_leads_inside_is_refused(address: str) -> None:
    """Reliability study, row 15; RFC 6890 and the IPv6 forms that carry an IPv4 address."""
    assert not is_public(ip_address(address))
    assert not may_call(ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "203.119.25.1", "2400:3200::1", "2a00:1450:4001::1"])
def test_an_address_of_the_public_internet_passes(address: str) -> None:
    assert is_public(ip_address(address))


def test_what_the_settings_allow_is_no_wider_than_they_say() -> None:
    allowed = (ip_network("127.0.0.2/32"),)
    assert may_call(ip_address("127.0.0.2"), allowed)
    assert not may_call(ip_address("127.0.0.1"), allowed)
    assert not may_call(ip_address("::ffff:127.0.0.2"), allowed)


def test_a_message_is_said_again_by_the_table_of_standard_webhooks() -> None:
    """Attempts at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h; then it is given up."""
    delivery, at = Delivery("wh_1", "msg_1", b"{}", due=0.0), 1000.0
    for pause in SCHEDULE_S:
        delivery = delivery.after(status=500, error=None, at=at, jitter=0.0)
        assert (delivery.state, delivery.due) == (PENDING, at + pause)
        at = delivery.due
    assert SCHEDULE_S == (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    assert delivery.after(status=500, error=None, at=at, jitter=0.0).state == FAILED


def test_jitter_lengthens_a_pause_by_at_most_a_fifth() -> None:
    delivery = Delivery("wh_1", "msg_1", b"{}", due=0.0)
    dues = [delivery.after(status=None, error="timeout", at=0.0, jitter=j).due for j in (0.0, 0.5, 0.999)]
    assert dues[0] == 5.0
    assert dues[0] < dues[1] < dues[2] < 6.0


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((heard, DELIVERED) for heard in (200, 204, 299)),
        *((refused, PENDING) for refused in (199, 301, 307, 400, 404, 429, 503, None)),
        (410, FAILED),
    ],
)
def test_only_2xx_is_heard_and_410_is_the_end(status: int | None, state: str) -> None:
    assert Delivery("e", "m", b"", 0.0).after(status=status, error=None, at=1.0, jitter=0.5).state == state


def test_a_notice_survives_the_outbox_and_garbage_is_no_notice() -> None:
    notice = Notice(7, "session.venue-lost", ("b.example",))
    assert Notice.parse(notice.encode()) == notice
    for data in (b"", b"[]", b"{}", b'{"audience":[1],"index":7,"type":"x"}', notice.encode()[:-1]):
        with pytest.raises(Malformed):
            Notice.parse(data)


def test_an_event_holds_ids_type_and_index_and_nothing_else() -> None:
    """CloudEvents 1.0 section 3.1: id, source, specversion and type; Standard Webhooks: thin payloads."""
    event = json.loads(cloud_event(LOG, Notice(7, "session.venue-lost", ("b.example", "c.example"))))
    assert event == {
        "specversion": "1.0",
        "id": f"{LOG}#7",
        "source": LOG,
        "type": "tongping.session.venue-lost.v1",
        "datacontenttype": "application/json",
        "data": {"log": LOG, "index": 7, "type": "session.venue-lost"},
    }


def test_a_message_has_one_id_whoever_computes_it() -> None:
    assert message_id(LOG, 7) == message_id(LOG, 7)
    assert len({message_id(log, n) for log in (LOG, LOG + "1") for n in range(100)}) == 200
    assert "." not in message_id(LOG, 7)


@pytest.mark.parametrize("kind", sorted(SESSION))
def test_before_the_start_only_start_and_abort_are_announced(kind: str) -> None:
    """docs/protocol.md 10.4: before the start a partner sees what is its own."""
    state = founded()
    told = notices(state, [Draft(kind, {})], 5)
    if kind in ("StageAdvanced", "ProceedingAborted"):
        (notice,) = map(Notice.parse, told)
        assert notice == Notice(5, SESSION[kind], tuple(sorted({v.centre for v in state.venues.values()})))
    else:
        assert told == ()


def test_a_lost_venue_is_its_own_centres_to_know() -> None:
    """docs/protocol.md 10.5: as the feeds have it."""
    game = drive.Drive()
    game.check_in()
    game.advance()
    told = notices(game.state, [Draft("VenueLost", {"venue": "venue-2", "size": 1}), Draft("ProceedingPaused", {})], 9)
    lost, paused = map(Notice.parse, told)
    assert lost == Notice(9, "session.venue-lost", (game.state.venues["venue-2"].centre,))
    assert (paused.index, len(paused.audience)) == (10, 3)


class Told(drive.Drive):
    """A drive that keeps what each append would put into the outbox."""

    def append(self, drafts: Sequence[Draft], at: str = "2026-11-21T09:00:00.000Z") -> list[Entry]:
        self.__dict__.setdefault("told", []).extend(notices(self.state, drafts, len(self.entries)))
        return super().append(drafts, at)


def test_a_centre_is_called_for_what_its_feed_shows_and_for_nothing_else() -> None:
    """docs/protocol.md 10.6: over a whole proceeding with a venue lost, each notice is an event of the audience's feed,
    and of the announced types none is left out."""
    game = Told()
    game.until("compliance-review")
    game.append(
        [
            Draft("VenueLost", {"venue": "venue-2", "size": 1}),
            Draft("ProceedingPaused", {"cause": "venue-lost", "venue": "venue-2"}),
        ]
    )
    told = [Notice.parse(data) for data in game.__dict__["told"]]
    assert {notice.type for notice in told} >= {"session.stage-advanced", "session.venue-lost"}
    for centre in (drive.ZHONGSHAN, drive.ZHUHAI):
        feed, shown = Feed(centre), set()
        for entry in game.entries:
            feed, event = feed.take(game.state, entry)
            if event is not None and event.type in TYPES:
                shown.add((event.index, event.type))
        heard = [(notice.index, notice.type) for notice in told if centre in notice.audience]
        assert len(heard) == len(set(heard))
        assert set(heard) == shown
    strangers = {centre for notice in told for centre in notice.audience} - {
        v.centre for v in game.state.venues.values()
    }
    assert strangers == set()


def test_nobody_hears_of_votes_seals_or_a_proceeding_without_venues() -> None:
    state = founded()
    quiet = ("BallotSealed", "SheetSealed", "ReviewVoted", "ScoresTallied", "RankingFixed", "ChairElected")
    assert notices(state, [Draft(kind, {}) for kind in quiet], 0) == ()
    assert notices(EMPTY, [Draft("StageAdvanced", {})], 0) == ()


def test_an_endpoint_hears_of_what_its_centre_may_know_and_it_asked_for() -> None:
    mine = Endpoint("wh_1", "b.example", "https://b.example/", (), (), 0)
    lost = Notice(1, "session.venue-lost", ("b.example",))
    assert mine.wants(lost)
    assert not mine.wants(Notice(1, "session.venue-lost", ("c.example",)))
    assert not replace(mine, types=("session.proceeding-closed",)).wants(lost)
    assert not mine.without("gone").wants(lost)


def test_old_keys_sign_beside_the_new_ones_for_a_day_and_not_longer() -> None:
    old, new, newest = (tuple(Key(s, bytes([n]) * 32) for s in (ED25519, HMAC)) for n in (1, 2, 3))
    endpoint = Endpoint("wh_1", "b.example", "https://b.example/", (), old, 0).rotated(new, 1000.0)
    assert [k.secret[0] for k in endpoint.signing(1000.0)] == [2, 2, 1, 1]
    assert [k.secret[0] for k in endpoint.signing(1000.0 + ROTATION_S)] == [2, 2]
    again = endpoint.rotated(newest, 2000.0)
    assert [k.secret[0] for k in again.signing(2000.0)] == [3, 3, 2, 2, 1, 1]
    assert [k.secret[0] for k in again.signing(1000.0 + ROTATION_S)] == [3, 3, 2, 2]
    assert again.version == 3
