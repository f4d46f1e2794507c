from pathlib import Path

from service.training.jobs.event_log import EVENTS, EventLog


def test_events_have_growing_ids_from_which_one_can_go_on(tmp_path: Path) -> None:
    for step in range(3):
        EventLog(tmp_path).append("metrics", {"step": step})
    events = list(EventLog(tmp_path).read())
    assert [(event.kind, event.data["step"]) for event in events] == [("metrics", 0), ("metrics", 1), ("metrics", 2)]
    assert sorted({event.id for event in events}) == [event.id for event in events]
    for i, event in enumerate(events):
        assert list(EventLog(tmp_path).read(after=event.id)) == events[i + 1 :]


def test_a_torn_line_is_not_read_and_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    EventLog(tmp_path).append("metrics", {"step": 1})
    path = tmp_path / EVENTS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "metr')
    assert [event.data["step"] for event in EventLog(tmp_path).read()] == [1]
    EventLog(tmp_path).mend()
    assert path.read_bytes() == whole
    EventLog(tmp_path).append("metrics", {"step": 2})
    assert [event.data["step"] for event in EventLog(tmp_path).read()] == [1, 2]


def test_no_events_without_a_log(tmp_path: Path) -> None:
    assert list(EventLog(tmp_path).read()) == []
    EventLog(tmp_path).mend()


def test_an_event_in_the_middle_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    EventLog(tmp_path).append("metrics", {"step": 1})
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(b"\0\0\0\n[]\n")
    EventLog(tmp_path).append("metrics", {"step": 2})
    assert [event.data["step"] for event in EventLog(tmp_path).read()] == [1, 2]
