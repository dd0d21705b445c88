// Compiled with AVX2 and FMA: 16 registers hold 6 x 2 accumulators.
#define MMK_NAMESPACE avx2
#define MMK_NAME "avx2"
#define MMK_LANES 8
#define MMK_TILE_ROWS 6
#define MMK_TILE_VECTORS 2
#include "tile_kernels_body.hpp"
