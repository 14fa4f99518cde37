"""The web-hook door: what it believes, what it answers, and what is left of it when the power goes."""
from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsys_lab.brokers.web_hook import (
    IMPATIENT,
    STANDARD_SCHEDULE,
    Call,
    Page,
    Partner,
    Schedule,
    Sent,
    Settings,
    WebHookDoor,
    cloud_event,
    compare,
    pages,
    secret_of,
    signature,
    signed,
    structured,
    window,
)
from dsys_lab.brokers.web_hook.inbox import Event
from dsys_lab.errors import BadParameter, Damaged, Misuse
from dsys_lab.simulation.chance import stream
from dsys_lab.structures.disk import PowerCut, VolatileDisk
from dsys_lab.trace import NO_TRACE, Trace, lamp

OURS, OLD, THEIRS = (secret_of(bytes([byte] * 24)) for byte in (1, 2, 3))
BODY = b'{"type": "sleep.recorded", "data": {"hours": 7}}'
T0 = 1_674_087_231_000_000
S = 1_000_000


def door(disk=None, trace=None, **changed):
    given = {"secrets": [OURS], **changed}
    return WebHookDoor("door", Settings(**given), disk or VolatileDisk(), recorder=NO_TRACE if trace is None else trace)


def with_header(call, name, value):
    headers = {**call.headers, name: value}
    return replace(call, headers={key: text for key, text in headers.items() if text is not None})


# ------------------------------------------------------------------------------------------------------------ signature
def test_a_signature_is_the_one_that_the_standard_defines():
    call = signed([OURS], "msg_1", T0, BODY)
    key = base64.b64decode(OURS.removeprefix("whsec_"))
    whole = b"msg_1.1674087231." + BODY
    seal = base64.b64encode(hmac.digest(key, whole, hashlib.sha256)).decode()
    assert call.headers["webhook-signature"] == f"v1,{seal}"
    assert (call.headers["webhook-id"], call.headers["webhook-timestamp"]) == ("msg_1", "1674087231")


def test_the_known_case_of_the_standards_own_libraries():
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")


@settings(max_examples=60, deadline=None)
@given(where=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "body"]),
       at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_no_changed_byte_passes(where, at, byte):
    call = signed([OURS], "msg_1", T0, BODY)
    text = call.body if where == "body" else call.headers[where].encode()
    at %= len(text)
    changed = text[:at] + bytes([byte]) + text[at + 1:]
    bad = replace(call, body=changed) if where == "body" else with_header(call, where, changed.decode("latin-1"))
    status = door().receive(T0, bad).status
    assert status == 202 if changed == text else status in (400, 403)


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 200), more=st.binary(max_size=8))
def test_nothing_passes_that_is_shorter_or_longer(cut, more):
    call = signed([OURS], "msg_1", T0, BODY)
    body = call.body[:cut] + more
    assert (door().receive(T0, replace(call, body=body)).status == 202) == (body == BODY)


def test_the_full_stops_between_the_parts_cannot_be_moved():
    call = signed([OURS], "msg_1", T0, b'2.{"type": "x"}')
    moved = Call({**call.headers, "webhook-id": "msg_1.1674087231", "webhook-timestamp": "2"}, b'{"type": "x"}')
    key = base64.b64decode(OURS.removeprefix("whsec_"))
    same = hmac.digest(key, b'msg_1.1674087231.2.{"type": "x"}', hashlib.sha256)
    assert moved.headers["webhook-signature"] == "v1," + base64.b64encode(same).decode()
    assert door(without=["age"]).receive(T0, moved).status == 400


def test_while_a_key_is_changed_both_are_good_and_afterwards_only_the_new_one():
    both, old, new = (signed(secrets, "msg_1", T0, BODY) for secrets in ([OLD, OURS], [OLD], [OURS]))
    assert [door(secrets=[OLD]).receive(T0, call).status for call in (both, old, new)] == [202, 202, 403]
    assert [door(secrets=[OLD, OURS]).receive(T0, call).status for call in (both, old, new)] == [202, 202, 202]
    assert [door(secrets=[OURS]).receive(T0, call).status for call in (both, old, new)] == [202, 403, 202]


