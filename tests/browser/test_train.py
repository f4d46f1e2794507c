"""Train and Models: a text is sent, learned while one looks on, promoted and rolled back, with an admin's key."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from charrnn.checkpoint import load
from service.bootstrap.starter import STARTER_PATH
from service.client import Client
from service.training.curves import DIVERGED
from tests.browser.axe import violations
from tests.browser.conftest import ADMIN_KEY, card_of, enter_key
from tests.browser.watched import Watched
from tests.system.running import ROOT, Service

pytestmark = pytest.mark.system

SHOWN = "SCREENSHOTS" in os.environ
CORPUS = "".join(path.read_text() for path in sorted((ROOT / "charrnn").rglob("*.py")))[: None if SHOWN else 20_000]
BUDGET, UNIT, SIZE = ("500", "steps", "256") if SHOWN else ("60", "steps", "24")
LONG_MS = 180_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "python.txt"
    path.write_text(CORPUS)
    return path


@pytest.fixture
def train(admin: Page) -> Page:
    admin.goto("/ui/train")
    expect(admin.get_by_role("heading", name="Jobs")).to_be_visible()
    return admin


def ask_for(page: Page, model: str, amount: str, unit: str, size: str) -> None:
    page.get_by_label("Model", exact=True).fill(model)
    page.get_by_label("Train for").fill(amount)
    page.get_by_label("Unit").select_option(unit)
    settings = page.locator("details.more")
    if settings.get_attribute("open") is None:
        settings.locator("summary").click()
    page.get_by_label("Hidden size").fill(size)
    page.get_by_label("Make current").select_option("always")
    page.get_by_role("button", name="Train", exact=True).click()


CHART = """
async (losses) => {
  const script = document.querySelector("script[src$='/train.js']");
  const { Chart } = await import(new URL("./charts.js", script.src).href);
  const heard = [];
  const chart = new Chart(document.getElementById("loss-chart"), [{ label: "loss", colour: "--accent" }],
    { onScale: (logarithmic) => heard.push(logarithmic) });
  chart.show([[losses.map((_, place) => place), losses]]);
  chart.remove();
  return heard.at(-1);
}
"""
"""Draw losses as the chart of a job's losses does; whether their scale is logarithmic."""


def test_losses_that_diverge_have_a_logarithmic_scale(train: Page) -> None:
    assert train.evaluate(CHART, [4.0, 3.0, 7.9]) is False
    assert train.evaluate(CHART, [4.0, 3.0, 4.01 * DIVERGED]) is True


def test_a_text_becomes_a_model_while_one_looks_on(
    train: Page, service: Service, corpus: Path, shoot: Callable[..., None]
) -> None:
    train.get_by_label("Text file").set_input_files(corpus)
    assert train.get_by_label("Model", exact=True).input_value() == "python"
    expect(train.locator("#preview")).to_contain_text(f"{len(CORPUS):,} characters")
    shoot(train.locator("#start"), "preview")
    ask_for(train, "python", BUDGET, UNIT, SIZE)
    expect(train.locator("#start-note")).to_contain_text("begins")
    expect(train.locator("#job-status")).to_have_text("running")
    expect(train.locator("#evaluations tr")).not_to_have_count(0, timeout=LONG_MS)
    begun = train.locator("#loss-chart canvas").screenshot()
    expect(train.locator("#job-note")).to_contain_text("left", timeout=LONG_MS)
    if SHOWN:
        expect(train.locator("#job-note")).to_contain_text(re.compile("(6[5-9]|7.) % done"), timeout=LONG_MS)
        shoot(train.locator("#watch"), "train")
    expect(train.locator("#job-status")).to_have_text("succeeded", timeout=LONG_MS)
    assert train.locator("#loss-chart canvas").screenshot() != begun, "the curve has moved"
    losses = train.locator("#evaluations tr td:nth-child(4)").all_text_contents()
    assert float(losses[-1]) < float(losses[0])
    said = [each.split(" · ")[0] for each in train.locator("#timeline h4").all_inner_texts()]
    assert said[0] == "untrained"
    assert said[-1] == "at the end"
    expect(train.locator("#job-result")).to_contain_text("Published as version 1. It is now current.")
    train.get_by_role("link", name="Play with it").click()
    expect(train.get_by_label("Version", exact=True)).to_have_value("1")
    assert service.request("/models/python")["aliases"] == {"current": 1}


