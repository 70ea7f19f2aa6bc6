"""The seventeen rows of the paper's Table 1, and our own networks; importing this imports no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fer_edge.errors import UsageError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PaperRow:
    """What the paper prints: parameters, validation accuracy (a share) and loss on KDEF, frames per second on a Nano."""

    parameters: int
    accuracy: float
    loss: float
    fps_total: float | None = None
    fps_classification: float | None = None
    fps_detection: float | None = None


@dataclass(frozen=True)
class Network:
    """A network that can be trained.

    Attributes
    ----------
    name, title
        For the command line, and as the paper writes it.
    paper
        Its row there; None for a network of ours.
    match
        ``exact``: our count of parameters is the paper's; ``nearest``: it is not, and `note` says what was built;
        ``reconstruction``: exact in the count, and the layers are told by the text; ``ours``.
    note
        How it differs from what its title makes one expect; may be empty.
    build
        Takes the share of features dropped while training, gives the network: N x 3 x 64 x 64 to logits N x 7.
    """

    name: str
    title: str
    paper: PaperRow | None
    match: str
    note: str
    build: Callable[[float], nn.Module]


def find_network(name: str) -> Network:
    """Give the network of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in NETWORKS:
        raise UsageError(f"There is no network named {name!r}.", f"Known: {', '.join(NETWORKS)}.")
    return NETWORKS[name]


def build_network(name: str, dropout: float = 0.0) -> nn.Module:
    """Build the network of that name; see `find_network`."""
    return find_network(name).build(dropout)


def _lenet(dropout: float) -> nn.Module:
    from fer_edge.zoo.classic import LeNet

    return LeNet(dropout)


def _alexnet(normalised: bool) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.classic import AlexNet

        return AlexNet(dropout, normalised)

    return build


def _vgg(*depths: int) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.classic import Vgg

        return Vgg(depths, dropout)

    return build


def _resnet(*depths: int) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.resnet import ResNet

        return ResNet(depths, dropout)

    return build


def _googlenet(dropout: float) -> nn.Module:
    from fer_edge.zoo.googlenet import GoogLeNet

    return GoogLeNet(dropout)


def _mobilenet_v1(dropout: float) -> nn.Module:
    from fer_edge.zoo.mobilenet import MobileNetV1

    return MobileNetV1(dropout)


def _mobilenet_v2(normalised: bool) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.mobilenet import MobileNetV2

        return MobileNetV2(dropout, normalised)

    return build


def _mobilenet_v3(large: bool) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.mobilenet import MobileNetV3

        return MobileNetV3(dropout, large)

    return build


def _fernet(dropout: float) -> nn.Module:
    from fer_edge.zoo.fernet import FerNet

    return FerNet(dropout)


def _fernet_r(dropout: float) -> nn.Module:
    from fer_edge.zoo.fernet_r import FerNetR

    return FerNetR(dropout)


_ONE_NORM = "one BatchNorm after each block, 512 pooled features: not the standard network of that name"
_GUESSED = "projections without BatchNorm, and one on the logits: a guess that gives the count"
_SMALL_ALEXNET = "stride 1, and 1x1 kernels in three convolutions: not the standard network of that name"

