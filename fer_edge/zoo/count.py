"""Size of a network: parameters as Keras counts them, and multiply-accumulates."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def count_parameters_keras_style(module: nn.Module) -> int:
    """Return the parameters of ``module`` as ``keras.Model.count_params`` gives them.

    The difference from counting ``module.parameters()`` is BatchNorm: Keras counts gamma, beta, moving
    mean and moving variance, 4 x C, where PyTorch holds the last two as buffers.
    """
    trained = sum(parameter.numel() for parameter in module.parameters())
    moving = sum(
        2 * layer.num_features for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)
    )
    return trained + moving


def count_multiply_accumulates(module: nn.Module, input_size: int = 64) -> int:
    """Return the multiply-accumulates of one forward pass on one image.

    Convolutions and fully connected layers are counted; BatchNorm folds into them at export, and
    activations and pooling do no multiplication.

    Parameters
    ----------
    module
        Network that takes N x 3 x ``input_size`` x ``input_size``.
    input_size
        Height and width in pixels.
    """
    total = 0

    def add(layer: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            kernel = layer.kernel_size[0] * layer.kernel_size[1] * layer.in_channels // layer.groups
            total += output[0].numel() * kernel
        elif isinstance(layer, nn.Linear):
            total += layer.in_features * layer.out_features

    counted = [layer for layer in module.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(add) for layer in counted]
    was_training = module.training
    try:
        module.eval()
        with torch.no_grad():
            device = next(module.parameters()).device
            module(torch.zeros(1, 3, input_size, input_size, device=device))
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return total
