"""What waits for the engine."""

from __future__ import annotations

import threading

from segment_anything.map_tool.mailbox import Job, Mailbox, View
from segment_anything.map_tool.prompts import Click, PromptStack

HERE, THERE = View("here", {}), View("there", {})
PROMPTS = PromptStack((Click((1.0, 1.0), True),))


def look(view: View) -> Job:
    return Job(view, PromptStack())


def click(view: View) -> Job:
    return Job(view, PROMPTS)


def test_only_the_latest_of_each_kind_waits_and_a_click_goes_first() -> None:
    box, jobs = Mailbox(), [look(HERE), click(HERE), look(THERE), click(THERE)]
    for job in jobs:
        box.put(job)
    assert box.take() is jobs[3]
    assert box.take() is jobs[2]


def test_a_view_is_overtaken_by_news_of_other_views_only() -> None:
    box = Mailbox()
    assert not box.is_overtaken(look(HERE))
    box.put(click(HERE))
    assert not box.is_overtaken(look(HERE)), "its embedding is what the click needs"
    box.put(click(THERE))
    assert box.is_overtaken(look(HERE))


def test_a_click_is_overtaken_by_clicks_only() -> None:
    box = Mailbox()
    box.put(look(THERE))
    assert not box.is_overtaken(click(HERE))
    box.put(click(THERE))
    assert box.is_overtaken(click(HERE))


def test_what_is_forgotten_is_not_taken() -> None:
    box = Mailbox()
    box.put(click(HERE))
    box.forget()
    last = look(THERE)
    box.put(last)
    assert box.take() is last


def test_closing_wakes_whoever_waits() -> None:
    box, taken = Mailbox(), []
    thread = threading.Thread(target=lambda: taken.append(box.take()))
    thread.start()
    assert not box.is_now_closed()
    box.close()
    thread.join(5)
    assert taken == [None]
    assert box.is_now_closed()
    assert box.is_overtaken(click(HERE))
