"""Waiting for somebody else's machine, and no longer than one wants to."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from fleetcast.alerts.unsent import NotSent, why


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do the work, or raise NotSent when the time is over.

    A socket's timeout does not bound it: nothing ends the look-up of a host, and a byte now and then keeps an answer
    alive. What is too slow is left to a thread that dies with the process; it may still get there.
    """
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 — raised again by whoever waits
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    threading.Thread(target=run, name="alerts", daemon=True).start()
    try:
        outcome.result(seconds)
    except TimeoutError as error:
        raise NotSent(why(error)) from None