_ROWS = (
    Network(
        "lenet",
        "LeNet",
        PaperRow(528_311, 0.7517, 0.9728, 4.95, 5.23, 96.51),
        "nearest",
        "LeNet-5 with padded convolutions",
        _lenet,
    ),
    Network(
        "mobilenet_v1",
        "MobileNetV1",
        PaperRow(3_246_983, 0.9270, 0.3570, 4.08, 4.28, 84.65),
        "exact",
        "a bias on every convolution",
        _mobilenet_v1,
    ),
    Network(
        "mobilenet_v2",
        "MobileNetV2",
        PaperRow(1_906_275, 0.9301, 0.3196, 4.14, 4.33, 95.91),
        "nearest",
        "the standard network",
        _mobilenet_v2(False),
    ),
    Network(
        "mobilenet_v2_bn",
        "MobileNetV2+BN",
        PaperRow(1_908_456, 0.9205, 0.3362, 4.15, 4.36, 93.81),
        "nearest",
        "the standard network and a BatchNorm on the pooled features",
        _mobilenet_v2(True),
    ),
    Network(
        "mobilenet_v3_large",
        "MobileNetV3Large",
        PaperRow(5_127_839, 0.6928, 18.483),
        "nearest",
        "the standard network; the paper's accuracy is of a failed training",
        _mobilenet_v3(True),
    ),
    Network(
        "mobilenet_v3_small",
        "MobileNetV3Small",
        PaperRow(2_949_663, 0.6812, 21.71),
        "nearest",
        "the standard network; the paper's accuracy is of a failed training",
        _mobilenet_v3(False),
    ),
    Network(
        "vgg11",
        "VGG 11 + BN",
        PaperRow(28_137_607, 0.9622, 0.2384, 2.88, 2.97, 93.1),
        "exact",
        _ONE_NORM,
        _vgg(1, 1, 2, 2, 2),
    ),
    Network(
        "vgg13",
        "VGG 13 + BN",
        PaperRow(28_322_119, 0.9698, 0.1712, 2.68, 2.76, 92.49),
        "exact",
        _ONE_NORM + "; the paper prints 9249 FPS of detection, read here as 92.49",
        _vgg(2, 2, 2, 2, 2),
    ),
    Network(
        "vgg16",
        "VGG 16 + BN",
        PaperRow(33_631_815, 0.9714, 0.1882, 2.54, 2.61, 95.04),
        "exact",
        _ONE_NORM,
        _vgg(2, 2, 3, 3, 3),
    ),
    Network(
        "vgg19",
        "VGG 19",
        PaperRow(38_941_511, 0.9354, 0.3641, 2.32, 2.38, 94.45),
        "exact",
        _ONE_NORM,
        _vgg(2, 2, 4, 4, 4),
    ),
    Network(
        "alexnet",
        "Alexnet",
        PaperRow(44_023_175, 0.1403, 19.46, 2.54, 2.61, 93.55),
        "exact",
        _SMALL_ALEXNET + "; the paper's accuracy is of a failed training",
        _alexnet(False),
    ),
    Network(
        "resnet18",
        "Resnet 18",
        PaperRow(11_190_947, 0.9051, 0.4124, 4.02, 4.2, 93.78),
        "exact",
        _GUESSED,
        _resnet(2, 2, 2, 2),
    ),
    Network(
        "resnet34",
        "Resnet 34",
        PaperRow(16_586_531, 0.8844, 0.5067, 3.37, 3.5, 92.08),
        "exact",
        "blocks 3-4-6-2: not the standard network of that name; " + _GUESSED,
        _resnet(3, 4, 6, 2),
    ),
    Network(
        "googlenet",
        "GoogleNet",
        PaperRow(5_981_751, 0.9223, 0.8489, 4.04, 4.22, 90.57),
        "exact",
        "BatchNorm in place of local response normalisation, no auxiliary heads",
        _googlenet,
    ),
    Network(
        "resnet50",
        "Resnet 50",
        PaperRow(21_310_243, 0.8831, 0.4866, 3.37, 3.5, 90.69),
        "exact",
        "the layers of the usual ResNet-34, no bottlenecks: not the standard network of that name; " + _GUESSED,
        _resnet(3, 4, 6, 3),
    ),
    Network(
        "alexnet_bn",
        "Alexnet + BN",
        PaperRow(44_025_607, 0.9179, 0.9081, 2.55, 2.63, 89.41),
        "exact",
        _SMALL_ALEXNET,
        _alexnet(True),
    ),
    Network(
        "fernet",
        "FerNet",
        PaperRow(2_893_395, 0.9732, 0.1330, 15.0, 18.0, 78.0),
        "reconstruction",
        "exact in the count; the paper's own layers are not known",
        _fernet,
    ),
    Network("fernet_r", "FerNet-R", None, "ours", "residual blocks at less cost than FerNet", _fernet_r),
)

NETWORKS: Mapping[str, Network] = {network.name: network for network in _ROWS}
"""All networks by name, in the order of the paper's table, then ours."""