def test_a_signature_of_another_version_is_passed_over():
    call = signed([OURS], "msg_1", T0, BODY)
    right = call.headers["webhook-signature"]
    assert door().receive(T0, with_header(call, "webhook-signature", f"v1a,AAAA {right}")).status == 202
    assert door().receive(T0, with_header(call, "webhook-signature", right.replace("v1,", "v1a,"))).status == 403


def test_names_of_headers_may_be_written_large():
    call = signed([OURS], "msg_1", T0, BODY)
    large = replace(call, headers={name.title(): value for name, value in call.headers.items()})
    assert door().receive(T0, large).status == 202


# ------------------------------------------------------------------------------------------------------------- verdicts
@pytest.mark.parametrize(("call", "status", "why"), [
    (signed([OURS], "m", T0, BODY), 202, "stored"),
    (signed([THEIRS], "m", T0, BODY), 403, "forged"),
    (signed([OURS], "m", T0 - 301 * S, BODY), 400, "too old"),
    (signed([OURS], "m", T0 + 301 * S, BODY), 400, "too new"),
    (signed([OURS], "m", T0 - 300 * S, BODY), 202, "stored"),
    (signed([OURS], "m", T0 + 300 * S, BODY), 202, "stored"),
    (signed([OURS], "m", T0, b"x" * 20_481), 413, "too large"),
    (signed([OURS], "m", T0, b"not json"), 400, "malformed"),
    (signed([OURS], "m", T0, b'["a list"]'), 400, "malformed"),
    (signed([OURS], "m", T0, b'{"type": 5}'), 400, "malformed"),
    (signed([OURS], "m", T0, b"[" * 20_000), 400, "malformed"),
    (signed([OURS], "m", T0, b'{"type": "\xff"}'), 400, "malformed"),
    (signed([OURS], "m", T0, b""), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-id", None), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-id", "a b"), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-timestamp", "soon"), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-timestamp", "１６７４０８７２３１"), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-timestamp", "-1"), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-timestamp", "9" * 400), 400, "malformed"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-signature", ""), 403, "forged"),
    (with_header(signed([OURS], "m", T0, BODY), "webhook-signature", "v1,\udcff ,, v1"), 403, "forged"),
    (Call({}, BODY), 400, "malformed"),
])  # fmt: skip
def test_each_call_has_its_answer_and_a_row_that_says_why(call, status, why):
    trace = Trace()
    answer = door(trace=trace).receive(T0, call)
    assert (answer.status, answer.verdict.why) == (status, why)
    assert [row.fields["why"] for row in trace.of("verify")] == [why]
    assert len(trace.of("reject")) == (status >= 300)
    assert len(trace.of("enqueue")) == (status == 202)


def test_only_who_can_sign_is_told_more_than_no():
    old = signed([THEIRS], "m", T0 - 3_600 * S, b"not json")
    assert door().receive(T0, old).verdict.why == "forged"


def test_what_came_before_is_told_2xx_so_that_the_partner_stops():
    one = door()
    assert [one.receive(T0 + at * S, signed([OURS], "m", T0 + at * S, BODY)).status for at in (0, 5, 86_400)] == [
        202, 200, 200]
    assert one.status().waiting == 1


def test_a_full_inbox_says_when_to_come_again_and_remembers_nothing():
    one = door(room=1)
    assert one.receive(T0, signed([OURS], "m1", T0, BODY)).status == 202
    answer = one.receive(T0, signed([OURS], "m2", T0, BODY))
    assert (answer.status, answer.headers()) == (503, {"retry-after": "30"})
    one.done(T0, one.take(T0).number)
    assert one.receive(T0 + 30 * S, signed([OURS], "m2", T0 + 30 * S, BODY)).status == 202


class FullDisk(VolatileDisk):
    full = False

    def append(self, name, data):
        if self.full:
            raise OSError("no space left on device")
        super().append(name, data)


def test_a_disk_that_fails_is_503_until_the_door_is_opened_anew():
    disk = FullDisk()
    one = door(disk)
    disk.full = True
    call = signed([OURS], "m", T0, BODY)
    assert [one.receive(T0, call).status, one.receive(T0, call).status] == [503, 503]
    disk.full = False
    assert one.receive(T0, call).status == 503
    assert door(disk).receive(T0, call).status == 202


