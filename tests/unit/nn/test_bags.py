import torch

from dltk.data.fields import Ragged
from dltk.nn.bags import BagAffine, ids_of, rows_of, weighted_means, weighted_sums

BAGS = Ragged(torch.tensor([[0.0, 2.0], [3.0, 0.5], [1.0, 1.0]]), torch.tensor([0, 2, 2, 3]))
VECTORS = torch.tensor([[2.0, 0, 0, 0.5], [0, 0, 0, 0], [0, 1.0, 0, 0]])
TABLE = torch.arange(8.0).view(4, 2)


def test_a_bag_is_a_sparse_vector():
    assert ids_of(BAGS).tolist() == [0, 3, 1]
    assert rows_of(BAGS).tolist() == [0, 0, 2]
    torch.testing.assert_close(weighted_sums(BAGS, TABLE), VECTORS @ TABLE)


def test_the_mean_counts_by_weight_and_that_of_nothing_is_zero():
    expected = torch.stack([(2 * TABLE[0] + 0.5 * TABLE[3]) / 2.5, torch.zeros(2), TABLE[1]])
    torch.testing.assert_close(weighted_means(BAGS, TABLE), expected)


def test_only_ids_that_are_there_get_gradients():
    table = TABLE.clone().requires_grad_()
    weighted_sums(BAGS, table).sum().backward()
    assert table.grad is not None
    assert table.grad.tolist() == [[2, 2], [1, 1], [0, 0], [0.5, 0.5]]


def test_a_dense_layer_on_bags_is_torchs_on_their_vectors():
    torch.manual_seed(0)
    layer = BagAffine(4, 3)
    torch.manual_seed(0)
    dense = torch.nn.Linear(4, 3)
    torch.testing.assert_close(layer(BAGS), dense(VECTORS))
