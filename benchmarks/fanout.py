"""One frame to 500 viewers: our hub against FastAPI's `send_bytes` and websockets' `broadcast`."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time

VIEWERS = 500
FRAME_BYTES = 2088
FRAMES_PER_S = 15
SECONDS = 2.0
ROUNDS = 2
BUDGET = 0.6


def cpu_per_frame_us(mode: str) -> float:
    """Server CPU per viewer and frame, measured once all viewers are connected."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fanout_server", mode, str(FRAME_BYTES),
         str(FRAMES_PER_S), "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        port = server.stdout.readline().strip()
        crowd = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.crowd", port, str(VIEWERS), str(SECONDS), "0"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert crowd.stdout.readline() == "ready\n"
        server.send_signal(signal.SIGUSR1)
        time.sleep(SECONDS - 0.5)
        server.send_signal(signal.SIGUSR2)
        told = json.loads(server.communicate(timeout=10)[0])
        crowd.communicate(timeout=SECONDS + 20)
    finally:
        server.kill()
        server.wait()
    return told["cpu_s"] / told["frames"] * 1e6


def main() -> bool:
    """Print the medians of interleaved rounds; True if the budget is missed."""
    modes = ("hub", "fastapi", "broadcast")
    rounds = [{mode: cpu_per_frame_us(mode) for mode in modes} for _ in range(ROUNDS)]
    for mode in modes:
        print(f"{mode:10} {statistics.median(r[mode] for r in rounds):6.1f} µs CPU per frame")
    ratio = statistics.median(r["hub"] / r["fastapi"] for r in rounds)
    against = statistics.median(r["hub"] / r["broadcast"] for r in rounds)
    print(f"hub / fastapi   {ratio:.2f} (budget {BUDGET})\nhub / broadcast {against:.2f}")
    return ratio > BUDGET


if __name__ == "__main__":
    sys.exit(main())
