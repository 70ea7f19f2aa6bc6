"""What Triton is told of a network: its ``config.pbtxt``.

The fields are those of `inference.ModelConfig`:
https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from fer_edge.classify.remote.contract import SHA256
from fer_edge.types import LABELS

CPU, GPU, TENSORRT = "cpu", "gpu", "tensorrt"
RUNS_ON = (GPU, TENSORRT, CPU)
"""What a network runs on there: ONNX Runtime with CUDA, or with TensorRT, which builds an engine at the start, or on a CPU."""

MOST_FACES = 64
"""Largest batch: eight faces of eight boards. A longer one makes the first of them wait for the last."""

BATCH_DELAY = 1000
"""Microseconds that a request waits for others to share its batch."""

REJECT_AFTER = 200_000
"""Microseconds in the queue after which a request is refused: by then boards have given it up, by their --server-deadline."""

FACES, IMAGE, LOGITS = "faces", "image", "logits"


@dataclass(frozen=True)
class ServedNetwork:
    """What is served.

    Attributes
    ----------
    name
        What boards ask for.
    datatype
        ``UINT8`` or ``FP32``.
    channels, size
        Of the input.
    takes, gives
        Names of input and output.
    sha256
        Of the ONNX file that it was made from, and that boards have.
    runs_on
        One of `RUNS_ON`.
    instances
        How many batches run at once.
    """

    name: str
    datatype: str
    channels: int
    size: int
    takes: str
    gives: str
    sha256: str
    runs_on: str = GPU
    instances: int = 2


def config_text(network: ServedNetwork) -> str:
    """Return the ``config.pbtxt`` of a network."""
    dims = f"[ {network.channels}, {network.size}, {network.size} ]"
    text = f"""# Made by fer-edge export --triton; docs/remote.md says what each part does.
name: {_text(network.name)}
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: {MOST_FACES}
input [
  {{
    name: {_text(network.takes)}
    data_type: TYPE_{network.datatype}
    dims: {dims}
  }}
]
output [
  {{
    name: {_text(network.gives)}
    data_type: TYPE_FP32
    dims: [ {len(LABELS)} ]
    label_filename: "labels.txt"
  }}
]
dynamic_batching {{
  max_queue_delay_microseconds: {BATCH_DELAY}
  default_queue_policy {{
    timeout_action: REJECT
    default_timeout_microseconds: {REJECT_AFTER}
  }}
}}
instance_group [
  {{
    count: {network.instances}
    kind: {"KIND_CPU" if network.runs_on == CPU else "KIND_GPU"}
  }}
]
"""
    if network.runs_on == TENSORRT:
        # The engine serves all batches from one face to the largest, and is kept from one start to the next.
        face = f"{network.channels}x{network.size}x{network.size}"
        least, most = f"{network.takes}:1x{face}", f"{network.takes}:{MOST_FACES}x{face}"
        text += f"""optimization {{
  execution_accelerators {{
    gpu_execution_accelerator [
      {{
        name: "tensorrt"
        parameters {{ key: "precision_mode" value: "FP16" }}
        parameters {{ key: "max_workspace_size_bytes" value: "1073741824" }}
        parameters {{ key: "trt_engine_cache_enable" value: "true" }}
        parameters {{ key: "trt_engine_cache_path" value: "/tmp/fer-edge-engines" }}
        parameters {{ key: "trt_profile_min_shapes" value: {_text(least)} }}
        parameters {{ key: "trt_profile_opt_shapes" value: {_text(most)} }}
        parameters {{ key: "trt_profile_max_shapes" value: {_text(most)} }}
      }}
    ]
  }}
}}
"""
    for batch in (1, MOST_FACES):
        text += f"""model_warmup {{
  name: "batch of {batch}"
  batch_size: {batch}
  inputs {{
    key: {_text(network.takes)}
    value {{
      data_type: TYPE_{network.datatype}
      dims: {dims}
      zero_data: true
    }}
  }}
}}
"""
    return (
        text
        + f"""parameters {{
  key: {_text(SHA256)}
  value {{ string_value: {_text(network.sha256)} }}
}}
"""
    )


def _text(text: str) -> str:
    # A string of JSON in ASCII is one of protobuf's text format, as names hold no character beyond U+FFFF.
    return json.dumps(text)
