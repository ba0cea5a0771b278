"""Headless Chromium over its debugging pipe, with nothing but the standard library.

The browser reads commands from its file descriptor 3 and answers on 4: JSON, each message ended by
a zero byte (the Chrome DevTools Protocol).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0  # seconds; a browser on a busy machine is slow


def find_chromium() -> str | None:
    """The browser's program, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page.

    Attributes:
        problems: What the page said on its console as an error or warning, and exceptions.
        requests: Addresses that the page asked for, ``data:`` left out.
    """

    def __init__(self) -> None:
        program = find_chromium()
        if program is None:
            raise FileNotFoundError("there is no Chromium; apt install chromium")
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="textclean-browser-")
        self._count = 0
        self._rest = b""
        self._session: str | None = None
        theirs, self._out = os.pipe()
        self._in, answers = os.pipe()
        # The browser wants its ends as 3 and 4, whatever numbers they have here.
        command = f'exec "$@" 3<&{theirs} 4>&{answers}'
        flags = (
            "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
            "--no-first-run", "--disable-extensions", "--force-device-scale-factor=1",
            f"--user-data-dir={self._folder.name}", "about:blank",
        )  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", program, *flags],
            pass_fds=(theirs, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        os.close(self._out)  # it ends when nobody can command it
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        try:
            self._folder.cleanup()
        except OSError:
            # One of its helpers may still be writing.
            time.sleep(1)
            self._folder.cleanup()

    def send(self, method: str, **values: Any) -> dict[str, Any]:
        """Send a command; its answer."""
        self._count += 1
        number = self._count
        message: dict[str, Any] = {"id": number, "method": method, "params": values}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self._receive(until)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
        raise TimeoutError(method)

    def open(
        self,
        path: Path,
        *,
        size: tuple[int, int] = (1440, 900),
        dark: bool = False,
        reduced_motion: bool = False,
        touch: bool = False,
        fragment: str = "",
    ) -> None:
        """Show a file and wait until it is complete."""  # fmt: skip
        self.resize(*size, touch=touch)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {
                "name": "prefers-reduced-motion",
                "value": "reduce" if reduced_motion else "no-preference",
            },
        ]
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.wait_for("document.readyState === 'complete' && location.protocol === 'file:'")

    def resize(self, width: int, height: int, *, touch: bool = False) -> None:
        """Give the window a size in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=touch,
        )  # fmt: skip

    def run(self, script: str) -> Any:
        """The value of a script's last expression; promises are awaited."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a script's expression is true."""
        until = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < until, condition
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Click in the middle of an element, with the mouse."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind, x=box[0], y=box[1], button="left", clickCount=1,
            )  # fmt: skip

    def press(self, *keys: str) -> None:
        """Press keys, one after the other: "j", " ", "ArrowDown", "Tab" ..."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36,
                 "ArrowUp": 38, "ArrowDown": 40, "PageDown": 34}  # fmt: skip
        for key in keys:
            values: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, 0)}
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            if text:
                values["text"] = text
            self.send("Input.dispatchKeyEvent", type="keyDown", **values)
            self.send("Input.dispatchKeyEvent", type="keyUp", **values)

    def screenshot(self, path: Path | None = None, *, of: str | None = None) -> bytes:
        """A PNG of the window, or of an element."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        settings: dict[str, Any] = {"format": "png"}
        if of is not None:
            box = self.run(
                f"(() => {{ const b = document.querySelector({json.dumps(of)})"
                ".getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()"
            )
            names = ("x", "y", "width", "height")
            settings["clip"] = {**dict(zip(names, box, strict=True)), "scale": 1}
        data = base64.b64decode(self.send("Page.captureScreenshot", **settings)["data"])
        if path is not None:
            path.write_bytes(data)
        return data

    def _receive(self, until: float) -> dict[str, Any]:
        """The next message; what the page says by itself is noted."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(until - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, values: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(values["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning"):
            self.problems.append(json.dumps(values["args"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.problems.append(values["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            address = values["request"]["url"]
            if not address.startswith(("data:", "about:")):
                self.requests.append(address)
