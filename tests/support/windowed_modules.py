"""Modules with windows, grids and branches, and the shape of one input, for tests of ingest and export."""

import torch
import torch.nn.functional as F
from torch import nn
from torch_modules import Forward

from plnet.networks import CReLU, LocalWinnerTakeAll


def conv(*args, **options):
    return nn.Conv2d(*args, **options)


def _padded_and_pooled(m, x):
    z = F.relu(F.conv2d(F.pad(x, (1, 1)), m.kernel, m.bias, padding="same", dilation=2))
    return (
        F.avg_pool2d(z, 3, count_include_pad=False, padding=1) + F.adaptive_avg_pool2d(x, (2, 2))[..., :1, :1]
    )


def _transposed_and_pooled(m, x):
    z = F.max_pool2d(F.conv_transpose2d(x, m.kernel, stride=2), 2, ceil_mode=True)
    return z.amax((2, 3)) + x.mean((2, 3)).sum(1, keepdim=True)


def _functions(m, x):
    z = torch.max_pool2d(F.hardsigmoid(4 * x), 2) + F.adaptive_max_pool2d(x, 2)
    return F.softshrink(F.rrelu(z), 0.25) + F.interpolate(x[:, :, :1, :1], size=(2, 2))


def _one_dimensional(m, x):
    z = F.conv1d(x, m.kernel, stride=2, padding=1, groups=2)
    return F.max_pool1d(z, 2) - F.adaptive_avg_pool1d(F.avg_pool1d(z, 2), 2) + F.adaptive_max_pool1d(z, 2)


def _normalised(m, x):
    z = F.batch_norm(x, m.mean, m.mean**2 + 1, m.mean, None)
    return F.conv_transpose1d(F.dropout1d(z, training=False), m.kernel, padding=1)


def _residual(m, x):
    h = F.relu(m.norm(m.one(x)))
    return F.relu(m.two(h) + x)


def residual(channels=2, seed=0):
    torch.manual_seed(seed)
    parts = {"one": conv(channels, channels, 3, padding=1), "norm": nn.BatchNorm2d(channels)}
    return Forward(_residual, **parts, two=conv(channels, channels, 3, padding=1))


def _branches(m, x):
    return torch.cat([x, F.relu(m.conv(x)), m.pool(x)], 1).flatten(1)


def _many_pads(m, x):
    return F.pad(F.pad(x, (1, 0, 0, 1), mode="circular"), (0, 1, -1, 2), value=1.5)


def normal(*shape):
    return nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(3)))


