"""Every network by name, with what the paper says of it.

The paper is Robot, Lolowang and Putro, "Lightweight Convolutional Neural Network Architecture For Facial Expression
Recognition" (2024); its rows are those of its Table 1. It prints parameter counts and no layers, so each network here is
the one construction found, or the nearest known one, for its count. Importing this module imports no PyTorch.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Callable, Mapping

from fer_edge.errors import UsageError
from fer_edge.zoo.network import Network, PaperRow

if TYPE_CHECKING:
    from torch import nn


def _lenet(dropout: float) -> nn.Module:
    from fer_edge.zoo.plain import LeNet

    return LeNet(dropout)


def _alexnet(batch_norm: bool) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.plain import AlexNet

        return AlexNet(dropout, batch_norm=batch_norm)

    return build


def _vgg(depth: int) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.plain import Vgg

        return Vgg(depth, dropout)

    return build


def _resnet(*blocks: int) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.resnet import ResNet

        return ResNet(blocks, dropout)

    return build


def _googlenet(dropout: float) -> nn.Module:
    from fer_edge.zoo.googlenet import GoogleNet

    return GoogleNet(dropout)


def _mobilenet_v1(dropout: float) -> nn.Module:
    from fer_edge.zoo.mobilenet import MobileNetV1

    return MobileNetV1(dropout)


def _mobilenet_v2(batch_norm: bool) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.mobilenet import MobileNetV2

        return MobileNetV2(dropout, batch_norm=batch_norm)

    return build


def _mobilenet_v3(large: bool) -> Callable[[float], nn.Module]:
    def build(dropout: float) -> nn.Module:
        from fer_edge.zoo.mobilenet import V3_LARGE, V3_SMALL, MobileNetV3

        return MobileNetV3(V3_LARGE, 1280, dropout) if large else MobileNetV3(V3_SMALL, 1024, dropout)

    return build


def _fernet(dropout: float) -> nn.Module:
    from fer_edge.zoo.fernet import FerNet

    return FerNet(dropout)


def _fernet_r(dropout: float) -> nn.Module:
    from fer_edge.zoo.fernet_r import FerNetR

    return FerNetR(dropout)


def _fernet_s(dropout: float) -> nn.Module:
    from fer_edge.zoo.fernet_r import FerNetS

    return FerNetS(dropout)


def _mobilenet_v1_faces(dropout: float) -> nn.Module:
    from fer_edge.zoo.faces import MobileNetV1Faces

    return MobileNetV1Faces(dropout)


_VGG_NOTE = "Biased convolutions, one BatchNorm at the end of each block; the global mean before the head is a guess."
_HEAD_NOTE = "The head (BatchNorm on the logits) and the bare projections are a guess that gives the count."
_ALEXNET_NOTE = "Not the usual AlexNet: stride 1 throughout, and 1x1 kernels in its last three convolutions"

_PAPER_ROWS = (
    Network(
        "lenet",
        "LeNet",
        PaperRow(528_311, 0.7517, 0.9728, 4.95, 5.23, 96.51),
        "nearest",
        "LeNet-5 with padding that keeps height and width; -23,040 parameters.",
        _lenet,
    ),
    Network(
        "mobilenet_v1",
        "MobileNetV1",
        PaperRow(3_246_983, 0.9270, 0.3570, 4.08, 4.28, 84.65),
        "exact",
        "Width 1, with a bias beside every BatchNorm.",
        _mobilenet_v1,
    ),
    Network(
        "mobilenet_v2",
        "MobileNetV2",
        PaperRow(1_906_275, 0.9301, 0.3196, 4.14, 4.33, 95.91),
        "nearest",
        "Width 1, as Keras has it; +360,676 parameters.",
        _mobilenet_v2(batch_norm=False),
    ),
    Network(
        "mobilenet_v2_bn",
        "MobileNetV2+BN",
        PaperRow(1_908_456, 0.9205, 0.3362, 4.15, 4.36, 93.81),
        "nearest",
        "mobilenet_v2 with BatchNorm on the pooled features; +363,615 parameters.",
        _mobilenet_v2(batch_norm=True),
    ),
    Network(
        "mobilenet_v3_large",
        "MobileNetV3Large",
        PaperRow(5_127_839, 0.6928, 18.4830, None, None, None),
        "nearest",
        "Width 1, as Keras has it; -892,440 parameters.",
        _mobilenet_v3(large=True),
    ),
    Network(
        "mobilenet_v3_small",
        "MobileNetV3Small",
        PaperRow(2_949_663, 0.6812, 21.7100, None, None, None),
        "nearest",
        "Width 1, as Keras has it; -1,412,520 parameters.",
        _mobilenet_v3(large=False),
    ),
    Network(
        "vgg11", "VGG 11 + BN", PaperRow(28_137_607, 0.9622, 0.2384, 2.88, 2.97, 93.1), "exact", _VGG_NOTE, _vgg(11)
    ),
    Network(
        "vgg13",
        "VGG 13 + BN",
        # The paper prints 9249 for the detection; the rows around it make that a lost decimal comma.
        PaperRow(28_322_119, 0.9698, 0.1712, 2.68, 2.76, 92.49),
        "exact",
        _VGG_NOTE + " The paper prints 9249 frames per second of detection, read as 92.49.",
        _vgg(13),
    ),
    Network(
        "vgg16", "VGG 16 + BN", PaperRow(33_631_815, 0.9714, 0.1882, 2.54, 2.61, 95.04), "exact", _VGG_NOTE, _vgg(16)
    ),
    Network(
        "vgg19",
        "VGG 19",
        PaperRow(38_941_511, 0.9354, 0.3641, 2.32, 2.38, 94.45),
        "exact",
        _VGG_NOTE + " Its count says that it has the BatchNorm too.",
        _vgg(19),
    ),
    Network(
        "alexnet",
        "Alexnet",
        PaperRow(44_023_175, 0.1403, 19.4600, 2.54, 2.61, 93.55),
        "exact",
        _ALEXNET_NOTE + ".",
        _alexnet(batch_norm=False),
    ),
    Network(
        "resnet18",
        "Resnet 18",
        PaperRow(11_190_947, 0.9051, 0.4124, 4.02, 4.2, 93.78),
        "exact",
        "Biased convolutions. " + _HEAD_NOTE,
        _resnet(2, 2, 2, 2),
    ),
    Network(
        "resnet34",
        "Resnet 34",
        PaperRow(16_586_531, 0.8844, 0.5067, 3.37, 3.5, 92.08),
        "exact",
        "Not the usual ResNet-34: 3-4-6-2 blocks. " + _HEAD_NOTE,
        _resnet(3, 4, 6, 2),
    ),
    Network(
        "googlenet",
        "GoogleNet",
        PaperRow(5_981_751, 0.9223, 0.8489, 4.04, 4.22, 90.57),
        "exact",
        "Without auxiliary heads, and with BatchNorm in place of the two local response normalisations.",
        _googlenet,
    ),
    Network(
        "resnet50",
        "Resnet 50",
        PaperRow(21_310_243, 0.8831, 0.4866, 3.37, 3.5, 90.69),
        "exact",
        "Not the usual ResNet-50: the 3-4-6-3 basic blocks of ResNet-34. " + _HEAD_NOTE,
        _resnet(3, 4, 6, 3),
    ),
    Network(
        "alexnet_bn",
        "Alexnet + BN",
        PaperRow(44_025_607, 0.9179, 0.9081, 2.55, 2.63, 89.41),
        "exact",
        _ALEXNET_NOTE + "; BatchNorm behind the three convolutions that a pool follows.",
        _alexnet(batch_norm=True),
    ),
    Network(
        "fernet",
        "FerNet",
        PaperRow(2_893_395, 0.9732, 0.1330, 15.0, 18.0, 78.0),
        "reconstruction",
        "The proposed network, rebuilt from its description; other constructions give the same count.",
        _fernet,
    ),
)

_OURS = (
    Network("fernet_r", "FerNet-R", None, "ours", "Residual blocks on a stem that halves the picture.", _fernet_r),
    Network("fernet_s", "FerNet-S", None, "ours", "FerNet-R with one block a stage.", _fernet_s),
    Network(
        "mobilenet_v1_faces",
        "MobileNetV1 for faces",
        None,
        "ours",
        "A teacher: begins with weights that were trained on faces, and enlarges the picture to 128x128.",
        _mobilenet_v1_faces,
    ),
)

NETWORKS: Mapping[str, Network] = MappingProxyType({network.name: network for network in _PAPER_ROWS + _OURS})
"""The paper's rows in its order, then our own networks, by name."""


def find_network(name: str) -> Network:
    """Return the network called ``name``.

    Raises
    ------
    UsageError
        If there is none.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        raise UsageError(f"There is no network {name!r}.", f"Choose one of {', '.join(NETWORKS)}.") from None


def build_network(name: str, dropout: float = 0.0) -> nn.Module:
    """Build a network with fresh weights; a name that is not in the catalogue is refused as by ``find_network``."""
    return find_network(name).build(dropout)
