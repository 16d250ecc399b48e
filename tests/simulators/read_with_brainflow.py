"""BrainFlow on one board, in a process of its own: its session is global and outlives mistakes.

Arguments: PORT BOARD_ID SECONDS COMMAND… It prints JSON: answers to the commands, package numbers,
the times at which samples were read, EXG rows in µV and the aux rows.
"""

import json
import sys
import time

from brainflow.board_shim import BoardShim, BrainFlowInputParams


def main(port, board_id, seconds, *commands):
    """Connect, configure, stream for a while, print."""
    BoardShim.disable_board_logger()
    parameters = BrainFlowInputParams()
    parameters.serial_port = port
    board = BoardShim(int(board_id), parameters)
    board.prepare_session()
    answers = [board.config_board(command) for command in commands]
    board.start_stream(100_000)
    time.sleep(float(seconds))
    data = board.get_board_data()
    board.stop_stream()
    board.release_session()
    exg = BoardShim.get_exg_channels(int(board_id))
    number = BoardShim.get_package_num_channel(int(board_id))
    other = BoardShim.get_other_channels(int(board_id))
    result = {
        "answers": answers,
        "at_s": data[BoardShim.get_timestamp_channel(int(board_id))].tolist(),
        "number": data[number].tolist(),
        "exg": data[exg].tolist(),
        "other": data[other].tolist(),
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
