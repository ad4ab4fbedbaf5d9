"""The augmentation of a run: the transforms of `data.augment`, one after another, on batches of the training split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dltk.config import augmentation as kinds
from dltk.config.errors import OptionError
from dltk.config.seeds import derive
from dltk.data.augment import colour, geometry
from dltk.data.augment.draws import Draw, betas, between, draw_for, normals, order_of
from dltk.data.augment.rectangles import ATTEMPTS, cut_rectangles, erased_rectangles
from dltk.data.batches import Place
from dltk.data.fields import Field, Fields
from dltk.data.specs import Boxes, Classes, Image, Masks, Spec

Change = Callable[[Any, Tensor, Draw], Tensor]
"""(options, images (B, C, H, W), draw) -> images of the same shape."""
Images = Mapping[str, Tensor]


@dataclass(frozen=True)
class _Step:
    """One transform: its options, and its place in the list, from which its random numbers are derived."""

    position: int
    options: Any


class Augmentation:
    """Varies the images of a batch, and with mixup and cutmix its targets.

    What happens to a sample depends on the seed, the transform's place in the list, the epoch and the sample's index
    in the training split: not on the rest of its batch, the device or what was drawn before. Only with whom a sample is
    mixed depends on the batch: partners are a permutation of its places that follows from epoch and batch number. All
    image inputs of a sample change alike. Rotation, translation, zoom and shear that follow each other resample once.

    Args:
        transforms: Options by `dltk.config.augmentation`, in order; see `problems_of`.
        spec: Which inputs are images, and which targets classes.
        seed: Of the run.
    """

    def __init__(self, transforms: Sequence[Any], spec: Spec, seed: int) -> None:
        steps = [_Step(position, options) for position, options in enumerate(transforms)]
        self._stages = [(kind, list(group)) for kind, group in groupby(steps, _stage_of)]
        self._images = [name for name, modality in spec.inputs.items() if isinstance(modality, Image)]
        self._num_classes = {name: len(t.names) for name, t in spec.targets.items() if isinstance(t, Classes)}
        self._seed = seed

    def __call__(self, inputs: Fields, targets: Fields, place: Place) -> tuple[Fields, Fields]:
        """Return inputs and targets of a batch, varied; see `dltk.data.batches.Augment`.

        Raises:
            OptionError: An image input does not come as floats (B, C, H, W).
        """
        images: Images = {name: _floats(name, inputs[name]) for name in self._images}
        for kind, steps in self._stages:
            if kind == "warp":
                images = self._warped(images, steps, place)
            elif kind == "mix":
                for step in steps:
                    images, targets = self._mixed(images, targets, step, place)
            else:
                for step in steps:
                    images = self._changed(images, step, place)
        return {**inputs, **images}, targets

    def _draw(self, step: _Step, place: Place) -> Draw:
        return draw_for(derive(self._seed, "augment", step.position, place.epoch), place.draws)

    def _warped(self, images: Images, steps: Sequence[_Step], place: Place) -> Images:
        draws = [self._draw(step, place) for step in steps]
        warped = {}
        for name, pixels in images.items():
            size = (pixels.shape[2], pixels.shape[3])
            matrices = [
                _MATRICES[type(step.options)](step.options, size, draw) for step, draw in zip(steps, draws, strict=True)
            ]
            warped[name] = geometry.warped(pixels, reduce(torch.matmul, matrices))
        return warped

    def _changed(self, images: Images, step: _Step, place: Place) -> Images:
        draw = self._draw(step, place)
        change = _CHANGES[type(step.options)]
        return {name: change(step.options, pixels, draw) for name, pixels in images.items()}

    def _mixed(self, images: Images, targets: Fields, step: _Step, place: Place) -> tuple[Images, Fields]:
        """Blend each sample with its partner, pixels and classes in equal shares."""
        key = derive(self._seed, "augment", step.position, place.epoch, "partners", place.batch)
        partners = order_of(key, len(place.draws), place.draws.device)
        ((name, pixels),) = images.items()
        shares = _shares_of(step.options, pixels, self._draw(step, place))
        blended = shares * pixels + (1 - shares) * pixels[partners]
        share = shares.mean((1, 2, 3))[:, None]
        mixed: dict[str, Field] = {}
        for target, field in targets.items():
            assert isinstance(field, Tensor)
            classes = field if field.dim() == 2 else functional.one_hot(field, self._num_classes[target]).float()
            mixed[target] = share * classes + (1 - share) * classes[partners]
        return {name: blended}, mixed


def problems_of(transforms: Sequence[Any], spec: Spec) -> list[OptionError]:
    """Return why some transforms cannot vary such samples; the options begin with "augment"."""
    images = [modality for modality in spec.inputs.values() if isinstance(modality, Image)]
    if transforms and not images:
        given = " and ".join(dict.fromkeys(modality.word for modality in spec.inputs.values()))
        return [
            OptionError("augment", f"varies images; these data give {given}; leave it out", id="DLTK-CONFIG-CONFLICT")
        ]
    found = []
    for i, options in enumerate(transforms):
        problem = next((p for p in (_problem(options, image, spec) for image in images) if p), None)
        if problem:
            option, message = problem
            found.append(OptionError(f"augment.{i}.{option}".rstrip("."), message))
    return found


def _problem(options: Any, image: Image, spec: Spec) -> tuple[str, str] | None:
    """Return which option of a transform is wrong for these data and why, or None."""
    side, targets = min(image.height, image.width), list(spec.targets.values())
    if isinstance(options, kinds.PaddedCrop) and options.padding >= side:
        return "padding", f"must be below the {side} pixels of the shorter side; received {options.padding}"
    if image.channels not in _CHANNELS.get(type(options), (image.channels,)):
        channels = "1 channel" if image.channels == 1 else f"{image.channels} channels"
        return "", f"{options.name} changes colours; these images have {channels}"
    if isinstance(options, kinds.Geometry) and any(isinstance(target, (Boxes, Masks)) for target in targets):
        return "", f"{options.name} would move the image but not the {targets[0].word} on it"
    if isinstance(options, kinds.Mixing):
        if len(spec.inputs) > 1:
            return "", f"{options.name} mixes data with one image as their only input"
        if not targets or not all(isinstance(target, Classes) for target in targets):
            return "", f"{options.name} mixes classes; these data ask for {targets[0].word if targets else 'nothing'}"
    return None


def _stage_of(step: _Step) -> str:
    if type(step.options) in _MATRICES:
        return "warp"
    return "mix" if isinstance(step.options, kinds.Mixing) else "change"


def _floats(name: str, field: Field) -> Tensor:
    if not isinstance(field, Tensor) or not field.is_floating_point() or field.dim() != 4:
        raise OptionError(
            "augment",
            f"needs the images '{name}' as floats from 0 to 1 (B, C, H, W); this data set keeps them in another form: "
            "let its preparation turn them into floats in `unpack`, see docs/data.md",
        )
    return field


def _shares_of(options: Any, pixels: Tensor, draw: Draw) -> Tensor:
    """Return how much of each pixel stays the sample's own: (B, 1, 1, 1) for mixup, 0 or 1 (B, 1, H, W) for cutmix."""
    uniform = draw(4)
    own = betas(options.alpha, uniform[:, 0])
    own = torch.where(uniform[:, 1] < options.probability, own, 1.0)
    if isinstance(options, kinds.Mixup):
        return own.view(-1, 1, 1, 1)
    cut = cut_rectangles(uniform[:, 2:], (pixels.shape[2], pixels.shape[3]), 1 - own)
    return 1 - cut[:, None].float()


