import pytest
import torch

from dltk.nn.recurrent import CellName, Recurrent, RecurrentSteps

CELLS: list[CellName] = ["rnn", "lstm", "gru"]


@pytest.mark.parametrize("cell", CELLS)
def test_one_direction_gives_the_state_of_the_last_step(cell):
    torch.manual_seed(0)
    recurrent = Recurrent(cell, 3, 4, num_layers=2)
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(recurrent(x), recurrent.cells(x)[0][:, -1])


@pytest.mark.parametrize("cell", CELLS)
def test_two_directions_give_the_last_step_forwards_and_the_first_backwards(cell):
    torch.manual_seed(0)
    recurrent = Recurrent(cell, 3, 4, num_layers=2, bidirectional=True)
    x = torch.randn(2, 5, 3)
    steps = recurrent.cells(x)[0]
    torch.testing.assert_close(recurrent(x), torch.cat([steps[:, -1, :4], steps[:, 0, 4:]], 1))


@pytest.mark.parametrize("cell", CELLS)
def test_steps_are_the_states_in_order(cell):
    torch.manual_seed(0)
    recurrent = Recurrent(cell, 3, 4)
    x = torch.randn(2, 5, 3)
    steps = RecurrentSteps(recurrent)(x)
    assert steps.shape == (2, 5, 4)
    for t in range(5):
        torch.testing.assert_close(steps[:, t], recurrent(x[:, : t + 1]))


def test_the_first_step_of_an_elman_cell_is_the_formula():
    torch.manual_seed(0)
    recurrent = Recurrent("rnn", 3, 4)
    x = torch.randn(2, 1, 3)
    weights = dict(recurrent.named_parameters())
    expected = torch.tanh(
        x[:, 0] @ weights["cells.weight_ih_l0"].T + weights["cells.bias_ih_l0"] + weights["cells.bias_hh_l0"]
    )
    torch.testing.assert_close(recurrent(x), expected)
