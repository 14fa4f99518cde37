"""One set of verbs for topics: the model, core NATS, a JetStream stream with a consumer each, SNS with a queue each.

`model` puts the model behind the verbs, `runs` has the stories that all of them are told, `differences` says what each
does otherwise.
"""

from dsys_lab.engines.topic.differences import CORE_NATS, JETSTREAM, SNS
from dsys_lab.engines.topic.model import Broadcast, ModelTopic
from dsys_lab.engines.topic.runs import ENGINES, opened, told

__all__ = ["CORE_NATS", "ENGINES", "JETSTREAM", "SNS", "Broadcast", "ModelTopic", "opened", "told"]