def test_a_version_is_rolled_back_and_promoted(train: Page, service: Service, shoot: Callable[..., None]) -> None:
    """After the test above, whose job is asked for once more with another size."""
    train.locator("#jobs a", has_text="python").first.click()
    expect(train.locator("#job-plan")).to_contain_text(f"python.txt ({len(CORPUS):,} characters")
    expect(train.locator("#job-plan")).to_contain_text(f"1 layer of {SIZE} units")
    train.get_by_role("button", name="Clone with other settings").click()
    expect(train.get_by_label("Model", exact=True)).to_be_focused()
    assert train.get_by_label("Hidden size").input_value() == SIZE
    assert train.get_by_label("Make current").input_value() == "always"
    ask_for(train, "python", "20", "steps", "16")
    expect(train.locator("#job-plan")).to_contain_text("1 layer of 16 units")
    expect(train.locator("#job-status")).to_have_text("succeeded", timeout=LONG_MS)
    for box in train.get_by_role("checkbox", name="Compare python@").all():
        box.check()
    expect(train.locator("#compared-chart .u-legend")).to_contain_text(re.compile("python@2.*python@1", re.DOTALL))
    train.goto("/ui/models")
    card = card_of(train, "python")
    expect(card.locator("tr.serving")).to_contain_text("2")
    card.get_by_role("button", name="Roll back to version 1").click()
    expect(train.locator("#note")).to_have_text("python: version 1 is now current.")
    assert service.request("/models/python")["aliases"] == {"current": 1}
    card.get_by_role("button", name="Promote version 2 of python").click()
    expect(train.locator("#note")).to_have_text("python: version 2 is now current.")
    assert service.request("/generate", {"model": "python", "length": 1})["version"] == 2
    card.get_by_text("History of python").click()
    expect(card.locator(".history li")).to_have_count(4)
    shoot(train, "models")


def test_what_is_known_of_a_version(admin: Page) -> None:
    card = card_of(admin, "shakespeare")
    card.get_by_role("button", name="About version 1").click()
    expect(card.locator(".about")).to_contain_text("LSTM")
    expect(card.locator(".about")).to_contain_text("bits per character")
    expect(card.locator(".about")).to_contain_text("What its cells follow")
    expect(card.get_by_role("img", name="Losses of version 1")).to_be_visible()
    expect(card.get_by_role("group", name="The request for Python")).to_contain_text('"model": "shakespeare@1"')
    expect(card.locator(".sample")).to_have_text(re.compile(".{200}", re.DOTALL))
    with admin.expect_download() as saved:
        card.get_by_role("button", name="Download").click()
    assert saved.value.path().read_bytes() == STARTER_PATH.read_bytes()


def test_a_checkpoint_is_imported_and_a_version_deleted_once_one_says_so(admin: Page, service: Service) -> None:
    admin.get_by_text("Import a checkpoint").click()
    for version in (1, 2):
        if version == 2:
            admin.get_by_text("Import a checkpoint").click()
        admin.get_by_label("File").set_input_files(STARTER_PATH)
        admin.get_by_label("Model", exact=True).fill("brought")
        admin.get_by_label("Make current").select_option("never")
        admin.get_by_role("button", name="Import").click()
        expect(admin.locator("#note")).to_have_text(f"brought: imported as version {version}.")
    card = card_of(admin, "brought")
    card.get_by_role("button", name="About version 2").click()
    card.get_by_role("button", name="Delete version 2").click()
    admin.get_by_role("button", name="Go back").click()
    assert service.request("/models/brought")["versions"][0]["version"] == 2
    card.get_by_role("button", name="Delete version 2").click()
    admin.get_by_role("button", name="Delete it").click()
    expect(admin.locator("#note")).to_have_text("brought: version 2 was deleted.")
    assert [each["version"] for each in service.request("/models/brought")["versions"]] == [1]


def test_an_admin_has_it_found_out_what_cells_follow(admin: Page, service: Service, tmp_path: Path) -> None:
    client = Client(f"http://127.0.0.1:{service.port}", ADMIN_KEY)
    starter = load(STARTER_PATH)
    mix = {"is_mixed": True, "network_loss": 1.47, "loss": 1.4305, "share": 0.2, "bytes": 4_000_000}
    path = tmp_path / "copied.safetensors"
    path.write_bytes(starter.with_record(starter.record.updated(mix=mix)).to_bytes())
    client.publish("copied", path)
    (tmp_path / "written.txt").write_text(client.generate(length=8000, seed=1).text)
    client.upload(tmp_path / "written.txt")
    admin.reload()
    card = card_of(admin, "copied")
    card.get_by_role("button", name="About version 1").click()
    expect(card.locator(".about")).to_contain_text("mixed in: 0.0395 nats less, 20% of the probability, 4.0 MB")
    card.get_by_label("In the text").select_option("written.txt")
    card.get_by_role("button", name="Search").click()
    expect(card.locator(".cells tbody")).to_contain_text("position in the line")
    expect(card.locator(".cells")).to_contain_text("Measured on 8,000 characters.")


