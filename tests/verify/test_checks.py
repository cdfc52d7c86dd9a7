"""Every check of protocols.md section 8, and the tests that hold it.

V1 from outside:
    test_untouched.py::test_keys_never_come_from_the_file, test_nodes_of_one_operator_are_named_as_such
V2 centre log:
    test_altered.py::test_each_signature_of_each_note, test_another_proceeding_of_the_same_centre_does_not_fit
    test_untouched.py::test_a_log_rewritten_and_signed_anew_by_its_operator_is_refused
V3 entries:
    test_altered.py::test_every_entry_of_every_type, test_entries_are_read_strictly, test_the_log_without_its_end
    test_forged.py::test_a_renumbered_or_shortened_log_is_refused
    every other checkpoint a prefix: test_a_checkpoint_of_another_history_is_refused
    a log that goes on under another origin: test_continued.py::test_what_is_shown_of_the_former_log_is_checked
V4 each gate:
    tests/sessions/test_sealing.py::test_a_seal_follows_the_sight_of_holders_and_definition
    tests/sessions/test_sealing.py::test_no_round_opens_before_its_gate_is_witnessed
    tests/sessions/test_opening.py::test_no_share_leaves_before_the_approval_is_witnessed
    tests/sessions/test_draw.py::test_nothing_is_contributed_before_the_opening_is_witnessed
    tests/sessions/test_draw.py::test_no_secret_before_the_freeze_is_witnessed
    in a file: test_a_gate_that_nobody_witnessed_is_refused
V5 `seat.bind`:
    tests/sessions/test_founding.py::test_a_seat_binds_under_the_pins_of_the_founding
    tests/sessions/test_acts.py::test_a_seat_is_bound_only_with_the_vouched_key
V6 acts:
    tests/sessions/test_acts.py::test_each_wrong_act_has_its_code, test_seen_never_goes_back
    tests/sessions/test_acts.py::test_an_ended_key_acts_no_more
    test_forged.py::test_an_act_is_not_dropped_repeated_or_put_elsewhere, test_an_act_under_another_key_is_refused
V7 fold with `evolve`:
    tests/sessions/test_proceeding.py::test_deciding_again_yields_the_same_log
    test_forged.py::test_a_result_that_the_rules_do_not_yield
V8 sheets:
    test_forged.py::test_a_score_changed_after_the_opening
    tests/sessions/test_opening.py::test_the_freeze_lists_every_required_member_once_with_its_current_seal
    tests/sessions/test_holder_cases.py::test_another_plaintext_is_no_new_dealing
    tests/sessions/test_service_opening.py::test_a_bad_share_is_left_aside_and_with_too_few_nothing_opens
V9 draws:
    test_draws.py::test_a_draw_that_the_rules_do_not_yield, test_anybody_recomputes_the_lot_from_the_log_alone
    tests/sessions/test_draw.py::test_a_result_of_other_secrets_is_refused, test_a_false_reveal_is_replaced_by_shares
    tests/sessions/test_draw_experts.py::test_answers_take_two_signatures_and_skip_nobody
    tests/sessions/test_draw_experts.py::test_a_partition_changed_after_the_freeze_is_refused
V10 disclosures match; erased ones counted:
    test_what_is_erased_is_counted_and_what_fits_nothing_is_refused
V11 two rankings:
    tests/ranking/test_two_rankings.py
    tests/demo/test_reading.py::test_the_second_opinion_reproduces_the_award_notice
V12 certificates, CAdES, PAdES, stamps, time intervals:
    test_forged.py::test_a_report_without_a_signer_is_refused; tests/signing/test_pades_validation.py
V13 one verdict per offline act:
    test_continued.py::test_what_nodes_centres_and_people_said_is_decided_again
    the venues' own journals: test_what_a_journal_holds_and_the_log_does_not_is_named
    tests/sessions/test_cut_off.py::test_a_log_that_drops_what_was_refused_does_not_replay
    tests/sessions/test_cut_off.py::test_what_an_ended_key_signed_while_cut_off_is_refused_and_kept
flags:
    test_draws.py::test_a_proceeding_with_a_lot_is_valid_and_says_what_cannot_be_recomputed
    tests/sessions/test_cases.py::test_a_sheet_is_safe_with_k_acks_when_the_supervisor_names_who_is_missing
recordings:
    test_a_segment_that_is_missing_is_named
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.canonical import b64u, decode, encode, sha256, unb64u
from evidence.core.entry import Draft
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint
from evidence.errors import Untrusted
from sessions.core import contents, venue_journal
from sessions.core.tracks import tracks
from tests.verify.finished import Finished, judged, pack
from tests.verify.test_forged import index, octets, rebuilt, refused


def test_a_checkpoint_of_another_history_is_refused(finished: Finished) -> None:
    """V3: a note that the log and every witness signed, cited as the log cites its own, is of no prefix of it."""
    n = index(finished, "Witnessed")
    body = finished.entries[n].body
    fork = Tree([sha256(b"%d" % leaf) for leaf in range(body["size"])])
    note = finished.cosigned(Checkpoint(finished.origin, len(fork), fork.root()), finished.log)
    entries = octets(finished)
    entries[n] = rebuilt(finished.entries[n], body={**body, "root": b64u(fork.root()), "note": b64u(sha256(note))})
    files = finished.forged(entries)
    del files[contents.object_name(unb64u(body["note"], 32))]
    files[contents.object_name(sha256(note))] = note
    verdict = judged(pack(files), finished.policy)
    assert (verdict.outcome, verdict.steps[-1].name, verdict.steps[-1].code) == ("invalid", "checkpoints", "untrusted")


@pytest.mark.parametrize("gate", ["RoundOpened", "SharesReleased"])
def test_a_gate_that_nobody_witnessed_is_refused(finished: Finished, gate: str) -> None:
    """V4: without its `Witnessed` the entry that depends on it is none that the rules yield."""
    first = next(entry.n for entry in finished.entries if entry.type == gate)
    witnessed = [entry for entry in finished.entries[:first] if entry.type == "Witnessed"]
    kept = [entry for entry in finished.entries if entry not in witnessed]
    assert len(kept) < len(finished.entries)
    entries = [rebuilt(entry, n=n) for n, entry in enumerate(kept)]
    assert refused(finished, entries).name in {"files", "checkpoints", "rules"}


def test_what_is_erased_is_counted_and_what_fits_nothing_is_refused(finished: Finished) -> None:
    """V10: the digest stays and the log still verifies; names that a report tells are part of the report."""
    texts = decode(finished.files[contents.DISCLOSURES])
    assert isinstance(texts, list)
    found = []
    for text in texts:
        files = {**finished.files, contents.DISCLOSURES: encode([other for other in texts if other != text])}
        verdict = judged(pack(files), finished.policy)
        assert verdict.withheld == 1
        found.append((verdict.outcome, verdict.flags[-1], verdict.steps[-1].name))
    assert ("valid", "withheld", "advice") in found
    assert ("invalid", "withheld", "report") in found
    assert set(found) == {("valid", "withheld", "advice"), ("invalid", "withheld", "report")}
    changed = [*texts[:-1], b64u(b'["%s","name","x"]' % b64u(bytes(16)).encode())]
    for wrong in (sorted(map(str, changed)), texts[::-1], [*texts, texts[-1]]):
        verdict = judged(pack({**finished.files, contents.DISCLOSURES: encode(wrong)}), finished.policy)
        assert (verdict.outcome, verdict.steps[-1].name) == ("invalid", "disclosures")


def test_what_a_journal_holds_and_the_log_does_not_is_named(finished: Finished) -> None:
    """V13: a venue's node kept two acts, and one of them is nowhere in a log that every node signed."""
    n = index(finished, "ProceedingClosed")
    signer = finished.keyring.identity
    kid = acts.thumbprint(signer.jwk)
    last = [entry.act for entry in finished.entries if entry.act is not None and entry.act.kid == kid][-1]
    dropped = sha256(b"dropped")
    act = acts.make(
        signer,
        act="venue.journal",
        aud=finished.origin,
        sub=last.sub,
        body=venue_journal.body("venue-1", [last.id, dropped], lost=1, returned=2),
        ctr=last.ctr + 1,
        iat=last.iat,
        prev=last.id,
        seen=last.seen,
    )
    closed = finished.entries[n]
    draft = Draft("VenueJournaled", {}, act)
    entry = entry_form.write(draft, n=n, origin=finished.origin, at=closed.at, salt=bytes(16))
    entries = [*octets(finished)[:n], entry.data, rebuilt(closed, n=n + 1)]
    verdict = judged(pack(finished.forged(entries)), finished.policy)
    assert (verdict.outcome, verdict.steps[-1].code) == ("valid", "")
    assert verdict.as_json["journal"] == [{"kind": "missing", "venue": "venue-1", "act": b64u(dropped)}]
    assert "journal-missing" in verdict.flags
    true = judged(pack(finished.files), finished.policy)
    assert not true.journal


def test_a_segment_that_is_missing_is_named(finished: Finished) -> None:
    """A hole in a recording that the log does not declare."""
    closed = [entry for entry in finished.entries if entry.type == "SegmentsClosed"]
    assert tracks(closed)
    numbers = [(s["room"], s["kind"], s["take"], s["number"]) for entry in closed for s in entry.body["segments"]]
    room, kind, take, last = max(numbers, key=lambda place: place[3])
    assert last > 2
    for gone in (1, 2):
        told = []
        for entry in closed:
            left = [
                s
                for s in entry.body["segments"]
                if (s["room"], s["kind"], s["take"], s["number"]) != (room, kind, take, gone)
            ]
            told.append(replace(entry, body={**entry.body, "segments": left}))
        with pytest.raises(Untrusted, match=re.escape(f"{room} {kind}: segment {gone} of take {take}")):
            tracks(told)
