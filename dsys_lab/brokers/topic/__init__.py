"""Who hears of an event, when whoever tells it does not know the others?

A *topic* hands each message on to everyone who is subscribed at that moment. Publisher and subscribers never meet: the
publisher is told that the message was taken in, not who heard it, and not whether anybody did. For every subscription a
copy of its own goes its own way::

                                       +-- filter --> copy 1 --> attempt ----------------------> delivered
    publish --> topic --(one a seat)---+-- filter --> copy 2 --> attempt, fails, waits, again -> delivered
                  |                    |                             `-- given up: dead letter, or dropped
                  v                    `-- filter does not let it through: passed by
               archive (FIFO) --> replay to one subscription

Who is not subscribed hears nothing, and nobody notices; who is subscribed but down is tried again, for as long as the
policy of his kind of endpoint says. Connect a queue, and slowness, failure and repetition are each subscriber's own.

The semantics are those of Amazon SNS, standard and FIFO. `Topic` is pure: it says which attempts are due, and is told
how they went. In reading order:

================  ==================================================================================================
`delivery`        how long an endpoint is tried: four phases, and what outage they survive
`subscription`    who hears what: the filter, over attributes or body
`answers`         what the topic says: a frozen value for each answer
`seats`           what the topic remembers; how a copy is tried and tried again is `dsys_lab.brokers.outbox`
`topic`           the verbs
================  ==================================================================================================

The topic promises
------------------
1. A message goes to exactly those who are subscribed when it is published and whose filter lets it through.
2. Each copy is delivered, is on its way, waits for its next attempt, or has left a row that says why it is no more.
3. What happens to one subscription's copies changes nothing for the others.
4. FIFO: the copies of a group reach an endpoint in the order of publishing, each tried until it is delivered or given
   up; a message that is published again under its deduplication id within five minutes goes to nobody.
5. It is *at least once*: an endpoint that took a message whose answer was lost is tried again.

Cost: a publish asks every filter, and costs O(log n) for each copy; nothing is searched for afterwards.

Left out: what carries an attempt to its endpoint (the simulation, the notebook or a test does); encryption, rights,
request rates, batches, formats of the message; the jitter of the pauses, of which only the existence is published.

Sources: Amazon SNS Developer Guide and API Reference, read in November 2026; Hohpe and Woolf, *Enterprise Integration
Patterns*, "Publish-Subscribe Channel", "Message Filter", "Durable Subscriber"; Eugster et al., "The many faces of
publish/subscribe", ACM Computing Surveys 2003.
"""

from dsys_lab.brokers.answers import Duplicate, Rejected
from dsys_lab.brokers.outbox import Books, DeadLetter
from dsys_lab.brokers.topic.answers import Attempt, Published, Status
from dsys_lab.brokers.topic.delivery import TO_HTTP, TO_PEOPLE, TO_QUEUES, DeliveryPolicy, of_http
from dsys_lab.brokers.topic.subscription import Subscription
from dsys_lab.brokers.topic.topic import Topic

__all__ = [
    "TO_HTTP",
    "TO_PEOPLE",
    "TO_QUEUES",
    "Attempt",
    "Books",
    "DeadLetter",
    "DeliveryPolicy",
    "Duplicate",
    "Published",
    "Rejected",
    "Status",
    "Subscription",
    "Topic",
    "of_http",
]