def test_a_job_is_watched_again_when_the_service_was_away_and_cancelled(
    watched: Watched, train: Page, service: Service, corpus: Path
) -> None:
    watched.expect("ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RE|ERR_EMPTY_RESPONSE")
    train.get_by_label("Text file").set_input_files(corpus)
    ask_for(train, "never", "100", "minutes", "16")
    expect(train.locator("#job-status")).to_have_text("running")
    os.killpg(service.children()["web"], signal.SIGKILL)
    expect(train.locator("#job-error")).to_contain_text(re.compile("The connection|cannot be reached"))
    before = train.locator("#facts").inner_text()
    expect(train.locator("#job-error")).to_be_hidden(timeout=LONG_MS)
    expect(train.locator("#facts")).not_to_have_text(before)
    train.get_by_role("button", name="Cancel", exact=True).click()
    train.get_by_role("button", name="Cancel the training").click()
    expect(train.locator("#job-status")).to_have_text("cancelled")
    expect(train.locator("#jobs li").first).to_contain_text("cancelled")
    jobs = train.locator("#jobs li").count()
    train.get_by_role("button", name="Delete", exact=True).click()
    train.get_by_role("button", name="Delete it").click()
    expect(train.locator("#jobs li")).to_have_count(jobs - 1)
    expect(train.locator("#watch")).to_be_hidden()


def test_an_upload_says_how_far_it_is_and_can_be_stopped(train: Page, service: Service, tmp_path: Path) -> None:
    before = service.request("/corpora", key=ADMIN_KEY)
    (tmp_path / "long.txt").write_text("to be or not to be\n" * 200_000)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    train.context.new_cdp_session(train).send("Network.emulateNetworkConditions", slow)
    train.get_by_label("Text file").set_input_files(tmp_path / "long.txt")
    expect(train.locator("#upload-note")).to_have_text(re.compile("Sending: [1-9][0-9]? %"))
    assert 0 < train.locator("#upload").evaluate("e => e.value") < 1
    train.get_by_role("button", name="Stop the upload").click()
    expect(train.locator("#upload")).to_be_hidden()
    expect(train.locator("#upload-note")).to_be_empty()
    expect(train.locator("#start-error")).to_be_hidden()
    assert service.request("/corpora", key=ADMIN_KEY) == before


def test_what_the_service_refuses_is_shown_at_its_field(watched: Watched, train: Page, tmp_path: Path) -> None:
    watched.expect("status of 422")
    (tmp_path / "empty.txt").write_text("")
    train.get_by_label("Text file").set_input_files(tmp_path / "empty.txt")
    expect(train.locator("#text-error")).to_contain_text("empty")
    expect(train.get_by_label("Text file")).to_have_attribute("aria-invalid", "true")
    train.get_by_label("Text file").set_input_files([])
    train.get_by_label("a text that was uploaded before").select_option(index=1)
    ask_for(train, "a b", "1", "steps", "16")
    expect(train.get_by_label("Model", exact=True)).to_be_focused()
    ask_for(train, "fine", "1", "steps", "999999")
    expect(train.locator("#start-error")).to_contain_text("Hidden size")
    expect(train.get_by_label("Hidden size")).to_be_focused()


def test_an_unclear_encoding_is_asked_for(watched: Watched, train: Page, tmp_path: Path) -> None:
    watched.expect("status of 422")
    (tmp_path / "menu.txt").write_bytes("café\r\n".encode("cp1252"))  # one letter decides nothing
    train.get_by_label("Text file").set_input_files(tmp_path / "menu.txt")
    expect(train.locator("#text-error")).to_contain_text("is uncertain")
    train.get_by_role("button", name="cp1252").click()
    expect(train.locator("#preview-lines")).to_have_text("café")
    expect(train.locator("#preview-facts")).to_contain_text("cp1252")
    expect(train.locator("#preview-facts")).to_contain_text("CRLF, converted to LF")
    expect(train.locator("#text-error")).to_be_hidden()


def test_a_file_is_dropped(train: Page) -> None:
    train.locator("#drop").evaluate(
        """drop => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["to be or not to be"], "Some Plays.txt", { type: "text/plain" }));
            drop.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }"""
    )
    assert train.get_by_label("Model", exact=True).input_value() == "some-plays"
    expect(train.locator("#preview")).to_contain_text("18 characters, 1 line, 18 bytes")


NAMES = "name,country\n" + "Weber,de\nGarcía,es\nSchäfer,de\nLópez,es\n" * 10


