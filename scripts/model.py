"""Train again the small model that ships with the package: `make model`.

It learns a synthetic market with the habits of a real one and with trends planted in it on purpose
(docs/synthetic-market.md), so that the demonstration needs neither torch nor anybody's data. It knows nothing
about a real market. The bars are the same on every machine; the weights are the same bits on the same machine
and versions. It is signed with the demo key, which everybody knows: only play money follows it.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from trading_system.__main__ import DONE, main

FOLDER: Final = Path(__file__).parent.parent / "src/trading_system/core_ai/inference/demo_model"
SERIES: Final = ("--symbol", "BTCUSDT", "--interval", "15m", "--tick", "0.01", "--lot", "0.00001")


def run() -> int:
    """Make the bars, train on them, write the model into the package; return the first exit code that is not 0."""
    with tempfile.TemporaryDirectory() as store:
        commands = (
            ("data", "synthetic", "--planted", "--seed", "11", "--count", "48000", "--store", store, *SERIES),
            (
                "train",
                "--venue",
                "synthetic",
                "--seed",
                "11",
                "--horizon",
                "24",
                "--store",
                store,
                "--out",
                str(FOLDER),
                "--sign",
                "demo",
                "--license",
                "Apache-2.0",
                *SERIES,
            ),
        )
        return next((code for command in commands if (code := main(command)) != DONE), DONE)


if __name__ == "__main__":
    sys.exit(run())
