import pytest
import torch

from dltk.config.errors import OptionError
from dltk.data.specs import Image, Spec
from dltk.nn.roles import Adversary
from tests.unit.models.examples import TABLE, THREE, made, one

KINDS = ["dense", "conv"]
SIZES = [Image(1, 8, 8), Image(3, 13, 6), Image(1, 28, 28)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("image", SIZES)
def test_noise_becomes_images_of_the_data_s_size_between_0_and_1(kind, image):
    model = made("gan", Spec({"image": image}, {}), kind=kind, latent_size=7, width=6)
    images = model.generator(3 * torch.randn(5, model.latent_size))
    assert images.shape == (5, *image.shape)
    assert images.min() >= 0
    assert images.max() <= 1
    assert isinstance(model, Adversary)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("image", SIZES)
def test_the_discriminator_gives_one_logit_per_image(kind, image):
    model = made("gan", one(image, THREE), kind=kind, width=6)
    assert model.discriminator(torch.rand(5, *image.shape)).shape == (5,)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_known_without_computing(kind):
    spec = one(Image(1, 9, 9), THREE)
    model = made("gan", spec, kind=kind, width=6).to("meta")
    assert model(torch.empty(2, 64, device="meta")).shape == (2, 1, 9, 9)
    assert model.discriminator(spec.example(2, "meta").inputs).shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_both_networks_through_a_made_image(kind):
    torch.manual_seed(0)
    model = made("gan", one(Image(1, 8, 8), THREE), kind=kind)
    model.discriminator(model(torch.randn(4, 64))).sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_stored_weights_make_the_same_images():
    models = []
    for seed in range(2):
        torch.manual_seed(seed)
        models.append(made("gan", one(Image(1, 8, 8), THREE), kind="conv").eval())
    models[1].load_state_dict(models[0].state_dict())
    noise = torch.randn(3, 64)
    assert torch.equal(models[0](noise), models[1](noise))


def test_a_table_is_refused():
    with pytest.raises(OptionError, match="gan makes images; the data are a table"):
        made("gan", one(TABLE, THREE))