def test_the_first_records_are_shown_before_the_file_is_uploaded(
    train: Page, service: Service, tmp_path: Path, shoot: Callable[..., None]
) -> None:
    before = service.request("/corpora", key=ADMIN_KEY)
    (tmp_path / "names.csv").write_text(NAMES)
    train.get_by_label("Text file").set_input_files(tmp_path / "names.csv")
    expect(train.locator("#first-facts")).to_contain_text("CSV, utf-8Found40 records in the file, 2 different labels")
    expect(train.locator("#first-rows tbody tr").nth(1)).to_have_text("3Garcíaes")
    expect(train.locator("#labels li")).to_have_text(["de 20", "es 20"])
    assert train.get_by_label("Format").input_value() == "csv"
    train.get_by_label("Task").select_option("classify")
    expect(train.locator("#first-rows tbody tr").first).to_have_text("2Weberde")
    shoot(train.locator("#start"), "records")
    fields = train.get_by_role("group", name="Fields of the file")
    assert fields.get_by_label("Text").input_value() == "name"
    fields.get_by_label("Text").select_option("country")
    fields.get_by_label("Label").select_option("name")
    expect(train.locator("#labels li")).to_have_text(["García 10", "López 10", "Schäfer 10", "Weber 10"])
    assert service.request("/corpora", key=ADMIN_KEY) == before


def test_labelled_examples_become_a_model_that_is_evaluated(train: Page, tmp_path: Path, service: Service) -> None:
    rows = "".join(f"Weber {n},de\nGarcía {n},es\n" for n in range(30))
    (tmp_path / "origins.csv").write_text(f"name,country\n{rows}")
    train.get_by_label("Text file").set_input_files(tmp_path / "origins.csv")
    expect(train.locator("#first-facts")).to_contain_text("2 different labels")
    train.get_by_label("Task").select_option("classify")
    ask_for(train, "origins", "20", "steps", "16")
    expect(train.locator("#job-status")).to_have_text("succeeded", timeout=LONG_MS)
    expect(train.locator("#job-plan")).to_contain_text("gives each text a label")
    expect(train.locator("#samples")).to_be_hidden()
    train.get_by_role("button", name="Clone with other settings").click()
    assert train.get_by_label("Task").input_value() == "classify"
    expect(train.locator("#first-rows tbody tr").nth(1)).to_have_text("3García 0es")
    assert train.get_by_role("group", name="Fields of the file").get_by_label("Label").input_value() == "country"
    train.get_by_role("link", name="Play with it").click()
    train.locator("#written").fill("Weber")
    expect(train.locator("#bars li")).to_have_count(2)
    train.goto("/ui/models")
    card = card_of(train, "origins")
    card.get_by_role("button", name="About version 1").click()
    expect(card.locator(".about")).to_contain_text("2: de, es")
    expect(card.locator(".about")).to_contain_text("Accuracy")
    found = service.request("/models/origins/versions/1/evaluation")["confusion"]
    shown = card.get_by_role("table", name="Rows: the right label").locator("tbody tr")
    expect(shown).to_have_count(2)
    assert [int(cell) for cell in shown.first.locator("td:not(.part)").all_inner_texts()] == found[0]
    assert violations(train) == {}


def test_faulty_rows_are_reported_with_their_lines(train: Page, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text(NAMES + "lonely\n")
    train.get_by_label("Text file").set_input_files(tmp_path / "names.csv")
    expect(train.locator("#faults")).to_contain_text("1 fault")
    expect(train.locator("#faults li")).to_have_text([re.compile("^line 42: it has 1 field")])


def test_lines_become_records_once_one_says_so(train: Page, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("".join(f"Name {n}\n" for n in range(30)))
    train.get_by_label("Text file").set_input_files(tmp_path / "names.txt")
    expect(train.locator("#preview")).to_contain_text("30 lines")
    expect(train.locator("#first")).to_be_hidden()
    train.get_by_role("button", name="Read lines as records").click()
    expect(train.locator("#first-facts")).to_contain_text("30 records in the file")
    train.get_by_label("Records", exact=True).select_option("separator")
    train.get_by_label("Separator").fill("9\\n")
    train.get_by_label("Separator").press("Tab")
    expect(train.locator("#first-facts")).to_contain_text("3 records in the file")


def test_promoting_without_a_key_asks_for_it(watched: Watched, page: Page) -> None:
    """After the tests above, `python` has two versions."""
    watched.expect("status of 401")
    page.goto("/ui/models")
    card_of(page, "python").get_by_role("button", name="Promote version 1").click()
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    enter_key_again(page)


def enter_key_again(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_label("Key", exact=True)).to_be_hidden()
    enter_key(page, ADMIN_KEY)
