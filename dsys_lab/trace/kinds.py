"""The closed vocabulary: every kind of row that a run may leave behind.

A kind names what happened (`enqueue`, `drop`, `page_read`). It lists the fields that a row of the kind must carry,
the *verb* by which any picture shows it, and the sentence that says it in words. The player knows only verbs and
places, so a new lab adds no drawing code; a picture, a chart and a check read the same rows, so they cannot disagree.

The fifteen verbs
-----------------
`put`     the message is now at this place            `take`    it leaves the picture, settled (done)
`move`    it travels from here to `to`, and arrives    `arrive`  it is here now, its journey over
          at `arrive_us`
`bounce`  it is refused here                           `burst`   it is gone: lost, dropped, expired
`fade`    it is quietly let go (a duplicate)           `touch`   stored bytes are used
`skip`    stored bytes are left alone                  `open`    a window, range or segment of the place: `op` says
                                                                 open, close (it is final) or drop (it is gone)
`split`   a place divides                              `mark`    a note at the place; may change its state
`line`    a line moves along an axis (watermark)       `measure` a number is read off
`say`     words only

Field names carry their unit last (`size_bytes`, `waited_us`, `depth` is a count of messages). All times and durations
are integer microseconds. A kind outside this table, or without its fields, is refused when the row is written.

Fields that no sentence says
----------------------------
=====================  ========================================================================================
`copy`                 which copy of the message, from 0: retries and network duplicates count up
`of`                   what it was made from: the copy, message, record or order
`full`                 the value at which a gauge is full: it is drawn as a level in its place; in seconds, as an
                       hourglass of what is left
`low`, `high`          a range of keys or hashes: from, and up to but not with
`type`                 what is on the way: a message, an answer
`source`               where it came from
`attempt`              which try, from 1
`handle`               what the receiver shows to acknowledge this very delivery
`key`                  what it is about: the partition key, the grouping key, the key of an effect
`shard`                the slice of a log
`group`                the readers who share a log's slices, or the messages that stay in order
`epoch`                how often the lease has changed hands: the higher one is right
`position`             how far into the changes
`pane`                 why a result speaks now: early, on_time, late
`ok`                   whether it held
`side`                 the machines on one side of a split network
`arrive_us`            when a journey ends
`visible_until_us`     when a lent message shows again
`until_us`             the same, after it was extended
`start_us`, `end_us`   a window: from, and up to but not with
`delay_us`             for how long it stays hidden
`filmed_us`            when it begins, by the camera's clock
`duration_us`          how long it lasts
`after_us`             how long after it was lost
`behind_us`            how old the newest thing is that was seen
`size_bytes`           bytes of the whole
`used_bytes`           bytes of it that were asked for
=====================  ========================================================================================

Sources: the vocabulary joins the journal of Jepsen's maelstrom (net/journal.clj) with the typed trace events of
TigerBeetle (src/trace/event.zig), under names of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Final

VERBS: Final = (
    "put", "take", "move", "arrive", "bounce", "burst", "fade", "touch", "skip", "open", "split", "mark", "line",
    "measure", "say",
)  # fmt: skip

HOLES: Final = ("open", "known", "filled")
"""What becomes of the outline that a missing message leaves: nobody knows, somebody does, it has come after all."""

ACCOUNTS: Final = ("in flight", "stored", "done", "dropped", "expired", "dead", "rejected", "unmatched")
"""Where a copy of a message can stand in the conservation ledger; all but the first two are final."""


@dataclass(frozen=True, slots=True)
class State:
    """A state that a place is in for a while; it may be in several at once.

    Attributes
    ----------
    words : str
        What a picture says, with fields of the row that began it in braces.
    look : str
        "veil" covers the place, "hatch" is drawn over it, "" is said beside it.
    fault : bool
        Whether it is one that somebody has to mend.
    zero : str
        What it says instead where a field of the row is nought, or "".
    """

    words: str
    look: str = ""
    fault: bool = True
    zero: str = ""

    def say(self, fields: Mapping[str, Any]) -> str:
        """Return the words for a place whose row has these fields."""
        named = (name for _, name, _, _ in Formatter().parse(self.words) if name)
        return self.zero if self.zero and any(fields[name] == 0 for name in named) else self.words.format_map(fields)


STATES: Final[dict[str, State]] = {
    "down": State("down", look="veil"),
    "slow": State("speed ×{speed}", zero="paused"),
    "split": State("cut off"),
    "blocked": State("must wait", look="hatch", fault=False),
    "absent": State("nobody there", look="veil", fault=False),
    "idle": State("nothing to do", look="hatch", fault=False),
    "open": State("open", look="hatch", fault=False),
    "locked": State("locked", look="hatch", fault=False),
    "apart": State("not what the table says", look="hatch"),
    "stale": State("stale", look="hatch", fault=False),
    "mistaken": State("wrong", look="hatch"),
    "shown": State("shown", fault=False),
}
"""Every state of a place by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One word of the vocabulary, and all that a picture needs to know of it.

    Attributes
    ----------
    name : str
        The word.
    verb : str
        How a picture shows it, one of `VERBS`.
    required : frozenset of str
        Fields that every row of the kind carries; more are allowed.
    sentence : str
        What it means, with `{place}`, `{message}` and `{field}` to be filled in.
    account : str
        The account of the conservation ledger that the message enters, or "" when it stays where it was.
    unless : str
        The account in which the copy stays nevertheless when the row repeats work (`attempt` above 1), or "".
    state : str
        The state of `STATES` that the place enters, or "" for none.
    ends : tuple of str
        The states that the place leaves: a sender that may go on is no longer blocked, but it may still be slow.
    at : str
        The field that names the places that change state, with commas between; "" for the row's own place.
    strikes : bool
        Whether this is a fault: a picture opens soon after the first one.
    lets_go : bool
        Whether the place is no longer at work on the message from this mark on.
    passes : bool
        Whether the place does nothing for the copy that stands there: it is skipped and not done, ledger or not.
    role : str
        The colour role (`dsys_lab.views.theme`) that it gives to what it is about, a message or a page; "" for none.
    caret : str
        What it moves under the tape of its `shard`: "read", how far its place has read; "commit", how far its `group`
        has worked; "owner", who works there. "" for nothing.
    hole : str
        One of `HOLES`: what the outline of its copy is from this row on; "" for a copy that is no outline. In a known
        one stands the row's `after_us`.
    """

    name: str
    verb: str
    required: frozenset[str]
    sentence: str
    account: str = ""
    unless: str = ""
    state: str = ""
    ends: tuple[str, ...] = ()
    at: str = ""
    strikes: bool = False
    lets_go: bool = False
    passes: bool = False
    role: str = ""
    caret: str = ""
    hole: str = ""


def _kind(name: str, verb: str, fields: str, sentence: str, *, ends: str = "", **more: Any) -> Kind:
    return Kind(
        name=name, verb=verb, required=frozenset(fields.split()), sentence=sentence, ends=tuple(ends.split()), **more
    )


_TABLE: Final = (
    # the network
    _kind("send", "move", "to copy type arrive_us", "{place} sends {message} to {to}"),
    _kind("receive", "arrive", "source copy type", "{place} receives {message} from {source}"),
    _kind("lost", "burst", "source copy type why", "{message} from {source} never reaches {place}: {why}",
          account="dropped"),
    _kind("copied", "put", "copy of", "a second copy of {message} is at {place}", account="in flight", strikes=True),
    _kind("answer", "move", "to copy type arrive_us", "{place} answers {to} about {message}"),
    _kind("answered", "fade", "source copy type", "{place} has its answer about {message}"),
    _kind("answer_lost", "burst", "source copy type why", "the answer about {message} never reaches {place}: {why}"),
    # producing
    _kind("publish", "put", "attempt", "{place} offers {message}, attempt {attempt}", account="in flight"),
    _kind("publish_ok", "mark", "attempt", "{place} has its acknowledgement for {message}"),
    _kind("publish_fail", "mark", "attempt why", "{place} counts attempt {attempt} at {message} as failed: {why}"),
    _kind("block", "mark", "depth", "{place} must wait with {message}: {depth} are in the buffer", state="blocked"),
    _kind("unblock", "mark", "waited_us", "{place} may go on after {waited_us}", ends="blocked"),
    # the broker
    _kind("enqueue", "put", "depth", "{message} waits in {place}, {depth} in all", account="stored"),
    _kind("duplicate", "fade", "of", "{place} has seen {message} before and lets the copy go", account="done"),
    _kind("reject", "bounce", "why", "{place} refuses {message}: {why}", account="rejected"),
    _kind("drop", "burst", "why", "{place} drops {message}: {why}", account="dropped"),
    _kind("expire", "burst", "age_us", "{message} was too old at {age_us} and is gone from {place}", account="expired"),
    # delivery and work
    _kind("deliver", "move", "to attempt handle visible_until_us arrive_us",
          "{place} lends {message} to {to}, attempt {attempt}", account="in flight"),
    _kind("empty", "mark", "source", "{place} asks {source} in vain"),
    _kind("start", "put", "attempt", "{place} starts on {message}", account="in flight", unless="done"),
    _kind("finish", "take", "attempt", "{place} is done with {message}", account="done"),
    _kind("effect", "mark", "key", "{place} carries {message} out"),
    _kind("effect_skip", "fade", "key", "{place} did {key} before and skips {message}", passes=True),
    _kind("fail", "mark", "why attempt", "{place} fails at {message}: {why}", lets_go=True),
    _kind("ack", "take", "handle attempt", "{message} is acknowledged and leaves {place}", account="done"),
    _kind("ack_stale", "bounce", "handle attempt", "{place} does not take the old handle of {message}"),
    _kind("nack", "mark", "delay_us", "{message} is handed back to {place}"),
    _kind("extend", "mark", "until_us", "{place} lends {message} for longer"),
    _kind("visible", "put", "attempt", "{message} shows in {place} after attempt {attempt}", account="stored"),
    _kind("dead", "burst", "receives to", "{message} was received {receives} times and is set aside in {to}",
          account="dead"),
    _kind("redrive", "put", "to", "{message} goes back from {place} to {to}", account="stored"),
    # the log
    _kind("append", "put", "shard offset key", "{message} becomes record {offset} of {shard}", account="stored"),
    _kind("read", "move", "shard first count behind_us arrive_us", "{place} reads {count} records from {first} on",
          caret="read"),
    _kind("commit", "mark", "shard offset", "{place} has worked up to {offset} of {shard}", caret="commit"),
    _kind("throttle", "bounce", "what", "{place} is over its {what} limit and turns {message} away"),
    _kind("consume", "mark", "units left what",
          "{place} lets {message} in for {units} {what} units: {left} of its tokens are left"),
    _kind("replaced", "fade", "by", "{place} lets {message} go: {by} has seen it"),
    _kind("shard", "split", "op parents children", "{place}: {op} of {parents} into {children}"),
    _kind("lease", "mark", "shard owner epoch", "{owner} now owns {shard}", caret="owner"),
    # credit between stages
    _kind("credit", "mark", "to outstanding window", "{place} has {outstanding} of {window} credits to {to} in use"),
    # a caller that refuses in the server's stead
    _kind("breaker_open", "mark", "failures", "{place} asks nobody for a while: {failures} calls failed in a row",
          state="open"),
    _kind("breaker_probe", "mark", "", "{place} lets {message} through to see whether all is well again"),
    _kind("breaker_closed", "mark", "", "{place} asks again, for its probe was answered", ends="open"),
    # routing
    _kind("join", "mark", "", "{place} is subscribed from now on", ends="absent"),
    _kind("leave", "mark", "", "{place} is not subscribed", state="absent"),
    _kind("idle", "mark", "", "{place} has nothing to do", state="idle"),
    _kind("match", "move", "rule to arrive_us", "{message} matches {rule} and goes to {to}", account="in flight"),
    _kind("nomatch", "fade", "rule", "{message} does not match {rule}", passes=True),
    _kind("unmatched", "fade", "why", "{message} ends at {place}, for it concerns nobody: {why}", account="unmatched"),
    _kind("transform", "mark", "rule", "{place} reshapes {message} by {rule}"),
    _kind("archive", "put", "", "{message} is kept in {place}", account="stored"),
    _kind("replay", "move", "of to arrive_us", "{place} plays {message} again to {to}", account="in flight"),
    _kind("fan_out", "take", "copies", "{place} has handed {message} on in {copies} copies", account="done"),
    _kind("push", "move", "to attempt arrive_us", "{place} hands {message} to {to}, attempt {attempt}",
          account="in flight"),
    _kind("handed", "mark", "to attempt", "{place} has handed {message} over to {to}"),
    _kind("wait", "put", "attempt phase until_us", "{message} waits at {place} for attempt {attempt}: {phase}",
          account="stored"),
    _kind("verify", "mark", "ok why", "{place} checks {message}: {why}"),
    # streams
    _kind("window", "open", "op key start_us end_us", "{place}: {op} window {start_us} to {end_us} of {key}"),
    _kind("range", "open", "op key low high", "{place}: {op} range {low} to {high}, {key}"),
    _kind("segment", "open", "op key size_bytes", "{place}: {op} segment {key} of {size_bytes} bytes"),
    _kind("watermark", "line", "at_us", "{place} believes that all up to {at_us} has come"),
    _kind("late", "mark", "by_us action", "{message} is late by {by_us}: {action}", role="late"),
    _kind("result", "put", "key start_us end_us value pane", "{place} says {value} for {key} ({pane})"),
    _kind("retract", "fade", "key start_us end_us value pane", "{place} takes {value} for {key} back"),
    _kind("packed", "fade", "into", "{message} is packed into {into}", account="stored"),
    _kind("sealed", "put", "count size_bytes by", "{message} is sealed by {by}: {count} records of {size_bytes} bytes"),
    _kind("held", "put", "attempt until_us", "{message} comes back after attempt {attempt}: {place} holds it"),
    _kind("emptied", "fade", "", "{message} is empty: nothing of it is left to deliver"),
    _kind("landed", "put", "count", "{message} stands in {place} with {count} records"),
    _kind("filed", "take", "into", "{message} is delivered in {into}", account="done"),
    _kind("set_aside", "take", "into why", "{message} is set aside in {into}: {why}", account="dead"),
    _kind("flush", "move", "count size_bytes by to arrive_us", "{place} writes {count} records to {to}, by {by}"),
    # business
    _kind("accept", "mark", "order", "{place} accepts {order}"),
    _kind("confirm", "mark", "order", "{place} confirms {order}"),
    _kind("apologise", "mark", "order cost", "{place} apologises for {order} at a cost of {cost}"),
    _kind("compensate", "mark", "order of", "{place} undoes {of} for {order}"),
    _kind("abandon", "mark", "order waited_us", "{place} gives {order} up after {waited_us}"),
    _kind("escalate", "mark", "order owner", "{place} cannot go on with {order} and gives it to {owner}"),
    _kind("finding", "mark", "order what", "{place} reads the books and finds {order}: {what}"),
    # derived data
    _kind("change", "put", "table op key position", "{place}: {op} of {key} in {table} at {position}"),
    _kind("apply", "put", "view position", "{view} has taken in change {position}"),
    _kind("rebuild", "mark", "view phase", "{view}: rebuild, {phase}"),
    _kind("look", "mark", "view key position behind_us", "somebody reads {key} of {view}, {behind_us} behind"),
    _kind("written", "put", "key", "{message} now stands in {place}", account="stored"),
    _kind("overwritten", "fade", "by", "{message} in {place} is written over by {by}", account="done"),
    _kind("differs", "mark", "expected",
          "{place} is not what the table says, {expected}, and nobody is on the way to mend it", state="apart"),
    _kind("stale", "mark", "expected", "{place} is not what the table says any more, {expected}", state="stale"),
    _kind("agrees", "mark", "", "{place} is what the table says again", ends="apart stale"),
    # caches, and what stands in a copy
    _kind("hit", "mark", "key position", "{place} has {key}, as of {position}"),
    _kind("miss", "mark", "key", "{place} does not have {key}"),
    _kind("fill", "mark", "key position", "{place} keeps {key}, as of {position}"),
    _kind("evict", "mark", "key why", "{place} throws {key} out: {why}"),
    _kind("holds", "put", "key", "{place} holds {message}"),
    _kind("forgets", "fade", "why", "{place} does not hold {message} any more: {why}"),
    # operations and stored bytes
    _kind("begin", "mark", "op name", "operation {op} begins: {name}"),
    _kind("end", "mark", "op ok", "operation {op} ends"),
    _kind("page_read", "touch", "file page size_bytes used_bytes source",
          "page {page} of {file} is read from {source}", role="useful"),
    _kind("page_write", "touch", "file page size_bytes", "page {page} of {file} is written", role="waiting"),
    _kind("block_skip", "skip", "file block why", "block {block} of {file} is skipped: {why}", role="skipped"),
    _kind("page_evict", "skip", "file page why", "page {page} of {file} is no longer in memory: {why}", role="skipped"),
    _kind("log_append", "put", "lsn size_bytes", "log record {lsn} is written, not yet durable"),
    _kind("log_sync", "mark", "lsn", "the log is durable up to {lsn}"),
    _kind("recover", "mark", "redo_from redo_to", "{place} replays its log from {redo_from} to {redo_to}", ends="down"),
    # documents and the cards of their indexes
    _kind("card_read", "touch", "file page slot size_bytes used_bytes",
          "card {page} of the shelf ({file}) is looked at: document {slot}", role="useful"),
    _kind("card_write", "touch", "file page slot size_bytes what",
          "card {page} of the shelf ({file}), of document {slot}, is {what}", role="waiting"),
    _kind("document_read", "touch", "file page size_bytes used_bytes",
          "number {page} of the {file} is opened: {used_bytes} of {size_bytes} were wanted", role="useful"),
    _kind("document_write", "touch", "file page size_bytes",
          "number {page} of the {file} is written anew, {size_bytes}", role="waiting"),
    # a log on several machines
    _kind("refuse", "bounce", "why", "{place} does not take {message}: {why}"),
    _kind("gone", "burst", "why", "{message} is gone from {place}: {why}", account="dropped"),
    # sorted runs
    _kind("run", "put", "count size_bytes of", "{message} lies at {place}: {count} entries, made from {of}"),
    _kind("run_merged", "fade", "into", "{message} is merged into {into} and leaves {place}"),
    # transactions
    _kind("transaction_begin", "mark", "transaction level", "transaction {transaction} begins at {level}"),
    _kind("snapshot", "mark", "transaction next_xid running",
          "transaction {transaction} looks: it sees what was committed before {next_xid}, but for {running}"),
    _kind("transaction_commit", "mark", "transaction", "transaction {transaction} commits"),
    _kind("transaction_abort", "mark", "transaction why", "transaction {transaction} comes to nothing: {why}",
          ends="blocked"),
    _kind("version", "put", "xmin row", "{xmin} makes a version of a row in {place}: {row}", account="stored"),
    _kind("superseded", "mark", "xmax ctid", "{xmax} ends version {message}; its successor is {ctid}"),
    _kind("rolled_back", "fade", "by", "{message} in {place} counts for nobody: {by} failed", account="rejected"),
    _kind("sweep", "fade", "", "version {message} is dead to all and is swept from {place}", account="done"),
    _kind("says", "put", "sql", "{place} says: {sql}", account="in flight"),
    _kind("hears", "take", "answer", "{place} is told: {answer}", account="done"),
    _kind("let_down", "burst", "why", "{place} is let down: {why}", account="rejected"),
    _kind("must_wait", "mark", "on", "{place} must wait for {on}", state="blocked"),
    _kind("wait_over", "mark", "", "{place} may go on", ends="blocked"),
    _kind("reads_before", "mark", "reader writer",
          "transaction {reader} has read what {writer} changes: it must come first"),
    _kind("page_image", "mark", "count size_bytes", "{count} pages go into the log whole, {size_bytes} bytes"),
    # graphs
    _kind("index_range", "mark", "index prefix keys", "{place}: {keys} keys of {index} begin with {prefix}",
          role="useful"),
    _kind("reach", "put", "hop source", "{message} is reached at hop {hop}, from {source}", role="useful"),
    _kind("reached_before", "fade", "of", "{place} lets {message} go: {of} was reached before"),
    _kind("row", "put", "hop source", "{place} makes a row for {message} at hop {hop}, joined to {source}"),
    # facts, and the cells of a cube
    _kind("member", "put", "key attributes", "{place} says of {key}: {attributes}"),
    _kind("fact", "put", "values", "{message} is a fact of {place}: {values}"),
    _kind("quarantined", "put", "rule why", "{message} is put aside in {place} ({rule}): {why}", role="late"),
    _kind("fall", "put", "value", "{message} falls into the cell {place}: {value}", ends="locked"),
    _kind("cell", "put", "state", "{place} keeps {state}"),
    _kind("pour", "put", "state", "cell {message} is poured into {place}, which now keeps {state}"),
    _kind("lock", "mark", "why", "{place} stays shut: {why}", state="locked"),
    _kind("joined", "put", "of value", "{place} has a row {message} for fact {of}: {value} once more"),
    # what is missed, who notices, and what brings it back
    _kind("hole", "put", "to why", "{message} is lost at {place} without a word: {why}", hole="open"),
    _kind("detect", "mark", "by after_us", "{message} is known to be missing {after_us} after it was lost, by the {by}",
          hole="known"),
    _kind("mend", "mark", "by", "{message} is there after all: {by}", hole="filled"),
    # views of facts
    _kind("led_here", "mark", "", "readers are led to {place}", state="shown"),
    _kind("let_go", "mark", "", "{place} answers nobody any more", ends="shown mistaken"),
    _kind("mistaken", "mark", "expected got", "{place} says {got}, and the facts come to {expected}", state="mistaken"),
    _kind("mended", "mark", "", "{place} says what the facts come to", ends="mistaken"),
    # film
    _kind("filming", "put", "filmed_us duration_us", "{place} begins to film {message}", account="in flight"),
    # control
    _kind("crash", "mark", "", "{place} crashes: what it held in memory is gone", state="down", ends="blocked",
          strikes=True),
    _kind("restart", "mark", "", "{place} is back", ends="down blocked"),
    _kind("split", "mark", "side", "the network splits: {side} on one side", state="split", at="side", strikes=True),
    _kind("heal", "mark", "side", "the network heals", ends="split", at="side"),
    _kind("slow", "mark", "speed", "{place} now runs at {speed} of its speed", state="slow", strikes=True),
    _kind("steady", "mark", "", "{place} runs at full speed again", ends="slow"),
    _kind("skew", "mark", "skew_us", "the clock of {place} is off by {skew_us}", strikes=True),
    _kind("gauge", "measure", "name value unit", "{name} at {place}: {value} {unit}"),
    _kind("note", "say", "text", "{text}"),
    _kind("check", "say", "name ok expected got", "check {name}: expected {expected}, got {got}"),
)  # fmt: skip

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _TABLE}
"""Every kind by its name."""

REQUIRED: Final[dict[str, frozenset[str]]] = {kind.name: kind.required for kind in _TABLE}
"""The required fields by kind, for the recorder's fast path."""


def nearest(name: str) -> str:
    """Return a hint naming the known kinds closest to `name`, for an error message."""
    from difflib import get_close_matches

    close = get_close_matches(name, KINDS, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "see dsys_lab/trace/kinds.py for the table"
