// Compiled with AVX2 and FMA: 16 registers hold 6 x 2 accumulators. A tile takes twelve such
// blocks, which find 24 KiB of its two panels in the first-level cache.
#define MMK_NAMESPACE avx2
#define MMK_NAME "avx2"
#define MMK_LANES 8
#define MMK_TILE_ROWS 6
#define MMK_TILE_VECTORS 2
#define MMK_CACHED_DEPTH 96
#include "tile_kernels_body.hpp"
