"""Recurrent cells over a sequence, read out at the last step or at every one."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

CellName = Literal["rnn", "lstm", "gru"]


class Recurrent(nn.Module):
    """Cells that read a sequence (B, T, num_inputs) and give their last states.

    Args:
        cell: Elman (1990), LSTM (Hochreiter & Schmidhuber 1997) or GRU (Cho et al. 2014).
        num_inputs: Features per step.
        num_units: Length of the hidden state.
        num_layers: Networks on top of each other.
        bidirectional: Read backwards too; the outputs of both directions stand side by side.
    """

    def __init__(
        self, cell: CellName, num_inputs: int, num_units: int, *, num_layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__()
        self.cells = _CELLS[cell](
            num_inputs, num_units, num_layers=num_layers, bidirectional=bidirectional, batch_first=True
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the last layer's state after the whole sequence, (B, units per direction)."""
        _, state = self.cells(x)
        hidden: Tensor = state[0] if isinstance(state, tuple) else state
        return hidden[-2:].transpose(0, 1).flatten(1) if self.cells.bidirectional else hidden[-1]


class RecurrentSteps(nn.Module):
    """Cells that read a sequence (B, T, num_inputs) and give their states at every step.

    Args:
        recurrent: The cells.
    """

    def __init__(self, recurrent: Recurrent) -> None:
        super().__init__()
        self.cells = recurrent.cells

    def forward(self, x: Tensor) -> Tensor:
        """Return the last layer's states, (B, T, units per direction)."""
        states: Tensor = self.cells(x)[0]
        return states


_CELLS: dict[CellName, type[nn.RNN | nn.LSTM | nn.GRU]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
