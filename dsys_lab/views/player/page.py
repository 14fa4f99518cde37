"""The player's module, and the player in a page without a kernel: one file, no request.

`page` is a whole document for `Player.save`; `fragment` is what an exported notebook carries. Both hold the module, the
stylesheet and the packed run as text. Where scripts do not run, the still picture and its words stay.
"""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
_PART: Final = re.compile(r'^export \* from "\./(\w+\.js)";\n', re.MULTILINE)
_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)


def _module() -> str:
    """Return the files of `script/` as one module, in the order in which `player.js` names them.

    A widget and a page without requests have room for one text. The files are modules of their own all the same, so
    that each says what it needs; here their imports fall away, for all stand in one scope.
    """
    script = HERE / "script"
    whole = _PART.sub(lambda found: _read(script / found[1]), _read(script / "player.js"))
    return _IMPORT.sub("", whole)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


MODULE: Final = _module()
STYLE: Final = _read(HERE / "player.css")

_PAGE_STYLE: Final = """
:root{color-scheme:light dark}
body{margin:0;padding:24px;background:#fff;color:#1f2328;font:16px/1.5 system-ui,sans-serif}
@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}}
@media (max-width:760px){body{padding:8px}}
h1{font-size:20px;margin:0 auto 10px;max-width:1280px} .host{max-width:1280px;margin:auto}
.host pre{white-space:pre-wrap} .host img{max-width:100%}
"""


def fragment(packed: bytes, *, words: str = "", png: bytes | None = None, height: int | None = None) -> str:
    """Return HTML that shows a packed run wherever it is put; several may stand in one page.

    Parameters
    ----------
    packed : bytes
        From `dsys_lab.views.player.pack`.
    words : str
        What stands there until scripts run, and for readers without them.
    png : bytes, optional
        A still picture for the same purpose.
    height : int, optional
        Of the stage, in pixels.
    """
    still = f'<img alt="{html.escape(words, quote=True)}" src="data:image/png;base64,{_text(png)}">' if png else ""
    words = "" if png else f"<pre>{html.escape(words)}</pre>"
    script, style = _script(MODULE), _script(STYLE)
    return (
        f'<div class="host">{still}{words}</div><script>(()=>{{'
        "const host=document.currentScript.previousElementSibling;"
        "const load=window.__dsysPlayer??=(()=>{const style=document.createElement('style');"
        f"style.textContent={style};document.head.append(style);"
        f"const url=URL.createObjectURL(new Blob([{script}],{{type:'text/javascript'}}));return import(url)}})();"
        f"const run='{_text(packed)}';"
        "load.then(player=>{host.textContent='';"
        f"player.default.render({{model:player.staticModel({{packed:run,height:{json.dumps(height)}}}),el:host}})}})"
        "})()</script>"
    )


def page(packed: bytes, *, title: str, words: str = "", png: bytes | None = None, height: int | None = None) -> str:
    """Return a whole page around one player."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{html.escape(title)}</title><style>{_PAGE_STYLE}</style></head>\n'
        f"<body><h1>{html.escape(title)}</h1>{fragment(packed, words=words, png=png, height=height)}</body></html>\n"
    )


def _text(data: bytes | None) -> str:
    return base64.b64encode(data or b"").decode()


def _script(source: str) -> str:
    """Return source as a JavaScript string that cannot end the script element that it stands in."""
    return json.dumps(source).replace("</", "<\\/").replace("<!--", "<\\!--")
