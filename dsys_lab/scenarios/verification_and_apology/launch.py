"""A limited launch: some pillows, more buyers, four gates, one stock.

A gate that *promises* answers at once, on news of the stock that is `news_s` old, and tells the stock afterwards. A
gate that *asks* lets the buyer wait for the stock's answer, and buyers leave. `pillows`, `rate` and `sale_s` are chosen
so that all would be sold: what matters is what happens near the end.

Sources: the semantics and their sources in `dsys_lab.dataflows.verification`; the laws in `dsys_lab.laws`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from dsys_lab.dataflows.verification import Gate
from dsys_lab.errors import BadParameter, require_choice, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.verification_and_apology.gates import SORRY_S, STOCK, GateHost, StockHost, buyers
from dsys_lab.simulation import Simulation
from dsys_lab.simulation.chance import constant, exponential

WAYS: Final = ("promise", "ask")
HOP_S: Final = 0.05
"""How long an order is on its way from a gate to the stock, where the gate has promised already."""


@scenario("{way}, news {news_s:g} s old, reserve {reserve}")
def launch(
    sim: Simulation,
    *,
    way: str = "promise",
    pillows: int = 40,
    rate: float = 8.0,
    sale_s: float = 10.0,
    gates: int = 4,
    news_s: float = 1.0,
    reserve: int = 0,
    answer_s: float = 0.3,
    patience_s: float = 8.0,
    ttl_s: float | None = None,
    news_age_max_s: float | None = None,
    keyed: bool = True,
) -> Claims:
    """Sell `pillows` to buyers who come at random, `rate` a second for `sale_s`.

    Where gates "promise", the stock's count reaches them `news_s` late, and they hold `reserve` back; with
    `news_age_max_s` they close when their news is older. Where they "ask", an answer takes `answer_s` on average (both
    ways alike, each exponential), a buyer waits for `patience_s` on average (exponential), and a pillow that is held
    for one who has left stays held, unless holds end after `ttl_s`. Without `keyed` the stock does not look whether it
    has decided an order before.
    """
    require_choice("way", way, WAYS)
    require_positive(pillows=pillows, rate=rate, sale_s=sale_s, gates=gates, news_s=news_s, answer_s=answer_s,
                     patience_s=patience_s)  # fmt: skip
    if way == "ask" and (reserve or news_age_max_s is not None):
        raise BadParameter(f"way = 'ask', reserve = {reserve}: who asks first needs no reserve and no news")
    if way == "promise" and ttl_s is not None:
        raise BadParameter(f"way = 'promise', ttl_s = {ttl_s}: who promises holds nothing")
    end_s = sale_s + news_s + 30
    stock = StockHost(sim, pillows=pillows, keyed=keyed, news_s=news_s, until_s=sale_s + news_s, ttl_s=ttl_s)
    hosts = [
        GateHost(sim, stock, f"gate-{number}", partial(Gate, reserve=reserve, news_age_max_s=news_age_max_s),
                 asks=way == "ask", patience_s=patience_s)
        for number in range(1, gates + 1)
    ]  # fmt: skip
    for host in hosts:
        way_there = constant(HOP_S) if way == "promise" else exponential(answer_s / 2)
        sim.network.link_delay[host.name, STOCK] = sim.network.link_delay[STOCK, host.name] = way_there
    sim.spawn(buyers(sim, hosts, rate=rate, for_s=sale_s))
    sim.run(sale_s + news_s + 1)
    while any(host.waits for host in hosts) and sim.now_s < end_s:
        sim.run(sim.now_s + 1)
    sim.run(sim.now_s + SORRY_S)  # the last apology may still be on its way
    claims: dict[str, dict[str, Any]] = {"conservation": {}, "stock never below nothing": {}}
    if way == "promise":
        claims |= {"promises settled once": {}}
    return Claims(claims)