@settings(max_examples=40, deadline=None)
@given(ahead_s=st.integers(-320, 320), copies=st.lists(st.integers(0, 1_300), min_size=1, max_size=4))
def test_no_copy_of_a_call_is_ever_taken_however_far_ahead_it_was_signed(ahead_s, copies):
    one = door(remember_s=600)
    call = signed([OURS], "m", T0 + ahead_s * S, BODY)
    statuses = [one.receive(T0 + at * S, call).status for at in sorted([0, *copies])]
    assert statuses.count(202) <= 1


def test_to_remember_an_id_for_less_than_twice_the_age_is_refused_for_a_copy_would_pass():
    with pytest.raises(BadParameter, match="give 600 or more, twice age_s"):
        Settings(secrets=[OURS], remember_s=599)
    one = door(remember_s=599, without=["id"])
    call = signed([OURS], "m", T0 + 300 * S, BODY)
    assert [one.receive(T0 + at * S, call).status for at in (0, 600, 601)] == [202, 202, 400]


@pytest.mark.parametrize(("check", "call"), [
    ("signature", signed([THEIRS], "m", T0, BODY)),
    ("age", signed([OURS], "m", T0 - 3_600 * S, BODY)),
    ("size", signed([OURS], "m", T0, b'{"type": "x", "data": "' + b"x" * 30_000 + b'"}')),
])
def test_a_check_that_is_left_out_lets_its_class_in(check, call):
    assert door().receive(T0, call).status >= 400
    assert door(without=[check]).receive(T0, call).status == 202


# --------------------------------------------------------------------------------------------------------------- crash
def _calls():
    partner = [signed([OURS], f"m{number}", T0 + number * S, BODY) for number in range(4)]
    return [*partner, partner[1], signed([THEIRS], "m9", T0, BODY), partner[3]]


def _run(disk, **changed):
    """Play the calls and work on two of them; return what was answered with 2xx, worked on, and said to be done."""
    believed, worked, done = [], [], []
    try:
        one = door(disk, **changed)
        for number, call in enumerate(_calls()):
            answer = one.receive(T0 + 10 * S + number, call)
            if answer.verdict.is_done:
                believed.append(answer.id)
            if number in (2, 4):
                event = one.take(T0 + 20 * S)
                worked.append(event.id)
                one.done(T0 + 20 * S, event.number)
                done.append(event.id)
            if changed:
                one.store(T0 + 20 * S) if number == 3 else None
    except PowerCut:
        pass
    return believed, worked, done


def _steps():
    disk = VolatileDisk()
    _run(disk)
    return disk.steps


@pytest.mark.parametrize("cut", range(_steps() + 1))
def test_whenever_the_power_goes_what_was_answered_is_there_once(cut):
    for luck in range(3):
        disk = VolatileDisk(power_cut_before=cut)
        believed, worked, done = _run(disk)
        disk.crash(stream(luck, f"cut {cut}"))
        again = door(disk)
        left = []
        while event := again.take(T0 + 30 * S):
            left.append(event.id)
        assert set(believed) <= set(left) | set(worked)
        assert len(left) == len(set(left))
        assert set(left).isdisjoint(done), "what is done and was told so comes not again"
        assert "m9" not in left
        assert all(again.receive(T0 + 30 * S, call).status == 200 for call in _calls() if call.headers["webhook-id"]
                   in believed)


def test_without_store_first_a_crash_takes_what_was_answered():
    trace, disk = Trace(), VolatileDisk()
    one = door(disk, trace, without=["store first"])
    assert [one.receive(T0, call).status for call in _calls()] == [202, 202, 202, 202, 200, 403, 200]
    assert (one.status().unstored, one.status().waiting) == (4, 0)
    assert one.lose(T0 + 1) == 4
    disk.crash(lambda: 0.9)
    assert door(disk).take(T0 + 2) is None
    assert len(trace.of("drop")) == 4
    kept = door(disk, without=["store first"])
    kept.receive(T0, _calls()[0])
    assert len(kept.store(T0 + 1)) == kept.status().waiting == 1


def test_what_is_done_and_forgotten_goes_from_the_disk():
    disk, body = VolatileDisk(), json.dumps({"type": "x", "data": "x" * 19_000}).encode()
    one = door(disk, remember_s=600)
    for number in range(200):
        at_us = T0 + number * 60 * S
        one.receive(at_us, signed([OURS], f"m{number}", at_us, body))
        one.done(at_us, one.take(at_us).number)
    assert len(disk.names()) <= 2
    assert door(disk, remember_s=600).take(T0) is None


