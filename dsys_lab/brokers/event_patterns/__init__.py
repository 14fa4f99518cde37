r"""Which events does a pattern pick?

A pattern looks like the events that it picks, with a list of wishes where an event has a value::

    event    {"source": "shop", "detail": {"country": "DE", "price": 120, "tags": ["new", "video"]}}
    pattern  {"source": ["shop"], "detail": {"price": [{"numeric": [">", 100]}], "tags": ["video", "film"]}}

Every field of the pattern must hold (*and*), by any of its wishes (*or*), for any value if the event has a list. What
the pattern does not name does not matter. A wish is a value, or an operator in an object of one key:

======================  ==============================================================================================
`prefix`, `suffix`      the text begins or ends so; `{"equals-ignore-case": text}` instead of a text: whatever the case
`equals-ignore-case`    the text is this, whatever the case
`wildcard`              the text is this, where `*` stands for any text; `\*` is a star and `\\` a backslash
`numeric`               one comparison, `["=", 1]` or `[">", 0]`, or two, `[">", 0, "<=", 5]`
`cidr`                  the text is an address in this block, IPv4 or IPv6
`anything-but`          a value that is none of these: a text or number, a list of one kind, or one of the operators on
                        texts with a text or a list
`exists`                there is a value (true) or there is none (false); looks at values, never at objects
`$or`                   in place of a field: two or more patterns of which one must hold
======================  ==============================================================================================

Amazon EventBridge picks events so, and Amazon SNS messages; Ruler, the library beneath, is open. One matcher serves
both: what differs are the limits, which the topic and the bus check themselves.

The room promises
-----------------
1. A pattern is read whole before it is used: what is wrong with it is said with the path where it is wrong.
2. Whether it picks an event depends on the two alone: not on time, order or other patterns.
3. Two fields that lie in one list of objects hold in one and the same object of it ("array-consistent").
4. A number is equal by value, never by how it is written, and no number is a truth value (`1` is not `true`).

Cost: one look-up a field of the pattern, one comparison a wish and value, however large the event.

Left out: Ruler joins names with dots, so that to it `{"a.b": ..}` and `{"a": {"b": ..}}` are one; here they are two. It
compiles all rules into one automaton whose time does not grow with their number; here every pattern is asked.

Sources: Amazon EventBridge User Guide, "Comparison operators for use in event patterns"; Amazon SNS Developer Guide,
"Filter policy constraints"; README and rule compiler of aws/event-ruler; all read in November 2026.
"""

from dsys_lab.brokers.event_patterns.pattern import Judged, Pattern

__all__ = ["Judged", "Pattern"]
