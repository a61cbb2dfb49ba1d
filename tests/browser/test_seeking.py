"""A film that is sought in, over a real server and a network that cuts connections off."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import imageio_ffmpeg
import pytest
from playwright.sync_api import Page

from tests.browser.sites import Site
from tests.integration.conftest import client_of
from tests.integration.cutting import CuttingNetwork

SECONDS = 40
RATE = 5
"""Pictures in a second."""

SEEKS = 12
CUTS = 20

LUMA = "if(lt(Y,40), 16 + 5 * floor(T), 235 * random(1))"
"""Above, how bright the picture is tells its second; below, it is noise, so that the film is large."""

SOUGHT = """async ({url, times, frame}) => {
    const film = document.createElement("video"), canvas = document.createElement("canvas");
    const context = canvas.getContext("2d"), levels = [];
    const happens = (name) => new Promise((resolve, reject) => {
        film.addEventListener(name, resolve, {once: true});
        film.addEventListener("error", () => reject(new Error(film.error.message)), {once: true});
    });
    // On "seeked" the picture may still be the one before. It is the one sought once it has been presented.
    const isPresented = (time) => new Promise((resolve) => {
        const look = (_, {mediaTime}) => mediaTime <= time && time < mediaTime + frame
            ? resolve() : film.requestVideoFrameCallback(look);
        film.requestVideoFrameCallback(look);
    });
    document.body.replaceChildren(film);
    film.preload = "auto";
    film.muted = true;
    film.src = url;
    await happens("loadeddata");
    for (const time of times) {
        const presented = isPresented(time);
        film.currentTime = time;
        await happens("seeked");
        await presented;
        context.drawImage(film, 0, 0);
        levels.push([film.currentTime, context.getImageData(20, 20, 1, 1).data[0]]);
    }
    return levels;
}"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:  # needs_chromium
    """Some MiB of film. Each second begins with a picture that is whole in itself."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    source = f"nullsrc=s=240x136:r={RATE}:d={SECONDS},geq=lum='{LUMA}':cb=128:cr=128"
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "4", "-g", str(RATE), "-pix_fmt", "yuv420p")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, *coding, str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.mark.parametrize("cuts", [0, CUTS], ids=["whole", "cut off"])
def test_a_film_shows_what_was_sought(cuts: int, page: Page, site: Site, film: Path) -> None:  # needs_chromium
    client = client_of(site.server)
    asset = client.upload(film, media_type="video/mp4").body
    client.wait_until_settled(asset["id"], patience=60)
    random = Random(cuts)
    times = [round(random.uniform(0, SECONDS - 0.2), 3) for _ in range(SEEKS)]
    statuses: list[int] = []
    page.on("response", lambda response: "download" in response.url and statuses.append(response.status))
    with CuttingNetwork(site.server, cuts=cuts, seed=1) as network:
        page.goto(network.url)
        url = f"/files/assets/{asset['id']}/download/?disposition=inline"
        shown = page.evaluate(SOUGHT, {"url": url, "times": times, "frame": 1 / RATE})
    assert [time for time, _ in shown] == pytest.approx(times, abs=0.001)
    # The range of luminance is 16 to 235, and that of the canvas 0 to 255.
    assert [round(level * 219 / 255 / 5) for _, level in shown] == [int(time) for time in times]
    assert set(statuses) == {206}
    assert bool(network.done) == bool(cuts)
