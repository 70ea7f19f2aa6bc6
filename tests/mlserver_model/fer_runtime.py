"""A runtime for MLServer that runs the network of a model repository with ONNX Runtime; runs in MLServer's own environment."""

from __future__ import annotations

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class FerRuntime(MLModel):
    """Gives logits for faces."""

    async def load(self) -> bool:
        path = self.settings.parameters.uri
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        (given,) = payload.inputs
        (taken,) = self._session.get_inputs()
        batch = NumpyCodec.decode_input(given).reshape(given.shape)
        (logits,) = self._session.run(None, {taken.name: np.ascontiguousarray(batch)})
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[NumpyCodec.encode_output(name="logits", payload=logits)],
        )