def test_the_books_add_up_and_the_rows_are_conserved():
    trace = Trace()
    one = door(trace=trace)
    for number, call in enumerate(_calls()):
        message = call.headers["webhook-id"]
        copy = sum(row.message == message for row in trace.of("publish"))
        trace.emit(T0 + number, "publish", "partner", message, attempt=1, copy=copy)
        one.receive(T0 + number, call, copy=copy)
    event = one.take(T0 + 50)
    one.done(T0 + 50, event.number)
    status = one.status()
    assert status.answers == {"stored": 4, "seen before": 2, "forged": 1}
    assert (status.waiting, status.out, status.done) == (3, 0, 1)
    assert lamp(trace, "conservation").held
    with pytest.raises(BadParameter, match="no such event of door is out"):
        one.done(T0 + 51, event.number)


# -------------------------------------------------------------------------------------------------------------- partner
def test_a_partner_calls_again_with_a_new_time_and_the_old_id_until_it_hears_2xx_or_gives_up():
    partner = Partner([OURS], IMPATIENT)
    partner.publish(T0, "m1", BODY)
    partner.publish(T0, "m2", BODY)
    seen = []
    while (due_us := partner.deadline_us()) is not None:
        for call in partner.calls(due_us):
            event_id = call.headers["webhook-id"]
            seen.append((event_id, int(call.headers["webhook-timestamp"]) - T0 // S))
            partner.answered(due_us, event_id, 202 if event_id == "m1" and due_us > T0 else None)
    assert seen == [("m1", 0), ("m2", 0), ("m1", 5), ("m2", 5), ("m2", 15)]
    status = partner.status()
    assert (status.published, status.delivered, status.given_up, status.trying) == (2, 1, 1, 0)


def test_the_schedule_of_the_standard_lasts_three_days_and_more():
    assert STANDARD_SCHEDULE.lasts_s == 75 * 3_600 + 35 * 60 + 5


# ------------------------------------------------------------------------------------------------------- reconciliation
@settings(max_examples=40, deadline=None)
@given(sent=st.integers(0, 25), limit=st.integers(1, 7), data=st.data())
def test_reconciliation_finds_exactly_what_is_missing_on_either_side(sent, limit, data):
    partner = Partner([OURS])
    for number in range(sent):
        partner.publish(T0 + number * S, f"m{number}", b"%d" % number)
    here = data.draw(st.sets(st.integers(0, 30)))
    since, until = sorted(data.draw(st.tuples(st.integers(0, 30), st.integers(0, 30))))
    inside = [number for number in range(sent) if since <= number < until]
    ours = [f"m{number}" for number in sorted(here) if since <= number < until]
    found = compare(
        pages(lambda after: partner.page(T0 + since * S, T0 + until * S, after=after, limit=limit)), ours)
    assert [one.body for one in found.lost] == [b"%d" % number for number in inside if number not in here]
    assert list(found.foreign) == [name for name in ours if int(name[1:]) >= sent]
    assert (found.listed, found.pages) == (len(inside), max(1, -(-len(inside) // limit)))
    assert found.agrees == (not found.lost and not found.foreign)


def test_what_came_after_the_window_is_not_lost():
    page = Page((Sent("m1", T0, BODY),), None)
    assert not compare([page], [], known={"m1"}).lost
    assert [one.id for one in compare([page], []).lost] == ["m1"]


def test_windows_meet_without_gap_and_leave_out_what_is_on_its_way():
    first = window(0, 1_000 * S)
    assert first == (0, 940 * S)
    assert window(first[1], 1_030 * S) == (940 * S, 970 * S)
    assert window(first[1], 990 * S) == (940 * S, 940 * S)


def test_a_list_that_leads_in_a_circle_is_damaged():
    with pytest.raises(Damaged, match="leads back to 'm1'"):
        compare(pages(lambda after: Page((), "m1")), [])


# --------------------------------------------------------------------------------------------------------- cloud events
def test_a_cloud_event_has_what_every_cloud_event_has():
    body = b'{"type": "sleep.recorded", "timestamp": "2026-11-28T07:00:00Z", "data": {"hours": 7}}'
    made = cloud_event(Event(0, "msg_1", T0, body), source="/partners/wearable")
    assert made == {"specversion": "1.0", "id": "msg_1", "source": "/partners/wearable", "type": "sleep.recorded",
                    "time": "2026-11-28T07:00:00Z", "datacontenttype": "application/json", "data": {"hours": 7}}
    headers, written = structured(Event(0, "msg_1", T0, body), source="/partners/wearable")
    assert headers == {"content-type": "application/cloudevents+json"}
    assert json.loads(written) == made


@pytest.mark.parametrize(("payload", "data", "time"), [
    ({"type": "x", "hours": 7}, {"hours": 7}, None),
    ({"type": "x", "data": None}, None, None),
    ({"type": "x", "timestamp": "yesterday"}, {}, None),
    ({"type": "x", "timestamp": "2026-11-28T07:00:00"}, {}, None),
    ({"type": "x", "timestamp": "2026-11-28T07:00:00+01:00"}, {}, "2026-11-28T07:00:00+01:00"),
])
def test_what_a_payload_lacks_a_cloud_event_leaves_out(payload, data, time):
    made = cloud_event(Event(0, "m", T0, json.dumps(payload).encode()), source="/p")
    assert (made["data"], made.get("time")) == (data, time)


# --------------------------------------------------------------------------------------------------------------- misuse
@pytest.mark.parametrize(("call", "says"), [
    (lambda: secret_of(b"short"), "key of 5 bytes: give 24 to 64"),
    (lambda: secret_of("text"), "key of 4 bytes"),
    (lambda: Settings(secrets=[]), "with one secret"),
    (lambda: Settings(secrets=OURS), "with one secret"),
    (lambda: Settings(secrets=["abc"]), "begins with whsec_"),
    (lambda: Settings(secrets=[5]), "a secret of int"),
    (lambda: Settings(secrets=["whsec_%%%"]), "not base64"),
    (lambda: Settings(secrets=["whsec_AAAA"]), "key of 3 bytes"),
    (lambda: Settings(secrets=[OURS], age_s=0), "age_s = 0"),
    (lambda: Settings(secrets=[OURS], room=0), "room = 0"),
    (lambda: Settings(secrets=[OURS], size_max_bytes=-1), "size_max_bytes = -1"),
    (lambda: Settings(secrets=[OURS], without="age"), "give a list of checks"),
    (lambda: Settings(secrets=[OURS], without=["aeg"]), "size, signature, age, id, store first"),
    (lambda: signed([OURS], "a.b", T0, BODY), "no blank or full stop"),
    (lambda: signed([OURS], "", T0, BODY), "no blank or full stop"),
    (lambda: signed([OURS], "m", -1, BODY), "a time since 1970"),
    (lambda: Schedule((5, -1)), "pauses of 0 s or more"),
    (lambda: Partner([OURS]).page(0, 1, after="m9"), "the `after` of the page before"),
    (lambda: Partner([OURS]).page(0, 1, limit=0), "limit = 0"),
    (lambda: window(0, 1, settle_s=-1), "settle_s = -1"),
    (lambda: compare([], "m1"), "give a list of ids"),
    (lambda: cloud_event(Event(0, "m", 0, BODY), source=""), "give the partner's name"),
    (lambda: cloud_event(Event(0, "m", 0, b"[]"), source="/p"), "no JSON object"),
    (lambda: door().done(0, 5), "no such event"),
])
def test_misuse_is_refused_and_told(call, says):
    with pytest.raises(BadParameter, match=says):
        call()


def test_no_error_and_no_printed_value_tells_a_secret():
    assert "whsec_" not in f"{Settings(secrets=[OURS])!r} {Partner([OURS])!r}"
    with pytest.raises(BadParameter) as refused:
        Settings(secrets=["whsec_notbase64!"])
    assert "notbase64" not in str(refused.value)


def test_a_partner_has_one_event_for_an_id_and_a_clock_that_goes_on():
    partner = Partner([OURS])
    partner.publish(T0, "m1", BODY)
    for again in (lambda: partner.publish(T0, "m1", BODY), lambda: partner.publish(T0 - 1, "m2", BODY)):
        with pytest.raises(Misuse):
            again()
