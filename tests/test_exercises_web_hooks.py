"""The exercise of the web-hook door: the answer passes, and each usual slip is seen and its sort is named."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.web_hooks import SORTS, VERIFY, _script, verify
from dsys_lab.trace import lamps


def seal(secret, *parts, key=None):
    key = key or base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, b"".join(parts), hashlib.sha256)).decode()


def written(headers, body, secret, now, seen, *, order=("seal", "age", "seen"), late=lambda age: abs(age) > 300,
            first_only=False, remember="taken", content=None, key=None):  # fmt: skip
    """The answer as a set of switches, so that each slip is one switch."""
    if not all(f"webhook-{name}" in headers for name in ("id", "timestamp", "signature")):
        return 400
    event_id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    if not stamp.isdigit():
        return 400
    known = event_id in seen
    if remember == "at once":
        seen.add(event_id)
    parts = content(event_id, stamp, body) if content else (f"{event_id}.{stamp}.".encode(), body)
    given = headers["webhook-signature"].split(" ")
    right = seal(secret, *parts, key=key and key(secret)) in (given[:1] if first_only else given)
    objects = {"seal": 403 * (not right), "age": 400 * late(now - int(stamp)), "seen": 200 * known}
    for check in order:
        if objects[check]:
            return objects[check]
    if remember == "taken":
        seen.add(event_id)
    return 202


def rewritten(body):
    return json.dumps(json.loads(body), indent=1).encode()


def slip(**switches):
    return lambda headers, body, secret, now, seen: written(headers, body, secret, now, seen, **switches)


def test_the_answer_passes_and_so_does_another_right_one():
    assert VERIFY.check(VERIFY.answer).passed
    assert VERIFY.check(written).passed


def test_the_hidden_script_has_every_sort_and_its_time_goes_on():
    assert {case.sort for case in _script()} == set(SORTS)
    assert [case.now for case in _script()] == sorted(case.now for case in _script())


def test_it_is_drawn_and_played():
    assert all(sort in str(VERIFY.picture(verify)) for sort in SORTS)
    without, whole = VERIFY.play(verify)
    assert not all(lamp.held for lamp in lamps(without))
    assert all(lamp.held for lamp in lamps(whole))


@pytest.mark.parametrize(("wrong", "says"), [
    (slip(order=("age", "seal", "seen")), "^forged: .*its time neither"),
    (slip(order=("age", "seen")), "^forged: .*compare the signature"),
    (slip(late=lambda age: age > 300), "^skewed: .*in either direction"),
    (slip(order=("seen", "seal", "age")), "^forged: .*learns nothing from us"),
    (slip(order=("seal", "seen", "age")), "^replayed later: .*Its age comes before its id"),
    (slip(order=("seal", "seen")), "^skewed: .*in either direction"),
    (slip(order=("seal", "age")), "^repeated: .*is it in `seen`"),
    (slip(remember="never"), "^repeated: .*is it in `seen`"),
    (slip(remember="at once"), "^forged: .*remember only what is taken"),
    (slip(late=lambda age: abs(age) >= 300), "^skewed: .*300 s are still good"),
    (slip(late=lambda age: age < -300), "^skewed: .*in either direction"),
    (slip(first_only=True), "^rotated keys: .*one right will do"),
    (slip(content=lambda name, stamp, body: (body,)), "^good: .*full stops between"),
    (slip(content=lambda name, stamp, body: (name.encode(), stamp.encode(), body)), "^good: .*full stops between"),
    (slip(key=lambda secret: secret.encode()), "^good: .*what base64 makes of the secret"),
    (slip(content=lambda name, stamp, body: (f"{name}.{stamp}.".encode(), rewritten(body))), "not written anew"),
    (lambda headers, body, secret, now, seen: 202, "^forged: "),
    (lambda headers, body, secret, now, seen: 403, "^good: "),
])  # fmt: skip
def test_a_slip_is_named_by_its_sort(wrong, says):
    verdict = VERIFY.check(wrong)
    assert not verdict.passed
    assert __import__("re").search(says, verdict.saw), verdict.saw


def test_who_lets_a_missing_header_fall_through_is_told_so():
    def careless(headers, body, secret, now, seen):
        if "webhook-signature" not in headers or "webhook-id" not in headers or "webhook-timestamp" not in headers:
            return 403
        return verify(headers, body, secret, now, seen)

    assert VERIFY.check(careless).saw.startswith("malformed: ")


@pytest.mark.parametrize("answer", [True, None, "202", 418])
def test_an_answer_of_another_shape_is_refused(answer):
    with pytest.raises(Misuse, match="give 202, 200, 400 or 403"):
        VERIFY.check(lambda headers, body, secret, now, seen: answer)


def test_it_names_what_a_reader_needs_and_keeps_to_itself_what_gives_it_away():
    shown = str(VERIFY)
    assert "hmac.compare_digest" not in shown
    assert "import hmac" in VERIFY.answer_source
