// Compiled with AVX-512 F, BW, DQ and VL: 32 registers hold 11 x 2 accumulators.
#define MMK_NAMESPACE avx512
#define MMK_NAME "avx512"
#define MMK_LANES 16
#define MMK_TILE_ROWS 11
#define MMK_TILE_VECTORS 2
#define MMK_CACHED_DEPTH 4096
#include "tile_kernels_body.hpp"
