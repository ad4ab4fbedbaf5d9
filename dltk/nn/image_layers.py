"""Layers of images as a YAML lists them: convolutions, pools, and what makes an image larger."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from dltk.config.errors import OptionError
from dltk.config.settings import PositiveInt, Settings
from dltk.nn.activations import ActivationName
from dltk.nn.shapes import Shape

Pixels = Annotated[int, Field(ge=0, le=10**6)]
Size = PositiveInt | tuple[PositiveInt, PositiveInt]


class Conv2d(Settings):
    """Filters that slide over an image; (C, H, W) becomes (filters, H', W')."""

    name: Literal["conv2d"] = "conv2d"
    filters: PositiveInt
    """Output channels."""
    kernel_size: Size = 3
    """Height and width of a filter in pixels, or one number for both."""
    stride: PositiveInt = 1
    """Pixels from one position to the next."""
    padding: Literal["same", "valid"] | Pixels = "valid"
    """Zeros around the image: `valid` none, `same` so that stride 1 keeps the size, or pixels on each side."""
    groups: PositiveInt = 1
    """Parts of the channels that are filtered apart; as many as channels: one filter each (depthwise)."""
    activation: ActivationName = "identity"
    """What each output passes through."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's convolution."""
        shape.require(self.name, {3})
        channels, height, width = shape.sizes
        kernel = _both(self.kernel_size)
        padding = self._pixels(kernel)
        _refuse_nothing_left("kernel_size", kernel, (height + 2 * padding[0], width + 2 * padding[1]))
        for what, count in (("channels", channels), ("filters", self.filters)):
            if count % self.groups:
                raise OptionError(
                    "groups",
                    f"must divide the number of {what}",
                    id="DLTK-CONFIG-SHAPE",
                    found=str(self.groups),
                    allowed=f"a divisor of {count}",
                )
        return nn.Conv2d(channels, self.filters, kernel, self.stride, padding, groups=self.groups)

    def _pixels(self, kernel: tuple[int, int]) -> tuple[int, int]:
        if self.padding == "valid":
            return (0, 0)
        if self.padding != "same":
            return (self.padding, self.padding)
        if not all(size % 2 for size in kernel):
            received = "x".join(str(size) for size in kernel)
            raise OptionError(
                "kernel_size",
                "an even size has no middle, which padding same needs",
                id="DLTK-CONFIG-SHAPE",
                found=received,
                allowed="odd sizes, such as 3 or 5",
            )
        return (kernel[0] // 2, kernel[1] // 2)


class ConvTranspose2d(Settings):
    """The reverse of a convolution: each pixel paints a filter, `stride` pixels apart; images become larger."""

    name: Literal["conv_transpose2d"] = "conv_transpose2d"
    filters: PositiveInt
    """Output channels."""
    kernel_size: PositiveInt = 3
    """Height and width of a filter in pixels."""
    stride: PositiveInt = 1
    """How much larger the image becomes."""
    padding: Literal["same", "valid"] | Pixels = "valid"
    """What is cut off at the border: `valid` nothing, `same` so that the size is that of the input times the stride, or
    pixels on each side."""
    activation: ActivationName = "identity"
    """What each output passes through."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's transposed convolution."""
        shape.require(self.name, {3})
        padding, extra = self._cut()
        for size in shape.sizes[1:]:
            if (size - 1) * self.stride + self.kernel_size + extra <= 2 * padding:
                raise OptionError("padding", f"cuts everything off {shape}", id="DLTK-CONFIG-SHAPE", found=str(padding))
        return nn.ConvTranspose2d(shape.sizes[0], self.filters, self.kernel_size, self.stride, padding, extra)

    def _cut(self) -> tuple[int, int]:
        """Return pixels cut off at each side, and pixels added at the far ones."""
        if self.padding == "valid":
            return 0, 0
        if self.padding != "same":
            return self.padding, 0
        over = self.kernel_size - self.stride
        if over < 0 or (over % 2 and self.stride == 1):
            allowed = f"at least the stride, {self.stride}" if over < 0 else "an odd size, with stride 1"
            raise OptionError(
                "kernel_size",
                "does not go with padding same",
                id="DLTK-CONFIG-SHAPE",
                found=str(self.kernel_size),
                allowed=allowed,
            )
        return (over + 1) // 2, over % 2


class Pool2d(Settings):
    """Keep the largest value, or the mean, of each window of an image."""

    name: Literal["max_pool2d", "avg_pool2d"]
    size: PositiveInt = 2
    """Height and width of the window in pixels."""
    stride: PositiveInt | None = None
    """Pixels from one window to the next; default the size."""
    padding: Pixels = 0
    """Pixels added on each side, at most half the size; they never are the largest, and count as 0 in a mean."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's pooling."""
        shape.require(self.name, {3})
        if 2 * self.padding > self.size:
            raise OptionError(
                "padding",
                f"is more than half the size, {self.size}",
                id="DLTK-CONFIG-SHAPE",
                found=str(self.padding),
                allowed=f"at most {self.size // 2}",
            )
        padded = tuple(size + 2 * self.padding for size in shape.sizes[1:])
        _refuse_nothing_left("size", (self.size, self.size), (padded[0], padded[1]))
        kind = nn.MaxPool2d if self.name == "max_pool2d" else nn.AvgPool2d
        return kind(self.size, self.stride, self.padding)


class GlobalPool2d(Settings):
    """Keep each channel's mean, or its largest value; an image (C, H, W) becomes (C,)."""

    name: Literal["global_avg_pool2d", "global_max_pool2d"]

    def build(self, shape: Shape) -> nn.Module:
        """Return the mean or the maximum over height and width."""
        shape.require(self.name, {3})
        return PixelMean() if self.name == "global_avg_pool2d" else PixelMax()


class Upsample(Settings):
    """Make an image larger without anything learned."""

    name: Literal["upsample"] = "upsample"
    scale: PositiveInt = 2
    """How many times as high and wide."""
    mode: Literal["nearest", "bilinear"] = "nearest"
    """Repeat pixels, or blend neighbours."""

    def build(self, shape: Shape) -> nn.Module:
        """Return torch's upsampling."""
        shape.require(self.name, {3})
        return nn.Upsample(scale_factor=self.scale, mode=self.mode)


class PixelMean(nn.Module):
    """The mean over height and width."""

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, H, W) into (B, C)."""
        return x.mean((2, 3))


class PixelMax(nn.Module):
    """The largest value over height and width."""

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, H, W) into (B, C)."""
        return x.amax((2, 3))


def _both(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _refuse_nothing_left(option: str, window: tuple[int, int], sizes: tuple[int, int]) -> None:
    if window[0] > sizes[0] or window[1] > sizes[1]:
        raise OptionError(
            option,
            f"a window of {window[0]}x{window[1]} leaves nothing of {sizes[0]}x{sizes[1]} pixels; take a smaller one, "
            "or fewer layers that shrink the image",
            id="DLTK-CONFIG-SHAPE",
        )
