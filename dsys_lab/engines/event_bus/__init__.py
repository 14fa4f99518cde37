"""One set of verbs for event buses: the model, EventBridge with a queue for each rule, core NATS by its subjects.

`model` puts the model behind the verbs, `runs` has the story that all of them are told, `differences` says what each
does otherwise.
"""

from dsys_lab.engines.event_bus.differences import EVENTBRIDGE, SUBJECTS
from dsys_lab.engines.event_bus.model import ModelBus, Routing
from dsys_lab.engines.event_bus.runs import ENGINES, opened, told

__all__ = ["ENGINES", "EVENTBRIDGE", "SUBJECTS", "ModelBus", "Routing", "opened", "told"]
