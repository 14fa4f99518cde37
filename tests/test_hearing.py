"""A widget's module gets ears, or is refused."""

from __future__ import annotations

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.views.hearing import hearing


def test_ears_are_exported_beside_what_the_module_exports() -> None:
    heard = hearing("const a = 1;\nexport default { render: mount };\n")
    assert heard.startswith("const a = 1;\n")
    assert heard.endswith("export default { initialize, render: mount };\n")
    assert "export function initialize({ model })" in heard


@pytest.mark.parametrize("module", [
    "", "export function render() {}\n", "export default { render };\nconst late = 1;\n",
    "export function render() {}\nexport default { render };\n",
])
def test_a_module_that_anywidget_would_take_otherwise_is_refused(module: str) -> None:
    with pytest.raises(BadParameter, match="a widget's module ends with"):
        hearing(module)
