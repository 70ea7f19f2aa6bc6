"""How ONNX Runtime is told to run: quietly, with threads that sleep, and with an end to the memory that it takes."""

from __future__ import annotations

import logging
from functools import lru_cache
from types import ModuleType
from typing import Any

logger = logging.getLogger("fer_edge")

MOST_MEMORY = 2 << 30
"""Bytes that all networks of the process may take together for weights and tensors: half of a Jetson Nano's memory. With
the largest network of docs/table1.md and eight faces the process has 0.6 GB."""

DISABLED = ["ConstantFolding"]
"""It runs parts of a network while that is loaded, up to 1.20 outside of the limit on memory: 12 GB for a file of 100 bytes.
It makes none of our networks faster."""

_QUIET = 3  # ONNX Runtime's severity "error": its warnings would land on the standard error of the user's program.


def session_options(runtime: ModuleType, threads: int) -> Any:
    """Return the ``SessionOptions`` for a network of which one operation may use so many threads."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _QUIET
    # Releases that do not know the entry ignore it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Otherwise a file may say that it is of another format, which nobody has looked into.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if _pool_is_limited(runtime):
        options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@lru_cache(maxsize=None)
def _pool_is_limited(runtime: ModuleType) -> bool:
    """Make the pool of memory that all sessions of the process share, and that has an end; False where that is not known."""
    try:
        memory = runtime.OrtMemoryInfo(
            "Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT
        )
        pool = runtime.OrtArenaCfg(MOST_MEMORY, -1, -1, -1)
        runtime.create_and_register_allocator(memory, pool)
    except AttributeError:
        return False
    except RuntimeError:
        logger.debug("somebody else in this process has made ONNX Runtime's pool of memory")
    return True
