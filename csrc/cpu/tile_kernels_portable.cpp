// Compiled for the plain architecture (SSE2 on x86-64, NEON on ARM): 128-bit vectors.
#define MMK_NAMESPACE portable
#define MMK_NAME "portable"
#define MMK_LANES 4
#define MMK_TILE_ROWS 4
#define MMK_TILE_VECTORS 2
#define MMK_CACHED_DEPTH 96
#include "tile_kernels_body.hpp"