def _factor(amount: float, draw: Draw) -> Tensor:
    return between(max(0.0, 1 - amount), 1 + amount, draw(1)[:, 0])


def _either_way(largest: float, draw: Draw) -> Tensor:
    return between(-largest, largest, draw(1)[:, 0])


def _chosen(probability: float, draw: Draw) -> Tensor:
    return draw(1)[:, 0] < probability


def _cropped(options: kinds.PaddedCrop, images: Tensor, draw: Draw) -> Tensor:
    offsets = (draw(2) * (2 * options.padding + 1)).long()
    return geometry.cropped(images, options.padding, options.mode, offsets)


def _noise(options: kinds.PixelNoise, images: Tensor, draw: Draw) -> Tensor:
    noise = normals(draw(images[0].numel())).view_as(images)
    return colour.noisy(images, options.deviation * noise)


def _erased(options: kinds.Erasing, images: Tensor, draw: Draw) -> Tensor:
    count = 3 + 2 * ATTEMPTS
    uniform = draw(count + (images[0].numel() if options.fill == "noise" else 0))
    size = (images.shape[2], images.shape[3])
    rectangles = erased_rectangles(uniform[:, 1:count], size, options.area, options.ratio)
    covered = rectangles & (uniform[:, 0] < options.probability)[:, None, None]
    fill = uniform[:, count:].view_as(images) if options.fill == "noise" else 0.0
    return torch.where(covered[:, None], fill, images)


def _translation(options: kinds.Translation, size: tuple[int, int], draw: Draw) -> Tensor:
    uniform = draw(2)
    right, down = (
        between(-options.fraction * side, options.fraction * side, uniform[:, i]).round()
        for i, side in enumerate((size[1], size[0]))
    )
    return geometry.translations(right, down)


def _zoom(options: kinds.Zoom, _: tuple[int, int], draw: Draw) -> Tensor:
    smallest, largest = options.range
    return geometry.zooms(between(smallest, largest, draw(1)[:, 0]))


_CHANNELS: Mapping[type, tuple[int, ...]] = {
    kinds.Contrast: (1, 3),
    kinds.Saturation: (3,),
    kinds.Hue: (3,),
    kinds.Grayscale: (3,),
}
_MATRICES: Mapping[type, Callable[[Any, tuple[int, int], Draw], Tensor]] = {
    kinds.Rotation: lambda options, _, draw: geometry.rotations(_either_way(options.degrees, draw)),
    kinds.Translation: _translation,
    kinds.Zoom: _zoom,
    kinds.Shear: lambda options, _, draw: geometry.shears(_either_way(options.degrees, draw)),
}
_CHANGES: Mapping[type, Change] = {
    kinds.HorizontalFlip: lambda options, images, draw: geometry.flipped(images, _chosen(options.probability, draw), 3),
    kinds.VerticalFlip: lambda options, images, draw: geometry.flipped(images, _chosen(options.probability, draw), 2),
    kinds.PaddedCrop: _cropped,
    kinds.Brightness: lambda options, images, draw: colour.brightened(images, _factor(options.amount, draw)),
    kinds.Contrast: lambda options, images, draw: colour.contrasted(images, _factor(options.amount, draw)),
    kinds.Saturation: lambda options, images, draw: colour.saturated(images, _factor(options.amount, draw)),
    kinds.Hue: lambda options, images, draw: colour.hue_shifted(images, _either_way(options.amount, draw)),
    kinds.Grayscale: lambda options, images, draw: colour.greyed(images, _chosen(options.probability, draw)),
    kinds.PixelNoise: _noise,
    kinds.Erasing: _erased,
}
