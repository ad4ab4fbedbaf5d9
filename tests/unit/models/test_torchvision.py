"""Networks of torchvision: all of them can be built, have a head, and start from published weights."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
import torchvision.models
from torch.overrides import TorchFunctionMode

from dltk.config.errors import IntegrityError, MissingInput, OptionError
from dltk.data.specs import Image, Spec
from dltk.models import torchvision as networks
from tests.unit.models.examples import TABLE, THREE, made, one

LEAST = {"alexnet": 63, "inception_v3": 75, "maxvit_t": 224, "squeezenet1_1": 17, "vit_h_14": 14, "vit_b_16": 16}
FAMILIES = ("alexnet", "googlenet", "mobilenet_v3_small", "resnet18", "squeezenet1_1", "swin_t", "vgg11", "vit_b_16")
ARCHITECTURES: tuple[str, ...] = get_args(networks.Architecture)
SMALL = "shufflenet_v2_x0_5"


def config_of(**options: Any) -> networks.Config:
    return networks.Config.parse(options)


def spec_of(side: int, channels: int = 3) -> Spec:
    return one(Image(channels, side, side), THREE)


class ShapesOnCpu(TorchFunctionMode):
    """Lets regnet compute its widths, which it does with tensors, while all else is on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.arange, torch.tensor):
            kwargs["device"] = "cpu"
        return func(*args, **kwargs)


def on_meta(architecture: str, side: int) -> Any:
    with torch.device("meta"):
        if not architecture.startswith("regnet"):
            return made("torchvision", spec_of(side), architecture=architecture)
        with ShapesOnCpu():
            return made("torchvision", spec_of(side), architecture=architecture).to("meta")


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where published weights are looked for; nothing is there, and nothing can be downloaded."""
    monkeypatch.setenv("DLTK_DATA", str(tmp_path))
    monkeypatch.setenv("DLTK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("DLTK_OFFLINE", "1")
    return tmp_path


def publish(path: Path, architecture: str = SMALL, **options: Any) -> dict[str, torch.Tensor]:
    """Write new weights where torchvision's published ones would be."""
    url = torchvision.models.get_model_weights(architecture).DEFAULT.url
    weights: dict[str, torch.Tensor] = torchvision.models.get_model(architecture, weights=None, **options).state_dict()
    path.mkdir(parents=True, exist_ok=True)
    torch.save(weights, path / url.rpartition("/")[2])
    return weights


def test_the_names_in_the_schema_are_all_that_torchvision_has():
    assert sorted(ARCHITECTURES) == torchvision.models.list_models(module=torchvision.models)


@pytest.mark.parametrize(
    "architecture",
    [name if name in FAMILIES else pytest.param(name, marks=pytest.mark.slow) for name in ARCHITECTURES],
)
def test_a_network_gives_the_targets_outputs_from_its_head(architecture):
    side = max(LEAST.get(architecture, 32), 32) if "vit_h" not in architecture else 28
    model = on_meta(architecture, side)
    assert model(torch.empty((2, 3, side, side), device="meta")).shape == (2, 3)
    names = [name for name, _ in model.named_parameters()]
    assert names[-2:] == ["head.weight", "head.bias"] or names[-1] == "head.weight"
    assert all(name.startswith(("backbone.", "head.")) for name in names)


@pytest.mark.parametrize("architecture", ["alexnet", "squeezenet1_1"])
def test_the_least_size_works_and_is_named_where_images_are_smaller(architecture):
    least = LEAST[architecture]
    on_meta(architecture, least)
    with pytest.raises(OptionError, match=rf"{architecture} needs images of at least {least}x{least} pixels; the data"):
        on_meta(architecture, least - 1)


@pytest.mark.parametrize(
    ("architecture", "image", "wanted"),
    [
        ("vit_b_16", Image(3, 32, 48), "equal multiples of 16"),
        ("vit_b_16", Image(3, 40, 40), "equal multiples of 16"),
        ("maxvit_t", Image(3, 224, 128), "multiples of 224"),
    ],
)
def test_networks_of_fixed_sizes_say_which(architecture, image, wanted):
    with pytest.raises(OptionError, match=f"{architecture} needs images whose height and width are {wanted} pixels"):
        made("torchvision", one(image, THREE), architecture=architecture)


