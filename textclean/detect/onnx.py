"""ONNX networks on the CPU: where they lie, how they are loaded, how many threads they get."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.cores import default_threads
from textclean.detect.onnx_weights import without_denormals
from textclean.errors import MissingExtraError, WeightsError
from textclean.memory import reuses

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REINSTALL = "Install it again: pip install --force-reinstall rapidocr"


class OnnxNetwork:
    """A network in an ONNX file with one input and one output.

    Same input, same output: the sums are made in the same order whatever runs beside it.

    Args:
        path: The ``.onnx`` file.
        threads: Threads for one inference; None = :func:`textclean.cores.default_threads`.

    Raises:
        WeightsError: The file is missing, damaged, or not such a network.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import onnxruntime

        if not path.is_file():
            raise WeightsError(
                f"there is no weights file {path}", remedy="Give the path of an .onnx file"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or default_threads()
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        # Page sizes differ, so planned allocations do not pay; 20 % less memory without them.
        options.enable_mem_pattern = False
        # What the C library keeps serves everything, what the arena keeps only this.
        options.enable_cpu_mem_arena = not reuses()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                without_denormals(path.read_bytes()), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # onnxruntime raises a family of its own classes, and plain RuntimeError.
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
            raise WeightsError(
                f"{path} is not an ONNX network that onnxruntime understands: {reason}",
                remedy="Give an .onnx file of the PP-OCR family, or leave the option out",
            ) from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise WeightsError(
                f"{path} has {len(inputs)} inputs and {len(outputs)} outputs, not one of each",
                remedy="Give a detection or recognition network of the PP-OCR family",
            )
        self.path = path
        self._input = inputs[0].name

    @property
    def notes(self) -> dict[str, str]:
        """The file's own metadata (recognizers carry their characters there)."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network.

        Args:
            batch: ``(N, 3, H, W)`` float32.

        Raises:
            WeightsError: The network does not take such input.
        """
        try:
            result: Any = self._session.run(None, {self._input: batch})[0]
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
            raise WeightsError(
                f"the network in {self.path} cannot process input of shape {batch.shape}: {reason}",
                remedy="Give a detection or recognition network of the PP-OCR family",
            ) from None
        return np.asarray(result, np.float32)


def shipped_weights(*names: str) -> Path:
    """A weights file inside the installed ``rapidocr`` package, which is not imported for that.

    Importing it would configure logging and read its settings; only its files are wanted.

    Args:
        names: File names in order of preference.

    Raises:
        MissingExtraError: The package is not installed.
        WeightsError: It carries none of the files.
    """
    spec = find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            "the package rapidocr, which carries the weights of the detector ppocr, is not "
            "installed",
            remedy="Install it: pip install rapidocr",
        )
    folder = Path(spec.submodule_search_locations[0]) / "models"
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(f"there is no {' or '.join(names)} in {folder}", remedy=_REINSTALL)
