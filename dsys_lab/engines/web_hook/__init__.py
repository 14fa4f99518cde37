"""The door for web hooks as a real web server, and a partner's real calls.

`server` is the door behind Tornado, `client` makes a call by httpx, `playing` plays the same script against the model
and against the server. JupyterLab brings both libraries; nothing else is installed, and nothing leaves the loopback.
"""

from dsys_lab.engines.web_hook.client import HttpAnswer, call_door
from dsys_lab.engines.web_hook.playing import DIFFERENCES, DOORS, asked, compared, play
from dsys_lab.engines.web_hook.server import HttpDoor, Refusal

__all__ = ["DIFFERENCES", "DOORS", "HttpAnswer", "HttpDoor", "Refusal", "asked", "call_door", "compared", "play"]