def test_grey_images_count_as_three_equal_colours():
    torch.manual_seed(0)
    model = made("torchvision", spec_of(32, channels=1), architecture=SMALL).eval()
    grey = torch.rand(2, 1, 32, 32)
    assert torch.equal(model(grey), model(grey.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("spec", [one(Image(2, 32, 32), THREE), one(TABLE, THREE)])
def test_other_data_are_refused(spec):
    with pytest.raises(OptionError, match=r"needs images of 1 or 3 channels|looks at images"):
        made("torchvision", spec, architecture=SMALL)


@pytest.mark.parametrize("architecture", ["googlenet", pytest.param("inception_v3", marks=pytest.mark.slow)])
def test_networks_with_side_outputs_train_without_them(architecture):
    model = on_meta(architecture, 75).train()
    assert isinstance(model(torch.empty((2, 3, 75, 75), device="meta")), torch.Tensor)
    assert not [name for name, _ in model.named_parameters() if "aux" in name.lower()]


def test_squeezenet_can_say_no():
    """Its own last ReLU would make every logit 0 or more."""
    torch.manual_seed(0)
    model = made("torchvision", spec_of(32), architecture="squeezenet1_1").eval()
    assert model(torch.rand(20, 3, 32, 32)).min() < 0


# Published weights.


@pytest.mark.parametrize("folder", [".", "torchvision", "cache/torchvision", "hub/hub/checkpoints"])
def test_published_weights_are_found_wherever_they_were_put(published, folder):
    weights = publish(published / folder)
    found = networks.pretrained(config_of(architecture=SMALL, pretrained=True), spec_of(32))
    assert found is not None
    assert torch.equal(found["head.weight"], weights["fc.weight"])
    assert torch.equal(found["backbone.conv1.0.weight"], weights["conv1.0.weight"])
    own = made("torchvision", spec_of(32), architecture=SMALL).state_dict()
    assert set(found) == {name for name in own if not name.startswith("normalize.")}


def test_with_their_weights_a_network_gives_what_torchvision_gives(published):
    weights = publish(published)
    original = torchvision.models.get_model(SMALL, weights=None).eval()
    original.load_state_dict(weights)
    model = made("torchvision", spec_of(40), architecture=SMALL, pretrained=True).eval()
    found = networks.pretrained(config_of(architecture=SMALL, pretrained=True), spec_of(40))
    assert found is not None
    model.load_state_dict({name: tensor for name, tensor in found.items() if "head" not in name}, strict=False)
    original.fc = torch.nn.Identity()
    model.head = torch.nn.Identity()
    x = torch.rand(2, 3, 40, 40)
    preset = torchvision.models.get_model_weights(SMALL).DEFAULT.transforms()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preset.mean, preset.std))
    torch.testing.assert_close(model(x), original((x - mean) / std))


def test_without_network_absent_weights_are_a_clear_error(published):
    config = config_of(architecture="resnet18", pretrained=True)
    with pytest.raises(MissingInput, match=r"resnet18-f37072fd\.pth"):
        networks.pretrained(config, spec_of(32))


def test_a_damaged_download_in_the_hub_is_refused(published):
    (published / "hub" / "hub" / "checkpoints").mkdir(parents=True)
    url = torchvision.models.get_model_weights(SMALL).DEFAULT.url
    torch.save(torch.nn.Linear(1, 1), published / "hub" / "hub" / "checkpoints" / url.rpartition("/")[2])
    with pytest.raises(IntegrityError, match="asks to run code"):
        networks.pretrained(config_of(architecture=SMALL, pretrained=True), spec_of(32))


def test_new_weights_need_nothing(published):
    assert networks.pretrained(config_of(architecture=SMALL), spec_of(32)) is None


@pytest.mark.parametrize(
    ("options", "mean"),
    [
        ({"architecture": SMALL}, 0.0),
        ({"architecture": SMALL, "pretrained": True}, 0.485),
        ({"architecture": "googlenet", "pretrained": True}, 0.5),
        ({"architecture": SMALL, "pretrained": True, "normalize": "none"}, 0.0),
        ({"architecture": SMALL, "normalize": "imagenet"}, 0.485),
    ],
)
def test_published_weights_bring_their_normalisation(options, mean):
    model = made("torchvision", spec_of(32), **options)
    assert model.normalize.mean.flatten()[0].item() == pytest.approx(mean)


@pytest.mark.parametrize(
    ("architecture", "name", "own"),
    [
        ("resnet18", "fc.weight", "head.weight"),
        ("resnet18", "layer1.0.bn1.weight", "backbone.layer1.0.bn1.weight"),
        ("vgg11", "classifier.6.bias", "head.bias"),
        ("vgg11", "classifier.0.weight", "backbone.classifier.0.weight"),
        ("swin_t", "head.weight", "head.weight"),
        ("vit_b_16", "heads.head.weight", "head.weight"),
        ("googlenet", "aux1.fc1.weight", None),
        ("inception_v3", "AuxLogits.conv0.conv.weight", None),
        (
            "densenet121",
            "features.denseblock1.denselayer1.norm.1.weight",
            "backbone.features.denseblock1.denselayer1.norm1.weight",
        ),
    ],
)
def test_torchvisions_names_become_own_ones(architecture, name, own):
    assert networks.own_name(config_of(architecture=architecture), name) == own


@pytest.mark.slow
def test_position_embeddings_are_fitted_to_other_sizes(published):
    publish(published, "vit_b_32")
    found = networks.pretrained(config_of(architecture="vit_b_32", pretrained=True), spec_of(64))
    assert found is not None
    assert found["backbone.encoder.pos_embedding"].shape == (1, 1 + 4, 768)
