"""faiss: exhaustive inner-product search over unit rows."""

from __future__ import annotations

import numpy as np

from .peer import Peer
from .problem import NEIGHBORS, shared

# A wheel chooses its own instructions by FAISS_SIMD_LEVEL at run time (older ones by
# FAISS_OPT_LEVEL when loaded), and the OpenBLAS in it by OPENBLAS_CORETYPE. The rest holds the
# products of torch, which are part of the limit.
HELD_TO_AVX2 = {
    "FAISS_SIMD_LEVEL": "AVX2",
    "FAISS_OPT_LEVEL": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
AVX2_CORES = ("Haswell", "Zen")


def neighbors(rows: np.ndarray, k: int) -> np.ndarray:
    """(n, k) indices for (n, d) rows of unit length."""
    import faiss

    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    _, found = index.search(rows, k + 1)
    # A row is dropped by its number, wherever it stands; where it is missing, the last one goes.
    own = found == np.arange(len(rows))[:, None]
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(rows), k)


def mutual_knn(x: np.ndarray, y: np.ndarray) -> float:
    in_x, in_y = (
        neighbors(z / np.linalg.norm(z, axis=1, keepdims=True), NEIGHBORS) for z in (x, y)
    )
    return shared(in_x, in_y)


def not_held_to_avx2() -> str | None:
    """What runs wider instructions than AVX2 in spite of the environment, or None."""
    try:
        import faiss
    except ModuleNotFoundError:
        return None
    from threadpoolctl import threadpool_info

    dispatch = getattr(faiss, "SIMDConfig", None)
    chosen = dispatch.get_level_name() if dispatch else faiss.get_compile_options()
    if "AVX2" not in chosen or "AVX512" in chosen:
        return f"faiss runs {chosen}, not AVX2"
    for library in threadpool_info():
        core = library.get("architecture")
        if library["user_api"] == "blas" and core not in AVX2_CORES:
            return f"{library['prefix']} runs its kernels for {core}, not for AVX2"
    return None


PEER = Peer(
    name="faiss IndexFlatIP",
    distribution="faiss-cpu",
    computes="float32 products of unit rows by blocks, heaps; each pair met twice",
    operations={"mutual_knn": mutual_knn},
)
