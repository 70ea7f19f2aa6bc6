"""What decides a training run, as plain values: reading them needs no library."""

from __future__ import annotations

from dataclasses import dataclass, field

MACHINE = ("device", "precision", "threads", "devices", "nodes")
"""Settings that may change in the middle of a run: they say where it runs, not what it gives."""


@dataclass(frozen=True)
class Augmentation:
    """How strongly training pictures are changed.

    Attributes
    ----------
    rotation
        Largest tilt, in degrees.
    scale
        Smallest and largest magnification.
    shift
        Largest shift, as a share of the side.
    contrast, gamma
        Largest change, as a factor in [1 - x, 1 + x].
    brightness
        Largest offset, where black is 0 and white is 1.
    detail
        Share of the images that are blurred or sharpened.
    noise
        Largest standard deviation of the added noise, where white is 1.
    erase
        Share of the images with one rectangle erased.
    colour
        Largest change of the strength of red, green and blue, each by itself; it does nothing to a grey image.
    low_light
        Share of the images darkened to between an eighth and a half, as a camera at its longest exposure gives them.
    jpeg
        Share of the images that go through JPEG's quantisation at a quality of 15 to 75.
    calm
        Share of the images that are only moved and lit: neither blurred nor erased, and spared from all that follows here
        and from low light and JPEG.
    flat
        Share of the images left with 12 to 60 % of their contrast.
    blur
        Share blurred, in all directions or along one.
    grain
        Share with strong noise.
    coarse
        Share brought down to 18 to 40 pixels and up again.
    cover
        Share whose eyes or mouth are covered.
    roll
        Share tilted by up to 35 degrees more.
    turn
        Share turned aside by a homography.
    mixup
        Share of the steps in which each picture is mixed with another, and so are their targets (Zhang et al., 2018).
    detector_cut, detector
        Share of the images that are cut as this detector finds the face, before anything else is done to them.
    """

    rotation: float = 12.0
    scale: tuple[float, float] = (0.85, 1.15)
    shift: float = 0.08
    contrast: float = 0.3
    brightness: float = 0.15
    gamma: float = 0.3
    detail: float = 0.5
    noise: float = 0.04
    erase: float = 0.25
    colour: float = 0.0
    low_light: float = 0.0
    jpeg: float = 0.0
    calm: float = 0.0
    flat: float = 0.0
    blur: float = 0.0
    grain: float = 0.0
    coarse: float = 0.0
    cover: float = 0.0
    roll: float = 0.0
    turn: float = 0.0
    mixup: float = 0.0
    detector_cut: float = 0.0
    detector: str = "blazeface"


@dataclass(frozen=True)
class TargetRules:
    """How votes become training targets.

    Attributes
    ----------
    minimum_votes
        An image with fewer votes for the seven labels than this is left out.
    original_mix
        Share of the target that the FER2013 label gets where it is one of ``rare`` and at least one FER+ annotator
        saw it too.
    rare
        Labels for which the FER2013 label is listened to.
    balance
        Exponent b of the class weights frequency^-b; 0 leaves the classes as they are.
    smoothing
        Share of every target spread evenly over the seven labels.
    """

    minimum_votes: int = 4
    original_mix: float = 0.15
    rare: tuple[str, ...] = ("disgust", "fear")
    balance: float = 0.3
    smoothing: float = 0.02


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides what a run gives.

    Attributes
    ----------
    network
        Its name in ``fer-edge zoo``.
    epochs, batch_size
        Length of the run, and images in a step of one device.
    optimizer
        ``adamw``, ``adam``, or ``sgd`` with a Nesterov momentum of 0.9. On FerNet SGD wants a peak of about 0.03: at 0.1 it
        never came to answer anything but neutral.
    learning_rate
        Peak of the one-cycle schedule, or where the plateau schedule starts.
    schedule
        ``one-cycle``, or ``plateau``: a tenth of the rate after `patience` epochs without a lower validation loss.
    patience
        Of the plateau schedule, in epochs.
    weight_decay
        Of the convolutions' and fully connected layers' weights; BatchNorm and biases have none.
    warmup
        Share of the run in which the learning rate rises; it falls as a cosine for the rest.
    ema_decay
        Averaging of the weights, per step. The averaged weights are what is evaluated and exported.
    dropout
        Share of the flattened features dropped while training.
    distill
        Share of every target that the teacher's answer gets, in [0, 1].
    teacher
        Model, by name or path, whose mean answer to an image and its mirror image is that; the mean of several, with
        commas between.
    teacher_voice
        ``labels``: the teacher's confidence is what its file makes of it, fitted on majority labels. ``votes``: its temperature
        is fitted anew, on the votes for the training faces.
    start
        Checkpoint of the same network whose averaged weights are the initial ones, or the name or ONNX file of an exported
        one, or for ``mobilenet_v1_faces`` the folder of pretrained ones; empty for fresh ones.
    seed
        Decides initial weights, order and augmentation. Each epoch has its own stream, so that a resumed run repeats
        what an unbroken one does.
    device
        ``auto``, ``cpu`` or ``cuda``.
    precision
        ``fp32`` or ``bf16`` (autocast; the weights stay float32). With AVX512-BF16 it halves the time of an epoch.
    threads
        CPU threads; 0 leaves it to PyTorch.
    devices, nodes
        How many devices of a machine, and how many machines, train together; the batch grows with them.
    recipe
        Name of the recipe that this began as; decides nothing, and no recipe says it of itself.
    """

    network: str = "fernet"
    epochs: int = 36
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    schedule: str = "one-cycle"
    patience: int = 10
    warmup: float = 0.15
    ema_decay: float = 0.998
    dropout: float = 0.3
    distill: float = 0.0
    teacher: str = ""
    teacher_voice: str = "labels"
    start: str = ""
    seed: int = 1
    device: str = "auto"
    precision: str = "bf16"
    threads: int = 0
    devices: int = 1
    nodes: int = 1
    targets: TargetRules = field(default_factory=TargetRules)
    augmentation: Augmentation = field(default_factory=Augmentation)
    recipe: str = field(default="", compare=False)