WINDOWED = {
    "convolution": (lambda: conv(2, 3, 3, padding=1, stride=2, dilation=2), (2, 9, 8)),
    "groups": (lambda: conv(4, 6, 3, groups=2, bias=False), (4, 5, 5)),
    "depthwise": (lambda: conv(3, 3, (1, 2), groups=3), (3, 2, 4)),
    "reflecting": (lambda: conv(1, 2, 3, padding=2, padding_mode="reflect"), (1, 5, 4)),
    "replicating": (lambda: conv(1, 2, (3, 5), padding=(1, 2), padding_mode="replicate"), (1, 5, 4)),
    "circular": (lambda: conv(1, 2, 3, padding=1, padding_mode="circular"), (1, 5, 4)),
    "same": (lambda: conv(1, 2, (5, 3), padding="same"), (1, 5, 4)),
    "one axis": (
        lambda: nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool1d(3, 2, 1),
            nn.AvgPool1d(2)),
        (2, 9),
    ),
    "three axes": (lambda: nn.Sequential(nn.Conv3d(1, 2, 2), nn.MaxPool3d(2)), (1, 3, 3, 3)),
    "average of three axes": (lambda: nn.Sequential(nn.AvgPool3d(2), nn.AdaptiveAvgPool3d(1)), (1, 4, 2, 2)),
    "maxima of three axes": (
        lambda: nn.Sequential(nn.BatchNorm3d(1), nn.AdaptiveMaxPool3d(2), nn.Flatten(), nn.ReLU()),
        (1, 4, 2, 3),
    ),
    "transposed": (
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2),
        (4, 3, 4),
    ),
    "transposed, other axes": (
        lambda: nn.Sequential(nn.ConvTranspose1d(2, 4, 2), nn.Unflatten(1, (2, 2, 1)),
            nn.ConvTranspose3d(2, 1, 2)),
        (2, 3),
    ),
    "maximum": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 7, 6)),
    "dilated maximum": (lambda: nn.MaxPool2d(2, 1, 0, dilation=(2, 3)), (2, 5, 6)),
    "average": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), (2, 7, 6)),
    "average without padding": (
        lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        (2, 7, 6),
    ),
    "average with a divisor": (lambda: nn.AvgPool2d(3, 2, 1, divisor_override=7), (2, 7, 6)),
    "adaptive average": (lambda: nn.AdaptiveAvgPool2d((3, None)), (2, 7, 6)),
    "adaptive maximum": (lambda: nn.AdaptiveMaxPool2d(3), (2, 7, 5)),
    "adaptive, one axis": (
        lambda: nn.Sequential(nn.AdaptiveAvgPool1d(5), nn.AdaptiveMaxPool1d(2)),
        (2, 7),
    ),
    "batch norm": (
        lambda: nn.Sequential(conv(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout2d()),
        (1, 5, 5),
    ),
    "scalar functions": (lambda: nn.Sequential(nn.Hardsigmoid(), nn.Softshrink(0.25), nn.RReLU()), 4),
    "concatenated relu": (lambda: nn.Sequential(conv(1, 2, 2), CReLU(), nn.PReLU(4)), (1, 4, 4)),
    "local winners": (
        lambda: nn.Sequential(nn.Linear(4, 6), LocalWinnerTakeAll(3), nn.Linear(6, 2)),
        4,
    ),
    "local winners of channels": (lambda: nn.Sequential(conv(1, 4, 2), LocalWinnerTakeAll(2)), (1, 3, 3)),
    "carried past local winners": (
        lambda: Forward(lambda m, x: m.act(m.fc(x)) + x, fc=nn.Linear(4, 4), act=LocalWinnerTakeAll(2)),
        4,
    ),
    "padding modules": (
        lambda: nn.Sequential(
            nn.ReflectionPad2d((1, 2, 0, 1)), nn.ConstantPad2d(1, 0.5), nn.ZeroPad2d((-1, 0, 0, 0)),
            nn.ReplicationPad2d(1), nn.CircularPad2d(1), conv(1, 1, 3),
        ),
        (1, 3, 4),
    ),
    "padding of one axis": (
        lambda: nn.Sequential(
            nn.ZeroPad1d(1), nn.ConstantPad1d(1, -1.0), nn.ReflectionPad1d(1), nn.ReplicationPad1d(1),
            nn.CircularPad1d(2), nn.Conv1d(1, 1, 3),
        ),
        (1, 3),
    ),
    "padding functions": (lambda: Forward(_many_pads), (1, 3, 3)),
    "nearest neighbours": (
        lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.UpsamplingNearest2d(size=3), conv(1, 1, 2)),
        (1, 3, 3),
    ),
    "shuffles": (
        lambda: nn.Sequential(nn.ChannelShuffle(2), nn.PixelShuffle(2), nn.ReLU(), nn.PixelUnshuffle(2)),
        (4, 3, 3),
    ),
    "one map for many vectors": (lambda: nn.Sequential(nn.Linear(30, 40), nn.ReLU()), (50, 30)),
    "functions with pads": (
        lambda: Forward(_padded_and_pooled, kernel=normal(3, 1, 3, 3), bias=normal(3)),
        (1, 5, 5),
    ),
    "functions with reductions": (lambda: Forward(_transposed_and_pooled, kernel=normal(1, 3, 2, 3)), (1,
        5, 5)),
    "more functions": (lambda: Forward(_functions), (1, 5, 4)),
    "functions on one axis": (lambda: Forward(_one_dimensional, kernel=normal(4, 1, 3)), (2, 9)),
    "batch norm as a function": (lambda: Forward(_normalised, mean=normal(2), kernel=normal(2, 1, 3)), (2,
        4)),
    "residual": (residual, (2, 4, 4)),
    "large residual": (residual, (2, 20, 20)),
    "branches": (
        lambda: Forward(_branches, conv=conv(2, 2, 3, padding=1), pool=nn.MaxPool2d(3, 1, 1)),
        (2, 4, 4),
    ),
    "image in, maximum out": (lambda: Forward(lambda m, x: x.amax(dim=(1, 3))), (2, 3, 4)),
}  # fmt: skip
